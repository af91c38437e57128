"""Long work gives way."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock

from txsyncthing.runtime.pace_service import TURN, Pace, Turns


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


class Jobs:
    """Jobs that come at once and take a while each."""

    def __init__(self, count: int, seconds: float) -> None:
        self.clock = SlowClock()
        self.done: list[int] = []
        self.turns = Turns(self.clock)
        for number in range(count):
            self.turns.do(lambda number=number: self._job(number, seconds))  # type: ignore[misc]

    def _job(self, number: int, seconds: float) -> None:
        self.clock.rightNow += seconds
        self.done.append(number)


def test_jobs_that_come_at_once_are_spread_over_turns_in_their_order() -> None:
    jobs = Jobs(50, TURN / 3.5)
    counts = [len(jobs.done)]
    while len(jobs.done) < 50:
        jobs.clock.advance(1)
        counts.append(len(jobs.done) - sum(counts))
    assert max(counts) == 4
    assert jobs.done == list(range(50))
    jobs.clock.advance(1)
    jobs.clock.advance(1)
    assert jobs.clock.getDelayedCalls() == []


def test_a_job_that_comes_alone_is_done_at_once() -> None:
    jobs = Jobs(1, 1.0)
    assert jobs.done == [0]
    jobs.clock.advance(2)
    jobs.turns.do(lambda: jobs.done.append(1))
    assert jobs.done == [0, 1]


def test_a_job_that_asks_for_another_does_not_overtake() -> None:
    jobs = Jobs(3, TURN)
    jobs.turns.do(lambda: jobs.turns.do(lambda: jobs.done.append(5)))
    jobs.turns.do(lambda: jobs.done.append(4))
    for _ in range(10):
        jobs.clock.advance(1)
    assert jobs.done == [0, 1, 2, 4, 5]


def test_what_waits_at_the_end_is_done_at_once() -> None:
    jobs = Jobs(5, TURN)
    jobs.turns.close()
    assert jobs.done == list(range(5))
    jobs.turns.do(lambda: jobs.done.append(5))
    assert jobs.done == list(range(6))
    assert jobs.clock.getDelayedCalls() == []
