"""
A walk through the old versions of a folder, one directory at a time. Steps of disk workers.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from txsyncthing.filesystem.order import ordered
from txsyncthing.filesystem.seam import Filesystem, Kind, Stat
from txsyncthing.versions.tag import parse

CHUNK = 1000  # items looked at together
MARKER = ".stfolder"


class Found(NamedTuple):
    """
    One file that is an old version.

    Flat, since a directory may have a hundred thousand: each object is one more for the cycle collector.
    """

    base: str
    when: float  # unix seconds at which it was put aside
    tagged: bool
    size: int
    modified: int  # nanoseconds, as is the next
    changed: int


class Listing(NamedTuple):
    """What is in one directory of versions; in order of the names."""

    files: dict[str, list[Found]]  # by origin
    directories: list[str]
    others: list[tuple[str, Stat]]  # symlinks and what nobody knows


def list_versions(versions: Filesystem, directory: str) -> Listing | None:
    """
    :returns: None for a directory that holds a folder: nothing in it is ours.
    :raises OSError: it cannot be read.
    """
    bases = versions.names(directory)
    if MARKER in bases:
        return None
    listing = Listing({}, [], [])
    for start in range(0, len(bases), CHUNK):
        some = bases[start : start + CHUNK]
        for base, stat in zip(some, versions.stats(directory, some), strict=True):
            if stat is None:
                continue
            if stat.kind is Kind.DIRECTORY:
                listing.directories.append(base)
            elif stat.kind is Kind.FILE:
                origin, found = as_version(base, stat)
                listing.files.setdefault(origin, []).append(found)
            else:
                listing.others.append((base, stat))
    return listing


def as_version(base: str, stat: Stat) -> tuple[str, Found]:
    """A version, and the base name of its file; without a time in its name, mtime is the time."""
    name = parse(base)
    tagged = name is not None
    origin, when = (base, stat.modified / 1e9) if name is None else name
    return origin, Found(base, when, tagged, stat.size, stat.modified, stat.changed)


def in_order(listing: Listing) -> Iterator[tuple[str, bool]]:
    """Origins and directories, so that whole paths come in order; True for directories."""
    names = [(origin, origin, False) for origin in listing.files]
    names += [(base + "/", base, True) for base in listing.directories]
    for _, name, is_directory in ordered(names):
        yield name, is_directory
