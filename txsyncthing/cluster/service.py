"""
The bridge: which device has which folder; index exchange; serve and ask for blocks.

Source: reference 2.3 to 2.8, 3.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from twisted.application.service import Service
from twisted.internet.defer import Deferred

from txsyncthing.bep.messages import (
    Block,
    ClusterConfig,
    DownloadProgress,
    Hello,
    Index,
    IndexUpdate,
    Request,
)
from txsyncthing.bep.protocol import BepProtocol
from txsyncthing.clock import Clock, Timer
from txsyncthing.cluster.availability import PeerTable
from txsyncthing.cluster.calls import Calls
from txsyncthing.cluster.completion import Completion, of_device, of_us, together
from txsyncthing.cluster.device_service import Bridge, DeviceDesk
from txsyncthing.cluster.index_service import IndexService
from txsyncthing.cluster.introduce import awakened
from txsyncthing.cluster.pending import PendingDevice, PendingFolder
from txsyncthing.cluster.pending_service import Facts, PendingService
from txsyncthing.cluster.progress_service import ProgressService
from txsyncthing.cluster.request_service import RequestService
from txsyncthing.cluster.sharing_service import Places, SharingService
from txsyncthing.cluster.sources_service import FolderSources
from txsyncthing.cluster.status import Bytes, ConnectionStatus, DeviceStatus, client_version
from txsyncthing.cluster.tables import FolderTable, SharedFolder
from txsyncthing.config.config import Configuration
from txsyncthing.config.diff import (
    Change,
    DeviceAdded,
    DeviceChanged,
    DeviceRemoved,
    FolderAdded,
    FolderChanged,
    FolderRemoved,
)
from txsyncthing.config.folder import FolderConfig
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.connections.score import ConnectionInfo
from txsyncthing.events.types import Emit, EventType
from txsyncthing.runtime.log_service import Log
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID, RemoteState
from txsyncthing.vocabulary.name import WireName


class ClusterService(Service):
    """
    All devices over all their connections; satisfies ``connections.service.ClusterSeam``.

    Start it before ``ConnectionsService``, stop it after.

    :param unix: wall clock, Unix seconds.
    :param random: from 0 to below 1.
    :param holder: the configuration; its changes are followed.
    :param folders: the folders that run; node/ keeps it.
    :param facts: where what is pending survives a restart.
    :param places: where folders that are accepted by themselves go.
    :param came: told of each device that was away.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        unix: Callable[[], float],
        random: Callable[[], float],
        me: DeviceID,
        holder: ConfigHolder,
        folders: FolderTable,
        workers: Workers,
        facts: Facts,
        places: Places,
        emit: Emit,
        log: Log,
        came: Callable[[DeviceID], object] = lambda device: None,
    ) -> None:
        self._clock = clock
        self._random = random
        self._me = me
        self._holder = holder
        self._folders = folders
        self._emit = emit
        self._peers = PeerTable()
        self._pending = PendingService(clock, unix, facts, emit, log)
        self._sharing = SharingService(clock, me, holder, places, self._latest, log)
        self._requests = RequestService(lambda: holder.current, folders, workers.disk)
        self._calls = Calls(clock, folders)
        self._indexes = IndexService(
            lambda: holder.current, folders, emit, log, self._calls.changed, self._forget
        )
        self._bridge = Bridge(
            me=me,
            holder=holder,
            folders=folders,
            peers=self._peers,
            indexes=self._indexes,
            emit=emit,
            log=log,
            offered=self._pending.offered,
            unignored=self._pending.unignored,
            came=(self._pending.came, came),
            left=self._pending.left,
            changed=self._calls.changed,
        )
        self._desks: dict[DeviceID, DeviceDesk] = {}
        self._ended = Bytes()  # of connections that are over
        self._untold: dict[DeviceID, None] = {}  # to be told, when this turn is over, what runs now
        self._telling: Timer | None = None
        self._progress = ProgressService(
            clock,
            lambda: holder.current.options,
            self._peers,
            folders,
            self._indexes.running,
            lambda device: self._desks[device].theirs,
        )
        self._local: dict[FolderID, Callable[[], None]] = {}
        self._unsubscribe: Callable[[], None] | None = None
        folders.on_change(self._folder_changed)
        for folder in folders.all():
            self._folder_changed(folder.id, folder)

    # Life.

    def startService(self) -> None:
        self.running = True
        self._calls.start()
        self._unsubscribe = self._holder.subscribe(self._configured)
        self._requests.configure(now := self._holder.current)
        for device in now.devices:  # it may have changed since we were made
            if device.id != self._me:
                self._desks[device.id] = DeviceDesk(device.id, self._bridge, device.paused)
        self._pending.load().addCallback(lambda _: self._pending.settle(self._holder.current))
        self._progress.start()

    def stopService(self) -> Deferred[None]:
        self.running = False
        self._sharing.close()
        if self._unsubscribe is not None:
            self._unsubscribe()
            self._unsubscribe = None
        for desk in self._desks.values():
            desk.peer.pause("shutting down")
        self._progress.stop()
        self._calls.stop()
        if self._telling is not None:
            self._telling.cancel()
            self._telling = None
        return self._pending.close()

    # What connections/ tells.

    def connected(self, protocol: BepProtocol, info: ConnectionInfo) -> None:
        """A configured device is greeted and all rules are kept: begin the exchange."""
        desk = self._desks.get(protocol.device)
        if desk is None:
            protocol.refuse("unknown device")
            return
        self._sharing.greeted(protocol.device, protocol.hello.device_name)
        desk.connected(protocol, info)
        protocol.accept(self)

    def stranger(self, device: DeviceID, hello: Hello, address: str) -> None:
        """A device that is not configured said Hello; it becomes pending."""
        self._pending.stranger(device, hello.device_name, address)

    # bep.protocol.Receiver

    def cluster_config(self, link: BepProtocol, message: ClusterConfig) -> Deferred[None] | None:
        if (desk := self._desks.get(link.device)) is not None and not message.secondary:
            desk.coming = message
        deciding = self._sharing.received(link.device, message)
        if deciding is not None:
            return deciding.addCallback(lambda _: self._exchange(link, message))
        return self._exchange(link, message)

    def _latest(self, device: DeviceID) -> ClusterConfig | None:
        desk = self._desks.get(device)
        return None if desk is None else desk.coming or desk.config

    def _exchange(self, link: BepProtocol, message: ClusterConfig) -> Deferred[None] | None:
        if (desk := self._desks.get(link.device)) is not None:
            desk.coming = None
            desk.peer.configured(link, message)
        return self._indexes.settled(link.device)

    def index(self, protocol: BepProtocol, message: Index | IndexUpdate) -> Deferred[None] | None:
        return self._indexes.receive(protocol, message)

    def serve(self, protocol: BepProtocol, request: Request) -> Deferred[Block]:
        return self._requests.serve(protocol.device, request)

    def download_progress(self, protocol: BepProtocol, message: DownloadProgress) -> None:
        if (desk := self._desks.get(protocol.device)) is not None:
            desk.download_progress(protocol, message)

    def lost(self, protocol: BepProtocol, reason: str) -> None:
        traffic = protocol.stats()
        self._ended += Bytes(traffic.bytes_in, traffic.bytes_out)
        if (desk := self._desks.get(protocol.device)) is not None:
            desk.lost(protocol, reason)

    # What folders tell, and hear.

    def sources(self, folder: FolderID) -> FolderSources:
        """Where the folder's puller gets its blocks."""
        return FolderSources(folder, self._peers, self._random)

    def _folder_changed(self, id: FolderID, folder: SharedFolder | None) -> None:
        if folder is None:
            self._indexes.end_folder(id)
            self._local.pop(id, lambda: None)()
            self._calls.drop(id)
        else:
            self._local[id] = folder.index.on_local_change(
                lambda sequence, files: self._indexes.grew(id, sequence)
            )
            self._forget_unshared(folder)
        config = self._holder.current.folder(id)
        if config is not None and self.running:
            self._untold.update((member.id, None) for member in config.devices)
            if self._telling is None:  # hundreds may come or go in one turn
                self._telling = self._clock.callLater(0, self._tell)

    def _tell(self) -> None:
        self._telling = None
        untold, self._untold = self._untold, {}
        self._announce(untold)

    def _forget_unshared(self, folder: SharedFolder) -> None:
        config = self._holder.current.folder(folder.id)
        for device in folder.index.counts().remote_sequence:
            if config is None or not config.shared_with(device):
                self._indexes.forget_device(folder, device)

    def _forget(self, device: DeviceID, folder: FolderID, names: Sequence[WireName]) -> None:
        if (standing := self._peers.get(device)) is not None and folder in standing.received:
            standing.received[folder].forget(names)

    # What the configuration tells.

    def _configured(self, old: Configuration, new: Configuration, changes: list[Change]) -> None:
        self._requests.configure(new)
        told: list[FolderConfig] = []  # as they were and as they are
        for change in changes:
            if isinstance(change, DeviceAdded) and change.device.id != self._me:
                id = change.device.id
                self._desks[id] = DeviceDesk(id, self._bridge, change.device.paused)
            elif isinstance(change, DeviceRemoved) and change.device.id in self._desks:
                self._desks.pop(change.device.id).peer.pause("device removed")
            elif isinstance(change, DeviceChanged) and change.new.id in self._desks:
                self._device_changed(change)
            elif isinstance(change, FolderAdded | FolderRemoved):
                told.append(change.folder)
            elif isinstance(change, FolderChanged):
                told += (change.old, change.new)
                if (folder := self._folders.get(change.new.id)) is not None:
                    self._forget_unshared(folder)
        self._announce({member.id: None for config in told for member in config.devices})
        self._pending.settle(new)
        for desk in self._desks.values():
            desk.reconsider()
        for device in awakened(changes, new):
            if (config := self._latest(device)) is not None:
                self._sharing.received(device, config)
        if self.running:
            self._progress.start()

    def _device_changed(self, change: DeviceChanged) -> None:
        peer, data = self._desks[change.new.id].peer, {"device": str(change.new.id)}
        if change.paused:
            self._emit(EventType.DEVICE_PAUSED, data)
            peer.pause("device is paused")
        elif change.old.paused and not change.new.paused:
            self._emit(EventType.DEVICE_RESUMED, data)
            peer.resume()

    def _announce(self, devices: Iterable[DeviceID]) -> None:
        """Tell them what we share now."""
        for device in devices:
            if device in self._desks:
                self._desks[device].peer.announce()

    # What REST asks.

    def devices(self) -> Mapping[DeviceID, DeviceStatus]:
        """Every configured device but us."""
        return {id: self._status(id, desk) for id, desk in self._desks.items()}

    def _status(self, id: DeviceID, desk: DeviceDesk) -> DeviceStatus:
        config = self._holder.current.device(id)
        paused = config is not None and config.paused
        statistics = self._pending.statistics(id)
        standing = self._peers.get(id)
        if standing is None or not standing.links:
            return DeviceStatus(paused, statistics=statistics, strange=desk.strange)
        connections, total = [], Bytes()
        for link in standing.links:
            traffic = link.stats()
            carried = Bytes(traffic.bytes_in, traffic.bytes_out)
            connections.append(ConnectionStatus(desk.infos[link], carried))
            total += carried
        version = client_version(standing.links[0].hello)
        return DeviceStatus(paused, version, tuple(connections), total, statistics)

    def total_traffic(self) -> Bytes:
        """Since the start, connections that ended included."""
        standing = (status.bytes for status in self.devices().values())
        return sum(standing, self._ended)

    def completion(self, device: DeviceID, folder: FolderID | None) -> Completion:
        """
        :param device: may be ours.
        :param folder: None: all running folders that are shared with the device.
        :raises KeyError: the folder is unknown, paused or does not run.
        """
        if folder is not None:
            running = self._folders.get(folder)
            if running is None:
                raise KeyError(folder)
            return self._completion(device, running)
        shared = {config.id for config in self._holder.current.folders_shared_with(device)}
        return together(self._completion(device, f) for f in self._folders.all() if f.id in shared)

    def _completion(self, device: DeviceID, folder: SharedFolder) -> Completion:
        counts = folder.index.counts()
        if device == self._me:
            return of_us(counts)
        standing = self._peers.get(device)
        received = standing.received.get(folder.id) if standing is not None else None
        downloaded = received.bytes if received is not None else 0
        return of_device(counts, device, self.remote_state(device, folder.id), downloaded)

    def remote_state(self, device: DeviceID, folder: FolderID) -> RemoteState:
        """What the device's last Cluster Config said; ``unknown`` while it is away."""
        return self._peers.state(device, folder)

    def availability(
        self, folder: FolderID, name: WireName
    ) -> Deferred[list[tuple[DeviceID, bool]]]:
        """
        Which connected devices have the global version of a file; True: in a temporary file.

        :raises KeyError: the folder does not run.
        """
        return Deferred.fromCoroutine(self._availability(folder, name))

    async def _availability(self, id: FolderID, name: WireName) -> list[tuple[DeviceID, bool]]:
        folder = self._folders.get(id)
        if folder is None:
            raise KeyError(id)
        whole = await folder.index.devices_with_global(name)
        connected = self.sources(id).connected()
        partly = [
            device
            for device, standing in self._peers.all().items()
            if id in standing.received and standing.received[id].has_any(name)
        ]
        found = [(device, False) for device in whole if device in connected]
        return found + [(device, True) for device in partly if device in connected]

    def pending_devices(self) -> Mapping[DeviceID, PendingDevice]:
        return self._pending.devices.all()

    def pending_folders(
        self, device: DeviceID | None = None
    ) -> Mapping[FolderID, Mapping[DeviceID, PendingFolder]]:
        return self._pending.folders.all(device)

    def dismiss_device(self, device: DeviceID) -> None:
        """:raises KeyError: not pending."""
        self._pending.dismiss_device(device)

    def dismiss_folder(self, folder: FolderID, device: DeviceID | None = None) -> None:
        """:raises KeyError: not pending."""
        self._pending.dismiss_folder(folder, device)
