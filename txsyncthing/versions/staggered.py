"""
Staggered versioning: the older a version, the farther it is from the next.

Source: reference 5.7 ("staggered"); compared with 600 random versions that 1.29.5 cleaned up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from txsyncthing.versions.rule import Version

HOUR = 3600.0
DAY = 24 * HOUR
STEPS = ((HOUR, 30.0), (DAY, HOUR), (30 * DAY, DAY))
"""Up to which age (seconds) versions are how far apart; above, a week."""
WEEK = 7 * DAY


@dataclass(frozen=True, slots=True)
class Staggered:
    """
    Satisfies ``Rule``. From the oldest on, a version stays that is far enough from the one before that stays.

    :param max_age: seconds; 0 for any.
    """

    max_age: int = 31536000
    kind = "staggered"
    tags = True

    def surplus(self, versions: Sequence[Version], now: float) -> list[Version]:
        result: list[Version] = []
        last: float | None = None
        for version in sorted(versions, key=attrgetter("when")):
            age = now - version.when
            if (0 < self.max_age < age) or (
                last is not None and version.when - last < _distance(age)
            ):
                result.append(version)
            else:
                last = version.when
        return result


def _distance(age: float) -> float:
    return next((distance for end, distance in STEPS if age < end), WEEK)
