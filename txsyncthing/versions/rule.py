"""
Which versions of a file are kept: what the kinds of versioning differ in.

A new kind is one more class with these two members, and a line in kinds.py.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Version(NamedTuple):
    """One old version of a file."""

    base: str  # its name in its directory
    when: float  # unix seconds at which it was put aside


class Rule(Protocol):
    """One kind, with its parameters."""

    @property
    def kind(self) -> str:
        """What the configuration calls it."""

    @property
    def tags(self) -> bool:
        """Whether names carry the time; else one version, of the file's own name; mtime tells."""

    def surplus(self, versions: Sequence[Version], now: float) -> list[Version]:
        """
        Those which are to go.

        :param versions: all of one file, in any order.
        :param now: unix seconds.
        """
