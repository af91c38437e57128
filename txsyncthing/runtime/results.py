"""
What workers have done, on its way to the reactor: told in order, a short turn at a time.

Eight workers that end together would otherwise have all that follows done at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

TURN = 0.005  # seconds of what follows from results, one more not counted


class Reactor(Protocol):
    """The part of a reactor that is needed here."""

    def seconds(self) -> float:
        """Now."""

    def callFromThread(self, call: Callable[[], object], /) -> object:
        """Call it in the reactor's next turn, whatever thread this is."""


class Results:
    """
    The results of all workers of a node.

    What is asked for in a turn is not done in the same turn: the reactor looks at everything else between.
    """

    def __init__(self, reactor: Reactor) -> None:
        self._reactor = reactor
        self._waiting: deque[tuple[Callable[[Any], object], object]] = deque()
        self._coming = False  # a turn

    def tell(self, whom: Callable[[Any], object], result: object) -> None:
        """Have ``whom(result)`` called by the reactor; from any thread."""
        self._waiting.append((whom, result))
        # Two threads may both ask for a turn: the second finds nothing to do.
        if not self._coming:
            self._ask()

    def _ask(self) -> None:
        self._coming = True
        self._reactor.callFromThread(self._turn)

    def _turn(self) -> None:
        until = self._reactor.seconds() + TURN
        try:
            while self._waiting:
                whom, result = self._waiting.popleft()
                whom(result)
                if self._reactor.seconds() >= until:
                    break
        finally:
            # In this order: what comes after the look below finds that no turn is coming.
            self._coming = False
            if self._waiting:
                self._ask()
