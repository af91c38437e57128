"""
The scans that were asked for, and what is to be done after them: many requests become one scan.

Source: reference 5.2 ("Sub-scans"), 5.9.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import StrEnum
from typing import NamedTuple

Answer = Callable[[str], object]
"""Told when the scan is over: empty, or why it could not be."""

MAX_PARTS = 1000  # more parts than this are the whole folder


class Chore(StrEnum):
    """What a user may ask of a folder besides scans."""

    OVERRIDE = "override"
    REVERT = "revert"


class Due(NamedTuple):
    """One scan to be made, and what follows it."""

    subs: list[str]  # empty: all
    answers: list[Answer]
    chores: tuple[Chore, ...] = ()
    scans: bool = True  # False: nobody asked for a scan, only for chores

    def tell(self, error: str = "") -> None:
        for answer in self.answers:
            answer(error)


class ScanRequests:
    """Collects them."""

    def __init__(self) -> None:
        self._subs: set[str] = set()
        self._all = False
        self._answers: list[Answer] = []
        self._chores: list[Chore] = []

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

    def add_chore(self, chore: Chore) -> None:
        """Asked for twice it is done once."""
        if chore not in self._chores:
            self._chores.append(chore)

    def failed(self, error: str) -> None:
        """
        The folder is not well: whatever leads out of that scans all of it.

        Who asked while something else went wrong is told, and does not wait until it is well.
        """
        self._all = True
        answers, self._answers = self._answers, []
        for answer in answers:
            answer(error)

    def take(self) -> Due:
        """What is due now, all of it; without any request the whole folder."""
        subs = [] if self._all else sorted(self._subs)
        scans = self._all or bool(subs) or not self._chores
        due = Due(subs, self._answers, tuple(self._chores), scans)
        self._subs, self._all, self._answers, self._chores = set(), False, [], []
        return due
