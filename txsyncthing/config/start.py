"""
What a value starts from before a file or a client says more.

Source: reference 6 (Go's SetDefaults), 12.1.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any, TypeVar

from txsyncthing.config.config import Defaults
from txsyncthing.config.entry import layout
from txsyncthing.config.scalar import item, kinds, nested, zero
from txsyncthing.config.size import Size

T = TypeVar("T")

SHOWN_VERSION = 37  # the least whose fields clients see, whatever the file's version


def start(value: type[T], version: int, *, empty: bool = False) -> T:
    """
    A value of which nothing is said: the defaults of that version or, with ``empty``, nothing.

    Fields that the version does not know have their defaults in any case; so do lists.
    """
    types = kinds(value)
    made: dict[str, Any] = {}
    for column in layout(value):
        kind, entry = types[column.field], column.entry
        absent = empty and entry.known(version)
        if item(kind) is not None or not nested(kind):
            stays = item(kind) is not None or not absent
            made[column.field] = entry.default(column.default, version) if stays else zero(kind)
        elif kind is Size:
            made[column.field] = Size() if absent else column.default
        else:
            made[column.field] = start(kind, version, empty=absent)
    if value is Defaults:
        made["folder"] = replace(made["folder"], path="~")
    return value(**made)


def blank(current: T, version: int) -> T:
    """The defaults, but with what clients are not shown as it is now."""
    kept = {
        column.field: getattr(current, column.field)
        for column in layout(type(current))
        if not column.entry.known(max(version, SHOWN_VERSION))
    }
    return replace(start(type(current), version), **kept)  # type: ignore[type-var]
