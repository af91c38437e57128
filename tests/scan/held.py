"""Workers whose jobs wait until a test lets them run."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from functools import partial
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred, execute, succeed

from txsyncthing.runtime.worker_service import Lane, OwnLane

P = ParamSpec("P")
T = TypeVar("T")


class HeldWorkers:
    """Satisfies ``Workers`` and all its lanes."""

    def __init__(self) -> None:
        self.held: deque[Callable[[], object]] = deque()

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        answer: Deferred[T] = Deferred()

        def begin() -> None:
            execute(partial(job, *args, **kwargs)).addCallbacks(answer.callback, answer.errback)

        self.held.append(begin)
        return answer

    def step(self) -> None:
        """Run the oldest job."""
        self.held.popleft()()

    def close(self) -> Deferred[None]:
        return succeed(None)

    @property
    def hashing(self) -> Lane:
        return self

    @property
    def disk(self) -> Lane:
        return self

    def lane(self, name: str) -> OwnLane:
        return self
