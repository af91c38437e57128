"""
Hashing as a line of jobs: some under way at once, their results taken in order.

Source: reference 5.2 ("Hashing").
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from twisted.internet.defer import Deferred

from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.runtime.worker_service import Lane
from txsyncthing.scan.hashing import Batch, Outcome, Part, Range, Stamp, join_parts, perform, plan
from txsyncthing.scan.values import Work


class Hashed(NamedTuple):
    """Items with what became of each; ``size`` bytes were hashed since the last one."""

    items: tuple[Work, ...]
    outcomes: list[Outcome]
    size: int


class HashLine:
    """
    The hashing of one scan.

    :param ahead: jobs under way at once.
    """

    def __init__(
        self,
        lane: Lane,
        filesystem: Filesystem,
        work: Iterable[Work],
        stamp: Stamp,
        ahead: int,
    ) -> None:
        self._lane = lane
        self._filesystem = filesystem
        self._stamp = stamp
        self._ahead = ahead
        self._jobs = plan(work)
        self._running: deque[tuple[Batch | Range, Deferred[list[Outcome] | Part]]] = deque()
        self._parts: list[Part] = []  # of the large file that is at the head

    async def next(self) -> Hashed | None:
        """
        The next results; without items when only a part of a large file is done. None: all is done.
        """
        while len(self._running) < self._ahead and (job := next(self._jobs, None)) is not None:
            started = self._lane.run(perform, self._filesystem, job, self._stamp)
            self._running.append((job, started))
        if not self._running:
            return None
        job, running = self._running.popleft()
        result = await running
        if not isinstance(result, Part):
            assert isinstance(job, Batch)
            return Hashed(job.items, result, sum(max(item.size, 0) for item in job.items))
        assert isinstance(job, Range)
        self._parts.append(result)
        size = job.end - job.start
        if not job.last:
            return Hashed((), [], size)
        parts, self._parts = self._parts, []
        return Hashed((job.item,), [join_parts(job.item, parts, self._stamp)], size)

    def close(self) -> None:
        """Forget what is still under way."""
        while self._running:
            _, running = self._running.popleft()
            running.addErrback(lambda failure: None)
            running.cancel()
