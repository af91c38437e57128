"""A part of a lane: so many jobs of one owner at once, and no more."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from txsyncthing.runtime.limiter import Limiter, Permit
from txsyncthing.runtime.worker_service import Lane

P = ParamSpec("P")
T = TypeVar("T")


class NarrowLane:
    """
    Satisfies ``Lane``. Jobs begin in the order in which they came.

    :param width: jobs at once; 0 for as many as the lane has threads.
    """

    def __init__(self, lane: Lane, width: int) -> None:
        self._lane = lane
        self._limiter = Limiter(width)

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        if not self._limiter.capacity:
            return self._lane.run(job, *args, **kwargs)
        answer: Deferred[T] = Deferred(lambda _: waiting.release() if not waiting.held else None)

        def begin(permit: Permit) -> None:
            def over(result: T | Failure) -> None:
                permit.release()
                if not answer.called:  # else cancelled: the job ends by itself
                    answer.callback(result)

            self._lane.run(job, *args, **kwargs).addBoth(over)

        waiting = self._limiter.acquire(1, begin)
        return answer
