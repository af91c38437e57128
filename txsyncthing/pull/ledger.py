"""
What a round has begun and what became of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from txsyncthing.pull.finish import Change, Outcome
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName

UPDATE = "update"
METADATA = "metadata"
DELETE = "delete"


class Told(Protocol):
    """Who wants to hear of items: ``folder/`` makes events of it."""

    def started(self, file: FileInfo, action: str) -> None:
        """An item's work begins; the action is ``update``, ``metadata`` or ``delete``."""

    def finished(self, file: FileInfo, action: str, error: ItemError | None) -> None:
        """The item's work is over."""

    def recorded(self, files: Sequence[FileInfo]) -> None:
        """These are in the index now."""

    def changed(self, changes: Sequence[tuple[FileInfo, Change]]) -> None:
        """What of it took something from us, with the versions that did."""


class Ledger:
    """
    The book of one round.

    :param record: takes what is done, for the index.
    """

    def __init__(self, told: Told, record: Callable[[Sequence[FileInfo]], None]) -> None:
        self._told = told
        self._record = record
        self._open: dict[WireName, tuple[FileInfo, str]] = {}
        self._changes: dict[WireName, Change] = {}  # not recorded yet
        self.pulled = 0
        self.failed: list[ItemError] = []
        self.rescan: list[str] = []

    @property
    def in_progress(self) -> frozenset[WireName]:
        """What is being worked on."""
        return frozenset(self._open)

    def begin(self, files: Iterable[FileInfo], action: str) -> None:
        """The work on these begins."""
        for file in files:
            self._open[file.name] = (file, action)
            self._told.started(file, action)

    def fail(self, errors: Iterable[ItemError]) -> None:
        """These cannot even begin."""
        self.failed.extend(errors)

    def close(self, outcome: Outcome) -> None:
        """An item is over; one that was never begun is told of nobody."""
        opened = self._open.pop(outcome.name, None)
        if outcome.error is None:
            self.pulled += len(outcome.done)
            for change in outcome.changes:
                self._changes[change.name] = change
            self._record(outcome.done)
        else:
            self.failed.append(outcome.error)
        self.rescan.extend(outcome.rescan)
        if opened is not None:
            self._told.finished(*opened, outcome.error)

    def recorded(self, files: Sequence[FileInfo]) -> None:
        """These are in the index now."""
        self._told.recorded(files)
        if not self._changes:
            return
        changes = [
            (file, change) for file in files if (change := self._changes.pop(file.name, None))
        ]
        if changes:
            self._told.changed(changes)

    def drop(self, names: Iterable[WireName]) -> None:
        """Items that were begun and are put off."""
        for name in names:
            self._open.pop(name, None)
