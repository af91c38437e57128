"""
What the bridge remembers over a restart: who knocked, what was offered, when devices were here.

Source: reference 3.5, 7.4, 7.5 (lib/db/observed.go, lib/stats/device.go).
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred

from txsyncthing.clock import Clock, Timer
from txsyncthing.cluster.accept import Offered
from txsyncthing.cluster.pending import PendingDevices, PendingFolders
from txsyncthing.cluster.status import Statistics
from txsyncthing.config.config import Configuration
from txsyncthing.events.types import Emit, EventType
from txsyncthing.index.values import IndexFailed
from txsyncthing.runtime.log_service import Log
from txsyncthing.vocabulary.device import BadDeviceID, DeviceID
from txsyncthing.vocabulary.folder import FolderID

DEVICES, FOLDERS, STATISTICS = "pending devices", "pending folders", "device statistics"
STORE_AFTER = 1.0  # seconds that changes are gathered; strangers must not keep the disk busy


class Facts(Protocol):
    """A small store of the whole node (index/misc.py)."""

    def fact(self, key: str) -> Awaitable[bytes | None]: ...

    def set_fact(self, key: str, value: bytes | None) -> Awaitable[None]: ...


class PendingService:
    """
    :param unix: wall clock, Unix seconds.
    """

    def __init__(
        self, clock: Clock, unix: Callable[[], float], facts: Facts, emit: Emit, log: Log
    ) -> None:
        self._clock = clock
        self._unix = unix
        self._facts = facts
        self._emit = emit
        self._log = log
        self.devices = PendingDevices(lambda: self._changed(DEVICES))
        self.folders = PendingFolders(lambda: self._changed(FOLDERS))
        self._statistics: dict[DeviceID, Statistics] = {}
        self._came: dict[DeviceID, float] = {}  # clock seconds
        self._dirty: set[str] = set()
        self._timer: Timer | None = None
        self._loaded = False

    # Life.

    def load(self) -> Deferred[None]:
        """Take back what was stored; what came in the meantime stays."""
        return Deferred.fromCoroutine(self._load())

    async def _load(self) -> None:
        loads: Sequence[tuple[str, Callable[[bytes], None]]] = (
            (DEVICES, self.devices.load),
            (FOLDERS, self.folders.load),
            (STATISTICS, self._load_statistics),
        )
        for key, load in loads:
            try:
                stored = await self._facts.fact(key)
            except IndexFailed as error:
                self._log.warn("{fact} cannot be read: {error}", fact=key, error=error)
                continue
            if stored is not None:
                load(stored)
        self._loaded = True
        if self._dirty and self._timer is None:  # what came before could not be stored
            self._timer = self._clock.callLater(STORE_AFTER, self._due)

    def close(self) -> Deferred[None]:
        """Fires when all is stored."""
        for device in list(self._came):
            self.left(device)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return Deferred.fromCoroutine(self._store())

    def _changed(self, key: str) -> None:
        self._dirty.add(key)
        if self._timer is None:
            self._timer = self._clock.callLater(STORE_AFTER, self._due)

    def _due(self) -> None:
        self._timer = None
        Deferred.fromCoroutine(self._store()).addErrback(
            lambda failure: self._log.failure("storing what is pending", failure=failure)
        )

    async def _store(self) -> None:
        if not self._loaded:
            return
        dumps = {
            DEVICES: self.devices.dump,
            FOLDERS: self.folders.dump,
            STATISTICS: self._dump_statistics,
        }
        dirty, self._dirty = self._dirty, set()
        for key in dirty:
            try:
                await self._facts.set_fact(key, dumps[key]())
            except IndexFailed as error:
                self._log.warn("{fact} cannot be stored: {error}", fact=key, error=error)

    # Devices and folders that wait for the user's word.

    def stranger(self, device: DeviceID, name: str, address: str) -> None:
        """A device that is not configured said Hello."""
        if self.devices.add(device, self._unix(), name, address):
            self._log.info(
                "{device} ({name}, {address}) is not configured",
                device=device,
                name=name,
                address=address,
            )
            added = {"deviceID": str(device), "name": name, "address": address}
            self._emit(EventType.PENDING_DEVICES_CHANGED, {"added": [added]})
        rejected = {"name": name, "device": str(device), "address": address}
        self._emit(EventType.DEVICE_REJECTED, rejected)

    def offered(self, device: DeviceID, offers: Sequence[Offered]) -> None:
        """All that a device offers and we do not share with it."""
        kept, gone = self.folders.offered(device, self._unix(), offers)
        self._told(device, kept, gone)

    def unignored(self, device: DeviceID, offers: Sequence[Offered]) -> None:
        """A device offers these as well; they were ignored until now."""
        self._told(device, self.folders.again(device, self._unix(), offers), [])

    def _told(self, device: DeviceID, offers: Sequence[Offered], gone: Sequence[FolderID]) -> None:
        for offer in offers:
            self._emit(
                EventType.FOLDER_REJECTED,
                {"folder": offer.folder, "folderLabel": offer.label, "device": str(device)},
            )
        added = [
            {
                "folderID": offer.folder,
                "folderLabel": offer.label,
                "deviceID": str(device),
                "receiveEncrypted": offer.receive_encrypted,
                "remoteEncrypted": offer.remote_encrypted,
            }
            for offer in offers
        ]
        if added or gone:
            removed = [{"folderID": folder, "deviceID": str(device)} for folder in gone]
            self._emit(EventType.PENDING_FOLDERS_CHANGED, {"added": added, "removed": removed})

    def dismiss_device(self, device: DeviceID) -> None:
        """:raises KeyError: not pending."""
        self.devices.dismiss(device)
        self._devices_removed([device])

    def dismiss_folder(self, folder: FolderID, device: DeviceID | None) -> None:
        """:raises KeyError: not pending."""
        self.folders.dismiss(folder, device)
        removed: dict[str, str] = {"folderID": folder}
        if device is not None:
            removed["deviceID"] = str(device)
        self._emit(EventType.PENDING_FOLDERS_CHANGED, {"removed": [removed]})

    def settle(self, configuration: Configuration) -> None:
        """The configuration changed: what it answers waits no longer."""
        self._devices_removed(self.devices.settle(configuration))
        settled = self.folders.settle(configuration)
        if settled:
            removed = [{"folderID": folder, "deviceID": str(by)} for folder, by in settled]
            self._emit(EventType.PENDING_FOLDERS_CHANGED, {"removed": removed})
        for device in [id for id in self._statistics if configuration.device(id) is None]:
            del self._statistics[device]
            self._changed(STATISTICS)

    def _devices_removed(self, devices: Sequence[DeviceID]) -> None:
        if devices:
            removed = [{"deviceID": str(device)} for device in devices]
            self._emit(EventType.PENDING_DEVICES_CHANGED, {"removed": removed})

    # When devices were here.

    def came(self, device: DeviceID) -> None:
        self._came[device] = self._clock.seconds()
        before = self.statistics(device)
        self._statistics[device] = Statistics(self._unix(), before.last_connection_s)
        self._changed(STATISTICS)

    def left(self, device: DeviceID) -> None:
        since = self._came.pop(device, None)
        if since is not None:
            self._statistics[device] = Statistics(self._unix(), self._clock.seconds() - since)
            self._changed(STATISTICS)

    def statistics(self, device: DeviceID) -> Statistics:
        return self._statistics.get(device, Statistics())

    def _dump_statistics(self) -> bytes:
        return json.dumps(
            {
                str(device): [one.last_seen, one.last_connection_s]
                for device, one in self._statistics.items()
            }
        ).encode()

    def _load_statistics(self, stored: bytes) -> None:
        try:
            for text, (seen, lasted) in json.loads(stored).items():
                one = Statistics(float(seen), float(lasted))
                self._statistics.setdefault(DeviceID.parse(text), one)
        except (ValueError, TypeError, AttributeError, BadDeviceID):
            return
