from __future__ import annotations

import pytest

from tests.cluster.bench import ALICE, BOB, CAROL, F
from txsyncthing.cluster.accept import MAX_OFFERED, Offered
from txsyncthing.cluster.pending import MAX_DEVICES, PendingDevices, PendingFolders
from txsyncthing.config.config import Configuration
from txsyncthing.config.device import DeviceConfig, ObservedDevice, ObservedFolder
from txsyncthing.config.folder import FolderConfig, FolderDevice
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID

OFFER = Offered(F, "Photos", False, True)


def test_a_device_that_knocks_again_is_no_news() -> None:
    devices = PendingDevices()
    assert devices.add(BOB, 1.9, "bob", "10.0.0.2:1")
    assert not devices.add(BOB, 5.0, "bob", "10.0.0.2:1")
    assert devices.add(BOB, 5.0, "bob", "10.0.0.2:2")
    assert devices.all()[BOB].time == 5.0


def test_the_oldest_device_goes_first() -> None:
    devices = PendingDevices()
    for number in range(MAX_DEVICES):
        devices.add(DeviceID(number.to_bytes(32, "big")), 0.0, "", "")
    devices.add(BOB, 0.0, "x" * 9999, "")
    assert len(devices.all()) == MAX_DEVICES
    assert DeviceID(bytes(32)) not in devices.all()
    assert len(devices.all()[BOB].name) < 1000


def test_devices_that_were_added_or_ignored_are_settled() -> None:
    devices = PendingDevices()
    for device in (ALICE, BOB, CAROL):
        devices.add(device, 0.0, "", "")
    configuration = Configuration(
        devices=(DeviceConfig(id=ALICE),), remote_ignored_devices=(ObservedDevice(id=BOB),)
    )
    assert devices.settle(configuration) == [ALICE, BOB]
    assert list(devices.all()) == [CAROL]


def test_what_is_not_pending_cannot_be_dismissed() -> None:
    with pytest.raises(KeyError):
        PendingDevices().dismiss(BOB)
    folders = PendingFolders()
    folders.offered(BOB, 0.0, [OFFER])
    with pytest.raises(KeyError):
        folders.dismiss(F, CAROL)
    assert folders.dismiss(F) == [BOB]
    assert folders.all() == {}


def test_an_offer_counts_until_the_next_one() -> None:
    folders = PendingFolders()
    other = OFFER._replace(folder=FolderID("music"))
    assert folders.offered(BOB, 0.0, [OFFER]) == ([OFFER], [])
    assert folders.offered(BOB, 9.0, [OFFER, other]) == ([OFFER, other], [])
    assert folders.offered(BOB, 9.0, [other]) == ([other], [F])
    assert folders.all(CAROL) == {}


def test_one_more_offer_leaves_the_others() -> None:
    folders = PendingFolders()
    other = OFFER._replace(folder=FolderID("music"))
    folders.offered(BOB, 1.0, [OFFER])
    assert folders.again(BOB, 9.0, [OFFER, other]) == [other]
    assert {id: by[BOB].time for id, by in folders.all().items()} == {F: 1.0, other.folder: 9.0}
    assert folders.again(CAROL, 9.0, []) == []
    assert folders.all(CAROL) == {}


def test_offers_are_bounded() -> None:
    folders = PendingFolders()
    many = [OFFER._replace(folder=FolderID(str(number))) for number in range(MAX_OFFERED + 5)]
    assert len(folders.offered(BOB, 1.0, many)[0]) == MAX_OFFERED
    assert folders.again(BOB, 1.0, many) == []


def test_offers_that_were_answered_are_settled() -> None:
    folders = PendingFolders()
    music, spam = FolderID("music"), FolderID("spam")
    offers = [OFFER._replace(folder=id) for id in (F, music, spam)]
    folders.offered(BOB, 0.0, offers)
    folders.offered(CAROL, 0.0, offers[:1])
    configuration = Configuration(
        devices=(DeviceConfig(id=BOB, ignored_folders=(ObservedFolder(id=spam),)),),
        folders=(FolderConfig(id=F, path="/f", devices=(FolderDevice(id=BOB),)),),
    )
    assert set(folders.settle(configuration)) == {(F, BOB), (spam, BOB), (F, CAROL)}
    assert list(folders.all()) == [music]


def test_both_survive_being_stored() -> None:
    devices, folders = PendingDevices(), PendingFolders()
    devices.add(BOB, 3.0, "bob", "here")
    folders.offered(BOB, 3.0, [OFFER])
    again, folders_again = PendingDevices(), PendingFolders()
    again.load(devices.dump())
    folders_again.load(folders.dump())
    assert again.all() == devices.all()
    assert folders_again.all() == folders.all()


@pytest.mark.parametrize("stored", [b"", b"[]", b"{", b'{"x": {}}', b'{"x": 1}', b"\xff"])
def test_damaged_facts_are_as_none(stored: bytes) -> None:
    devices, folders = PendingDevices(), PendingFolders()
    devices.load(stored)
    folders.load(stored)
    assert devices.all() == {} and folders.all() == {}
