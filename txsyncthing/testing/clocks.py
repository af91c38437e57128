"""A clock for many nodes: what Twisted's ``Clock`` does, on a heap."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush

from twisted.internet.error import AlreadyCalled, AlreadyCancelled


class Call:
    """One pending call; satisfies ``Timer``."""

    __slots__ = ("_clock", "args", "call", "cancelled", "done", "number", "time")

    def __init__(
        self,
        clock: HeapClock,
        time: float,
        number: int,
        call: Callable[..., object],
        args: tuple[object, ...],
    ) -> None:
        self._clock = clock
        self.time = time
        self.number = number
        self.call = call
        self.args = args
        self.done = False
        self.cancelled = False

    def __lt__(self, other: Call) -> bool:
        return (self.time, self.number) < (other.time, other.number)

    def getTime(self) -> float:
        return self.time

    def active(self) -> bool:
        return not (self.done or self.cancelled)

    def cancel(self) -> None:
        if self.done:
            raise AlreadyCalled
        if self.cancelled:
            raise AlreadyCancelled
        self.cancelled = True
        self._clock.cancelled()


class HeapClock:
    """
    Satisfies ``Clock``. Calls of one time come in the order in which they were asked for.

    Time moves only in ``run``, from call to call.
    """

    def __init__(self) -> None:
        self._now = 0.0
        self._calls: list[Call] = []
        self._numbers = 0
        self._cancelled = 0

    def seconds(self) -> float:
        return self._now

    def callLater(self, delay: float, callable: Callable[..., object], /, *args: object) -> Call:
        self._numbers += 1
        call = Call(self, self._now + max(delay, 0.0), self._numbers, callable, args)
        heappush(self._calls, call)
        return call

    def getDelayedCalls(self) -> list[Call]:
        """What is still to come, in order."""
        return sorted(call for call in self._calls if call.active())

    def run(self, seconds: float) -> None:
        """Let time pass."""
        end = self._now + seconds
        calls = self._calls
        while calls and calls[0].time <= end:
            call = heappop(calls)
            if call.cancelled:
                self._cancelled -= 1
                continue
            self._now = max(self._now, call.time)
            call.done = True
            call.call(*call.args)
        self._now = end

    def cancelled(self) -> None:
        """One call less: those that are dead go when they are many."""
        self._cancelled += 1
        if self._cancelled > 200 and self._cancelled > len(self._calls) // 2:
            self._calls[:] = [call for call in self._calls if not call.cancelled]
            heapify(self._calls)
            self._cancelled = 0
