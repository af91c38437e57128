"""
Names of items: what may come over the wire, and the names that Syncthing itself makes.

A WireName is relative to the folder, NFC, with ``/`` between its parts. On Linux the name on disk is the
same text in UTF-8.

Source: reference 2.6 (index validation), 5.5 (temporary names), 5.6 (conflict names), 5.8 (internal names).
"""

from __future__ import annotations

import re
from datetime import datetime
from hashlib import sha256
from typing import NewType

from txsyncthing.vocabulary.device import ShortID, short_text

WireName = NewType("WireName", str)

INTERNAL_NAMES = frozenset({".stfolder", ".stignore", ".stversions"})
_TEMPORARY_PREFIXES = (".syncthing.", "~syncthing~")
_TEMPORARY_SUFFIX = ".tmp"
_LONG_BASE = 145  # bytes; a longer base name is hashed
_CONFLICT_TAG = re.compile(r"\.sync-conflict-[0-9]{8}-[0-9]{6}(?:-[A-Z2-7]{7})?")
MAX_COMPONENT = 255  # bytes, of Linux's file systems


class BadName(ValueError):
    """A name that no honest peer sends; hang up."""


def check_name(name: str) -> WireName:
    """
    Let a name from the wire through if it is canonical.

    :raises BadName: empty, absolute, with ``.``, ``..`` or empty parts, or with a NUL.
    """
    if not name or name[0] == "/" or "\0" in name:
        raise BadName(f"name {name!r} is empty, absolute or has a NUL")
    if "." not in name and "//" not in name and name[-1] != "/":
        return WireName(name)
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise BadName(f"name {name!r} is not canonical")
    return WireName(name)


def base_name(name: str) -> str:
    return name[name.rfind("/") + 1 :]


def parent(name: str) -> str:
    """The directory that holds an item; empty for the folder's root."""
    cut = name.rfind("/")
    return name[:cut] if cut > 0 else ""


def join(directory: str, base: str) -> WireName:
    return WireName(f"{directory}/{base}" if directory else base)


def extension(base: str) -> str:
    """From the last dot on, dot-files included: ``.bashrc`` is all extension, as Go has it."""
    dot = base.rfind(".")
    return base[dot:] if dot >= 0 else ""


def is_internal(name: str) -> bool:
    """Whether the item is Syncthing's own and never synced: the marker, the ignores, the versions."""
    return name.split("/", 1)[0] in INTERNAL_NAMES


def is_temporary(name: str) -> bool:
    """Whether the name is kept for unfinished downloads: such items are never synced."""
    return base_name(name).startswith(_TEMPORARY_PREFIXES)


def is_leftover(name: str) -> bool:
    """Whether the item is an unfinished download: when it is old, it may be removed."""
    return is_temporary(name) and name.endswith(_TEMPORARY_SUFFIX)


def temporary_name(name: str) -> WireName:
    """Where a file is assembled: beside its place, under a name that each peer knows as temporary."""
    base = base_name(name)
    if len(base.encode()) > _LONG_BASE:
        base = sha256(base.encode()).hexdigest()
    return join(parent(name), f"{_TEMPORARY_PREFIXES[0]}{base}{_TEMPORARY_SUFFIX}")


def is_conflict(name: str) -> bool:
    """Whether the item already is a conflict copy."""
    return ".sync-conflict-" in base_name(name)


def conflict_name(name: str, when: datetime, by: ShortID) -> WireName:
    """
    What the loser of a conflict is called.

    :param when: local time of the renaming.
    :param by: who made the version that wins.
    """
    base = base_name(name)
    ending = extension(base)
    stem = base[: len(base) - len(ending)]
    tag = f".sync-conflict-{when:%Y%m%d-%H%M%S}-{short_text(by)}"
    return join(parent(name), f"{stem}{tag}{ending}")


def is_conflict_of(candidate: str, name: str) -> bool:
    """Whether ``candidate`` is a conflict copy of ``name`` (both with directory)."""
    if parent(candidate) != parent(name):
        return False
    base, other = base_name(name), base_name(candidate)
    ending = extension(base)
    stem = base[: len(base) - len(ending)]
    tag = other[len(stem) : len(other) - len(ending)]
    return (
        other.startswith(stem)
        and other.endswith(ending)
        and _CONFLICT_TAG.fullmatch(tag) is not None
    )


def conflict_origin(name: WireName) -> WireName:
    """The name of the file of which ``name`` is a conflict copy; ``name`` itself if it is none."""
    base = base_name(name)
    for tag in reversed(list(_CONFLICT_TAG.finditer(base))):
        if origin := base[: tag.start()] + base[tag.end() :]:
            return join(parent(name), origin)
    return name
