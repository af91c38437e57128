"""Long work of the reactor's own, cut into short turns."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from txsyncthing.clock import Clock

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
