"""Python's collector of cycles never looks at much at a time."""

from __future__ import annotations

from twisted.internet.task import Clock

from txsyncthing.node.collector_service import (
    LITTLE,
    PATIENCE,
    PERIOD,
    CollectorService,
    calm_collector,
)


class Heap:
    """A collector that notes what it is asked."""

    def __init__(self, old: int = 0) -> None:
        self.old = old
        self.done: list[str] = []

    def collect(self, generation: int = 2) -> int:
        self.done.append("collect")
        return 0

    def get_objects(self, generation: int) -> list[object]:
        assert generation == 2
        return [None] * self.old

    def freeze(self) -> None:
        self.done.append("freeze")
        self.old = 0

    def set_threshold(self, *thresholds: int) -> None:
        young, middle, all_of_it = thresholds
        # Each of these looks at the young of a few looks at most, and nothing ever at all.
        assert young * (middle + 1) < LITTLE
        assert all_of_it > 1_000_000
        self.done.append("thresholds")


def test_what_there_is_at_the_start_is_never_looked_at_again() -> None:
    heap = Heap()
    calm_collector(heap)
    assert heap.done == ["collect", "freeze", "thresholds"]


def test_what_has_grown_old_is_looked_at_while_it_is_little() -> None:
    clock, heap = Clock(), Heap(old=LITTLE)
    CollectorService(clock, heap).startService()
    clock.pump([PERIOD] * 3)
    assert heap.done == ["collect"] * 3


def test_while_there_is_much_nothing_is_looked_at() -> None:
    clock, heap = Clock(), Heap(old=1_000_000)
    CollectorService(clock, heap).startService()
    clock.pump([PERIOD] * PATIENCE)
    assert heap.done == []
    heap.old = 100
    clock.advance(PERIOD)
    assert heap.done == ["collect"]


def test_what_stays_much_is_looked_at_rarely() -> None:
    clock, heap = Clock(), Heap(old=LITTLE + 1)
    CollectorService(clock, heap).startService()
    clock.pump([PERIOD] * (PATIENCE + 1) * 3)
    assert heap.done == ["collect"] * 3


def test_it_stops() -> None:
    clock = Clock()
    service = CollectorService(clock, Heap())
    service.startService()
    service.stopService()
    assert clock.getDelayedCalls() == []
