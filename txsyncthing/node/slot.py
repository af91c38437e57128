"""
What of one folder is wanted, and what runs.

Each step waits for the one before, so that no two services ever have one database.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from twisted.internet.defer import Deferred

from txsyncthing.config.folder import FolderConfig
from txsyncthing.folder.service import FolderService
from txsyncthing.vocabulary.folder import FolderID


class Hands(Protocol):
    """What a slot has done; see folders_service.py."""

    def make(self, folder: FolderConfig) -> FolderService: ...

    async def start(self, service: FolderService) -> None: ...

    async def stop(self, service: FolderService) -> None: ...

    async def tidy(self, folder: FolderConfig) -> None:
        """The folder is configured no longer: its database and its marker go."""

    async def put_aside(self, id: FolderID) -> None:
        """Give the folder's database another name."""


class Slot:
    """
    One folder: what is wanted, and what runs. Changes may come faster than a folder stops; only
    the newest counts.
    """

    def __init__(self, id: FolderID, hands: Hands) -> None:
        self.id = id
        self.wanted: FolderConfig | None = None
        self.removed: FolderConfig | None = None  # what it leaves behind is to be tidied
        self.reset: Deferred[None] | None = None  # wanted: fires when the database is put aside
        self.service: FolderService | None = None
        self.busy = False
        self._running: FolderConfig | None = None
        self._hands = hands

    @property
    def settled(self) -> bool:
        if self.reset is not None or self.removed is not None:
            return False
        if self.wanted is None or self._running is None:
            return self.wanted is self._running
        return _own(self.wanted) == _own(self._running)

    async def settle(self) -> None:
        """Stop and start until what runs is what is wanted."""
        while not self.settled:
            if self.service is not None:
                service, self.service, self._running = self.service, None, None
                await self._hands.stop(service)
            elif self.removed is not None:
                removed, self.removed = self.removed, None
                await self._hands.tidy(removed)
            elif self.reset is not None:
                reset, self.reset = self.reset, None
                try:
                    await self._hands.put_aside(self.id)
                except OSError:
                    reset.errback()
                else:
                    reset.callback(None)
            elif self.wanted is not None:
                self._running = self.wanted
                self.service = self._hands.make(self.wanted)
                await self._hands.start(self.service)
        if self.service is not None and self.wanted is not None and self.wanted != self._running:
            self._running = self.wanted
            self.service.adopt(self.wanted)


def _own(folder: FolderConfig) -> FolderConfig:
    """
    What makes a folder's service begin anew when it changes. With whom it is shared is the bridge's business,
    and names go on in ``FolderService.adopt``.
    """
    return replace(folder, devices=(), label="", group="")
