"""
Python's collector of cycles, kept from stopping the reactor.

A look at each object of the process takes half a microsecond, and no thread runs meanwhile: what there was
when the node began is never looked at again, what is new in small portions, and all that has grown old only
here, while it is little.
"""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Protocol

from twisted.application.service import Service

from txsyncthing.clock import Clock, Timer

PERIOD = 600.0  # seconds between two looks at what has grown old
LITTLE = 40_000  # objects: a pause of 20 ms
PATIENCE = 6  # periods, an hour: then it has to be, however much it is

YOUNG = 2_000  # more objects than before, until the young are looked at: some 8,000 of them
MIDDLE = 4  # looks at the young until those that outlived one are looked at as well
NEVER = 1 << 30


class Collector(Protocol):
    """The module ``gc``."""

    def collect(self, generation: int = 2) -> int: ...

    @property
    def get_objects(self) -> Callable[..., list[object]]: ...

    def freeze(self) -> None: ...

    @property
    def set_threshold(self) -> Callable[..., None]: ...


def calm_collector(collector: Collector = gc) -> None:
    """For when all is imported and built, before the reactor runs."""
    collector.collect()
    collector.freeze()
    collector.set_threshold(YOUNG, MIDDLE, NEVER)


class CollectorService(Service):
    """
    Looks at the old objects from time to time, as nobody else does.

    In a scan or a pull of a hundred thousand files they may be a million, and a moment later few again.
    """

    def __init__(self, clock: Clock, collector: Collector = gc) -> None:
        self._clock = clock
        self._collector = collector
        self._timer: Timer | None = None
        self._put_off = 0  # looks in a row

    def startService(self) -> None:
        self.running = True
        self._timer = self._clock.callLater(PERIOD, self._look)

    def stopService(self) -> None:
        self.running = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = self._clock.callLater(PERIOD, self._look)
        little = len(self._collector.get_objects(2)) <= LITTLE
        if little or self._put_off == PATIENCE:
            self._put_off = 0
            self._collector.collect()
        else:
            self._put_off += 1
