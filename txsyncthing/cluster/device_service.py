"""
One device of the cluster: what its machine decides becomes messages, exchanges and events.

Source: reference 2.3, 2.4, 3.5.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from twisted.internet.defer import Deferred

from txsyncthing.bep.lifecycle import HUNG_UP
from txsyncthing.bep.messages import ClusterConfig, DownloadProgress
from txsyncthing.cluster.accept import Agreed, Offered, Unacceptable, Verdict, judge
from txsyncthing.cluster.announce import SECONDARY, IndexFacts, announcement, shares
from txsyncthing.cluster.availability import PeerTable, Standing
from txsyncthing.cluster.index_service import IndexService
from txsyncthing.cluster.link import Link
from txsyncthing.cluster.peer import Core, Peer, new_peer
from txsyncthing.cluster.progress import ReceivedProgress
from txsyncthing.cluster.tables import FolderTable, SharedFolder
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.connections.score import ConnectionInfo
from txsyncthing.events.types import Emit, EventType
from txsyncthing.index.values import IndexFailed
from txsyncthing.runtime.log_service import Log
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID, RemoteState


@dataclass(frozen=True, slots=True)
class Bridge:
    """What all devices share."""

    me: DeviceID
    holder: ConfigHolder
    folders: FolderTable
    peers: PeerTable
    indexes: IndexService
    emit: Emit
    log: Log
    offered: Callable[[DeviceID, Sequence[Offered]], None]
    """These folders, and no others, a device offers that we do not share with it."""
    unignored: Callable[[DeviceID, Sequence[Offered]], None]
    """These, which it offered before, the user ignores no longer."""
    came: Sequence[Callable[[DeviceID], object]]
    left: Callable[[DeviceID], None]
    changed: Callable[[SharedFolder], object]
    """Another device may be asked for the folder's files now, or one no longer."""


class Announcement:
    """What one connection was told: sent anew while it was being prepared, it is prepared anew."""

    def __init__(self) -> None:
        self.preparing = False
        self.again = False
        self.running: frozenset[FolderID] | None = None  # told as running; None: nothing told yet


