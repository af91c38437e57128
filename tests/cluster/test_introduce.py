from __future__ import annotations

from dataclasses import replace

import pytest

from tests.cluster.bench import ALICE, BOB, CAROL, F
from txsyncthing.bep.messages import ClusterConfig, Compression, Device, Folder
from txsyncthing.cluster.introduce import (
    MAX_ADDRESS,
    MAX_ADDRESSES,
    MAX_ALL,
    MAX_INTRODUCED,
    MAX_NOTES,
    MAX_SHARES,
    Decided,
    awakened,
    introduce,
)
from txsyncthing.config.config import Configuration, Defaults
from txsyncthing.config.device import Compression as Setting
from txsyncthing.config.device import DeviceConfig, ObservedDevice
from txsyncthing.config.diff import differences
from txsyncthing.config.folder import FolderConfig, FolderDevice
from txsyncthing.config.prepare import prepare
from txsyncthing.vocabulary.device import EMPTY_DEVICE, RESERVED_DEVICES, DeviceID
from txsyncthing.vocabulary.folder import FolderID, FolderType

DAVE = DeviceID(b"d" * 32)
MUSIC = FolderID("music")


def shared(id: FolderID, *devices: DeviceID, by: DeviceID | None = None) -> FolderConfig:
    """A folder with these members besides us; ``by`` introduced all but Bob."""
    members = [FolderDevice(id=ALICE)]
    for device in devices:
        origin = EMPTY_DEVICE if by is None or device == BOB else by
        members.append(FolderDevice(id=device, introduced_by=origin))
    return FolderConfig(id=id, label=id.title(), path=f"/{id}", devices=tuple(members))


def alices(*folders: FolderConfig, devices: tuple[DeviceConfig, ...] = ()) -> Configuration:
    """Bob is an introducer."""
    bob = DeviceConfig(id=BOB, name="bob", introducer=True, compression=Setting.ALWAYS)
    known = (DeviceConfig(id=ALICE), bob, *devices)
    return prepare(Configuration(devices=known, folders=folders), ALICE)


def told(**folders: tuple[Device, ...]) -> ClusterConfig:
    """Bob's Cluster Config: his folders and who else has them."""
    ends = (Device(ALICE), Device(BOB))
    return ClusterConfig(
        tuple(Folder(FolderID(id), devices=(*ends, *others)) for id, others in folders.items())
    )


def after(configuration: Configuration, config: ClusterConfig) -> Configuration:
    """What is in force when Bob has told this; telling it again changes nothing."""
    new = prepare(introduce(configuration, ALICE, BOB, config).configuration, ALICE)
    assert prepare(introduce(new, ALICE, BOB, config).configuration, ALICE) == new
    return new


def members(configuration: Configuration, id: FolderID = F) -> dict[DeviceID, DeviceID]:
    """The remote members of a folder and who introduced them."""
    folder = configuration.folder(id)
    assert folder is not None
    return {one.id: one.introduced_by for one in folder.devices if one.id != ALICE}


def introduced(id: DeviceID, **fields: object) -> DeviceConfig:
    return replace(DeviceConfig(id=id, introduced_by=BOB), **fields)  # type: ignore[arg-type]


def test_an_unknown_device_is_added_and_shares_the_folder() -> None:
    carol = Device(
        CAROL, "carol", ("tcp://10.0.0.3:1", "dynamic"), Compression.NEVER, "name", introducer=False
    )
    template = DeviceConfig(paused=True, num_connections=7)
    start = replace(alices(shared(F, BOB)), defaults=Defaults(device=template))
    new = after(start, told(photos=(carol,)))
    assert new.device(CAROL) == DeviceConfig(
        id=CAROL,
        name="carol",
        addresses=("dynamic", "tcp://10.0.0.3:1"),
        compression=Setting.ALWAYS,  # as towards the introducer
        cert_name="name",
        introduced_by=BOB,
        paused=True,
        num_connections=7,
    )
    assert members(new)[CAROL] == BOB


def test_what_a_known_device_is_called_and_where_it_is_stays() -> None:
    carol = DeviceConfig(id=CAROL, name="mine", addresses=("tcp://10.0.0.9:1",))
    start = alices(shared(F, BOB), devices=(carol,))
    new = after(start, told(photos=(Device(CAROL, "other", ("tcp://6.6.6.6:6",)),)))
    assert new.device(CAROL) == carol
    assert members(new)[CAROL] == BOB


def test_only_an_introducer_introduces() -> None:
    start = alices(shared(F, BOB))
    for introducer, untrusted in ((False, False), (True, True)):
        bob = DeviceConfig(id=BOB, introducer=introducer, untrusted=untrusted)
        devices = tuple(bob if one.id == BOB else one for one in start.devices)
        configuration = replace(start, devices=devices)
        config = told(photos=(Device(CAROL),))
        assert introduce(configuration, ALICE, BOB, config) == Decided(configuration)
    assert introduce(start, ALICE, DAVE, told(photos=(Device(CAROL),))) == Decided(start)


