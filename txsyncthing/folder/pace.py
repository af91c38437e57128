"""
When to tell how far a scan is, and how fast it goes.

Source: reference 5.2 ("Progress"), 6.2 (``scanProgressIntervalS``).
"""

from __future__ import annotations

INTERVAL = 2.0  # seconds, where 0 is configured


class ScanPace:
    """
    :param interval: seconds between two tellings; 0 for the default, negative for none at all.
    """

    def __init__(self, interval: float) -> None:
        self._interval = interval or INTERVAL
        self._done = 0  # bytes, at the last telling
        self._told = 0.0
        self._total = -1

    def due(self, done: int, total: int, now: float) -> float | None:
        """
        :param done: bytes hashed; ``total``: of the whole scan.
        :param now: seconds of any clock.
        :returns: bytes a second since the last telling, or since the first result; None: not yet.
        """
        if self._interval < 0:
            return None
        if total != self._total or done < self._done:  # another scan
            self._total, self._done, self._told = total, done, now
        if now - self._told < self._interval:
            return None
        rate = (done - self._done) / (now - self._told)
        self._done, self._told = done, now
        return rate
