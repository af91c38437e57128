"""
The items in the root of a folder that our records tell of.
"""

from __future__ import annotations

from typing import NamedTuple

from txsyncthing.index.reader import FolderReader
from txsyncthing.vocabulary.file import LocalFlag
from txsyncthing.vocabulary.name import WireName

_NEXT = (
    "SELECT name FROM local WHERE name > ? AND NOT deleted"
    f" AND local_flags & {LocalFlag.IGNORED.value} = 0 ORDER BY name LIMIT 1"
)


class Tops(NamedTuple):
    """
    Some of them.

    :ivar next: after which name the others come; empty: these are the last.
    """

    names: tuple[WireName, ...] = ()
    next: str = ""


def top_names(reader: FolderReader, after: str, limit: int) -> Tops:
    """What is there by our records and lies in the root itself; what is below is stepped over."""
    names: dict[WireName, None] = {}
    place = after
    while len(names) < limit:
        found = reader.connection.execute(_NEXT, (place,)).fetchone()
        if found is None:
            return Tops(tuple(names))
        top, below, _ = found[0].partition("/")
        names[WireName(top)] = None
        place = f"{top}/\U0010ffff" if below else top
    return Tops(tuple(names), place)
