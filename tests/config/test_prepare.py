from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.config.samples import ME, PEER, STRANGER
from txsyncthing.config.config import Configuration, Defaults, InvalidConfiguration
from txsyncthing.config.device import DeviceConfig, ObservedDevice, ObservedFolder
from txsyncthing.config.entry import Timestamp
from txsyncthing.config.folder import FolderConfig, FolderDevice, Versioning
from txsyncthing.config.gui import GuiConfig
from txsyncthing.config.options import PASSWORD_NOTICE, Options
from txsyncthing.config.prepare import MAX_INTERVAL, prepare
from txsyncthing.vocabulary.device import EMPTY_DEVICE, DeviceID
from txsyncthing.vocabulary.folder import FolderID, FolderType

IDS = [ME, PEER, STRANGER, EMPTY_DEVICE]


def folder(id: str = "x", **fields: object) -> FolderConfig:
    return replace(FolderConfig(id=FolderID(id), path="/x"), **fields)  # type: ignore[arg-type]


def prepared(*folders: FolderConfig, version: int = 52, **peer: object) -> Configuration:
    """With us and PEER as devices."""
    device = replace(DeviceConfig(id=PEER), **peer)  # type: ignore[arg-type]
    return prepare(Configuration(version=version, devices=(device,), folders=folders), ME)


def test_our_device_is_always_there_and_devices_are_sorted() -> None:
    made = prepare(
        Configuration(devices=(DeviceConfig(id=STRANGER), DeviceConfig(id=PEER))), ME, name="here"
    )
    assert [device.id for device in made.devices] == sorted([STRANGER, PEER, ME])
    mine = made.device(ME)
    assert mine is not None and mine.name == "here" and mine.addresses == ("dynamic",)


def test_the_first_of_equal_devices_stays_and_empty_ids_go() -> None:
    made = prepare(
        Configuration(
            devices=(
                DeviceConfig(id=ME, name="one"),
                DeviceConfig(id=ME, name="two"),
                DeviceConfig(id=EMPTY_DEVICE),
            )
        ),
        ME,
    )
    assert [device.name for device in made.devices] == ["one"]


def test_each_folder_has_us_each_known_device_once_and_no_stranger() -> None:
    members = (
        FolderDevice(PEER),
        FolderDevice(STRANGER),
        FolderDevice(PEER, encryption_password="x"),
    )
    made = prepared(folder(devices=members)).folders[0]
    assert made.devices == (FolderDevice(PEER), FolderDevice(ME))  # sorted by id


def test_folders_are_sorted() -> None:
    assert [one.id for one in prepared(folder("b"), folder("a")).folders] == ["a", "b"]


@pytest.mark.parametrize(
    ("folders", "where"),
    [
        ((folder(""),), "folder/id"),
        ((folder(path=""),), "folder[x]/path"),
        ((folder(), folder()), "folder/id"),
    ],
)
def test_a_folder_without_id_or_path_or_with_anothers_id_is_refused(
    folders: tuple[FolderConfig, ...], where: str
) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        prepared(*folders)
    assert refused.value.where == where


def test_an_untrusted_device_gets_no_folder_in_the_clear_and_no_rights() -> None:
    plain, secret = FolderDevice(PEER), FolderDevice(PEER, encryption_password="secret")
    made = prepared(
        folder("clear", devices=(plain,)),
        folder("secret", devices=(secret,)),
        folder("stored", devices=(plain,), type=FolderType.RECEIVE_ENCRYPTED),
        untrusted=True,
        introducer=True,
        auto_accept_folders=True,
    )
    assert [one.id for one in made.folders_shared_with(PEER)] == ["secret", "stored"]
    peer = made.device(PEER)
    assert peer is not None and not peer.introducer and not peer.auto_accept_folders


def test_numbers_out_of_range_are_brought_into_it() -> None:
    made = prepared(
        folder(
            rescan_interval_s=MAX_INTERVAL + 1,
            fs_watcher_delay_s=0.001,
            max_concurrent_writes=1000,
            marker_name="",
            versioning=Versioning(cleanup_interval_s=-1),
        )
    ).folders[0]
    assert made.rescan_interval_s == MAX_INTERVAL
    assert (made.fs_watcher_enabled, made.fs_watcher_delay_s) == (True, 0.01)
    assert made.max_concurrent_writes == 256
    assert made.marker_name == ".stfolder"
    assert made.versioning.cleanup_interval_s == 0


def test_a_watcher_without_delay_is_off() -> None:
    made = prepared(folder(fs_watcher_delay_s=0.0, rescan_interval_s=-1)).folders[0]
    assert (made.fs_watcher_enabled, made.fs_watcher_delay_s) == (False, 10)
    assert made.rescan_interval_s == 0


