"""
What the commands ask of a node: REST questions, over whatever way leads to it.

A command is made in two steps, so that help and wrong usage load neither treq nor the reactor: click reads
the words and gives a ``Job``; ``running.py`` reaches the node and lets the job ask.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, Protocol

import click

ASK = 60.0
"""Seconds for an ordinary answer."""

FOREVER: float | None = None
"""The patience for what takes as long as it takes, such as a scan."""


class Node(Protocol):
    """A node that answers REST."""

    @property
    def address(self) -> str:
        """Where it is, for people."""

    async def get(self, path: str, *, patience: float | None = ASK, **query: str | int) -> Any:
        """
        The JSON that a GET answers.

        :param patience: seconds until ``Unreachable``; None is without end.
        :raises NodeError: no answer, or one that says no.
        """

    async def text(self, path: str, **query: str | int) -> str:
        """The body that a GET answers, as it came."""

    async def file(self, path: str) -> tuple[str, bytes]:
        """The name under which a node gives out a file, empty if it does not say, and its bytes."""

    async def post(
        self,
        path: str,
        body: bytes = b"",
        *,
        method: str = "POST",
        patience: float | None = ASK,
        **query: str | int,
    ) -> str:
        """The body that a POST, or another ``method``, answers."""


Job = Callable[[Node], Coroutine[Any, Any, int]]
"""What a command does with a node; gives the exit code."""


class NodeError(click.ClickException):
    """What was asked of the node did not come about; says what to do. Exit code 1."""


class Unreachable(NodeError):
    """No node answers there."""


class Refused(NodeError):
    """The node says no, with a status and a sentence."""

    def __init__(self, message: str, status: int, body: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = body
