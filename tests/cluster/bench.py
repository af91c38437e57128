"""A network of small nodes: configuration, connections and the bridge, with folders that only keep count."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from typing import TypeVar, cast

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock

from txsyncthing.bep.messages import (
    Block,
    ClusterConfig,
    Compression,
    Device,
    DownloadProgress,
    Folder,
    Hello,
    Index,
    IndexUpdate,
    Request,
)
from txsyncthing.bep.protocol import BepFactory, BepProtocol, Terms
from txsyncthing.cluster.auto_accept import Candidate
from txsyncthing.cluster.service import ClusterService
from txsyncthing.cluster.tables import FolderTable, Unfinished
from txsyncthing.config.config import Configuration
from txsyncthing.config.device import DeviceConfig
from txsyncthing.config.folder import FolderConfig, FolderDevice
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.config.options import Options
from txsyncthing.connections.service import ConnectionsService, Port
from txsyncthing.events.types import EventType
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.ignore.matcher import EMPTY, Matcher
from txsyncthing.index.service import FolderIndex
from txsyncthing.testing.wires import MemoryNetwork, MemoryPort
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.address import Address
from txsyncthing.vocabulary.block import MIN_BLOCK_SIZE
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID, FolderType
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

T = TypeVar("T")

F = FolderID("photos")
ALICE, BOB, CAROL = (DeviceID(name * 32) for name in (b"a", b"b", b"c"))


def address_of(device: DeviceID) -> str:
    return f"tcp://10.0.0.{device.raw[0]}:22000"


class SilentLog:
    """A Log that keeps what it was told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def _keep(self, format: str, /, **fields: object) -> None:
        self.lines.append(format.format(**fields))

    debug = info = warn = error = _keep

    def failure(self, format: str, /, failure: object = None, **fields: object) -> None:
        raise AssertionError(f"{format} {fields} {failure}")


class Facts:
    """The node's small store."""

    def __init__(self) -> None:
        self.stored: dict[str, bytes] = {}

    def fact(self, key: str) -> Deferred[bytes | None]:
        return succeed(self.stored.get(key))

    def set_fact(self, key: str, value: bytes | None) -> Deferred[None]:
        assert value is not None
        self.stored[key] = value
        return succeed(None)


class Places:
    """Where folders go that are accepted by themselves: wherever ``taken`` does not say otherwise."""

    def __init__(self) -> None:
        self.taken: set[str] = set()
        self.released: list[str] = []
        self.before: Deferred[None] = succeed(None)  # the disk takes this long

    async def claim(
        self, configuration: Configuration, wanted: Sequence[Candidate]
    ) -> Mapping[FolderID, str]:
        await self.before
        found: dict[FolderID, str] = {}
        for one in wanted:
            for name in one.names:
                if name not in self.taken:
                    self.taken.add(name)
                    found[one.folder] = f"{configuration.defaults.folder.path}/{name}"
                    break
        return found

    def release(self, paths: Sequence[str]) -> Deferred[None]:
        self.released += paths
        return succeed(None)


class MemoryListener:
    def __init__(self, port: MemoryPort) -> None:
        self._port = port
        self.address = Address.parse(port.address)

    def close(self) -> Deferred[None]:
        return self._port.stopListening()


class Network:
    """One device's view of the network."""

    def __init__(self, network: MemoryNetwork, me: DeviceID) -> None:
        self._network = network
        self._me = me
        self.dialled: list[str] = []

    def schemes(self) -> frozenset[str]:
        return frozenset({"tcp"})

    def dial(self, address: Address, factory: BepFactory) -> Deferred[BepProtocol]:
        self.dialled.append(str(address))
        connected = self._network.connect(str(address), self._me, factory)
        return cast("Deferred[BepProtocol]", connected)

    def listen(self, address: Address, factory: BepFactory) -> Deferred[Port]:
        port: Port = MemoryListener(self._network.listen(str(address), self._me, factory))
        return succeed(port)


