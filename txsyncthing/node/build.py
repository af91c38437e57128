"""
A whole node, put together: read this to see how everything is joined.

Nothing here touches the process: a program may have many nodes, and a test runs them on one ``Clock``.
"""

from __future__ import annotations

from dataclasses import replace

from twisted.application.service import Service
from twisted.internet.defer import Deferred

from txsyncthing import __version__
from txsyncthing.api.summary_service import SummaryService
from txsyncthing.cluster.service import ClusterService
from txsyncthing.cluster.tables import FolderTable
from txsyncthing.config.config import Configuration
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.connections.service import ConnectionsService
from txsyncthing.events.bus import EventBus
from txsyncthing.events.types import EventType
from txsyncthing.index.misc_service import MiscIndex
from txsyncthing.node.folders_service import FoldersService
from txsyncthing.node.places import FolderPlaces
from txsyncthing.node.world import NODE_DATABASE, World
from txsyncthing.runtime.task_service import TaskService
from txsyncthing.vocabulary.device import DeviceID, short_text

CLIENT = "txsyncthing"


class Node(Service):
    """
    One Syncthing node: folders, their indexes, and connections to other devices.

    :param me: our device; the network proves it to others.
    :param holder: the configuration; change it at any time.
    """

    def __init__(self, world: World, me: DeviceID, holder: ConfigHolder) -> None:
        self.world = world
        self.me = me
        self.holder = holder
        self.events = EventBus(world.unix)
        self.tasks = TaskService(world.logs.area("node"))
        self.facts = MiscIndex(world.workers, world.databases.path(NODE_DATABASE))
        self.table = FolderTable()
        self.cluster = ClusterService(
            clock=world.clock,
            unix=world.unix,
            random=world.fraction,
            me=me,
            holder=holder,
            folders=self.table,
            workers=world.workers,
            facts=self.facts,
            places=FolderPlaces(world),
            emit=self.events.emit,
            log=world.logs.area("cluster"),
            came=lambda device: self.summary.connected(device),
        )
        self.folders = FoldersService(
            world,
            me.short,
            holder,
            self.table,
            self.cluster.sources,
            self.events.emit,
            stands=lambda id, synced: self.summary.stands(id, synced),
        )
        self.summary = SummaryService(
            world.clock, self.folders, self.cluster, holder, self.events.emit, me
        )
        self.connections = ConnectionsService(
            clock=world.clock,
            unix=world.unix,
            random=world.fraction,
            me=me,
            holder=holder,
            network=world.network,
            cluster=self.cluster,
            emit=self.events.emit,
            log=world.logs.area("connections"),
            client=(CLIENT, f"v{__version__}"),
            interfaces=world.interfaces,
        )

    def startService(self) -> None:
        self.running = True
        self.tasks.startService()
        self.tasks.spawn(self._start(), "start")

    async def _start(self) -> None:
        log = self.world.logs.area("node")
        log.info("device {device} starts", device=self.me)
        await self.facts.open()
        self.summary.startService()
        self.folders.startService()
        self.cluster.startService()
        self.connections.startService()
        self.events.emit(EventType.STARTUP_COMPLETE, {"myID": str(self.me)})

    def stopService(self) -> Deferred[None]:
        """Fires when no thread and no connection has anything of the node any more."""
        self.running = False
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await self.tasks.stopService()
        self.summary.stopService()
        await self.connections.stopService()
        await self.cluster.stopService()
        await self.folders.stopService()
        await self.facts.close()
        self.world.logs.area("node").info("{short} has stopped", short=short_text(self.me.short))


def all_paused(configuration: Configuration, paused: bool) -> Configuration:
    """Every device and folder paused, or resumed (``--paused``, ``--unpaused``)."""
    return replace(
        configuration,
        folders=tuple(replace(folder, paused=paused) for folder in configuration.folders),
        devices=tuple(replace(device, paused=paused) for device in configuration.devices),
    )
