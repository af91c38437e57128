"""
Settings that only we have: ``txsyncthing.json`` beside ``config.xml``, which stays the official daemon's.

``{"folders": {"<folder id>": {"<section>": {...}}}}``. What we do not know in it stays as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

NAME = "txsyncthing.json"
MAX_BYTES = 16 * 1024 * 1024
FOLDERS = "folders"

Document = Mapping[str, Any]


class OwnDamaged(ValueError):
    """The file is not what it should be; the text says what. It is never replaced."""


def parse(data: bytes) -> Document:
    """
    :raises OwnDamaged: no JSON, or of another shape.
    """
    if len(data) > MAX_BYTES:
        raise OwnDamaged(f"larger than {MAX_BYTES} bytes")
    try:
        document = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        raise OwnDamaged(f"no JSON: {error}") from None
    if not isinstance(document, dict):
        raise OwnDamaged("must be one JSON object")
    folders = document.get(FOLDERS, {})
    if not isinstance(folders, dict):
        raise OwnDamaged(f"{FOLDERS!r} must be an object")
    for id, sections in folders.items():
        if not isinstance(sections, dict) or not all(
            isinstance(values, dict) for values in sections.values()
        ):
            raise OwnDamaged(f"{FOLDERS}/{id} must be an object of objects")
    return document


def text_of(document: Document) -> bytes:
    """The document as the file holds it."""
    return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"


def section(document: Document, folder: str, name: str) -> Mapping[str, Any]:
    """One section of a folder; empty if there is none."""
    found: Mapping[str, Any] = document.get(FOLDERS, {}).get(folder, {}).get(name, {})
    return found


def changed(document: Document, folder: str, name: str, values: Mapping[str, Any]) -> Document:
    """The same with these values in a section; others in it stay."""
    folders = dict(document.get(FOLDERS, {}))
    sections = dict(folders.get(folder, {}))
    sections[name] = {**sections.get(name, {}), **values}
    folders[folder] = sections
    return {**document, FOLDERS: folders}
