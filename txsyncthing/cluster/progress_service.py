"""
Tell all devices, again and again, which blocks of unfinished files we have.

Source: reference 2.8.
"""

from __future__ import annotations

from collections.abc import Callable

from txsyncthing.clock import Clock, Timer
from txsyncthing.cluster.availability import PeerTable
from txsyncthing.cluster.link import Link
from txsyncthing.cluster.progress import messages
from txsyncthing.cluster.tables import FolderTable
from txsyncthing.config.options import Options
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID


class ProgressService:
    """
    :param options: of now.
    :param running: whether our index of a folder goes to a device.
    :param link: the connection for it, if there is one.
    """

    def __init__(
        self,
        clock: Clock,
        options: Callable[[], Options],
        peers: PeerTable,
        folders: FolderTable,
        running: Callable[[DeviceID, FolderID], bool],
        link: Callable[[DeviceID], Link | None],
    ) -> None:
        self._clock = clock
        self._options = options
        self._peers = peers
        self._folders = folders
        self._running = running
        self._link = link
        self._timer: Timer | None = None

    def start(self) -> None:
        """Begin, if the options say so and it has not begun; again after each change of them."""
        if self._timer is None:
            self._tick()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _tick(self) -> None:
        options = self._options()
        interval = options.progress_update_interval_s
        self._timer = None
        if interval <= 0:
            return
        self._timer = self._clock.callLater(interval, self._tick)
        if not self._peers.all():
            return
        files = {folder.id: folder.unfinished() for folder in self._folders.all()}
        for device, standing in self._peers.all().items():
            link = self._link(device)
            if link is None or not link.writable:
                continue
            running = {id: files[id] for id in files if self._running(device, id)}
            for message in messages(running, standing.sent, options.temp_index_min_blocks):
                link.send(message)
