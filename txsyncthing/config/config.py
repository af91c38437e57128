"""
The whole configuration.

Source: reference 6 (lib/config/config.go).
"""

# ruff: noqa: RUF009 (attribute and element make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass

from txsyncthing.config.device import DeviceConfig, ObservedDevice
from txsyncthing.config.entry import attribute, element
from txsyncthing.config.folder import FolderConfig
from txsyncthing.config.gui import GuiConfig, LdapConfig
from txsyncthing.config.options import Options
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID

OLDEST_VERSION = 10  # what the official daemons still read
OLDEST_KEPT = 35  # older files are migrated on load
NEW_VERSION = 37  # what new homes get: both generations of the official daemon read it
NEWEST_VERSION = 52  # version 2.1 of the official daemon


class InvalidConfiguration(ValueError):
    """
    The configuration cannot be used; what was there before stays.

    ``where`` names the element or key, ``value`` what stood there, ``allowed`` what may stand there.
    """

    def __init__(self, where: str, value: object, allowed: str) -> None:
        super().__init__(f"{where}: {value!r} is not valid; allowed: {allowed}")
        self.where = where
        self.value = value
        self.allowed = allowed


@dataclass(frozen=True, slots=True)
class Ignores:
    """The lines that new folders get as ``.stignore``."""

    lines: tuple[str, ...] = element((), "line", json="lines")


@dataclass(frozen=True, slots=True)
class Defaults:
    """What new folders and devices start from."""

    folder: FolderConfig = element(FolderConfig(path="~"), "folder")
    device: DeviceConfig = element(DeviceConfig(), "device")
    ignores: Ignores = element(Ignores(), "ignores")


@dataclass(frozen=True, slots=True)
class Configuration:
    """All of config.xml. Prepared ones (``prepare.py``) have folders and devices sorted by id."""

    version: int = attribute(NEW_VERSION, "version")
    folders: tuple[FolderConfig, ...] = element((), "folder", json="folders")
    devices: tuple[DeviceConfig, ...] = element((), "device", json="devices")
    gui: GuiConfig = element(GuiConfig(), "gui")
    ldap: LdapConfig = element(LdapConfig(), "ldap")
    options: Options = element(Options(), "options")
    remote_ignored_devices: tuple[ObservedDevice, ...] = element(
        (), "remoteIgnoredDevice", json="remoteIgnoredDevices"
    )
    defaults: Defaults = element(Defaults(), "defaults")

    def folder(self, id: str) -> FolderConfig | None:
        return next((folder for folder in self.folders if folder.id == id), None)

    def device(self, id: DeviceID) -> DeviceConfig | None:
        return next((device for device in self.devices if device.id == id), None)

    def folders_shared_with(self, id: DeviceID) -> tuple[FolderConfig, ...]:
        return tuple(folder for folder in self.folders if folder.shared_with(id))

    def ignores_device(self, id: DeviceID) -> bool:
        return any(device.id == id for device in self.remote_ignored_devices)

    def folder_ids(self) -> frozenset[FolderID]:
        return frozenset(folder.id for folder in self.folders)
