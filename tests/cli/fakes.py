"""A node that answers what a test says, and remembers what it was told."""

from __future__ import annotations

import json
from collections.abc import Coroutine
from typing import Any, TypeVar

from twisted.internet.defer import Deferred

from txsyncthing.cli.seam import ASK, Refused

T = TypeVar("T")


def done(coroutine: Coroutine[Any, Any, T]) -> T:
    """The result of a coroutine that has nothing to wait for; what it raises is raised."""
    results: list[Any] = []
    Deferred.fromCoroutine(coroutine).addBoth(results.append)
    assert results, "it is still waiting"
    if hasattr(results[0], "raiseException"):
        results[0].raiseException()
    return results[0]  # type: ignore[no-any-return]


class FakeNode:
    """
    Answers from a table by path: a value, an exception, or a callable of the query that gives either.

    A callable may give a Deferred too. What is not in the table is 404.
    """

    address = "http://127.0.0.1:8384"

    def __init__(self, **answers: Any) -> None:
        self.answers: dict[str, Any] = answers
        self.told: list[tuple[str, str, bytes, dict[str, Any]]] = []
        self.asked: list[str] = []

    def on(self, path: str, answer: Any) -> FakeNode:
        self.answers[path] = answer
        return self

    async def _answer(self, path: str, query: dict[str, Any]) -> Any:
        self.asked.append(path)
        answer = self.answers.get(path, Refused("404 page not found", 404, "404 page not found"))
        if callable(answer):
            answer = answer(query)
        if isinstance(answer, Deferred):
            answer = await answer
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def get(self, path: str, *, patience: float | None = ASK, **query: Any) -> Any:
        return await self._answer(path, query)

    async def text(self, path: str, **query: Any) -> str:
        return json.dumps(await self._answer(path, query), indent=2) + "\n"

    async def file(self, path: str) -> tuple[str, bytes]:
        answer = await self._answer(path, {})
        assert isinstance(answer, tuple)
        return answer

    async def post(
        self,
        path: str,
        body: bytes = b"",
        *,
        method: str = "POST",
        patience: float | None = ASK,
        **query: Any,
    ) -> str:
        self.told.append((method, path, body, query))
        if path in self.answers:
            return str(await self._answer(path, query))
        return ""
