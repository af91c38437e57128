"""Call folders when what other devices have of them changed."""

from __future__ import annotations

from txsyncthing.clock import Clock, Timer
from txsyncthing.cluster.tables import FolderTable, SharedFolder
from txsyncthing.vocabulary.folder import FolderID

CALM = 0.1  # seconds between two calls of one folder's ``remote_changed``


class Calls:
    """Calls a folder at once, but not again within a moment. Nobody is called before ``start``."""

    def __init__(self, clock: Clock, folders: FolderTable) -> None:
        self._clock = clock
        self._folders = folders
        self._running = False
        self._timers: dict[FolderID, Timer] = {}  # a folder was called lately: the next call
        self._again: set[FolderID] = set()  # that call is wanted

    def start(self) -> None:
        self._running = True

    def stop(self) -> None:
        self._running = False
        for folder in list(self._timers):
            self.drop(folder)

    def changed(self, folder: SharedFolder) -> None:
        if not self._running or self._folders.get(folder.id) is not folder:
            return
        if folder.id in self._timers:
            self._again.add(folder.id)
            return
        self._timers[folder.id] = self._clock.callLater(CALM, self._calm, folder)
        folder.remote_changed()

    def drop(self, folder: FolderID) -> None:
        """It runs no longer."""
        self._again.discard(folder)
        if (timer := self._timers.pop(folder, None)) is not None:
            timer.cancel()

    def _calm(self, folder: SharedFolder) -> None:
        del self._timers[folder.id]
        if folder.id in self._again:
            self._again.discard(folder.id)
            self.changed(folder)
