"""
Version vectors: which device changed a file how often, and which version is newer.

Source: reference 2.6 (BEP v1 "Vector"; lib/protocol/vector.go).
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

from txsyncthing.vocabulary.device import ShortID, short_text

_LARGEST = 2**64 - 1  # what the wire can carry; only a hostile peer gets a counter there


class Counter(NamedTuple):
    """How often one device changed a file (in fact at least its Unix time of the last change)."""

    id: ShortID
    value: int


class Order(Enum):
    """What two vectors are to each other, seen from the first."""

    EQUAL = "equal"
    GREATER = "greater"
    LESSER = "lesser"
    CONCURRENT_GREATER = "concurrent greater"
    CONCURRENT_LESSER = "concurrent lesser"


class Vector(NamedTuple):
    """Counters in ascending order of id; a missing counter is zero. Hashable, comparable with ==."""

    counters: tuple[Counter, ...] = ()

    @classmethod
    def of(cls, counters: Iterable[tuple[int, int]]) -> Vector:
        """Any counters, sorted; of two with one id the larger value stays."""
        best: dict[int, int] = {}
        for id, value in counters:
            best[id] = max(value, best.get(id, 0))
        return cls(tuple(Counter(ShortID(id), value) for id, value in sorted(best.items())))

    def value(self, id: ShortID) -> int:
        return next((counter.value for counter in self.counters if counter.id == id), 0)

    def bump(self, id: ShortID, now: int) -> Vector:
        """
        A new local version: the own counter becomes max(old + 1, now).

        :param now: Unix seconds; without it our counters would lose against other devices' forever.
        """
        value = min(max(self.value(id) + 1, now), _LARGEST)
        return Vector.of([*(c for c in self.counters if c.id != id), (id, value)])

    def merge(self, other: Vector) -> Vector:
        """The smallest vector that is at least both."""
        return Vector.of([*self.counters, *other.counters])

    def drop_others(self, id: ShortID) -> Vector:
        """Only the own counter, so that the version may be concurrent to all others."""
        return Vector(tuple(c for c in self.counters if c.id == id))

    def compare(self, other: Vector) -> Order:
        """
        Compare; among concurrent vectors the first counter that differs (lowest id) decides the
        direction, so that all devices agree on it.
        """
        if self.counters == other.counters:
            return Order.EQUAL
        mine, theirs = dict(self.counters), dict(other.counters)
        first = Order.EQUAL
        more = less = False
        for id in sorted(mine.keys() | theirs.keys()):
            a, b = mine.get(id, 0), theirs.get(id, 0)
            if a > b:
                more = True
                first = Order.CONCURRENT_GREATER if first is Order.EQUAL else first
            elif a < b:
                less = True
                first = Order.CONCURRENT_LESSER if first is Order.EQUAL else first
        if more and less:
            return first
        if more:
            return Order.GREATER
        return Order.LESSER if less else Order.EQUAL

    def covers(self, other: Vector) -> bool:
        """Whether this version knows all of the other: equal or greater."""
        return self.compare(other) in (Order.EQUAL, Order.GREATER)

    def concurrent(self, other: Vector) -> bool:
        return self.compare(other) in (Order.CONCURRENT_GREATER, Order.CONCURRENT_LESSER)

    def __str__(self) -> str:
        return "{" + ", ".join(self.texts()) + "}"

    def texts(self) -> list[str]:
        """``SHORT:value`` for each counter, as REST shows it."""
        return [f"{short_text(counter.id)}:{counter.value}" for counter in self.counters]
