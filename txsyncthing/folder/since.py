"""
Since when something has been wrong with a folder.

Looked at when the folder's state changes and when a peer tells of changes: nothing else makes or ends any of
it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from txsyncthing.folder.status import FolderStatus
from txsyncthing.vocabulary.folder import FolderState

PULL_FAILED = "pull-failed"
SCAN_FAILED = "scan-failed"
NEEDED = "needed"
RECEIVE_ONLY = "receive-only-changed"


class Watched(Protocol):
    """The folder; see ``folder/service.py``."""

    def status(self) -> FolderStatus: ...

    def on_state(self, listener: Callable[[FolderState], object]) -> Callable[[], None]: ...


class Since:
    """
    :param unix: wall-clock seconds.
    """

    def __init__(self, folder: Watched, unix: Callable[[], float]) -> None:
        self._folder = folder
        self._unix = unix
        self._begun: dict[str, float] = {}
        folder.on_state(self.look)

    def look(self, *about: object) -> None:
        """See what is wrong now."""
        status = self._folder.status()
        for what, wrong in (
            (PULL_FAILED, bool(status.pull_errors)),
            (SCAN_FAILED, bool(status.scan_errors)),
            (NEEDED, status.need.items > 0),
            (RECEIVE_ONLY, status.receive_only.items > 0),
        ):
            if not wrong:
                self._begun.pop(what, None)
            elif what not in self._begun:
                self._begun[what] = self._unix()

    def of(self, what: str) -> float:
        """Unix seconds; 0 while it is not so."""
        self.look()
        return self._begun.get(what, 0.0)
