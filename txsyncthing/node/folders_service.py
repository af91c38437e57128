"""
All folders of a node: what runs follows the configuration.

A paused folder does not run. A folder whose settings change is stopped and started anew over its
database; one that is removed loses its database, since an old one would tell of deletions that never were.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from twisted.application.service import Service
from twisted.internet.defer import Deferred, DeferredList

from txsyncthing.cluster.tables import FolderTable
from txsyncthing.config.config import Configuration
from txsyncthing.config.diff import Change
from txsyncthing.config.folder import FolderConfig
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.folder.service import FolderService, Ignores
from txsyncthing.node.world import World, database_name
from txsyncthing.runtime.log_service import Log
from txsyncthing.runtime.task_service import TaskService
from txsyncthing.vocabulary.folder import FolderID

Make = Callable[[FolderConfig], FolderService]


def running_part(folder: FolderConfig) -> FolderConfig:
    """What a folder's service depends on: with whom it is shared is the bridge's business."""
    return replace(folder, label="", devices=())


class Slot:
    """
    One folder: what is wanted, and what runs. Changes may come faster than folders stop; only the
    newest counts.
    """

    def __init__(self, make: Make, table: FolderTable) -> None:
        self.wanted: FolderConfig | None = None
        self.forget = False  # the database too, once nothing runs
        self.service: FolderService | None = None
        self.busy = False
        self._running: FolderConfig | None = None
        self._make = make
        self._table = table

    @property
    def settled(self) -> bool:
        if self.wanted is None or self._running is None:
            return self.wanted is self._running
        return running_part(self.wanted) == running_part(self._running)

    async def settle(self) -> None:
        """Stop and start until what runs is what is wanted."""
        while not self.settled:
            if self._running is not None and self.service is not None:
                self._table.drop(self._running.id)
                service, self.service, self._running = self.service, None, None
                await service.stopService()
            elif self.wanted is not None:
                self._running = self.wanted
                self.service = self._make(self.wanted)
                await self.service.start()
                if self.service is not None:
                    self._table.put(self.service)
