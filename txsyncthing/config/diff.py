"""
Typed differences between two configurations: what subscribers react to.

Source: the official daemon's CommitConfiguration, as data (reference 6.1 "Change application").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from txsyncthing.config.config import Configuration, Defaults
from txsyncthing.config.device import DeviceConfig, ObservedDevice
from txsyncthing.config.folder import FolderConfig
from txsyncthing.config.gui import GuiConfig, LdapConfig
from txsyncthing.config.options import Options


@dataclass(frozen=True, slots=True)
class FolderAdded:
    """There is a new folder."""

    folder: FolderConfig


@dataclass(frozen=True, slots=True)
class FolderRemoved:
    """A folder is no longer wanted."""

    folder: FolderConfig


@dataclass(frozen=True, slots=True)
class FolderChanged:
    """A folder has other settings; its id is the same."""

    old: FolderConfig
    new: FolderConfig

    @property
    def paused(self) -> bool:
        """Whether this change pauses it."""
        return self.new.paused and not self.old.paused

    @property
    def resumed(self) -> bool:
        """Whether this change resumes it."""
        return self.old.paused and not self.new.paused


@dataclass(frozen=True, slots=True)
class DeviceAdded:
    """There is a new device."""

    device: DeviceConfig


@dataclass(frozen=True, slots=True)
class DeviceRemoved:
    """A device is no longer wanted."""

    device: DeviceConfig


@dataclass(frozen=True, slots=True)
class DeviceChanged:
    """A device has other settings; its id is the same."""

    old: DeviceConfig
    new: DeviceConfig

    @property
    def paused(self) -> bool:
        """Whether this change pauses it."""
        return self.new.paused and not self.old.paused

    @property
    def resumed(self) -> bool:
        """Whether this change resumes it."""
        return self.old.paused and not self.new.paused


@dataclass(frozen=True, slots=True)
class OptionsChanged:
    """The options are others."""

    old: Options
    new: Options


@dataclass(frozen=True, slots=True)
class GuiChanged:
    """The API listens or admits differently."""

    old: GuiConfig
    new: GuiConfig


@dataclass(frozen=True, slots=True)
class LdapChanged:
    """Users are looked up elsewhere."""

    old: LdapConfig
    new: LdapConfig


@dataclass(frozen=True, slots=True)
class DefaultsChanged:
    """New folders and devices start differently."""

    old: Defaults
    new: Defaults


@dataclass(frozen=True, slots=True)
class IgnoredDevicesChanged:
    """Other devices are ignored."""

    old: tuple[ObservedDevice, ...]
    new: tuple[ObservedDevice, ...]


Change: TypeAlias = (
    FolderAdded
    | FolderRemoved
    | FolderChanged
    | DeviceAdded
    | DeviceRemoved
    | DeviceChanged
    | OptionsChanged
    | GuiChanged
    | LdapChanged
    | DefaultsChanged
    | IgnoredDevicesChanged
)


def differences(old: Configuration, new: Configuration) -> list[Change]:
    """
    What differs, in the order in which it is safe to act: options, removed folders, removed devices, new
    and changed devices, new and changed folders, the rest.
    """
    changes: list[Change] = []
    if old.options != new.options:
        changes.append(OptionsChanged(old.options, new.options))
    old_folders = {folder.id: folder for folder in old.folders}
    new_folders = {folder.id: folder for folder in new.folders}
    old_devices = {device.id: device for device in old.devices}
    new_devices = {device.id: device for device in new.devices}
    changes += [
        FolderRemoved(folder) for id, folder in old_folders.items() if id not in new_folders
    ]
    changes += [
        DeviceRemoved(device) for id, device in old_devices.items() if id not in new_devices
    ]
    for device_id, device in new_devices.items():
        device_before = old_devices.get(device_id)
        if device_before is None:
            changes.append(DeviceAdded(device))
        elif device_before != device:
            changes.append(DeviceChanged(device_before, device))
    for folder_id, folder in new_folders.items():
        folder_before = old_folders.get(folder_id)
        if folder_before is None:
            changes.append(FolderAdded(folder))
        elif folder_before != folder:
            changes.append(FolderChanged(folder_before, folder))
    if old.gui != new.gui:
        changes.append(GuiChanged(old.gui, new.gui))
    if old.ldap != new.ldap:
        changes.append(LdapChanged(old.ldap, new.ldap))
    if old.defaults != new.defaults:
        changes.append(DefaultsChanged(old.defaults, new.defaults))
    if old.remote_ignored_devices != new.remote_ignored_devices:
        changes.append(
            IgnoredDevicesChanged(old.remote_ignored_devices, new.remote_ignored_devices)
        )
    return changes


def needs_restart(old: Configuration, new: Configuration) -> bool:
    """Whether a change takes effect only after a restart (``/rest/config/restart-required``)."""
    return (old.options.audit_enabled, old.options.audit_file) != (
        new.options.audit_enabled,
        new.options.audit_file,
    )
