"""
Workers whose jobs take time: between any two operations of a job other things happen, or the process dies.

A job runs on a greenlet of its own, so that it can stand still without a thread. What the random numbers say
decides when; with the same ones all happens alike.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import partial
from random import Random
from typing import NamedTuple, ParamSpec, TypeVar

from greenlet import getcurrent, greenlet
from twisted.internet.defer import Deferred, execute, succeed
from twisted.python.failure import Failure

from txsyncthing.runtime.worker_service import Lane, OwnLane
from txsyncthing.testing.process import Killed, Process

P = ParamSpec("P")
T = TypeVar("T")

DISK = 8  # jobs at the same time, as in ``runtime.worker_service``
CORES = 2


class Job(greenlet):
    """What a worker does, able to stand still."""


class Tempo(NamedTuple):
    """
    How long the jobs of a process take; the default is no time at all.

    ``late``: the share of jobs that begin later than they could. ``pauses``: the share of a job's
    operations before which it stands still. ``longest``: seconds, of both.
    """

    late: float = 0.0
    pauses: float = 0.0
    longest: float = 0.0


class Pace:
    """Where all jobs of one process get their times from."""

    def __init__(self, process: Process, tempo: Tempo, random: Random) -> None:
        self.process = process
        self.tempo = tempo
        self._random = random
        self._standing: dict[Job, str] = {}
        self._peeking = False
        self.pauses = 0  # how many there were
        process.at_end(self._end)

    @contextmanager
    def peeking(self) -> Iterator[None]:
        """Jobs that are asked for inside are done at once, before those that wait: for whoever looks on."""
        before, self._peeking = self._peeking, True
        try:
            yield
        finally:
            self._peeking = before

    @property
    def peeks(self) -> bool:
        return self._peeking

    @property
    def standing(self) -> Collection[str]:
        """The operations that jobs are about to do."""
        return self._standing.values()

    def late(self) -> bool:
        return bool(self.tempo.late) and self._random.random() < self.tempo.late

    def wait(self) -> float:
        """Mostly short, at times long."""
        longest = self.tempo.longest
        return longest * self._random.random() * self._random.choice((0.001, 0.01, 0.1, 1.0))

    def step(self, operation: str, name: str) -> None:
        """
        A job is about to touch the disk: stand still, if it comes to that.

        :raises Killed: the process is no more.
        """
        self.process.step()
        job = getcurrent()
        if not isinstance(job, Job):
            return
        if self._random.random() < self.tempo.pauses:
            self.pauses += 1
            self._standing[job] = operation
            self.process.callLater(self.wait(), self.go_on, job)
            assert job.parent is not None
            job.parent.switch()
            if not self.process.alive:
                raise Killed

    def go_on(self, job: Job) -> None:
        """Let a job run until it stands still or is over; then do what it leaves to be done."""
        self._standing.pop(job, None)
        then = job.switch()
        if job.dead and then is not None:
            then()
        if not self.process.alive:
            self.process.bury()

    def _end(self) -> None:
        """The process is dead: unwind what stands still."""
        standing, self._standing = self._standing, {}
        for job in standing:
            job.throw(Killed)


class PacedLane:
    """
    A lane of some workers.

    :param width: jobs at the same time.
    :param whole: whether a job cannot stand still, as those of databases.
    """

    def __init__(self, pace: Pace, width: int, whole: bool) -> None:
        self._pace = pace
        self._width = width
        self._whole = whole
        self._running = 0
        self._waiting: deque[tuple[Callable[[], object], Deferred[object]]] = deque()
        self._unanswered: dict[Deferred[object], None] = {}
        self._closed: Deferred[None] | None = None

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        if self._pace.peeks:
            return execute(job, *args, **kwargs)
        done: Deferred[T] = Deferred()
        if self._pace.process.alive:
            self._unanswered[done] = None  # type: ignore[index]
            self._waiting.append((partial(job, *args, **kwargs), done))  # type: ignore[arg-type]
            self._start()
        else:
            self._pace.process.limbo.append(done)
        return done

    def close(self) -> Deferred[None]:
        if not self._running and not self._waiting:
            return succeed(None)
        self._closed = Deferred()
        return self._closed

    def _start(self) -> None:
        while self._waiting and self._running < self._width:
            job, done = self._waiting.popleft()
            self._running += 1
            if self._pace.late():
                self._pace.process.callLater(self._pace.wait(), self._begin, job, done)
            else:
                self._begin(job, done)

    def _begin(self, job: Callable[[], object], done: Deferred[object]) -> None:
        work = partial(self._work, job, done)
        if self._whole or not self._pace.tempo.pauses:
            if (then := work()) is not None:
                then()
            if not self._pace.process.alive:
                self._pace.process.bury()
        else:
            self._pace.go_on(Job(work))

    def _work(self, job: Callable[[], object], done: Deferred[object]) -> Callable[[], None] | None:
        """:returns: what the reactor has to do now; None: the process is dead."""
        try:
            if self._whole:
                self._pace.process.step()
            answer = partial(done.callback, job())
        except Killed:
            return None
        except BaseException:
            answer = partial(done.errback, Failure())
        return partial(self._over, done, answer)

    def _over(self, done: Deferred[object], answer: Callable[[], None]) -> None:
        self._running -= 1
        if self._pace.process.alive:
            del self._unanswered[done]
            answer()
        if self._pace.process.alive:
            self._start()
        closed = self._closed
        if closed is not None and not self._running and not self._waiting and not closed.called:
            closed.callback(None)


class PacedWorkers:
    """Satisfies ``Workers``."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._hashing = PacedLane(pace, CORES, whole=False)
        self._disk = PacedLane(pace, DISK, whole=False)

    @property
    def hashing(self) -> Lane:
        return self._hashing

    @property
    def disk(self) -> Lane:
        return self._disk

    def lane(self, name: str) -> OwnLane:
        return PacedLane(self._pace, 1, whole=True)
