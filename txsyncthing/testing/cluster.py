"""
Whole nodes on one ``Clock``: memory for disks, wires for networks, no threads.

A day of a cluster's life takes seconds, and a seed replays it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from random import Random

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from txsyncthing.bep.protocol import BepFactory, BepProtocol
from txsyncthing.config.config import Configuration
from txsyncthing.config.device import DeviceConfig
from txsyncthing.config.folder import FolderConfig, FolderDevice
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.config.options import Options
from txsyncthing.connections.listen_service import Port
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.node.build import Node
from txsyncthing.node.world import Databases, World
from txsyncthing.runtime.log_service import Logs
from txsyncthing.testing.watches import MemoryWatch, WatchedDisk
from txsyncthing.testing.wires import MemoryNetwork, MemoryPort
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.address import TCP_SCHEMES, Address
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID, FolderState
from txsyncthing.watch.seams_service import Watch
from txsyncthing.watch.told import Told, WatchFailed

BEGINNING = 1_700_000_000.0  # Unix seconds at which every cluster begins


class WirePort:
    """A listener on a network of wires."""

    def __init__(self, address: Address, port: MemoryPort) -> None:
        self.address = address
        self._port = port

    def close(self) -> Deferred[None]:
        return self._port.stopListening()


class WireNetwork:
    """One node's view of a network of wires; satisfies ``connections.service.Network``."""

    def __init__(self, network: MemoryNetwork, me: DeviceID) -> None:
        self._network = network
        self._me = me

    def schemes(self) -> frozenset[str]:
        return TCP_SCHEMES

    def dial(self, address: Address, factory: BepFactory) -> Deferred[BepProtocol]:
        return self._network.connect(str(address), self._me, factory)  # type: ignore[return-value]

    def listen(self, address: Address, factory: BepFactory) -> Deferred[Port]:
        listening: Deferred[Port] = Deferred()
        try:
            port = self._network.listen(str(address), self._me, factory)
        except OSError:
            listening.errback()
        else:
            listening.callback(WirePort(address, port))
        return listening


class MemoryDatabases:
    """Databases that end with their node."""

    def path(self, name: str) -> str:
        return ":memory:"

    def names(self) -> list[str]:
        return []

    def remove(self, name: str) -> None:
        """There is none."""

    def put_aside(self, name: str) -> None:
        """There is none."""


class Member:
    """One node of a cluster, with its disks."""

    def __init__(self, cluster: Cluster, name: str, number: int) -> None:
        self.name = name
        self.device = DeviceID(sha256(name.encode()).digest())
        self.address = f"tcp://10.0.0.{number}:22000"
        self.disks: dict[str, MemoryFilesystem] = {}  # by path
        self.logs = Logs(cluster.unix)
        random = Random(f"{cluster.seed} {name}")
        self._cluster = cluster
        options = replace(Options(), listen_addresses=(self.address,))
        configuration = Configuration(options=options)
        self.holder = ConfigHolder(configuration, self.device, name=name)
        self.world = World(
            clock=cluster.clock,
            unix=cluster.unix,
            random=random.randbytes,
            workers=InlineWorkers(),
            network=WireNetwork(cluster.network, self.device),
            interfaces=list,
            filesystem=self._disk,
            databases=cluster.databases(name),
            logs=self.logs,
            watch=self._watch,
        )
        self.node = Node(self.world, self.device, self.holder)

    def restart(self) -> None:
        """Stop the node and start it anew over its disks, and what is left of its databases."""
        stopped = self.node.stopService()
        while not stopped.called:
            self._cluster.run(0.25)
        self.node = Node(self.world, self.device, self.holder)
        self.node.startService()

    def _disk(self, folder: FolderConfig) -> MemoryFilesystem:
        if folder.path not in self.disks:
            self.disks[folder.path] = WatchedDisk(self._cluster.unix)
        return self.disks[folder.path]

    def _watch(self, folder: FolderConfig, told: Told) -> Watch:
        disk = self._disk(folder)
        if not isinstance(disk, WatchedDisk):
            raise WatchFailed("this disk has no watches")
        return MemoryWatch(disk, self.world.clock, told)

    def disk(self, folder: FolderID) -> MemoryFilesystem:
        """The storage of one of the node's folders."""
        config = self.holder.current.folder(folder)
        assert config is not None
        return self._disk(config)

    def state(self, folder: FolderID) -> FolderState | None:
        running = self.node.folders.get(folder)
        return None if running is None else running.status().state


class Cluster:
    """
    :param seed: of all that is random.
    :param databases: of a node by its name; by default they end with it.
    """

    def __init__(
        self,
        seed: int = 0,
        databases: Callable[[str], Databases] = lambda name: MemoryDatabases(),
    ) -> None:
        self.seed = seed
        self.databases = databases
        self.clock = Clock()
        self.network = MemoryNetwork(self.clock, seed)
        self.members: list[Member] = []

    def unix(self) -> float:
        return BEGINNING + self.clock.seconds()

    def add(self, name: str) -> Member:
        """A new node, started."""
        member = Member(self, name, len(self.members) + 1)
        self.members.append(member)
        member.node.startService()
        return member

    def share(self, folder: FolderID, *members: Member, watched: bool = False) -> None:
        """
        All these nodes know each other and have the folder.

        :param watched: whether changes are seen by themselves, and not only by a scan.
        """
        devices = tuple(
            DeviceConfig(id=one.device, name=one.name, addresses=(one.address,)) for one in members
        )
        shared = FolderConfig(
            id=folder,
            path=f"/{folder}",
            devices=tuple(FolderDevice(one.device) for one in members),
            fs_watcher_enabled=watched,
        )

        def change(old: Configuration) -> Configuration:
            known = {one.id for one in devices}
            others = tuple(one for one in old.devices if one.id not in known)
            return replace(old, devices=(*others, *devices), folders=(*old.folders, shared))

        for member in members:
            member.holder.modify(change)

    def run(self, seconds: float) -> None:
        """Let time pass, call by call."""
        end = self.clock.seconds() + seconds
        while (calls := self.clock.getDelayedCalls()) and calls[0].getTime() <= end:
            self.clock.advance(max(0.0, calls[0].getTime() - self.clock.seconds()))
        self.clock.advance(max(0.0, end - self.clock.seconds()))

    def run_until(self, reached: Callable[[], bool], seconds: float) -> None:
        """
        Let time pass until something is so.

        :raises AssertionError: it is not after that many seconds of the cluster's time.
        """
        end = self.clock.seconds() + seconds
        while not reached():
            assert self.clock.seconds() < end, f"not reached in {seconds} s (seed {self.seed})"
            self.run(0.25)

    def stop(self) -> None:
        """Stop all nodes."""
        for member in self.members:
            stopped = member.node.stopService()
            while not stopped.called:
                self.run(1.0)
        self.run(1.0)  # what is still on the wires
