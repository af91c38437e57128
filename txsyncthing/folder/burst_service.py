"""
When to look for needs: changes of peers' indexes come in bursts of messages, and each look costs something.

Source: reference 5.5 ("Trigger").
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from txsyncthing.clock import Clock, Timer
from txsyncthing.folder.schedule import pull_delay

_SOON = 0.001  # seconds, so that rounding cannot make us wait for nothing


class Burst:
    """
    Calls ``look()`` after changes: at once after a quiet time, else when a burst is over; see
    ``schedule.pull_delay``.

    :param longest: seconds that a change waits at most, pullerDelayS.
    :param look: returns whether there was anything to be pulled.
    """

    def __init__(self, clock: Clock, longest: float, look: Callable[[], bool]) -> None:
        self._clock = clock
        self._longest = longest
        self._look = look
        self._timer: Timer | None = None
        self._last = 0.0  # change
        self._found = -inf  # when a look last found some

    def changed(self) -> None:
        """There may be something to pull. Cheap."""
        self._last = self._clock.seconds()
        if self._timer is None:
            self._wait(0.0)

    def stop(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()

    def _wait(self, least: float) -> None:
        due = pull_delay(self._last, self._found, self._longest) - self._clock.seconds()
        self._timer = self._clock.callLater(max(due, least), self._due)

    def _due(self) -> None:
        self._timer = None
        if pull_delay(self._last, self._found, self._longest) - self._clock.seconds() > _SOON:
            self._wait(_SOON)
        elif self._look():
            self._found = self._clock.seconds()