class CountedFolder:
    """A folder with a real index and a disk in memory; satisfies SharedFolder."""

    type = FolderType.SEND_RECEIVE

    def __init__(self, id: FolderID, me: DeviceID, unix: Callable[[], float]) -> None:
        self.id = id
        self.filesystem = MemoryFilesystem(unix)
        self.changed = 0
        self.rescanned: list[WireName] = []
        self.patterns: Matcher = EMPTY
        self.on_their_way: Sequence[Unfinished] = ()
        self._short = me.short
        id_bytes = sha256(me.raw + id.encode()).digest()
        self.index = FolderIndex(
            InlineWorkers(), ":memory:", me.short, lambda size: id_bytes[:size]
        )
        opened: list[object] = []
        self.index.open().addCallback(opened.append)
        assert opened == [None]

    def matcher(self) -> Matcher:
        return self.patterns

    def remote_changed(self) -> None:
        self.changed += 1

    def rescan(self, names: Sequence[WireName]) -> None:
        self.rescanned += names

    def unfinished(self) -> Sequence[Unfinished]:
        return self.on_their_way

    def add(self, name: str, data: bytes = b"", version: int = 1) -> FileInfo:
        """Write a file and tell the index."""
        self.filesystem.put(name, data)
        file = file_of(name, data, Vector.of([(self._short, version)]))
        self.index.update_local([file])
        return file

    def known(self, device: DeviceID) -> set[str]:
        """The names of what we need and the device has."""
        needed = result(self.index.need(limit=10_000))
        return {str(one.wanted.name) for one in needed if device in one.devices}


def result(deferred: Deferred[T]) -> T:
    """What a Deferred that has fired gave."""
    got: list[T] = []
    deferred.addCallback(got.append)
    assert got, "not fired"
    return got[0]


def file_of(name: str, data: bytes, version: Vector = Vector()) -> FileInfo:
    cuts = range(0, max(len(data), 1), MIN_BLOCK_SIZE)
    hashes = b"".join(sha256(data[cut : cut + MIN_BLOCK_SIZE]).digest() for cut in cuts)
    return FileInfo(
        WireName(name),
        size=len(data),
        modified=1_000_000_000,
        permissions=0o644,
        version=version,
        block_size=MIN_BLOCK_SIZE,
        hashes=hashes,
    )


class Node:
    """Configuration, connections and bridge of one device."""

    def __init__(
        self, bench: Bench, me: DeviceID, name: str, options: Options | None = None
    ) -> None:
        self.me = me
        self.bench = bench
        self.events: list[tuple[EventType, Mapping[str, object]]] = []
        self.log = SilentLog()
        options = options or Options()
        options = replace(options, listen_addresses=(address_of(me),))
        configuration = Configuration(devices=(DeviceConfig(id=me, name=name),), options=options)
        self.holder = ConfigHolder(configuration, me, lambda: "key", name)
        self.table = FolderTable()
        self.facts = Facts()
        self.places = Places()
        self.network = Network(bench.wires, me)
        self.start()

    def start(self) -> None:
        bench = self.bench
        self.cluster = ClusterService(
            clock=bench.clock,
            unix=bench.unix,
            random=lambda: 0.5,
            me=self.me,
            holder=self.holder,
            folders=self.table,
            workers=InlineWorkers(),
            facts=self.facts,
            places=self.places,
            emit=lambda type, data: self.events.append((type, data)),
            log=self.log,
        )
        self.connections = ConnectionsService(
            clock=bench.clock,
            unix=bench.unix,
            random=lambda: self.me.raw[0] / 256,
            me=self.me,
            holder=self.holder,
            network=self.network,
            cluster=self.cluster,
            emit=lambda type, data: self.events.append((type, data)),
            log=self.log,
            client=("txsyncthing", "v0.1"),
            interfaces=lambda: (),
        )
        self.cluster.startService()
        self.connections.startService()

    def stop(self) -> None:
        self.connections.stopService()
        self.cluster.stopService()

    # What a user does.

    def know(self, *devices: DeviceID, addresses: Iterable[str] | None = None) -> None:
        """Add devices, by default at the addresses where they listen."""
        for device in devices:
            at = (address_of(device),) if addresses is None else tuple(addresses)
            self._add(DeviceConfig(id=device, addresses=at))

    def _add(self, device: DeviceConfig) -> None:
        self.change_devices(lambda old: (*old, device))

    def change_devices(
        self, change: Callable[[tuple[DeviceConfig, ...]], tuple[DeviceConfig, ...]]
    ) -> None:
        self.holder.modify(lambda old: replace(old, devices=change(old.devices)))

    def edit_device(self, device: DeviceID, **fields: object) -> None:
        self.change_devices(
            lambda old: tuple(
                replace(one, **fields) if one.id == device else one  # type: ignore[arg-type]
                for one in old
            )
        )

    def edit_options(self, **fields: object) -> None:
        self.holder.modify(
            lambda old: replace(old, options=replace(old.options, **fields))  # type: ignore[arg-type]
        )

    def share(self, *devices: DeviceID, id: FolderID = F, run: bool = True) -> CountedFolder:
        """Add a folder that is shared with these devices, and run it."""
        folder = CountedFolder(id, self.me, self.bench.unix)
        members = tuple(FolderDevice(id=device) for device in (self.me, *devices))
        config = FolderConfig(id=id, label=id.title(), path=f"/{id}", devices=members)
        others = tuple(one for one in self.holder.current.folders if one.id != id)
        self.holder.modify(lambda old: replace(old, folders=(*others, config)))
        if run:
            self.table.put(folder)
        return folder

    def edit_folder(self, id: FolderID = F, **fields: object) -> None:
        self.holder.modify(
            lambda old: replace(
                old,
                folders=tuple(
                    replace(one, **fields) if one.id == id else one  # type: ignore[arg-type]
                    for one in old.folders
                ),
            )
        )

    # What can be seen.

    def connected_to(self, device: DeviceID) -> int:
        """How many connections stand."""
        return len(self.cluster.devices()[device].connections)

    def told(self, type: EventType) -> list[Mapping[str, object]]:
        return [data for kind, data in self.events if kind is type]


