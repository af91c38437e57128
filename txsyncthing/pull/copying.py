"""
Blocks that local files hold, on their way into a file that is being assembled. Workers' steps.

Every copied byte is hashed: before it is written, or, where the storage copies by itself, afterwards.

Source: reference 5.5 ("Block sources order", "copyRangeMethod").
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import NamedTuple

from txsyncthing.filesystem.seam import CopyMethod, Filesystem, ReadFile, WriteFile
from txsyncthing.vocabulary.block import BlockInfo
from txsyncthing.vocabulary.name import WireName

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Place(NamedTuple):
    """Where bytes may be copied from."""

    name: WireName
    offset: int


class Copier:
    """
    Copies blocks into files, for one job; files that it reads stay open until ``close``.

    :param methods: of the storage, tried one after the other; what none of them can is read and written.
    """

    def __init__(self, filesystem: Filesystem, methods: Sequence[CopyMethod] = ()) -> None:
        self._filesystem = filesystem
        self._methods = list(methods)
        self._opened: dict[str, ReadFile | None] = {}
        self._buffer = memoryview(b"")

    def close(self) -> None:
        """Done."""
        for source in self._opened.values():
            if source is not None:
                source.close()
        self._opened.clear()

    def copy(self, file: WriteFile, block: BlockInfo, places: Iterable[tuple[str, int]]) -> bool:
        """
        Copy from the first place that really has the bytes; says whether there is one.

        :raises OSError: they cannot be written.
        """
        if block.size > len(self._buffer):
            self._buffer = memoryview(bytearray(block.size))
        view = self._buffer[: block.size]
        for name, offset in places:
            source = self._source(name)
            if source is None:
                continue
            if self._by_storage(file, source, offset, block):
                if file.readinto(view, block.offset) == block.size and _fits(view, block):
                    return True
                continue
            try:
                found = source.readinto(view, offset)
            except OSError:
                continue
            if found == block.size and _fits(view, block):
                file.write(view, block.offset)
                return True
        return False

    def _source(self, name: str) -> ReadFile | None:
        if name not in self._opened:
            try:
                self._opened[name] = self._filesystem.open(name)
            except OSError:
                self._opened[name] = None
        return self._opened[name]

    def _by_storage(self, file: WriteFile, source: ReadFile, offset: int, block: BlockInfo) -> bool:
        for method in tuple(self._methods):
            try:
                file.copy_range(source, method, offset, block.offset, block.size)
            except OSError as error:
                if error.errno in _FULL:
                    raise
                if (
                    error.errno != errno.EINVAL
                ):  # which says it of these bytes: the end of a file, say
                    self._methods.remove(method)
            else:
                return True
        return False


def _fits(view: memoryview, block: BlockInfo) -> bool:
    return sha256(view).digest() == block.hash
