"""
Local files with the sequence numbers that the index gave them.

Source: reference 2.5 ("Order").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import overload

from txsyncthing.vocabulary.file import FileInfo

_SEQUENCE = FileInfo._fields.index("sequence")


class Numbered(Sequence[FileInfo]):
    """
    A batch of files, numbered in its order. Each is made when it is looked at: most listeners do not look.

    :param first: the sequence of the first file.
    """

    def __init__(self, files: Sequence[FileInfo], first: int) -> None:
        self._files = files
        self._first = first

    def __len__(self) -> int:
        return len(self._files)

    def __iter__(self) -> Iterator[FileInfo]:
        # Several times as fast as _replace.
        for sequence, file in enumerate(self._files, self._first):
            yield FileInfo._make((*file[:_SEQUENCE], sequence, *file[_SEQUENCE + 1 :]))

    @overload
    def __getitem__(self, index: int) -> FileInfo: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[FileInfo]: ...
    def __getitem__(self, index: int | slice) -> FileInfo | Sequence[FileInfo]:
        if isinstance(index, slice):
            return list(self)[index]
        number = range(len(self._files))[index]
        return self._files[number]._replace(sequence=self._first + number)