class DeviceDesk:
    """
    One device and its machine; satisfies ``PeerWorld``.

    It lives as long as the device is configured.
    """

    def __init__(self, device: DeviceID, bridge: Bridge, paused: bool) -> None:
        self.device = device
        self._bridge = bridge
        self.infos: dict[Link, ConnectionInfo] = {}
        self._told: dict[Link, Announcement] = {}
        self._agreed: dict[FolderID, Agreed] = {}  # of the peer's last Cluster Config
        self._ignored: frozenset[FolderID] = frozenset()  # of those offered, at the last look
        self._unshared: frozenset[FolderID] = frozenset()  # of ours, as was told
        self.strange = False  # it hung up on our Hello: it has not added us, as it seems
        self.config: ClusterConfig | None = None  # that one
        self.coming: ClusterConfig | None = None  # the next one: our configuration follows it first
        self._theirs: Link | None = None  # where it came
        self._forgotten: set[FolderID] = (
            set()
        )  # what we told to know of the device's index is not so
        self.peer: Peer = new_peer(Core(self))
        if paused:
            self.peer.pause("device is paused")

    @property
    def standing(self) -> Standing | None:
        return self._bridge.peers.get(self.device)

    def connected(self, link: Link, info: ConnectionInfo) -> None:
        """A connection is greeted and welcome; messages come after this."""
        self.infos[link] = info
        self._told[link] = Announcement()
        self.peer.connected(link)

    def lost(self, link: Link, reason: str) -> None:
        self.peer.lost(link, reason)
        self._told.pop(link, None)
        self.infos.pop(link, None)
        standing = self.standing
        if standing is not None and link in standing.links:
            standing.links.remove(link)

    # PeerWorld

    def arrived(self, link: Link) -> None:
        bridge, info = self._bridge, self.infos[link]
        first = self.standing is None
        bridge.peers.put(self.device).links.append(link)
        log = bridge.log.debug if self.strange else bridge.log.info
        log(
            "{device} is connected: {type}, {address}",
            device=self.device,
            type=info.type,
            address=info.address,
        )
        if first:
            for came in bridge.came:
                came(self.device)
        bridge.emit(
            EventType.DEVICE_CONNECTED,
            {
                "id": str(self.device),
                "deviceName": link.hello.device_name,
                "clientName": link.hello.client_name,
                "clientVersion": link.hello.client_version,
                "type": info.type,
                "addr": info.address,
            },
        )

    def announce(self, link: Link, secondary: bool) -> None:
        if secondary:
            link.configure(SECONDARY)
            return
        told = self._told[link]
        if told.preparing:
            told.again = True
            return
        told.preparing = True
        Deferred.fromCoroutine(self._announce(link, told)).addErrback(
            lambda failure: self._bridge.log.failure("cluster config", failure=failure)
        )

    async def _announce(self, link: Link, told: Announcement) -> None:
        bridge = self._bridge
        while True:
            told.again = False
            facts = await self._facts()
            if link not in self._told:
                return
            if not told.again:
                break
        told.preparing = False
        for id in facts.keys() & self._forgotten:
            # The peer may already have sent on, from what we knew before: it has to begin again.
            facts[id] = facts[id]._replace(their_index_id=0, their_sequence=0)
        self._forgotten -= facts.keys()
        config = announcement(bridge.holder.current, bridge.me, self.device, facts)
        told.running = frozenset(folder.id for folder in config.folders if not folder.stop_reason)
        link.configure(config)
        self._settle()

    async def _facts(self) -> dict[FolderID, IndexFacts]:
        """What the indexes of the running folders say of this device."""
        facts: dict[FolderID, IndexFacts] = {}
        for config in self._bridge.holder.current.folders:
            folder = self._bridge.folders.get(config.id)
            if folder is None or config.paused or not shares(config, self.device):
                continue
            try:
                theirs = await folder.index.remote_index_id(self.device)
                sequence = await folder.index.remote_sequence(self.device)
            except IndexFailed:
                continue  # it stops; until then it is as good as paused
            if self._bridge.folders.get(config.id) is folder:
                index = folder.index
                facts[config.id] = IndexFacts(index.index_id, index.sequence, theirs, sequence)
        return facts

    def exchange(self, link: Link, config: ClusterConfig) -> None:
        if self.strange:
            self.strange = False
            self._bridge.log.info("{device} knows this device now", device=self.device)
        self._theirs, self.config = link, config
        self._bridge.indexes.end_device(
            self.device
        )  # all begin anew, from what the peer says it has
        verdict = self._consider(link, config)
        if verdict is not None:
            self._bridge.offered(self.device, verdict.offered)
            self._bridge.emit(EventType.CLUSTER_CONFIG_RECEIVED, {"device": str(self.device)})

    def reconsider(self) -> None:
        """Our configuration changed: the peer's last word may mean something else now."""
        if self._theirs is None or self.config is None or self.coming is not None:
            return
        ignored = self._ignored
        verdict = self._consider(self._theirs, self.config)
        if verdict is not None:
            # What else it offers was told when it came, and may have been dismissed since then.
            again = [one for one in verdict.offered if one.folder in ignored]
            if again:
                self._bridge.unignored(self.device, again)

    def _consider(self, link: Link, config: ClusterConfig) -> Verdict | None:
        bridge = self._bridge
        try:
            verdict = judge(bridge.holder.current, bridge.me, self.device, config)
        except Unacceptable as error:
            link.close(str(error))
            return None
        self._ignored = verdict.ignored
        self._tell_unshared(verdict)
        standing = bridge.peers.put(self.device)
        standing.states = verdict.states
        for folder in standing.received.keys() - verdict.states.keys():
            del standing.received[folder]
        gone = self._agreed.keys() - {one.folder for one in verdict.agreed}
        self._agreed = {one.folder: one for one in verdict.agreed}
        for id in gone:
            bridge.indexes.end(self.device, id)
        forgotten = {
            id
            for id, state in verdict.states.items()
            if state is RemoteState.NOT_SHARING
            and (running := bridge.folders.get(id)) is not None
            and bridge.indexes.forget_device(running, self.device)
        }
        if forgotten:
            self._forgotten |= forgotten
            self.peer.announce()  # should it share them again, it must not go on where it was
        self._settle()
        return verdict

    def _tell_unshared(self, verdict: Verdict) -> None:
        """One line for each folder that we share and it does not, when that is new."""
        states = verdict.states.items()
        unshared = frozenset(id for id, state in states if state is RemoteState.NOT_SHARING)
        for id in sorted(unshared - self._unshared):
            self._bridge.log.info(
                "{device} does not share folder {folder} with us (yet): accept it there",
                device=self.device,
                folder=id,
            )
        self._unshared = unshared

    def silence(self) -> None:
        self._theirs = self.config = None
        self._agreed = {}
        self._bridge.indexes.end_device(self.device)

    def left(self, reason: str) -> None:
        bridge = self._bridge
        standing = bridge.peers.get(self.device)
        bridge.peers.drop(self.device)
        bridge.left(self.device)
        strange = reason.startswith(HUNG_UP)
        log = bridge.log.debug if strange and self.strange else bridge.log.info
        log("{device} is disconnected: {reason}", device=self.device, reason=reason)
        if strange and not self.strange:
            bridge.log.warn(
                "{device} has not (yet) added this device, as it seems: accept it there, or add {me};"
                " dialled again and again until then, in silence",
                device=self.device,
                me=bridge.me,
            )
        self.strange = strange
        bridge.emit(EventType.DEVICE_DISCONNECTED, {"id": str(self.device), "error": reason})
        for id in standing.states if standing is not None else ():
            folder = bridge.folders.get(id)
            if folder is not None:
                bridge.changed(folder)

    def close(self, link: Link, reason: str) -> None:
        link.close(reason)

    # Between a folder and this device.

    def _settle(self) -> None:
        """Begin each exchange for which both ends have said that they run the folder."""
        link = self._theirs
        told = self._told.get(link) if link is not None else None
        if link is None or told is None or told.running is None:
            return
        bridge = self._bridge
        for id, agreed in self._agreed.items():
            folder = bridge.folders.get(id)
            if folder is None or id not in told.running:
                bridge.indexes.end(self.device, id)
            elif not bridge.indexes.running(self.device, id):
                bridge.indexes.begin(link, folder, agreed)

    def download_progress(self, link: Link, message: DownloadProgress) -> None:
        standing = self.standing
        if standing is None or standing.states.get(message.folder) is not RemoteState.VALID:
            return
        progress = standing.received.setdefault(message.folder, ReceivedProgress())
        progress.received(message.updates)
        self._bridge.emit(
            EventType.REMOTE_DOWNLOAD_PROGRESS,
            {"device": str(self.device), "folder": message.folder, "state": progress.counts()},
        )

    @property
    def theirs(self) -> Link | None:
        """The connection for index traffic and Download Progress."""
        return self._theirs
