"""
Entries: how one field of a value is called in config.xml and in JSON, and who knows it.

Each value of this room is a frozen dataclass whose fields are made by ``attribute`` or ``element``;
``layout`` reads the table back. The XML and JSON forms follow from the table alone.

Source: reference 6.2 to 6.4 (lib/config: the tags of the structures).
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from enum import Enum
from functools import cache
from typing import Any, NewType, TypeVar

T = TypeVar("T")

Timestamp = NewType("Timestamp", str)
"""A time as RFC 3339 text, kept as it came."""

FilesystemType = NewType("FilesystemType", str)
"""How a directory is reached; ``basic`` is the disk, and what an empty text means."""

BASIC = FilesystemType("basic")

FOREVER = 1_000_000
"""Later than each version of the configuration."""


class Place(Enum):
    """Where in the XML a field stands."""

    ATTRIBUTE = "attribute"
    ELEMENT = "element"


@dataclass(frozen=True, slots=True)
class Entry:
    """
    The outside of one field.

    ``since`` and ``until`` are the first and last version of the configuration that knows it; ``earlier``
    is what its default was before version ``changed``. With ``omit_empty`` an empty value is not written;
    ``stated`` tells that an absent list means the default and not none. Up to version ``whole_until`` only
    whole numbers are understood.
    """

    name: str
    json: str
    place: Place
    since: int = 0
    until: int = FOREVER
    omit_empty: bool = False
    earlier: object = None
    changed: int = 0
    stated: bool = False
    whole_until: int = -1

    def default(self, default: Any, version: int) -> Any:
        """What an absent value means where absent means the default."""
        return self.earlier if version < self.changed else default

    def known(self, version: int) -> bool:
        """Whether the official daemons of this version know it."""
        return self.since <= version <= self.until


def attribute(
    default: T,
    name: str,
    *,
    json: str = "",
    since: int = 0,
    until: int = FOREVER,
    omit_empty: bool = False,
    whole_until: int = -1,
) -> T:
    """A field that is an XML attribute; ``json`` only where the key is another name."""
    entry = Entry(
        name, json or name, Place.ATTRIBUTE, since, until, omit_empty, whole_until=whole_until
    )
    return field(default=default, metadata={"entry": entry})


def element(
    default: T,
    name: str,
    *,
    json: str = "",
    since: int = 0,
    until: int = FOREVER,
    omit_empty: bool = False,
    earlier: T | None = None,
    changed: int = 0,
    stated: bool = False,
) -> T:
    """A field that is an XML element; a tuple is one element for each item."""
    entry = Entry(
        name, json or name, Place.ELEMENT, since, until, omit_empty, earlier, changed, stated
    )
    return field(default=default, metadata={"entry": entry})


@dataclass(frozen=True, slots=True)
class Column:
    """One line of a value's table: the Python field and its outside."""

    field: str
    default: Any
    entry: Entry


def layout(value: Any) -> tuple[Column, ...]:
    """The table of a value's class, in the official order."""
    return _layout(value)


@cache
def _layout(value: Any) -> tuple[Column, ...]:
    return tuple(
        Column(item.name, item.default, item.metadata["entry"])
        for item in fields(value)
        if "entry" in item.metadata
    )
