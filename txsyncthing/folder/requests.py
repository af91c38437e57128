"""
The scans that were asked for: many requests become one scan.

Source: reference 5.2 ("Sub-scans").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

Answer = Callable[[str], object]
"""Told when the scan is over: empty, or why it could not be."""

MAX_PARTS = 1000  # more parts than this are the whole folder


class Due(NamedTuple):
    """One scan to be made."""

    subs: list[str]  # empty: all
    answers: list[Answer]

    def tell(self, error: str = "") -> None:
        for answer in self.answers:
            answer(error)


class ScanRequests:
    """Collects them."""

    def __init__(self) -> None:
        self._subs: set[str] = set()
        self._all = False
        self._answers: list[Answer] = []

    def add(self, subs: Sequence[str], answer: Answer | None = None) -> None:
        """
        :param subs: names; empty for the whole folder.
        """
        if not subs or "" in subs or len(self._subs) + len(subs) > MAX_PARTS:
            self._all = True
        else:
            self._subs.update(subs)
        if answer is not None:
            self._answers.append(answer)

    def take(self) -> Due:
        """What is due now, all of it; without any request the whole folder."""
        subs = [] if self._all else sorted(self._subs)
        due = Due(subs, self._answers)
        self._subs, self._all, self._answers = set(), False, []
        return due
