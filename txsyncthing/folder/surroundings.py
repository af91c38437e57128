"""What the options of the whole node mean for one folder. They may change at any time, so they are asked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

DAY = 24 * 3600.0  # seconds


async def no_trouble() -> str:
    """All is well."""
    return ""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """
    ``keep_temporaries`` gives the seconds after which a scan removes an unfinished download
    (keepTemporariesH); ``trouble`` says why no folder may work now (minHomeDiskFree), empty if all may.
    """

    keep_temporaries: Callable[[], float] = lambda: DAY
    trouble: Callable[[], Awaitable[str]] = no_trouble


NOWHERE = Surroundings()
"""Of a folder that has no node around it."""
