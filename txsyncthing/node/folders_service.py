"""
All folders of a node: what runs follows the configuration.

A paused folder does not run. A folder whose settings change is stopped and started anew over its
database; one that is removed loses its database, since an old one would tell of deletions that never were.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from weakref import WeakKeyDictionary, WeakSet

from twisted.application.service import Service
from twisted.internet.defer import Deferred

from txsyncthing.clock import Timer
from txsyncthing.cluster.tables import FolderTable
from txsyncthing.config.config import Configuration
from txsyncthing.config.diff import Change
from txsyncthing.config.folder import FolderConfig
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.events.types import Emit, EventType
from txsyncthing.filesystem.metadata import remove_marker
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.folder.changes_service import AREA as CHANGES
from txsyncthing.folder.ignores import load_ignores, store_ignores
from txsyncthing.folder.outside import Outside
from txsyncthing.folder.rules import verify_types
from txsyncthing.folder.service import FolderService, Ignores
from txsyncthing.folder.watching_service import Means
from txsyncthing.index.service import FolderIndex
from txsyncthing.index.values import IndexFailed
from txsyncthing.node.care import CareBook
from txsyncthing.node.options_service import FolderOptions
from txsyncthing.node.slot import Slot
from txsyncthing.node.world import NODE_DATABASE, Databases, World, database_name
from txsyncthing.pull.fetch_service import BlockSources
from txsyncthing.runtime.limiter import Limiter
from txsyncthing.runtime.pace_service import Turns
from txsyncthing.runtime.task_service import TaskService
from txsyncthing.vocabulary.device import ShortID, short_text
from txsyncthing.vocabulary.folder import FolderID, FolderState

UNLIMITED = 1 << 30  # folders that may work at the same time
MAINTENANCE = 8 * 3600.0  # seconds between two rounds of tidying the databases (reference 5.10)


class FoldersService(Service):
    """
    :param table: where running folders are put, for the bridge.
    :param sources: where a folder's blocks come from.
    :param stands: called when a folder, or what other devices have of it, changed; True: it has just pulled
        what it needed.
    """

    def __init__(
        self,
        world: World,
        short: ShortID,
        holder: ConfigHolder,
        table: FolderTable,
        sources: Callable[[FolderID], BlockSources],
        emit: Emit,
        stands: Callable[[FolderID, bool], object] = lambda id, synced: None,
    ) -> None:
        self._world = world
        self._stands = stands
        self._short = short
        self._holder = holder
        self._table = table
        self._sources = sources
        self._emit = emit
        self._log = world.logs.area("folders")
        self._tasks = TaskService(self._log)
        self._turns = Turns(world.clock)  # hundreds of folders may start, or stop, at once
        self._gate = Limiter(self._width())
        self._options = FolderOptions(world, holder)
        self.care = CareBook(world.own, self._log)
        self._slots: dict[FolderID, Slot] = {}
        self._paused: dict[FolderID, float] = {}  # since when
        self._failed: WeakSet[FolderService] = WeakSet()  # what is in error, and told so
        self._states: WeakKeyDictionary[FolderService, FolderState] = WeakKeyDictionary()
        self._unsubscribe: Callable[[], None] = lambda: None
        self._unverify: Callable[[], None] = lambda: None
        self._timer: Timer | None = None
        self._begun = False  # what the configuration has follows only when the databases are sorted

    # What REST asks (api.seams.FoldersView).

    def get(self, id: FolderID) -> FolderService | None:
        """The folder if it runs."""
        slot = self._slots.get(id)
        return None if slot is None else slot.service

    def filesystem(self, id: FolderID) -> Filesystem:
        """
        Where the folder is, paused or not.

        :raises KeyError: there is no such folder.
        """
        return self._world.filesystem(self._find(id))

    def paused_since(self, id: FolderID) -> float:
        """Unix seconds; at the earliest our own start. 0: it is not."""
        return self._paused.get(id, 0.0)

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
        self._unverify = self._holder.verify(verify_types)
        self._timer = self._world.clock.callLater(MAINTENANCE, self._maintain)
        self._tasks.spawn(self._begin(), "start folders")

    async def _begin(self) -> None:
        known = {database_name(folder.id) for folder in self._holder.current.folders}
        databases, disk = self._world.databases, self._world.workers.disk
        await disk.run(_remove_others, databases, known | {NODE_DATABASE})
        self._begun = True
        self._follow(self._holder.current)

    def stopService(self) -> Deferred[None]:
        """Fires when no folder moves any more."""
        self.running = False
        self._unsubscribe()
        self._unverify()
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._turns.close()
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
        if self._begun:
            self._follow(new)
        for folder in before.values():
            slot = self._slots.setdefault(folder.id, Slot(folder.id, self))
            self._paused.pop(folder.id, None)
            slot.wanted, slot.removed = None, folder
            self._settle(slot)

    def _follow(self, configuration: Configuration) -> None:
        for folder in configuration.folders:
            slot = self._slots.get(folder.id)
            if slot is None:
                slot = self._slots[folder.id] = Slot(folder.id, self)
            slot.wanted = None if folder.paused else folder
            if not folder.paused:
                self._paused.pop(folder.id, None)
            elif folder.id not in self._paused:
                self._paused[folder.id] = self._world.unix()
            self._settle(slot)

    def _settle(self, slot: Slot) -> None:
        if not slot.busy:
            slot.busy = True
            self._turns.do(lambda: self._tasks.spawn(self._settled(slot), f"folder {slot.id}"))

    async def _settled(self, slot: Slot) -> None:
        try:
            await slot.settle()
        finally:
            slot.busy = False
        if slot.settled and self._holder.current.folder(slot.id) is None:
            self._slots.pop(slot.id, None)

    # What a slot has done (slot.Hands).

    def make(self, folder: FolderConfig) -> FolderService:
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
            surroundings=self._options.surroundings(),
            place=world.versions(folder),
            outside=Outside(
                partial(self.care.care, folder.id),
                self._who,
                self._log,
                world.logs.area(CHANGES, kept=False),
            ),
            watch=world.watch and Means(partial(world.watch, folder), self._log),
        )
        index.on_local_change(lambda last, files: self._stands(folder.id, False))
        index.on_remote_change(lambda device, count: self._stands(folder.id, False))
        return service

    def _who(self, short: ShortID) -> str:
        """A device as people know it."""
        found = (one for one in self._holder.current.devices if one.id.short == short)
        device = next(found, None)
        text = short_text(short)
        return f"{device.name} ({text})" if device is not None and device.name else text

    async def start(self, service: FolderService) -> None:
        service.on_state(partial(self._state, service))
        await service.start()
        self._show(service)

    async def stop(self, service: FolderService) -> None:
        self._table.drop(service.id)
        await service.stopService()

    async def tidy(self, folder: FolderConfig) -> None:
        world = self._world
        storage, when = world.filesystem(folder), datetime.fromtimestamp(world.unix())
        disk = world.workers.disk
        await disk.run(world.databases.remove, database_name(folder.id))
        try:
            await disk.run(remove_marker, storage, folder.id, folder.marker_name, when)
        except OSError as error:
            self._log.warn("folder {folder}: marker: {error}", folder=folder.id, error=error)
        self._log.info("folder {folder} is removed; its files stay", folder=folder.id)

    async def put_aside(self, id: FolderID) -> None:
        aside = self._world.databases.put_aside
        await self._world.workers.disk.run(aside, database_name(id))
        self._log.info("folder {folder} begins with a new database", folder=id)

    def _state(self, service: FolderService, state: FolderState) -> None:
        self._show(service)
        before, self._states[service] = self._states.get(service), state
        if before is FolderState.SYNCING and state is FolderState.IDLE:
            self._stands(service.id, True)
        if state is FolderState.ERROR:
            self._failed.add(service)
            error = service.status().error
            self._log.error("folder {folder}: {error}", folder=service.id, error=error)
        elif service in self._failed and state is not FolderState.STARTING:
            self._failed.discard(service)
            self._log.info("folder {folder} is well again", folder=service.id)

    def _show(self, service: FolderService) -> None:
        """Let the bridge have the folder as soon as its index is open, which may be late."""
        slot = self._slots.get(service.id)
        shown = self._table.get(service.id) is service
        if slot is not None and slot.service is service and service.ready and not shown:
            self._table.put(service)
            self._log.info("folder {folder} runs", folder=service.id)

    def _width(self) -> int:
        """How many folders may scan or pull at the same time (``maxFolderConcurrency``)."""
        width = self._holder.current.options.max_folder_concurrency
        return (os.cpu_count() or 1) if width == 0 else UNLIMITED if width < 0 else width


def _remove_others(databases: Databases, known: set[str]) -> None:
    """Remove the databases of folders that were removed while we did not run."""
    for name in databases.names():
        if name not in known:
            databases.remove(name)
