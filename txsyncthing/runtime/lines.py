"""
Lines of the log: their levels, and the ring that keeps the newest for REST.

Source: reference 7.2 (internal/slogutil/recorder.go).
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from typing import NamedTuple

RING = 1000


class Level(StrEnum):
    """How much a line matters; the value is the word of the command line."""

    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    ERROR = "error"

    @classmethod
    def parse(cls, text: str) -> Level:
        """
        Read a level in any case; ``WARNING`` is WARN.

        :raises ValueError: none of the four.
        """
        word = text.strip().lower()
        try:
            return cls("warn" if word == "warning" else word)
        except ValueError:
            raise ValueError(f"log level {text!r}: use DEBUG, INFO, WARN or ERROR") from None

    @property
    def rank(self) -> int:
        """Rising with importance, from 0."""
        return list(Level).index(self)


class Line(NamedTuple):
    """One line."""

    time: float  # Unix seconds
    level: Level
    area: str
    message: str


class Ring:
    """The newest lines of at least one level."""

    def __init__(self, level: Level, size: int = RING) -> None:
        self._rank = level.rank
        self._lines: deque[Line] = deque(maxlen=size)

    def add(self, line: Line) -> None:
        """Keep the line if it matters enough."""
        if line.level.rank >= self._rank:
            self._lines.append(line)

    def since(self, time: float) -> list[Line]:
        """The lines after ``time`` (Unix seconds), oldest first."""
        return [line for line in self._lines if line.time > time]

    def clear(self) -> None:
        self._lines.clear()
