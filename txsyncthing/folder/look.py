"""
One item as it is on the disk now, for who asks why it is not in step. Workers' jobs; nothing is changed.
"""

from __future__ import annotations

from typing import NamedTuple

from txsyncthing.filesystem.seam import Filesystem, Kind, Stat, ThroughSymlink
from txsyncthing.ignore.lines import loader, read_lines
from txsyncthing.ignore.locate import Place, locate
from txsyncthing.ignore.pattern import BadPattern
from txsyncthing.vocabulary.name import base_name, join, parent, temporary_name

MAX_SIBLINGS = 100_000  # names of a directory among which other spellings are looked for


class Sight(NamedTuple):
    """
    What a look found.

    :ivar stat: of the item; None: there is none.
    :ivar target: of a symlink.
    :ivar temporary: of the unfinished download.
    :ivar through: a part of its path is a symlink.
    :ivar other_case: the same name in another spelling, which is there instead.
    :ivar error: why nothing can be said.
    :ivar place: the pattern that decides over it.
    """

    stat: Stat | None = None
    target: bytes = b""
    temporary: Stat | None = None
    through: bool = False
    other_case: str = ""
    error: str = ""
    place: Place | None = None


def look_at(filesystem: Filesystem, name: str) -> Sight:
    """A worker's job."""
    sight = Sight()
    try:
        place = locate(read_lines(filesystem), loader(filesystem), name)
        sight = sight._replace(place=place)
    except (OSError, UnicodeError, BadPattern):
        pass  # no patterns, or none that count
    try:
        stat = _stat(filesystem, name)
        if stat is not None and stat.kind is Kind.SYMLINK:
            sight = sight._replace(target=filesystem.read_link(name))
        temporary = _stat(filesystem, temporary_name(name))
        sight = sight._replace(stat=stat, temporary=temporary)
        if stat is None:
            sight = sight._replace(other_case=_other_case(filesystem, name))
    except ThroughSymlink:
        sight = sight._replace(through=True)
    except OSError as error:
        sight = sight._replace(error=error.strerror or str(error))
    return sight


def _stat(filesystem: Filesystem, name: str) -> Stat | None:
    try:
        return filesystem.lstat(name)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _other_case(filesystem: Filesystem, name: str) -> str:
    base, directory = base_name(name), parent(name)
    try:
        siblings = filesystem.names(directory)[:MAX_SIBLINGS]
    except (FileNotFoundError, NotADirectoryError):
        return ""
    folded = base.casefold()
    found = (one for one in siblings if one != base and one.casefold() == folded)
    return join(directory, other) if (other := next(found, "")) else ""
