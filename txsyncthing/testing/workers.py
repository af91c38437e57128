"""Workers for tests: no threads, jobs run at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred, execute, succeed

from txsyncthing.runtime.worker_service import Lane, OwnLane

P = ParamSpec("P")
T = TypeVar("T")


class InlineLane:
    """Runs each job before ``run`` returns."""

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        return execute(job, *args, **kwargs)

    def close(self) -> Deferred[None]:
        return succeed(None)


class InlineWorkers:
    """Satisfies ``Workers`` without a thread."""

    def __init__(self) -> None:
        self._lane = InlineLane()

    @property
    def hashing(self) -> Lane:
        return self._lane

    @property
    def disk(self) -> Lane:
        return self._lane

    def lane(self, name: str) -> OwnLane:
        return InlineLane()
