"""
Devices and folders that wait for the user's word: who knocked, and what was offered.

Both are bounded, since strangers fill them: the oldest goes first.

Source: reference 3.5, 7.4, 7.5 (lib/db/observed.go).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import islice

from txsyncthing.cluster.accept import MAX_LABEL, MAX_OFFERED, Offered
from txsyncthing.config.config import Configuration
from txsyncthing.vocabulary.device import BadDeviceID, DeviceID
from txsyncthing.vocabulary.folder import FolderID

MAX_DEVICES = 100


@dataclass(frozen=True, slots=True)
class PendingDevice:
    """A device that is not configured and said Hello."""

    time: float  # Unix seconds
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class PendingFolder:
    """A folder that a device offers and that we do not share with it."""

    time: float  # Unix seconds
    label: str
    receive_encrypted: bool
    remote_encrypted: bool


class PendingDevices:
    """Who knocked. ``changed`` is called after each change, for storing."""

    def __init__(self, changed: Callable[[], object] = lambda: None) -> None:
        self._devices: dict[DeviceID, PendingDevice] = {}  # the oldest first
        self._changed = changed

    def all(self) -> Mapping[DeviceID, PendingDevice]:
        return dict(self._devices)

    def add(self, id: DeviceID, unix: float, name: str, address: str) -> bool:
        """:returns: whether this is news, worth an event."""
        before = self._devices.pop(id, None)
        if len(self._devices) >= MAX_DEVICES:
            del self._devices[next(iter(self._devices))]
        now = PendingDevice(float(int(unix)), name[:MAX_LABEL], address[:MAX_LABEL])
        self._devices[id] = now
        self._changed()
        return before is None or (before.name, before.address) != (now.name, now.address)

    def dismiss(self, id: DeviceID) -> None:
        """:raises KeyError: not pending."""
        del self._devices[id]
        self._changed()

    def settle(self, configuration: Configuration) -> list[DeviceID]:
        """Drop those that were added or ignored; these are returned."""
        settled = [
            id
            for id in self._devices
            if configuration.device(id) is not None or configuration.ignores_device(id)
        ]
        for id in settled:
            self.dismiss(id)
        return settled

    def dump(self) -> bytes:
        return json.dumps({str(id): asdict(one) for id, one in self._devices.items()}).encode()

    def load(self, stored: bytes) -> None:
        """Take back what ``dump`` gave; damaged facts are as none."""
        try:
            for text, one in json.loads(stored).items():
                self._devices.setdefault(DeviceID.parse(text), PendingDevice(**one))
        except (ValueError, TypeError, AttributeError, BadDeviceID):
            self._devices.clear()


class PendingFolders:
    """What was offered, by device. ``changed`` is called after each change, for storing."""

    def __init__(self, changed: Callable[[], object] = lambda: None) -> None:
        self._offers: dict[DeviceID, dict[FolderID, PendingFolder]] = {}
        self._changed = changed

    def all(self, device: DeviceID | None = None) -> dict[FolderID, dict[DeviceID, PendingFolder]]:
        """By folder, then by the device that offers it."""
        found: dict[FolderID, dict[DeviceID, PendingFolder]] = {}
        for by, offers in self._offers.items():
            if device in (None, by):
                for folder, offer in offers.items():
                    found.setdefault(folder, {})[by] = offer
        return found

    def offered(
        self, device: DeviceID, unix: float, offers: Iterable[Offered]
    ) -> tuple[list[Offered], list[FolderID]]:
        """
        All that a device offers now.

        :returns: those which are remembered, and which folders it offers no longer.
        """
        before = self._offers.get(device, {})
        kept = list(islice(offers, MAX_OFFERED))
        now = {one.folder: PendingFolder(float(int(unix)), *one[1:]) for one in kept}
        gone = [folder for folder in before if folder not in now]
        if now:
            self._offers[device] = now
        else:
            self._offers.pop(device, None)
        if now or before:
            self._changed()
        return kept, gone

    def again(self, device: DeviceID, unix: float, offers: Iterable[Offered]) -> list[Offered]:
        """
        These a device offers as well.

        :returns: those which are remembered.
        """
        now = self._offers.setdefault(device, {})
        room = MAX_OFFERED - len(now)
        kept = list(islice((one for one in offers if one.folder not in now), room))
        now.update((one.folder, PendingFolder(float(int(unix)), *one[1:])) for one in kept)
        if not now:
            del self._offers[device]
        self._changed()
        return kept

    def dismiss(self, folder: FolderID, device: DeviceID | None = None) -> list[DeviceID]:
        """
        :param device: None: whoever offers it.
        :returns: whose offers were dropped.
        :raises KeyError: not pending.
        """
        by = [id for id, offers in self._offers.items() if folder in offers]
        dropped = [id for id in by if device in (None, id)]
        if not dropped:
            raise KeyError(folder)
        for id in dropped:
            self._drop(id, folder)
        self._changed()
        return dropped

    def settle(self, configuration: Configuration) -> list[tuple[FolderID, DeviceID]]:
        """Drop those which are shared or ignored now, or whose device is gone; they are returned."""
        settled: list[tuple[FolderID, DeviceID]] = []
        for id, offers in self._offers.items():
            device = configuration.device(id)
            for folder in offers:
                config = configuration.folder(folder)
                shared = config is not None and config.shared_with(id)
                if device is None or shared or device.ignores_folder(folder):
                    settled.append((folder, id))
        for folder, id in settled:
            self._drop(id, folder)
        if settled:
            self._changed()
        return settled

    def _drop(self, device: DeviceID, folder: FolderID) -> None:
        offers = self._offers[device]
        del offers[folder]
        if not offers:
            del self._offers[device]

    def dump(self) -> bytes:
        return json.dumps(
            {
                str(id): {folder: asdict(offer) for folder, offer in offers.items()}
                for id, offers in self._offers.items()
            }
        ).encode()

    def load(self, stored: bytes) -> None:
        """Take back what ``dump`` gave; damaged facts are as none."""
        try:
            for text, offers in json.loads(stored).items():
                kept = {FolderID(id): PendingFolder(**offer) for id, offer in offers.items()}
                self._offers.setdefault(DeviceID.parse(text), kept)
        except (ValueError, TypeError, AttributeError, BadDeviceID):
            self._offers.clear()
