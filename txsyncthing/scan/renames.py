"""
New files that are old ones under another name: recorded right before the deletion of the old name, so that
peers rename instead of fetching.

Source: reference 5.2 ("Rename detection"), 10.11.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import islice

from txsyncthing.vocabulary.file import CONFLICT_FLAGS, FileInfo
from txsyncthing.vocabulary.name import WireName


class Renames:
    """The files that are gone, by their content."""

    def __init__(self) -> None:
        self._by_content: dict[tuple[bytes, int], list[WireName]] = {}

    def add(self, gone: Iterable[FileInfo], sizes: Collection[int]) -> None:
        """
        :param gone: our records of items that are not on the disk any more.
        :param sizes: of the new files; others cannot be renamed ones.
        """
        for file in gone:
            if (
                file.is_file
                and file.size
                and file.size in sizes
                and not file.deleted
                and not file.local_flags & CONFLICT_FLAGS
            ):
                self._by_content.setdefault((file.blocks_hash, file.size), []).append(file.name)

    def take(self, new: FileInfo) -> WireName | None:
        """The old name of a new file, used up by this; None if there is none."""
        key = (new.blocks_hash, new.size)
        names = self._by_content.get(key)
        if not names:
            return None
        name = names.pop(0)
        if not names:
            del self._by_content[key]
        return name

    def __len__(self) -> int:
        return len(self._by_content)


def pages(names: Collection[str], size: int) -> Iterable[list[WireName]]:
    """The names in groups."""
    left = iter(names)
    while page := [WireName(name) for name in islice(left, size)]:
        yield page


def deletion(old: FileInfo, own: FileInfo) -> FileInfo:
    """
    The record of an item's deletion.

    :param own: gives who deletes, when (``modified``), and our counter (``version``).

    An item that only we had in this form (ignored, unsupported, changed in a receive-only folder) is
    deleted with an empty version: any other device's wins.
    """
    (counter,) = own.version.counters
    version = old.version.bump(counter.id, counter.value)
    if old.local_flags & CONFLICT_FLAGS:
        version = version._replace(counters=())
    deleted = old.as_deleted(own.modified_by, own.modified, version)
    return deleted._replace(local_flags=own.local_flags)


def deletions(files: Iterable[FileInfo], own: FileInfo) -> list[FileInfo]:
    """See ``deletion``; a worker's job, since a thousand take the reactor too long."""
    return [deletion(file, own) for file in files]
