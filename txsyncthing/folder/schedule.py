"""
When to scan and when to try a pull again.

Source: reference 5.2 ("When"), 5.5 ("Iterations"); lib/model/folder.go.
"""

from __future__ import annotations

PULL_PAUSE = 60.0  # seconds, where pullerPauseS is 0
LONGEST = 60  # times the base pause
HEALTH_PAUSE = 10.0  # seconds between looks at a folder in error

QUIET = 0.1  # seconds without another change of an index after which nothing more is awaited


def pull_delay(last: float, looked: float, longest: float) -> float:
    """
    When to look for needs, after a change of a peer's index.

    The first change after a quiet time is pulled at once. Behind it changes come in bursts of messages: the
    next look waits for the end of one, at most pullerDelayS; who asked for more than the default's second
    always gets all of it.

    :param last: when the last change came.
    :param looked: when the last look was that found something.
    :param longest: pullerDelayS.
    :returns: the time of the look; may be past.
    """
    due = looked + longest
    return due if longest > 1.0 else min(due, last + QUIET)


def scan_delay(interval: float, random: float) -> float | None:
    """
    Seconds to the next periodic scan: the interval times 3/4 to 5/4, so that folders do not meet.

    :param interval: rescanIntervalS; 0 means never, and the answer is None.
    :param random: from 0 to below 1.
    """
    return interval * (0.75 + random / 2) if interval > 0 else None


class PullPauses:
    """
    How long to wait after pulls that left something undone.

    :param base: pullerPauseS in seconds; 0 for the default.
    """

    def __init__(self, base: float) -> None:
        self._base = base if base > 0 else PULL_PAUSE
        self._pause = self._base

    def failed(self, duration: float) -> float:
        """
        A pull left something undone.

        :param duration: seconds it took.
        :returns: seconds to the next one; doubled each time, up to 60 times the base.
        """
        pause = self._pause + duration
        self._pause = min(self._pause * 2, self._base * LONGEST)
        return pause

    def done(self) -> None:
        """A pull left nothing undone."""
        self._pause = self._base
