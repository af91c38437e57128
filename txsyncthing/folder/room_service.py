"""
Waiting for room on a full disk: as soon as there is more of it, what did not fit is tried again.

A pull that fails for want of room would fail again, so the pauses between pulls grow; but looking at the disk
costs nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred

from txsyncthing.clock import Clock, Timer
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.runtime.worker_service import Lane

LOOK = 10.0  # seconds between two looks
LEAST, MOST = 1024 * 1024, 1024 * 1024 * 1024  # bytes that count as more room


class RoomWatch:
    """Watches one folder's disk; what counts as more room grows each time that it was not enough."""

    def __init__(self, clock: Clock, lane: Lane, filesystem: Filesystem) -> None:
        self._clock = clock
        self._lane = lane
        self._filesystem = filesystem
        self._enough = LEAST
        self._timer: Timer | None = None
        self._looking: Deferred[None] | None = None

    def begin(self, more: Callable[[], object]) -> None:
        """
        Something did not fit.

        :param more: called once there is more room.
        """
        self.stop()
        self._look(more, None)

    def stop(self) -> None:
        """Nobody waits for room any more."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
        looking, self._looking = self._looking, None
        if looking is not None:
            looking.cancel()

    def done(self) -> None:
        """All did fit."""
        self.stop()
        self._enough = LEAST

    def _look(self, more: Callable[[], object], least: int | None) -> None:
        self._timer = None
        self._looking = looking = Deferred.fromCoroutine(self._ask(more, least))
        looking.addErrback(lambda failure: failure.trap(CancelledError))

    async def _ask(self, more: Callable[[], object], least: int | None) -> None:
        """:param least: the least room that was seen; None before the first look."""
        free: int | None
        try:
            free = (await self._lane.run(self._filesystem.space)).free
        except OSError:
            free = least  # that the disk is gone, the folder's look at its root tells
        self._looking = None
        if free is not None and least is not None and free >= least + self._enough:
            self._enough = min(2 * self._enough, MOST)
            more()
            return
        least = free if least is None or free is None else min(free, least)
        self._timer = self._clock.callLater(LOOK, self._look, more, least)