def test_concurrent_writes_follow_the_version() -> None:
    assert (
        prepared(folder(max_concurrent_writes=0), version=37).folders[0].max_concurrent_writes == 2
    )
    assert prepared(folder(max_concurrent_writes=0)).folders[0].max_concurrent_writes == 16
    assert (
        prepared(folder(max_concurrent_writes=99), version=37).folders[0].max_concurrent_writes
        == 64
    )


def test_an_encrypted_folder_ignores_permissions() -> None:
    made = prepared(folder(type=FolderType.RECEIVE_ENCRYPTED)).folders[0]
    assert made.ignore_perms and made.disable_temp_indexes


def test_ignored_folders_are_the_newest_in_time_order_without_shared_ones() -> None:
    def ignored(id: str, time: str) -> ObservedFolder:
        return ObservedFolder(Timestamp(time), id)

    made = prepared(
        folder("shared", devices=(FolderDevice(PEER),)),
        ignored_folders=(
            ignored("z", "2021-05-05T10:00:00+02:00"),
            ignored("y", "2020-05-05T10:00:00.5Z"),
            ignored("y", "2022-05-05T10:00:00Z"),
            ignored("shared", "2022-05-05T10:00:00Z"),
        ),
    )
    peer = made.device(PEER)
    assert peer is not None
    assert [one.id for one in peer.ignored_folders] == ["z", "y"]
    assert peer.ignores_folder("y") and not peer.ignores_folder("shared")


def test_a_device_that_is_added_is_no_longer_ignored() -> None:
    ignored = (ObservedDevice(id=PEER), ObservedDevice(id=STRANGER))
    made = prepare(
        Configuration(devices=(DeviceConfig(id=PEER),), remote_ignored_devices=ignored), ME
    )
    assert made.remote_ignored_devices == (ObservedDevice(id=STRANGER),)
    assert made.ignores_device(STRANGER) and not made.ignores_device(PEER)


def test_options_are_trimmed_and_kept_sensible() -> None:
    made = prepare(
        Configuration(
            gui=GuiConfig(user="u", password="p", session_cookie_path=" here "),
            options=Options(
                listen_addresses=(" tcp://:1 ", "tcp://:1", "kcp://:2"),
                reconnection_interval_s=1,
                unacked_notification_ids=(PASSWORD_NOTICE, "other"),
                connection_limit_max=-3,
                connection_priority_tcp_lan=30,
                ur_accepted=3,
            ),
        ),
        ME,
        new_key=lambda: "0123456789",
    )
    assert made.options.listen_addresses == ("tcp://:1",)
    assert made.options.reconnection_interval_s == 5
    assert made.options.unacked_notification_ids == ("other",)
    assert made.options.connection_limit_max == 0
    assert made.options.connection_priority_tcp_wan == 31
    assert made.options.ur_unique_id == "01234567"
    assert made.gui.api_key == "0123456789"
    assert made.gui.session_cookie_path == "/here"


def test_addresses_that_are_missing_become_dynamic() -> None:
    for addresses in ((), ("",)):
        peer = prepared(addresses=addresses).device(PEER)
        assert peer is not None and peer.addresses == ("dynamic",)


devices = st.builds(DeviceConfig, id=st.sampled_from(IDS), untrusted=st.booleans())
members = st.builds(
    FolderDevice, id=st.sampled_from(IDS), encryption_password=st.sampled_from(["", "x"])
)
folders = st.builds(
    FolderConfig,
    id=st.sampled_from([FolderID("a"), FolderID("b"), FolderID("c")]),
    path=st.just("/x"),
    type=st.sampled_from(FolderType),
    devices=st.lists(members, max_size=4).map(tuple),
    rescan_interval_s=st.integers(-5, 2**40),
    fs_watcher_delay_s=st.floats(-1, 100),
    max_concurrent_writes=st.integers(-1, 500),
)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(devices, max_size=4),
    st.lists(folders, max_size=3, unique_by=lambda one: one.id),
    st.sampled_from([36, 37, 52]),
    st.sampled_from(IDS[:3]),
)
def test_preparing_twice_changes_nothing_more(
    some_devices: list[DeviceConfig], some_folders: list[FolderConfig], version: int, me: DeviceID
) -> None:
    whole = Configuration(
        version=version,
        devices=tuple(some_devices),
        folders=tuple(some_folders),
        defaults=Defaults(),
    )
    once = prepare(whole, me)
    assert prepare(once, me) == once
    known = {device.id for device in once.devices}
    for one in once.folders:
        assert one.shared_with(me)
        assert {member.id for member in one.devices} <= known