class Stranger:
    """A device whose every word the test chooses; satisfies bep's Receiver."""

    def __init__(self, bench: Bench, me: DeviceID, connections: int = 1) -> None:
        self.me = me
        self.bench = bench
        self.configs: list[tuple[BepProtocol, ClusterConfig]] = []
        self.indexes: list[Index | IndexUpdate] = []
        self.progress: list[DownloadProgress] = []
        self.ends: list[str] = []
        self.links: list[BepProtocol] = []
        self.hellos: list[Hello] = []
        self.terms = Terms(
            clock=bench.clock,
            me=lambda device: Hello("stranger", "syncthing", "v1.29.5", connections, 1),
            compression=lambda device: Compression.METADATA,
            admit=lambda protocol: True,
            greeted=self._greeted,
            ended=lambda protocol, reason: self.ends.append(reason),
        )

    def listen(self) -> None:
        self.bench.wires.listen(address_of(self.me), self.me, BepFactory(self.terms))

    def dial(self, device: DeviceID) -> None:
        self.bench.wires.connect(address_of(device), self.me, BepFactory(self.terms))
        self.bench.run()

    @property
    def link(self) -> BepProtocol:
        return self.links[-1]

    def _greeted(self, protocol: BepProtocol, hello: Hello) -> None:
        self.hellos.append(hello)
        self.links.append(protocol)
        protocol.accept(self)

    def offer(
        self,
        device: DeviceID,
        *ids: FolderID,
        index_id: int = 7,
        known: tuple[int, int] = (0, 0),
        stop_reason: int = 0,
        secondary: bool = False,
    ) -> None:
        """Send a Cluster Config with these folders, shared with ``device``."""
        entries = (
            Device(self.me, index_id=index_id, max_sequence=1),
            Device(device, index_id=known[0], max_sequence=known[1]),
        )
        folders = tuple(
            Folder(id, label=id, stop_reason=stop_reason, devices=entries) for id in ids
        )
        self.link.configure(ClusterConfig(folders, secondary))
        self.bench.run()

    # Receiver

    def cluster_config(self, protocol: BepProtocol, message: ClusterConfig) -> None:
        self.configs.append((protocol, message))

    def index(self, protocol: BepProtocol, message: Index | IndexUpdate) -> Deferred[None] | None:
        self.indexes.append(message)
        return None

    def serve(self, protocol: BepProtocol, request: Request) -> Deferred[Block]:
        return succeed(b"x" * request.size)

    def download_progress(self, protocol: BepProtocol, message: DownloadProgress) -> None:
        self.progress.append(message)

    def lost(self, protocol: BepProtocol, reason: str) -> None:
        pass


class Bench:
    """All of it on one clock."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.wires = MemoryNetwork(self.clock)
        self.nodes: list[Node] = []

    def unix(self) -> float:
        return 1_700_000_000 + self.clock.seconds()

    def node(self, me: DeviceID, name: str = "", options: Options | None = None) -> Node:
        node = Node(self, me, name or chr(me.raw[0]) * 3, options)
        self.nodes.append(node)
        return node

    def stranger(self, me: DeviceID, connections: int = 1) -> Stranger:
        return Stranger(self, me, connections)

    def run(self, seconds: float = 0.5) -> None:
        """Let time pass in small steps."""
        steps = max(round(seconds / 0.01), 1)
        for _ in range(steps):
            self.clock.advance(seconds / steps)

    def close(self) -> None:
        for node in self.nodes:
            node.stop()
        self.run(30)
        calls = [call for call in self.clock.getDelayedCalls() if call.active()]
        assert calls == [], calls
