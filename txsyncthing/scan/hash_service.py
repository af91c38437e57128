"""
Hashing as a line of jobs: some under way at once, their results taken in order.

Source: reference 5.2 ("Hashing").
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from twisted.internet.defer import Deferred

from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.runtime.worker_service import Lane
from txsyncthing.scan.hashing import Batch, Outcome, Part, Range, Stamp, join_parts, perform, plan
from txsyncthing.scan.values import Work

LIGHT = 64 * 1024  # bytes of an item on average; below, the interpreter is busy and not the hashing
SLOW = 250e-6  # seconds for such an item, above which the disk is what all wait for


class Hashed(NamedTuple):
    """Items with what became of each; ``size`` bytes were hashed since the last one."""

    items: tuple[Work, ...]
    outcomes: list[Outcome]
    size: int


class HashLine:
    """
    The hashing of one scan.

    Of batches of small files one is under way at a time, as two would only take the interpreter from each
    other, file by file; but when they have to wait for the disk, they had better wait together.

    :param ahead: jobs under way at once.
    :param now: seconds.
    """

    def __init__(
        self,
        lane: Lane,
        filesystem: Filesystem,
        work: Iterable[Work],
        stamp: Stamp,
        ahead: int,
        now: Callable[[], float],
    ) -> None:
        self._lane = lane
        self._filesystem = filesystem
        self._stamp = stamp
        self._ahead = ahead
        self._now = now
        self._slow = False  # whether the last small files had to wait for the disk
        self._jobs = plan(work)
        self._job = next(self._jobs, None)  # the next to begin
        self._running: deque[tuple[Batch | Range, Deferred[list[Outcome] | Part]]] = deque()
        self._parts: list[Part] = []  # of the large file that is at the head

    async def next(self) -> Hashed | None:
        """
        The next results; without items when only a part of a large file is done. None: all is done.
        """
        self._begin()
        if not self._running:
            return None
        job, running = self._running.popleft()
        result = await running
        self._begin()  # so that a worker is busy while the results are made use of
        if not isinstance(result, Part):
            assert isinstance(job, Batch)
            return Hashed(job.items, result, job.size)
        assert isinstance(job, Range)
        self._parts.append(result)
        size = job.end - job.start
        if not job.last:
            return Hashed((), [], size)
        parts, self._parts = self._parts, []
        return Hashed((job.item,), [join_parts(job.item, parts, self._stamp)], size)

    def _begin(self) -> None:
        """Begin as many jobs as may be under way."""
        while (job := self._job) is not None:
            light = isinstance(job, Batch) and job.size < LIGHT * len(job.items)
            if len(self._running) >= (1 if light and not self._slow else self._ahead):
                return
            self._job = next(self._jobs, None)
            started = self._lane.run(perform, self._filesystem, job, self._stamp)
            if isinstance(job, Batch) and light:
                started.addCallback(self._judge, self._now() + SLOW * len(job.items))
            self._running.append((job, started))

    def _judge(self, result: list[Outcome] | Part, due: float) -> list[Outcome] | Part:
        self._slow = self._now() > due
        return result

    def close(self) -> None:
        """Forget what is still under way."""
        while self._running:
            _, running = self._running.popleft()
            running.addErrback(lambda failure: None)
            running.cancel()
