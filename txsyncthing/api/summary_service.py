"""
Tells how folders stand, here and at the devices: the events that user interfaces draw from.

Source: reference 7.5 (FolderSummary, FolderCompletion; lib/model/folder_summary.go).
"""

from __future__ import annotations

from twisted.application.service import Service

from txsyncthing.api import shapes
from txsyncthing.api.seams import ClusterView, FoldersView
from txsyncthing.clock import Clock, Timer
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.events.types import Emit, EventType
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID

PAUSE = 2.0  # seconds from one round to the next
SHARE = 0.3  # of the reactor's time that rounds may take


class SummaryService(Service):
    """
    Gathers which folders have changed, and tells of all of them in one round, one folder in a turn of the
    reactor.

    :param me: our own device, of which no completion is told.
    """

    def __init__(
        self,
        clock: Clock,
        folders: FoldersView,
        cluster: ClusterView,
        holder: ConfigHolder,
        emit: Emit,
        me: DeviceID,
    ) -> None:
        self._clock = clock
        self._folders = folders
        self._cluster = cluster
        self._holder = holder
        self._emit = emit
        self._me = me
        self._changed: dict[FolderID, None] = {}  # in order
        self._timer: Timer | None = None

    def startService(self) -> None:
        self.running = True

    def stopService(self) -> None:
        """Nothing is told any more."""
        self.running = False
        self._changed.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def stands(self, folder: FolderID, synced: bool) -> None:
        """A folder changed; ``synced``: it has just pulled what it needed."""
        if synced:
            self.synced(folder)
        else:
            self.changed(folder)

    def changed(self, folder: FolderID) -> None:
        """Something of the folder changed; it is told with what else changes in these seconds."""
        if self.running:
            self._changed[folder] = None
            self._wait(PAUSE)

    def synced(self, folder: FolderID) -> None:
        """The folder went from syncing to idle, which people wait for: it is told at once."""
        if self.running:
            self._changed.pop(folder, None)
            self._tell(folder)

    def connected(self, device: DeviceID) -> None:
        """The device is here: what it lacks may be another matter now."""
        for folder in self._holder.current.folders_shared_with(device):
            self.changed(folder.id)

    def _wait(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self._clock.callLater(seconds, self._next)

    def _next(self) -> None:
        self._timer = None
        if not self._changed:  # told already
            return
        begun = self._clock.seconds()
        folder = next(iter(self._changed))
        del self._changed[folder]
        self._tell(folder)
        if self._changed:
            self._wait((self._clock.seconds() - begun) * (1 / SHARE - 1))

    def _tell(self, id: FolderID) -> None:
        folder, config = self._folders.get(id), self._holder.current.folder(id)
        if folder is None or config is None:
            return
        summary = shapes.folder_status(folder.status())
        self._emit(EventType.FOLDER_SUMMARY, {"folder": id, "summary": summary})
        devices = self._cluster.devices()
        for share in config.devices:
            device = devices.get(share.id)
            if share.id == self._me or device is None or not device.connected:
                continue
            try:
                completion = self._cluster.completion(share.id, id)
            except KeyError:  # the folder stopped meanwhile
                return
            told = {"folder": id, "device": str(share.id), **shapes.completion(completion)}
            self._emit(EventType.FOLDER_COMPLETION, told)
