"""
Make a configuration whole: what is missing is added, what cannot be is dropped or refused.

Source: reference 6.1 "Prepare", 3.5, 12.1 (lib/config/config.go prepare).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

from txsyncthing.config.config import Configuration, Defaults, InvalidConfiguration
from txsyncthing.config.device import DYNAMIC, DeviceConfig, ObservedFolder
from txsyncthing.config.folder import MARKER, FolderConfig, FolderDevice
from txsyncthing.config.gui import GuiConfig
from txsyncthing.config.options import PASSWORD_NOTICE, Options
from txsyncthing.vocabulary.device import EMPTY_DEVICE, DeviceID
from txsyncthing.vocabulary.folder import FolderType

T = TypeVar("T")

MAX_INTERVAL = 365 * 24 * 3600  # seconds
MIN_RECONNECT = 5  # seconds


def prepare(
    configuration: Configuration,
    me: DeviceID,
    *,
    new_key: Callable[[], str] = str,
    name: str = "",
) -> Configuration:
    """
    The configuration as it is used and stored.

    Doing this twice changes nothing more.

    :param new_key: makes an API key when there is none (and nothing in tests).
    :param name: what our own device is called when it is missing.
    :raises InvalidConfiguration: a folder without id or path, or two with one id.
    """
    devices = {
        device.id: device for device in reversed(configuration.devices) if device.id != EMPTY_DEVICE
    }
    devices.setdefault(me, DeviceConfig(id=me, name=name))
    version = configuration.version
    folders = _folders(configuration.folders, me, devices, version)
    shared: dict[DeviceID, set[str]] = {id: set() for id in devices}
    for folder in folders:
        for member in folder.devices:
            shared[member.id].add(folder.id)
    gui = _gui(configuration.gui, new_key)
    defaults = configuration.defaults
    return replace(
        configuration,
        folders=folders,
        devices=tuple(
            _device(device, shared[id])
            for id, device in sorted(devices.items(), key=lambda item: item[0].raw)
        ),
        gui=gui,
        options=_options(configuration.options, bool(gui.user and gui.password), new_key),
        remote_ignored_devices=tuple(
            device for device in configuration.remote_ignored_devices if device.id not in devices
        ),
        defaults=Defaults(
            folder=_folder(defaults.folder, me, devices, version),
            device=_device(defaults.device, set()),
            ignores=defaults.ignores,
        ),
    )


def _folders(
    folders: tuple[FolderConfig, ...],
    me: DeviceID,
    devices: Mapping[DeviceID, DeviceConfig],
    version: int,
) -> tuple[FolderConfig, ...]:
    prepared: dict[str, FolderConfig] = {}
    for folder in folders:
        if not folder.id:
            raise InvalidConfiguration("folder/id", "", "a name that no other folder has")
        if not folder.path:
            raise InvalidConfiguration(f"folder[{folder.id}]/path", "", "a directory")
        if folder.id in prepared:
            raise InvalidConfiguration("folder/id", folder.id, "each id once (duplicate folder ID)")
        prepared[folder.id] = _folder(folder, me, devices, version)
    return tuple(folder for _, folder in sorted(prepared.items()))


def _folder(
    folder: FolderConfig, me: DeviceID, devices: Mapping[DeviceID, DeviceConfig], version: int
) -> FolderConfig:
    members = {member.id: member for member in reversed(folder.devices) if member.id in devices}
    members.setdefault(me, FolderDevice(id=me))
    encrypted = folder.type is FolderType.RECEIVE_ENCRYPTED
    kept = [
        member
        for id, member in sorted(members.items(), key=lambda item: item[0].raw)
        if id == me or encrypted or member.encryption_password or not devices[id].untrusted
    ]
    writes, most = (16, 256) if version >= 51 else (2, 64)
    delay = folder.fs_watcher_delay_s
    versioning = folder.versioning
    return replace(
        folder,
        devices=tuple(kept),
        rescan_interval_s=_within(folder.rescan_interval_s, 0, MAX_INTERVAL),
        fs_watcher_enabled=folder.fs_watcher_enabled and delay > 0,
        fs_watcher_delay_s=max(delay, 0.01) if delay > 0 else 10.0,
        versioning=replace(
            versioning,
            cleanup_interval_s=_within(versioning.cleanup_interval_s, 0, MAX_INTERVAL),
            params=tuple(
                param
                for _, param in sorted({param.key: param for param in versioning.params}.items())
            ),
        ),
        weak_hash_threshold_pct=folder.weak_hash_threshold_pct or 25,
        marker_name=folder.marker_name or MARKER,
        max_concurrent_writes=(
            min(folder.max_concurrent_writes, most) if folder.max_concurrent_writes > 0 else writes
        ),
        ignore_perms=folder.ignore_perms or encrypted,
        disable_temp_indexes=folder.disable_temp_indexes or encrypted,
    )


def _device(device: DeviceConfig, shared: set[str]) -> DeviceConfig:
    newest: dict[str, ObservedFolder] = {}
    for ignored in device.ignored_folders:
        before = newest.get(ignored.id)
        if ignored.id not in shared and (before is None or _when(before) < _when(ignored)):
            newest[ignored.id] = ignored
    addresses = _without_old_schemes(device.addresses)
    return replace(
        device,
        addresses=(DYNAMIC,) if device.addresses in ((), ("",)) else addresses,
        ignored_folders=tuple(sorted(newest.values(), key=_when)),
        introducer=device.introducer and not device.untrusted,
        auto_accept_folders=device.auto_accept_folders and not device.untrusted,
    )


def _options(options: Options, password: bool, new_key: Callable[[], str]) -> Options:
    notices = list(options.unacked_notification_ids)
    if password and PASSWORD_NOTICE in notices:
        notices.remove(PASSWORD_NOTICE)
    quic_lan, tcp_lan = options.connection_priority_quic_lan, options.connection_priority_tcp_lan
    return replace(
        options,
        listen_addresses=_without_old_schemes(_trimmed(options.listen_addresses)),
        global_announce_servers=_trimmed(options.global_announce_servers),
        reconnection_interval_s=max(options.reconnection_interval_s, MIN_RECONNECT),
        unacked_notification_ids=tuple(notices),
        connection_limit_enough=max(options.connection_limit_enough, 0),
        connection_limit_max=max(options.connection_limit_max, 0),
        connection_priority_quic_wan=max(options.connection_priority_quic_wan, quic_lan + 1),
        connection_priority_tcp_wan=max(options.connection_priority_tcp_wan, tcp_lan + 1),
        ur_unique_id=options.ur_unique_id or (new_key()[:8] if options.ur_accepted > 0 else ""),
    )


def _gui(gui: GuiConfig, new_key: Callable[[], str]) -> GuiConfig:
    path = gui.session_cookie_path.strip()
    return replace(
        gui,
        api_key=gui.api_key or new_key(),
        session_cookie_path=path if not path or path.startswith("/") else "/" + path,
    )


def _within(value: int, least: int, most: int) -> int:
    return min(max(value, least), most)


def _trimmed(texts: Iterable[str]) -> tuple[str, ...]:
    """Each once, without blanks around it."""
    return tuple(dict.fromkeys(text.strip() for text in texts))


def _without_old_schemes(addresses: Iterable[str]) -> tuple[str, ...]:
    """Addresses of transports that are gone (kcp) are dropped."""
    return tuple(address for address in addresses if not address.lower().startswith("kcp"))


def _when(observed: ObservedFolder) -> datetime:
    return datetime.fromisoformat(observed.time)
