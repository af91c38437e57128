"""Waiting until something holds, for the coroutines of a round."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from twisted.internet.defer import Deferred, succeed

T = TypeVar("T")


class Watch:
    """Whoever changes something calls ``look``; whoever waits for it calls ``until``."""

    def __init__(self) -> None:
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []

    def until(self, holds: Callable[[], bool]) -> Deferred[None]:
        """Fires as soon as ``holds()`` is true; at once if it is now."""
        if holds():
            return succeed(None)
        answer: Deferred[None] = Deferred()
        self._waiting.append((holds, answer))
        return answer

    def look(self) -> None:
        """Something has changed."""
        if not self._waiting:
            return
        waiting, self._waiting = self._waiting, []
        for holds, answer in waiting:
            if holds():
                answer.callback(None)
            else:
                self._waiting.append((holds, answer))


async def spread(
    jobs: Iterable[Callable[[], Deferred[T]]],
    width: int,
    go_on: Callable[[], bool] = lambda: True,
) -> list[T]:
    """
    Do jobs, so many at a time.

    :param go_on: asked before each; once it says no, the others are left.
    :returns: the answers, in no order. A failure is raised when all lanes have ended.
    """
    waiting = iter(jobs)
    answers: list[T] = []
    failures: list[BaseException] = []

    async def lane() -> None:
        for job in waiting:
            if failures or not go_on():
                return
            try:
                answers.append(await job())
            except Exception as error:
                failures.append(error)

    for running in [Deferred.fromCoroutine(lane()) for _ in range(width)]:
        await running
    if failures:
        raise failures[0]
    return answers
