"""
The kernel's events.

Source: inotify(7), inotify.h.
"""

from __future__ import annotations

from struct import Struct
from typing import NamedTuple

from txsyncthing.watch.told import Change

MODIFY = 0x2
ATTRIB = 0x4
CLOSE_WRITE = 0x8
MOVED_FROM = 0x40
MOVED_TO = 0x80
CREATE = 0x100
DELETE = 0x200
DELETE_SELF = 0x400
MOVE_SELF = 0x800
UNMOUNT = 0x2000
OVERFLOW = 0x4000
IGNORED = 0x8000
ONLY_DIRECTORY = 0x1000000
NO_UNLINKED = 0x4000000
IS_DIRECTORY = 0x40000000

MASK = (
    MODIFY
    | ATTRIB
    | CLOSE_WRITE
    | MOVED_FROM
    | MOVED_TO
    | CREATE
    | DELETE
    | DELETE_SELF
    | MOVE_SELF
    | ONLY_DIRECTORY
    | NO_UNLINKED
)
"""What we ask for; the same for each directory, since folders that overlap share their watches."""


class RawEvent(NamedTuple):
    """One event as the kernel gives it; the name holds surrogates where it is not UTF-8."""

    wd: int
    mask: int
    cookie: int
    name: str


_HEAD = Struct("=iIII")  # watch, mask, cookie, bytes of the name with its padding
_TEMPORARY = (b".syncthing.", b"~syncthing~")


def parse(data: bytes) -> list[RawEvent]:
    """
    Events as they were read, but for those of temporary files that are no renames: most of a pull's.

    :param data: whole events.
    """
    events = []
    place, end = 0, len(data)
    unpack = _HEAD.unpack_from
    while place < end:
        wd, mask, cookie, size = unpack(data, place)
        start = place + 16
        place = start + size
        if not size:
            events.append(RawEvent(wd, mask, cookie, ""))
        elif mask & (MOVED_FROM | MOVED_TO) or not data.startswith(_TEMPORARY, start):
            name = data[start : data.index(0, start)].decode("utf-8", "surrogateescape")
            events.append(RawEvent(wd, mask, cookie, name))
    return events


def change_of(mask: int) -> Change:
    """What happened to a file that was not renamed."""
    if mask & DELETE:
        return Change.REMOVED
    if mask & CLOSE_WRITE:
        return Change.WRITTEN
    if mask & (MODIFY | CREATE):
        return Change.WRITING
    return Change.TOUCHED
