"""
Whole nodes on one ``Clock``: memory for disks, wires for networks, no threads.

A day of a cluster's life takes seconds, and a seed replays it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from random import Random
from typing import Protocol, runtime_checkable

from twisted.internet.defer import Deferred

from txsyncthing.bep.protocol import BepFactory, BepProtocol
from txsyncthing.config.config import Configuration
from txsyncthing.config.device import DeviceConfig
from txsyncthing.config.folder import FolderConfig, FolderDevice
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.config.options import Options
from txsyncthing.connections.listen_service import Port
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.memory_crash import Survives, nothing
from txsyncthing.node.build import Node
from txsyncthing.node.world import Databases, World
from txsyncthing.runtime.log_service import Logs
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.testing.clocks import HeapClock
from txsyncthing.testing.process import Process
from txsyncthing.testing.watches import MemoryWatch, WatchedDisk
from txsyncthing.testing.wires import MemoryNetwork, MemoryPort
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.address import TCP_SCHEMES, Address
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID, FolderState
from txsyncthing.watch.seams_service import Watch
from txsyncthing.watch.told import Told, WatchFailed

STOPS = 600.0  # seconds in which a node has to stop
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

    def __init__(
        self, network: MemoryNetwork, me: DeviceID, process: Process | None = None
    ) -> None:
        self._network = network
        self._me = me
        self._process = process

    def schemes(self) -> frozenset[str]:
        return TCP_SCHEMES

    def dial(self, address: Address, factory: BepFactory) -> Deferred[BepProtocol]:
        return self._network.connect(  # type: ignore[return-value]
            str(address), self._me, factory, self._alive
        )

    def _alive(self) -> bool:
        return self._process is None or self._process.alive

    def listen(self, address: Address, factory: BepFactory) -> Deferred[Port]:
        listening: Deferred[Port] = Deferred()
        try:
            port = self._network.listen(str(address), self._me, factory)
        except OSError:
            listening.errback()
        else:
            listening.callback(WirePort(address, port))
        return listening


@runtime_checkable
class MachineDatabases(Databases, Protocol):
    """Databases that know of the ends that a process may have."""

    def die(self) -> None:
        """The process is killed."""

    def lose(self, survives: Survives) -> None:
        """The machine loses power; see ``MemoryFilesystem.crash``."""


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

    def die(self) -> None:
        """It is gone."""

    def lose(self, survives: Survives) -> None:
        """It is gone."""


class Member:
    """
    One node of a cluster, with its machine: disks, databases, a clock on the wall.

    :ivar skew: seconds by which the wall clock is ahead of the others'.
    :ivar world: what its processes find; but for the time, the network and the workers, which die with them.
    :ivar makes_disk: a new disk for a folder.
    :ivar workers: the workers of a process.
    :ivar at_fuse: how a process ends whose fuse has burnt down.
    :ivar prepare: what is done with each node before it starts.
    """

    def __init__(self, cluster: Cluster, name: str, number: int) -> None:
        self.name = name
        self.device = DeviceID(sha256(name.encode()).digest())
        self.address = f"tcp://10.0.0.{number}:22000"
        self.disks: dict[str, MemoryFilesystem] = {}  # by path
        self.skew = 0.0
        self.logs = Logs(self.unix)
        self.databases = cluster.databases(name)
        self.makes_disk: Callable[[Callable[[], float]], MemoryFilesystem] = WatchedDisk
        self.workers: Callable[[Process], Workers] | None = None
        self.at_fuse: Callable[[], object] = self.kill
        self.prepare: Callable[[Node], object] = lambda node: None
        self._random = Random(f"{cluster.seed} {name}")
        self._dead: list[tuple[Process, Node]] = []  # see ``Process.limbo``
        self._cluster = cluster
        options = replace(Options(), listen_addresses=(self.address,))
        configuration = Configuration(options=options)
        self.holder = ConfigHolder(configuration, self.device, name=name)
        self.world = World(
            clock=cluster.clock,
            unix=self.unix,
            random=self._random.randbytes,
            workers=InlineWorkers(),
            network=WireNetwork(cluster.network, self.device),
            interfaces=list,
            filesystem=self._disk,
            databases=self.databases,
            logs=self.logs,
            watch=self._watch,
        )
        self.process = Process(cluster.clock)
        self.process.die()
        self.node = Node(self.world, self.device, self.holder)

    def unix(self) -> float:
        return self._cluster.unix() + self.skew

    # The life of its processes.

    @property
    def up(self) -> bool:
        """Whether the node's process lives."""
        return self.process.alive

    def start(self) -> None:
        """A new process over the disks, and what is left of the databases."""
        self._dead.append((self.process, self.node))
        process = self.process = Process(self._cluster.clock, self._doomed)
        self._cluster.network.revive(self.device)
        # A process is not to change what its successors draw.
        random = Random(self._random.randbytes(16))
        world = replace(
            self.world,
            clock=process,
            random=random.randbytes,
            network=WireNetwork(self._cluster.network, self.device, process),
        )
        if self.workers is not None:
            world = replace(world, workers=self.workers(process))
        self.node = Node(world, self.device, self.holder)
        self.prepare(self.node)
        self.node.startService()

    def stop(self) -> None:
        """
        Stop the node as its owner does.

        :raises AssertionError: it does not stop.
        """
        stopped, process = self.node.stopService(), self.process
        patience = self._cluster.clock.seconds() + STOPS
        while not stopped.called and process.alive:
            assert self._cluster.clock.seconds() < patience, f"{self.name} does not stop"
            self._cluster.run(0.25)
        if process.alive:  # else it was killed on its way, and another may run
            process.die()
            self._cluster.network.vanish(self.device)

    def restart(self) -> None:
        """Stop the node and start it anew."""
        self.stop()
        self.start()

    def kill(self) -> None:
        """The process ends between two steps; what it has written is there."""
        self._end(silent=False)
        self._mortal().die()

    def cut_power(self, survives: Survives = nothing) -> None:
        """
        The machine stops: of what was not synced some is lost, and no peer hears of it.

        :param survives: see ``MemoryFilesystem.crash``.
        """
        self._end(silent=True)
        self._mortal().lose(survives)
        for disk in self.disks.values():
            disk.crash(survives)

    def _doomed(self) -> None:
        self.at_fuse()

    def _end(self, silent: bool) -> None:
        self.process.die()
        # The configuration is a file; who listened to its changes is dead.
        self.holder = ConfigHolder(self.holder.current, self.device, name=self.name)
        self._cluster.network.vanish(self.device, silent)

    def _mortal(self) -> MachineDatabases:
        databases = self.databases
        assert isinstance(databases, MachineDatabases), "these databases stand any end but a kill"
        return databases

    # What is there.

    def _disk(self, folder: FolderConfig) -> MemoryFilesystem:
        if folder.path not in self.disks:
            self.disks[folder.path] = self.makes_disk(self.unix)
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
        self.clock = HeapClock()
        self.network = MemoryNetwork(self.clock, seed)
        self.members: list[Member] = []

    def unix(self) -> float:
        return BEGINNING + self.clock.seconds()

    def add(self, name: str) -> Member:
        """A new node, started."""
        member = self.member(name)
        member.start()
        return member

    def member(self, name: str) -> Member:
        """A new node that is yet to be started."""
        member = Member(self, name, len(self.members) + 1)
        self.members.append(member)
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
            before = old.folder(folder)
            new = shared if before is None else replace(before, devices=shared.devices)
            folders = (*(one for one in old.folders if one.id != folder), new)
            return replace(old, devices=(*others, *devices), folders=folders)

        for member in members:
            member.holder.modify(change)

    def run(self, seconds: float) -> None:
        """Let time pass, call by call."""
        self.clock.run(seconds)

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
            if member.up:
                member.stop()
        self.run(1.0)  # what is still on the wires
