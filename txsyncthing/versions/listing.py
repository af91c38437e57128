"""
What old versions there are, file by file in order of their paths.

Source: reference 5.7 ("Listing").
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.versions.place import look
from txsyncthing.versions.walk import in_order, list_versions
from txsyncthing.vocabulary.name import is_temporary, join


class Listed(NamedTuple):
    """One version."""

    when: float  # unix seconds at which it was put aside
    modified: int  # nanoseconds
    size: int


class FileVersions(NamedTuple):
    """All versions of one file, the newest first."""

    path: str
    versions: list[Listed]


def file_versions(versions: Filesystem) -> Iterator[FileVersions]:
    """
    All of them. Names that are no UTF-8 are left out: no folder has them.

    :raises OSError: the root of the versions cannot be read; what else cannot be read is left out.
    """
    if look(versions, "") is None:
        return
    open_directories = [_entries(versions, "")]
    while open_directories:
        entry = next(open_directories[-1], None)
        if entry is None:
            open_directories.pop()
        elif isinstance(entry, FileVersions):
            yield entry
        else:
            open_directories.append(_below(versions, entry))


def _below(versions: Filesystem, directory: str) -> Iterator[FileVersions | str]:
    try:
        yield from _entries(versions, directory)
    except OSError:
        return


def _entries(versions: Filesystem, directory: str) -> Iterator[FileVersions | str]:
    """What is in a directory: a text is a directory below it."""
    listing = list_versions(versions, directory)
    if listing is None:
        return
    for base, is_directory in in_order(listing):
        path = join(directory, base)
        if not _is_text(base):
            continue
        if is_directory:
            yield path
        elif not is_temporary(base):
            found = sorted(listing.files[base], key=lambda one: -one.when)
            yield FileVersions(path, [Listed(one.when, one.modified, one.size) for one in found])


def _is_text(base: str) -> bool:
    return base.isascii() or not any("\ud800" <= letter <= "\udfff" for letter in base)
