from __future__ import annotations

from dataclasses import replace

from tests.config.samples import ME, PEER, STRANGER
from txsyncthing.config.config import Configuration
from txsyncthing.config.device import DeviceConfig, ObservedDevice
from txsyncthing.config.diff import (
    DefaultsChanged,
    DeviceAdded,
    DeviceChanged,
    DeviceRemoved,
    FolderAdded,
    FolderChanged,
    FolderRemoved,
    GuiChanged,
    IgnoredDevicesChanged,
    LdapChanged,
    OptionsChanged,
    differences,
    needs_restart,
)
from txsyncthing.config.folder import FolderConfig
from txsyncthing.vocabulary.folder import FolderID

A, B, C = (FolderConfig(id=FolderID(id), path=f"/{id}") for id in "abc")
OLD = Configuration(
    folders=(A, B), devices=(DeviceConfig(id=ME, name="here"), DeviceConfig(id=PEER))
)


def test_equal_configurations_do_not_differ() -> None:
    assert differences(OLD, OLD) == []


def test_folders_and_devices_come_go_and_change() -> None:
    me = replace(OLD.devices[0], name="there")
    new = replace(
        OLD, folders=(replace(B, paused=True), C), devices=(me, DeviceConfig(id=STRANGER))
    )
    changes = differences(OLD, new)
    assert changes == [
        FolderRemoved(A),
        DeviceRemoved(DeviceConfig(id=PEER)),
        DeviceChanged(OLD.devices[0], me),
        DeviceAdded(DeviceConfig(id=STRANGER)),
        FolderChanged(B, new.folders[0]),
        FolderAdded(C),
    ]


def test_pausing_and_resuming_show() -> None:
    paused = replace(A, paused=True)
    assert FolderChanged(A, paused).paused and not FolderChanged(A, paused).resumed
    assert FolderChanged(paused, A).resumed
    device = DeviceConfig(id=PEER)
    assert DeviceChanged(device, replace(device, paused=True)).paused
    assert DeviceChanged(replace(device, paused=True), device).resumed


def test_the_rest_shows_once_each() -> None:
    new = replace(
        OLD,
        options=replace(OLD.options, ur_seen=1),
        gui=replace(OLD.gui, theme="dark"),
        ldap=replace(OLD.ldap, address="x"),
        defaults=replace(OLD.defaults, device=DeviceConfig(paused=True)),
        remote_ignored_devices=(ObservedDevice(id=STRANGER),),
    )
    assert [type(change) for change in differences(OLD, new)] == [
        OptionsChanged,
        GuiChanged,
        LdapChanged,
        DefaultsChanged,
        IgnoredDevicesChanged,
    ]


def test_only_the_audit_log_needs_a_restart() -> None:
    assert needs_restart(OLD, replace(OLD, options=replace(OLD.options, audit_file="x")))
    assert not needs_restart(OLD, replace(OLD, options=replace(OLD.options, ur_seen=1)))