def test_only_folders_that_we_share_with_it_count() -> None:
    private = shared(FolderID("private"))
    encrypted = replace(shared(MUSIC, BOB), type=FolderType.RECEIVE_ENCRYPTED)
    start = alices(shared(F, BOB), private, encrypted)
    entries = (Device(CAROL),)
    assert after(start, told(private=entries, music=entries, nonesuch=entries)) == start


def test_an_introducer_of_an_introducer_is_one() -> None:
    start = alices(shared(F, BOB))
    new = after(
        start, told(photos=(Device(CAROL, introducer=True, skip_introduction_removals=True),))
    )
    carol = new.device(CAROL)
    assert carol is not None and carol.introducer and carol.skip_introduction_removals


def test_a_folder_that_is_encrypted_for_a_device_is_not_shared_with_it() -> None:
    start = alices(shared(F, BOB))
    entry = Device(CAROL, encryption_password_token=b"token")
    new = after(start, told(photos=(entry,)))
    assert new.device(CAROL) is not None
    assert CAROL not in members(new)
    known = alices(shared(F, BOB), devices=(DeviceConfig(id=CAROL, untrusted=True),))
    assert after(known, told(photos=(Device(CAROL),))) == known


def test_what_it_no_longer_has_is_taken_back() -> None:
    start = after(
        alices(shared(F, BOB), shared(MUSIC, BOB)),
        told(photos=(Device(CAROL), Device(DAVE)), music=(Device(CAROL),)),
    )
    new = after(start, told(photos=(), music=(Device(CAROL),)))
    assert members(new) == {BOB: members(start)[BOB]}
    assert members(new, MUSIC)[CAROL] == BOB
    assert new.device(CAROL) is not None and new.device(DAVE) is None
    assert after(new, told()).device(CAROL) is None


def test_what_the_user_set_up_is_not_taken_back() -> None:
    start = alices(
        shared(F, BOB, CAROL, by=BOB),
        shared(MUSIC, DAVE, CAROL),
        devices=(DeviceConfig(id=CAROL), introduced(DAVE)),
    )
    new = after(start, told())
    assert members(new) == {BOB: members(start)[BOB]}
    assert members(new, MUSIC) == members(start, MUSIC)
    assert new.devices == start.devices


def test_what_another_one_introduced_is_not_taken_back() -> None:
    start = alices(
        shared(F, BOB, CAROL, by=DAVE),
        devices=(DeviceConfig(id=DAVE), DeviceConfig(id=CAROL, introduced_by=DAVE)),
    )
    assert after(start, told()) == start


def test_nothing_is_taken_back_if_the_user_does_not_want_it() -> None:
    start = after(alices(shared(F, BOB)), told(photos=(Device(CAROL),)))
    devices = tuple(
        replace(one, skip_introduction_removals=True) if one.id == BOB else one
        for one in start.devices
    )
    start = replace(start, devices=devices)
    assert after(start, told(photos=())) == start


def test_a_share_stays_when_only_the_introducer_is_unshared() -> None:
    start = alices(shared(F, CAROL, by=BOB), devices=(introduced(CAROL),))
    assert after(start, told(photos=(Device(CAROL),))) == start


def test_a_folder_that_it_has_paused_counts() -> None:
    start = after(alices(shared(F, BOB)), told(photos=(Device(CAROL),)))
    paused = replace(told(photos=(Device(CAROL),)).folders[0], stop_reason=1)
    assert after(start, ClusterConfig((paused,))) == start


def test_two_introducers_of_each_other_are_warned_of_and_work() -> None:
    start = alices(shared(F, BOB))
    entries = (Device(ALICE, introducer=True), Device(BOB), Device(CAROL))
    decided = introduce(start, ALICE, BOB, ClusterConfig((Folder(F, devices=entries),)))
    (warning,) = decided.warnings
    assert "is an introducer to us, and we are to them" in warning
    assert members(decided.configuration)[CAROL] == BOB


# What a hostile introducer tries.


def test_a_device_that_is_ignored_stays_so() -> None:
    start = replace(alices(shared(F, BOB)), remote_ignored_devices=(ObservedDevice(id=CAROL),))
    decided = introduce(start, ALICE, BOB, told(photos=(Device(CAROL),)))
    assert decided.configuration == start
    assert "ignored" in decided.warnings[0]


