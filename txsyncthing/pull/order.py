"""
In which order files are fetched.

Source: reference 5.5 ("Order"), 6.2 (``order``).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from heapq import merge
from itertools import islice
from typing import NamedTuple, TypeVar

from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import PullOrder
from txsyncthing.vocabulary.name import WireName

Key = Callable[[FileInfo], int]
T = TypeVar("T")

_KEYS: dict[PullOrder, Key] = {
    PullOrder.SMALLEST_FIRST: lambda file: file.size,
    PullOrder.LARGEST_FIRST: lambda file: -file.size,
    PullOrder.OLDEST_FIRST: lambda file: file.modified,
    PullOrder.NEWEST_FIRST: lambda file: -file.modified,
}


class Queued(NamedTuple):
    """One file that waits; sorts as it is to be pulled."""

    key: int
    name: WireName
    devices: tuple[DeviceID, ...] = ()


class Waiting:
    """
    Files that wait until all are known. Neither what is added nor what is taken costs more for there being
    many: to sort a million at once would keep every thread waiting.
    """

    def __init__(self) -> None:
        self._sorted: list[list[Queued]] = []

    def add(self, page: Iterable[Queued]) -> None:
        """Some more, a page of bounded size."""
        self._sorted.append(sorted(page))

    def pages(self, size: int) -> Iterator[list[Queued]]:
        """All of them in order, so many at a time; to be asked once."""
        pages, self._sorted = self._sorted, []
        return cut(merge(*pages), size)


def cut(items: Iterable[T], size: int) -> Iterator[list[T]]:
    """So many of them at a time."""
    rest = iter(items)
    while some := list(islice(rest, size)):
        yield some


def sorting_key(order: PullOrder) -> Key | None:
    """What files are sorted by; None for the orders that need not know all files first."""
    return _KEYS.get(order)


def shuffled(items: Sequence[T], random: Callable[[], float]) -> list[T]:
    """In random order (Fisher-Yates)."""
    result = list(items)
    for end in range(len(result) - 1, 0, -1):
        other = int(random() * (end + 1))
        result[end], result[other] = result[other], result[end]
    return result
