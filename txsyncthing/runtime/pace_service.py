"""Long work of the reactor's own, cut into short turns."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred

from txsyncthing.clock import Clock, Timer

TURN = 0.005  # seconds of work, one more piece not counted


class Pace:
    """
    Whoever does many small pieces of work awaits ``step`` between two of them.

    A piece costs a look at the clock; every five milliseconds all others have their turn.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until = clock.seconds() + TURN

    def begin(self) -> None:
        """The reactor's turn has just begun, or the work so far was little."""
        self._until = self._clock.seconds() + TURN

    async def step(self) -> None:
        """Go on, now or in the reactor's next turn."""
        if self._clock.seconds() < self._until:
            return
        turn: Deferred[None] = Deferred()
        timer = self._clock.callLater(0, turn.callback, None)
        try:
            await turn
        finally:
            if timer.active():  # cancelled
                timer.cancel()
        self.begin()


class Turns:
    """
    Small jobs, many of which may come at once: the reactor does as many in one of its turns as fit into
    ``TURN``, in the order in which they came. One that comes alone is done at once.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._jobs: deque[Callable[[], object]] = deque()
        self._until = 0.0
        self._timer: Timer | None = None  # the reactor's next turn
        self._closed = False

    def do(self, job: Callable[[], object]) -> None:
        """:param job: never fails."""
        if self._closed:
            job()
            return
        if self._timer is None:
            self._begin()
        if self._jobs or self._clock.seconds() >= self._until:
            self._jobs.append(job)
        else:
            job()

    def close(self) -> None:
        """Do at once what waits and all that comes."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._jobs:
            self._jobs.popleft()()

    def _begin(self) -> None:
        self._until = self._clock.seconds() + TURN
        self._timer = self._clock.callLater(0, self._next)

    def _next(self) -> None:
        self._timer = None
        if self._jobs:
            self._begin()
        while self._jobs and self._clock.seconds() < self._until:
            self._jobs.popleft()()
