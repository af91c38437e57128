"""
Simple versioning: the newest versions of each file.

Source: reference 5.7 ("simple").
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from operator import attrgetter

from txsyncthing.versions.rule import Version
from txsyncthing.versions.trashcan import DAY


@dataclass(frozen=True, slots=True)
class Simple:
    """
    Satisfies ``Rule``.

    :param keep: so many of each file.
    :param days: after so many a version goes all the same; 0 for never.
    """

    keep: int = 5
    days: int = 0
    kind = "simple"
    tags = True

    def surplus(self, versions: Sequence[Version], now: float) -> list[Version]:
        ordered = sorted(versions, key=attrgetter("when"), reverse=True)
        oldest = now - self.days * DAY if self.days else None
        return [
            version
            for place, version in enumerate(ordered)
            if place >= self.keep or (oldest is not None and version.when < oldest)
        ]