def test_devices_that_would_keep_the_node_from_starting_are_left_out() -> None:
    start = alices(shared(F, BOB))
    twins = (Device(DeviceID(b"a" * 8 + b"x" * 24)), Device(DeviceID(b"b" * 8 + b"x" * 24)))
    pair = (Device(CAROL), Device(DeviceID(b"c" * 8 + b"x" * 24)))
    reserved = tuple(Device(id) for id in sorted(RESERVED_DEVICES))
    new = after(start, told(photos=(*twins, *reserved, *pair)))
    assert {one.id for one in new.devices} == {ALICE, BOB, CAROL}


def test_addresses_and_names_are_checked_and_bounded() -> None:
    bad = (
        "",
        "bogus",
        "tcp://",
        "tcp://0.0.0.0:1",
        "http://x:1",
        "tcp://a b:1",
        "dynamic",
        "tcp://x:99999",
    )
    long = "tcp://" + "x" * MAX_ADDRESS
    many = tuple(f"tcp://10.0.0.1:{port + 1}" for port in range(99))
    entry = Device(CAROL, "evil\x01\x1b" + "x" * 9999, (*bad, long, *many), cert_name="y\n" * 9999)
    carol = after(alices(shared(F, BOB)), told(photos=(entry,))).device(CAROL)
    assert carol is not None
    assert carol.addresses == ("dynamic", *many[:MAX_ADDRESSES])
    assert carol.name.startswith("evil\ufffd\ufffdx") and len(carol.name) <= 256
    assert carol.cert_name.isprintable() and len(carol.cert_name) <= 256


def test_one_introducer_has_only_so_many_devices() -> None:
    start = alices(shared(F, BOB))
    crowd = [Device(DeviceID(number.to_bytes(8, "big") * 4)) for number in range(1, 2000)]
    decided = introduce(start, ALICE, BOB, told(photos=tuple(crowd)))
    assert len(decided.configuration.devices) == 2 + MAX_INTRODUCED
    assert len(decided.warnings) == 1
    other = [Device(DeviceID(number.to_bytes(8, "little") * 4)) for number in range(1, 2000)]
    again = introduce(decided.configuration, ALICE, BOB, told(photos=(*crowd, *other)))
    assert len(again.configuration.devices) == 2 + MAX_INTRODUCED


def test_introducers_that_bring_introducers_have_only_so_many_devices_together() -> None:
    others = tuple(
        DeviceConfig(id=DeviceID(number.to_bytes(8, "big") * 4), introduced_by=CAROL)
        for number in range(1, MAX_ALL)
    )
    start = alices(shared(F, BOB), devices=others)
    decided = introduce(start, ALICE, BOB, told(photos=(Device(CAROL), Device(DAVE))))
    assert len(decided.configuration.devices) == 2 + MAX_ALL
    assert "left out" in decided.warnings[0]


def test_introduced_shares_are_bounded_in_all() -> None:
    crowd = [DeviceID(number.to_bytes(8, "big") * 4) for number in range(1, 101)]
    folders = {f"f{number}": tuple(map(Device, crowd)) for number in range(150)}
    start = alices(*(shared(FolderID(id), BOB) for id in folders))
    decided = introduce(start, ALICE, BOB, told(**folders))
    assert (
        sum(len(members(decided.configuration, FolderID(id))) - 1 for id in folders) == MAX_SHARES
    )
    assert "left out" in decided.warnings[0]
    assert len(decided.notes) <= MAX_NOTES + 1
    again = introduce(decided.configuration, ALICE, BOB, told(**folders))
    assert again.configuration == decided.configuration


# When the last word is looked at again.


@pytest.mark.parametrize(
    ("before", "changes", "expected"),
    [
        ({"introducer": False}, {"introducer": True}, [BOB]),
        ({"introducer": True}, {"introducer": False}, []),
        ({"introducer": True}, {"name": "bobby"}, []),
        ({"introducer": False}, {"auto_accept_folders": True}, [BOB]),
    ],
)
def test_a_device_that_may_do_more_is_heard_again(
    before: dict[str, object], changes: dict[str, object], expected: list[DeviceID]
) -> None:
    bob = replace(DeviceConfig(id=BOB), **before)  # type: ignore[arg-type]
    old = Configuration(devices=(bob,))
    new = Configuration(devices=(replace(bob, **changes),))  # type: ignore[arg-type]
    assert awakened(differences(old, new), new) == expected


def test_an_introducer_is_heard_again_when_it_shares_one_folder_more() -> None:
    one, two = alices(shared(F, BOB)), alices(shared(F, BOB), shared(MUSIC, BOB))
    unshared = alices(shared(F), shared(MUSIC, BOB))
    assert awakened(differences(one, two), two) == [BOB]
    assert awakened(differences(two, one), one) == []
    assert awakened(differences(unshared, two), two) == [BOB]
    assert awakened(differences(two, unshared), unshared) == []
