from __future__ import annotations

from dataclasses import replace

from tests.cluster.bench import ALICE, BOB, CAROL, F
from txsyncthing.cluster.announce import IndexFacts, announcement, shares
from txsyncthing.config.config import Configuration
from txsyncthing.config.device import DeviceConfig
from txsyncthing.config.folder import FolderConfig, FolderDevice
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderType

DAVE = DeviceID(b"d" * 32)
FOLDER = FolderConfig(
    id=F,
    label="Photos",
    path="/f",
    devices=tuple(FolderDevice(id=device) for device in (ALICE, BOB, CAROL, DAVE)),
)
CONFIGURATION = Configuration(
    devices=(
        DeviceConfig(id=ALICE, name="alice"),
        DeviceConfig(id=BOB, addresses=("tcp://bob",), cert_name="x", introducer=True),
        DeviceConfig(id=CAROL),
        DeviceConfig(id=DAVE, untrusted=True),
    ),
    folders=(FOLDER,),
)
FACTS = {F: IndexFacts(11, 12, 21, 22)}


def test_a_running_folder_tells_where_both_ends_are() -> None:
    (folder,) = announcement(CONFIGURATION, ALICE, BOB, FACTS).folders
    assert (folder.id, folder.label, folder.type, folder.stop_reason) == (F, "Photos", 0, 0)
    entries = {entry.id: entry for entry in folder.devices}
    assert (entries[ALICE].index_id, entries[ALICE].max_sequence) == (11, 12)
    assert (entries[BOB].index_id, entries[BOB].max_sequence) == (21, 22)
    assert (entries[CAROL].index_id, entries[CAROL].max_sequence) == (0, 0)
    bob = entries[BOB]
    assert (bob.addresses, bob.cert_name, bob.introducer) == (("tcp://bob",), "x", True)


def test_other_untrusted_devices_are_not_named() -> None:
    (folder,) = announcement(CONFIGURATION, ALICE, BOB, FACTS).folders
    assert DAVE not in {entry.id for entry in folder.devices}


def test_a_folder_that_does_not_run_is_told_as_paused_with_both_ends() -> None:
    for facts, paused in (({}, False), (FACTS, True)):
        configuration = replace(CONFIGURATION, folders=(replace(FOLDER, paused=paused),))
        (folder,) = announcement(configuration, ALICE, BOB, facts).folders
        assert folder.stop_reason == 1
        assert {ALICE, BOB} <= {entry.id for entry in folder.devices}


def test_what_is_not_shared_or_encrypted_is_not_told() -> None:
    members = (FolderDevice(id=ALICE), FolderDevice(id=BOB, encryption_password="x"))
    for folder in (
        replace(FOLDER, devices=members),
        replace(FOLDER, devices=members[:1]),
        replace(FOLDER, type=FolderType.RECEIVE_ENCRYPTED),
    ):
        assert not shares(folder, BOB)
        configuration = replace(CONFIGURATION, folders=(folder,))
        assert announcement(configuration, ALICE, BOB, FACTS).folders == ()
