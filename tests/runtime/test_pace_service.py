"""Long work gives way."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock

from txsyncthing.runtime.pace_service import TURN, Pace


class SlowClock(Clock):
    """All calls come later by a second, so that each turn is seen."""

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> IDelayedCall:
        return super().callLater(delay + 1.0, callable, *args, **kw)


class Work:
    """Pieces that take a while each."""

    def __init__(self, pieces: int, seconds: float) -> None:
        self.clock = SlowClock()
        self.done: list[int] = []
        self.pace = Pace(self.clock)
        self.over = Deferred.fromCoroutine(self._all(pieces, seconds))

    async def _all(self, pieces: int, seconds: float) -> None:
        for number in range(pieces):
            await self.pace.step()
            self.clock.rightNow += seconds
            self.done.append(number)


def test_little_work_is_done_at_once() -> None:
    work = Work(100, TURN / 200)
    assert len(work.done) == 100
    assert work.over.called
    assert work.clock.getDelayedCalls() == []


def test_others_have_their_turn_in_much_work() -> None:
    work = Work(100, TURN / 3.5)
    counts = [len(work.done)]
    while not work.over.called:
        work.clock.advance(1)
        counts.append(len(work.done) - sum(counts))
    assert max(counts) == 4
    assert work.done == list(range(100))


def test_cancelled_work_leaves_no_timer() -> None:
    work = Work(100, TURN)
    work.over.addErrback(lambda failure: failure.trap(CancelledError))
    work.over.cancel()
    assert work.clock.getDelayedCalls() == []
