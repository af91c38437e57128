"""
The trashcan: the last version of each file, under its own name.

Source: reference 5.7 ("trashcan").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from txsyncthing.versions.rule import Version

DAY = 86400.0


@dataclass(frozen=True, slots=True)
class Trashcan:
    """
    Satisfies ``Rule``.

    :param days: after so many a version goes; 0 for never.
    """

    days: int = 0
    kind = "trashcan"
    tags = False

    def surplus(self, versions: Sequence[Version], now: float) -> list[Version]:
        if self.days == 0:
            return []
        oldest = now - self.days * DAY
        return [version for version in versions if version.when < oldest]
