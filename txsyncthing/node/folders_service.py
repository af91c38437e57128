"""
All folders of a node: what runs follows the configuration.

A paused folder does not run. A folder whose settings change is stopped and started anew over its
database; one that is removed loses its database, since an old one would tell of deletions that never were.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from twisted.application.service import Service
from twisted.internet.defer import Deferred

from txsyncthing.clock import Timer
from txsyncthing.cluster.tables import FolderTable
from txsyncthing.config.config import Configuration
from txsyncthing.config.diff import Change
from txsyncthing.config.folder import FolderConfig
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.events.types import Emit, EventType
from txsyncthing.folder.ignores import load_ignores, store_ignores
from txsyncthing.folder.service import FolderService, Ignores
from txsyncthing.index.service import FolderIndex
from txsyncthing.index.values import IndexFailed
from txsyncthing.node.world import NODE_DATABASE, Databases, World, database_name
from txsyncthing.pull.fetch_service import BlockSources
from txsyncthing.runtime.limiter import Limiter
from txsyncthing.runtime.task_service import TaskService
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.folder import FolderID, FolderState

Make = Callable[[FolderConfig], FolderService]
PutAside = Callable[[], Deferred[None]]

UNLIMITED = 1 << 30  # folders that may work at the same time
MAINTENANCE = 8 * 3600.0  # seconds between two rounds of tidying the databases (reference 5.10)


class Slot:
    """
    One folder: what is wanted, and what runs. Changes may come faster than a folder stops; only
    the newest counts.
    """

    def __init__(self, make: Make, table: FolderTable, put_aside: PutAside) -> None:
        self.wanted: FolderConfig | None = None
        self.service: FolderService | None = None
        self.busy = False
        self.reset: Deferred[None] | None = (
            None  # the database is to be put aside; fires when it is
        )
        self._running: FolderConfig | None = None
        self._make = make
        self._table = table
        self._put_aside = put_aside

    @property
    def settled(self) -> bool:
        if self.reset is not None:
            return False
        if self.wanted is None or self._running is None:
            return self.wanted is self._running
        return _own(self.wanted) == _own(self._running)

    async def settle(self) -> None:
        """Stop and start until what runs is what is wanted."""
        while not self.settled:
            if self.service is not None:
                service, self.service, self._running = self.service, None, None
                self._table.drop(service.id)
                await service.stopService()
            elif self.reset is not None:
                reset, self.reset = self.reset, None
                try:
                    await self._put_aside()
                except OSError:
                    reset.errback()
                else:
                    reset.callback(None)
            elif self.wanted is not None:
                self._running = self.wanted
                service = self.service = self._make(self.wanted)
                service.on_state(partial(self._show, service))
                await service.start()
                self._show(service)

    def _show(self, service: FolderService, state: FolderState | None = None) -> None:
        """Let the bridge have the folder as soon as its index is open, which may be late."""
        if service is self.service and service.ready and self._table.get(service.id) is not service:
            self._table.put(service)


def _own(folder: FolderConfig) -> FolderConfig:
    """What a folder's service depends on: with whom it is shared is the bridge's business."""
    return replace(folder, devices=())


class FoldersService(Service):
    """
    :param table: where running folders are put, for the bridge.
    :param sources: where a folder's blocks come from.
    """

    def __init__(
        self,
        world: World,
        short: ShortID,
        holder: ConfigHolder,
        table: FolderTable,
        sources: Callable[[FolderID], BlockSources],
        emit: Emit,
    ) -> None:
        self._world = world
        self._short = short
        self._holder = holder
        self._table = table
        self._sources = sources
        self._emit = emit
        self._log = world.logs.area("folders")
        self._tasks = TaskService(self._log)
        self._gate = Limiter(self._width())
        self._slots: dict[FolderID, Slot] = {}
        self._unsubscribe: Callable[[], None] = lambda: None
        self._timer: Timer | None = None

    # What REST asks (api.seams.FoldersView).

    def get(self, id: FolderID) -> FolderService | None:
        """The folder if it runs."""
        slot = self._slots.get(id)
        return None if slot is None else slot.service

    def ignores(self, id: FolderID) -> Deferred[Ignores]:
        """
        The ignore patterns of a configured folder, paused or not.

        :raises KeyError: there is no such folder.
        """
        service = self.get(id)
        if service is not None:
            return service.ignores()
        return self._world.workers.disk.run(load_ignores, self._world.filesystem(self._find(id)))

    def set_ignores(self, id: FolderID, lines: Sequence[str]) -> Deferred[Ignores]:
        """
        Replace them, and scan if the folder runs.

        :raises KeyError: there is no such folder.
        """
        service = self.get(id)
        if service is not None:
            return service.set_ignores(lines)
        storage = self._world.filesystem(self._find(id))
        return self._world.workers.disk.run(store_ignores, storage, tuple(lines))

    def reset(self, id: FolderID) -> Deferred[None]:
        """
        Put a folder's database aside and begin with an empty one: the remedy for a damaged one. The
        folder is scanned, and the peers tell their indexes again; no file is touched.

        :returns: fires when the old database is out of the way.
        :raises KeyError: there is no such folder.
        """
        self._find(id)
        slot = self._slots[id]
        if slot.reset is None:
            slot.reset = Deferred()
        done: Deferred[None] = Deferred()
        slot.reset.chainDeferred(done)
        self._settle(slot)
        return done

    def _find(self, id: FolderID) -> FolderConfig:
        for folder in self._holder.current.folders:
            if folder.id == id:
                return folder
        raise KeyError(id)

    # Life.

    def startService(self) -> None:
        self.running = True
        self._tasks.startService()
        self._unsubscribe = self._holder.subscribe(self._configured)
        self._timer = self._world.clock.callLater(MAINTENANCE, self._maintain)
        self._tasks.spawn(self._begin(), "start folders")

    async def _begin(self) -> None:
        known = {database_name(folder.id) for folder in self._holder.current.folders}
        databases, disk = self._world.databases, self._world.workers.disk
        await disk.run(_remove_others, databases, known | {NODE_DATABASE})
        self._follow(self._holder.current)

    def stopService(self) -> Deferred[None]:
        """Fires when no folder moves any more."""
        self.running = False
        self._unsubscribe()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for slot in self._slots.values():
            slot.wanted = None
            self._settle(slot)
        for slot in self._slots.values():
            if slot.service is not None:
                self._table.drop(slot.service.id)
        await self._tasks.finish()

    def _maintain(self) -> None:
        self._timer = self._world.clock.callLater(MAINTENANCE, self._maintain)
        self._tasks.spawn(self._tidy_databases(), "tidy databases")

    async def _tidy_databases(self) -> None:
        for slot in list(self._slots.values()):
            service = slot.service
            if service is not None and service.ready:
                try:
                    await service.index.maintain()
                except IndexFailed as error:
                    self._log.warn("tidying a database: {error}", error=error)

    # Following the configuration.

    def _configured(self, old: Configuration, new: Configuration, changes: list[Change]) -> None:
        self._gate.resize(self._width())
        before = {folder.id: folder for folder in old.folders}
        for folder in new.folders:
            was = before.pop(folder.id, None)
            if was is not None and was.paused != folder.paused:
                kind = EventType.FOLDER_PAUSED if folder.paused else EventType.FOLDER_RESUMED
                self._emit(kind, {"id": folder.id, "label": folder.label})
        self._follow(new)
        for id in before:
            self._forget(id)

    def _follow(self, configuration: Configuration) -> None:
        for folder in configuration.folders:
            slot = self._slots.get(folder.id)
            if slot is None:
                slot = self._slots[folder.id] = Slot(
                    self._make, self._table, partial(self._put_aside, folder.id)
                )
            slot.wanted = None if folder.paused else folder
            self._settle(slot)

    def _forget(self, id: FolderID) -> None:
        slot = self._slots.get(id)
        if slot is not None:
            slot.wanted = None
            self._settle(slot)

    def _settle(self, slot: Slot) -> None:
        if not slot.busy:
            slot.busy = True
            self._tasks.spawn(self._settled(slot), "folder")

    async def _settled(self, slot: Slot) -> None:
        try:
            await slot.settle()
        finally:
            slot.busy = False
        await self._tidy()

    async def _tidy(self) -> None:
        """Drop what belongs to folders that are configured no longer."""
        configured = {folder.id for folder in self._holder.current.folders}
        for id, slot in list(self._slots.items()):
            if id not in configured and slot.settled and not slot.busy:
                slot.busy = True  # so that nothing starts over a database that goes
                name = database_name(id)
                try:
                    await self._world.workers.disk.run(self._world.databases.remove, name)
                finally:
                    slot.busy = False
                self._log.info("folder {folder}: removed; its files stay", folder=id)
                if slot.settled:
                    del self._slots[id]
                else:  # it was added again meanwhile
                    self._settle(slot)

    def _put_aside(self, id: FolderID) -> Deferred[None]:
        aside = self._world.databases.put_aside
        return self._world.workers.disk.run(aside, database_name(id))

    def _make(self, folder: FolderConfig) -> FolderService:
        world = self._world
        index = FolderIndex(
            world.workers,
            world.databases.path(database_name(folder.id)),
            self._short,
            world.random,
            on_damaged=lambda error: service.damaged(error),
        )
        service = FolderService(
            folder,
            world.workers,
            world.clock,
            world.unix,
            world.fraction,
            world.filesystem(folder),
            index,
            self._sources(folder.id),
            self._emit,
            self._gate,
            self._short,
        )
        return service

    def _width(self) -> int:
        """How many folders may scan or pull at the same time (``maxFolderConcurrency``)."""
        width = self._holder.current.options.max_folder_concurrency
        return (os.cpu_count() or 1) if width == 0 else UNLIMITED if width < 0 else width


def _remove_others(databases: Databases, known: set[str]) -> None:
    """Remove the databases of folders that were removed while we did not run."""
    for name in databases.names():
        if name not in known:
            databases.remove(name)
