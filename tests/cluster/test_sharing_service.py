"""What devices tell becomes configuration: whole bridges, and devices whose every word is the test's."""

from __future__ import annotations

from dataclasses import replace

import pytest
from twisted.internet.defer import Deferred

from tests.cluster.bench import ALICE, BOB, CAROL, Bench, F, Node, Stranger, address_of
from txsyncthing.bep.messages import ClusterConfig, Device, Folder
from txsyncthing.cluster.sharing_service import MAX_CHANGES, WINDOW
from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.device import ObservedFolder
from txsyncthing.config.folder import FolderDevice
from txsyncthing.events.types import EventType
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID

DAVE = DeviceID(b"d" * 32)
MUSIC = FolderID("music")


class Met:
    """Alice and Bob, whose every word the test chooses; they share a folder."""

    def __init__(self, bench: Bench, **settings: object) -> None:
        self.bench = bench
        self.alice: Node = bench.node(ALICE, "alice")
        self.alice.know(BOB, addresses=())
        self.alice.share(BOB)
        self.alice.edit_device(BOB, **settings)
        self.bob: Stranger = bench.stranger(BOB)
        self.bob.dial(ALICE)
        bench.run()

    def tell(self, *folders: Folder, secondary: bool = False) -> None:
        self.bob.link.configure(ClusterConfig(folders, secondary))
        self.bench.run()

    @property
    def known(self) -> set[DeviceID]:
        return {one.id for one in self.alice.holder.current.devices}

    def members(self, id: FolderID = F) -> set[DeviceID]:
        folder = self.alice.holder.current.folder(id)
        assert folder is not None
        return {one.id for one in folder.devices}

    @property
    def folders(self) -> dict[FolderID, str]:
        return {one.id: one.path for one in self.alice.holder.current.folders}

    @property
    def pending(self) -> set[FolderID]:
        return set(self.alice.cluster.pending_folders())


def of(id: FolderID, *others: Device | DeviceID, label: str = "") -> Folder:
    entries = [one if isinstance(one, Device) else Device(one) for one in others]
    ends = (Device(BOB, index_id=7, max_sequence=1), Device(ALICE))
    return Folder(id, label or id.title(), devices=(*ends, *entries))


def count_changes(node: Node) -> list[Configuration]:
    changes: list[Configuration] = []
    node.holder.subscribe(lambda old, new, _: changes.append(new))
    return changes


# Introducers.


def test_one_cluster_config_is_one_change(bench: Bench) -> None:
    met = Met(bench, introducer=True, auto_accept_folders=True)
    changes = count_changes(met.alice)
    met.tell(of(F, CAROL, DAVE), of(MUSIC, CAROL))
    assert len(changes) == 1
    assert met.known == {ALICE, BOB, CAROL, DAVE}
    assert met.members() == {ALICE, BOB, CAROL, DAVE}
    assert met.members(MUSIC) == {ALICE, BOB, CAROL}
    met.tell(of(F, CAROL, DAVE), of(MUSIC, CAROL))
    assert len(changes) == 1
    met.tell(of(F, CAROL), of(MUSIC))
    assert len(changes) == 2
    assert met.known == {ALICE, BOB, CAROL}
    assert met.members(MUSIC) == {ALICE, BOB}


@pytest.mark.parametrize("introducer", [False, True])
def test_a_folder_that_is_accepted_is_not_judged_by_an_earlier_word(
    bench: Bench, introducer: bool
) -> None:
    met = Met(bench, introducer=introducer, auto_accept_folders=True)
    met.tell(of(F))
    met.alice.log.lines.clear()
    changes = count_changes(met.alice)
    met.tell(of(F), of(MUSIC, CAROL))
    assert met.members(MUSIC) == ({ALICE, BOB, CAROL} if introducer else {ALICE, BOB})
    assert len(changes) == 1
    assert not [line for line in met.alice.log.lines if "does not share" in line]


def test_the_devices_of_a_folder_hear_of_a_new_one_once(bench: Bench) -> None:
    met = Met(bench, introducer=True)
    met.tell(of(F))
    heard = len(met.bob.configs)
    met.tell(of(F, CAROL))
    (config,) = [config for _, config in met.bob.configs[heard:]]
    assert {entry.id for entry in config.folders[0].devices} == {ALICE, BOB, CAROL}
    met.tell(of(F, CAROL))
    assert len(met.bob.configs) == heard + 1


def test_a_secondary_connection_takes_nothing_back(bench: Bench) -> None:
    met = Met(bench, introducer=True)
    met.tell(of(F, CAROL))
    met.tell(secondary=True)
    assert met.members() == {ALICE, BOB, CAROL}


def test_a_cluster_config_that_is_refused_changes_nothing(bench: Bench) -> None:
    met = Met(bench, introducer=True, auto_accept_folders=True)
    changes = count_changes(met.alice)
    met.tell(Folder(F, devices=(Device(BOB), Device(CAROL))), of(MUSIC))
    assert met.alice.connected_to(BOB) == 0
    assert changes == []


def test_the_introduced_device_is_dialled_and_syncs(bench: Bench) -> None:
    alice, bob, carol = (
        bench.node(id, name) for id, name in ((ALICE, "a"), (BOB, "b"), (CAROL, "c"))
    )
    at_alice = alice.share()
    carol.know(ALICE, BOB)
    at_carol = carol.share(ALICE, BOB)
    bob.know(ALICE, CAROL)
    bob.share(ALICE, CAROL)
    alice.know(BOB)
    alice.edit_device(BOB, introducer=True)
    bench.run(5)
    alice.edit_folder(devices=(FolderDevice(id=ALICE), FolderDevice(id=BOB)))
    bench.run(10)
    introduced = alice.holder.current.device(CAROL)
    assert introduced is not None and introduced.addresses == ("dynamic", address_of(CAROL))
    assert alice.connected_to(CAROL) == 1
    at_carol.add("song", b"la")
    bench.run(1)
    assert "song" in at_alice.known(CAROL)
    # Bob unshares Carol: her connection stays only as long as she has a folder.
    bob.edit_folder(devices=(FolderDevice(id=ALICE), FolderDevice(id=BOB)))
    bench.run(5)
    assert CAROL not in alice.cluster.devices()
    assert alice.holder.current.device(CAROL) is None
    assert CAROL not in at_alice.index.counts().remote_sequence


def test_two_introducers_of_each_other_come_to_rest(bench: Bench) -> None:
    alice, bob, carol = (
        bench.node(id, name) for id, name in ((ALICE, "a"), (BOB, "b"), (CAROL, "c"))
    )
    for one, other in ((alice, BOB), (bob, ALICE)):
        one.know(other)
        one.edit_device(other, introducer=True)
        one.share(other)
    bench.run(3)
    changes = [count_changes(one) for one in (alice, bob)]
    bob.know(CAROL)
    bob.edit_folder(devices=tuple(FolderDevice(id=id) for id in (ALICE, BOB, CAROL)))
    bench.run(20)
    assert alice.holder.current.device(CAROL) is not None
    assert [len(one) for one in changes] == [1, 2]
    assert any("introducer to us" in line for line in alice.log.lines)
    assert carol.cluster.pending_devices()


def test_a_device_that_becomes_an_introducer_is_heard_at_once(bench: Bench) -> None:
    met = Met(bench)
    met.tell(of(F, CAROL), of(MUSIC, DAVE))
    assert met.known == {ALICE, BOB}
    met.alice.edit_device(BOB, introducer=True)
    assert met.known == {ALICE, BOB, CAROL}
    met.alice.share(BOB, id=MUSIC)
    assert met.known == {ALICE, BOB, CAROL, DAVE}


def test_what_the_user_takes_away_comes_back_only_with_the_next_word(bench: Bench) -> None:
    met = Met(bench, introducer=True)
    met.tell(of(F, CAROL))
    met.alice.change_devices(lambda old: tuple(one for one in old if one.id != CAROL))
    met.alice.edit_folder(label="Pictures")
    bench.run()
    assert met.known == {ALICE, BOB}
    met.tell(of(F, CAROL))
    assert met.known == {ALICE, BOB, CAROL}


def test_a_warning_is_given_once(bench: Bench) -> None:
    met = Met(bench, introducer=True)
    for _ in range(3):
        met.tell(of(F, Device(ALICE, introducer=True)))
    assert sum("introducer to us" in line for line in met.alice.log.lines) == 1


def test_a_change_that_is_vetoed_is_not_half_made(bench: Bench) -> None:
    met = Met(bench, introducer=True, auto_accept_folders=True)

    def veto(old: Configuration, new: Configuration) -> None:
        raise InvalidConfiguration("folder", "x", "nothing")

    ends = met.alice.holder.verify(veto)
    before = met.alice.holder.current
    met.tell(of(F, CAROL), of(MUSIC))
    assert met.alice.holder.current is before
    assert met.alice.places.released == ["~/Music"]
    assert met.alice.connected_to(BOB) == 1
    assert met.pending == {MUSIC}
    ends()


def test_a_device_that_keeps_changing_its_mind_has_to_wait(bench: Bench) -> None:
    met = Met(bench, introducer=True)
    changes = count_changes(met.alice)
    for _ in range(MAX_CHANGES):
        met.tell(of(F, CAROL))
        met.tell(of(F))
    met.tell(of(F, DAVE))
    assert len(changes) == MAX_CHANGES
    assert met.known == {ALICE, BOB}
    assert sum("has to wait" in line for line in met.alice.log.lines) == 1
    bench.run(WINDOW)
    assert met.known == {ALICE, BOB, DAVE}


# Folders that are accepted by themselves.


def test_an_offer_becomes_a_folder_and_is_never_pending(bench: Bench) -> None:
    met = Met(bench, auto_accept_folders=True)
    met.tell(of(F), of(MUSIC))
    assert met.folders[MUSIC] == "~/Music"
    assert met.pending == set()
    assert met.alice.told(EventType.FOLDER_REJECTED) == []
    told = met.bob.configs[-1][1]
    assert {folder.id for folder in told.folders} == {F, MUSIC}
    assert met.alice.told(EventType.CLUSTER_CONFIG_RECEIVED) == [{"device": str(BOB)}]


def test_a_taken_place_gives_way_to_the_id_and_then_to_the_user(bench: Bench) -> None:
    met = Met(bench, auto_accept_folders=True)
    met.alice.places.taken = {"Music", "Films", "films"}
    met.tell(of(F), of(MUSIC), of(FolderID("films")))
    assert met.folders[MUSIC] == "~/music"
    assert met.pending == {FolderID("films")}


def test_what_was_offered_is_accepted_when_the_user_says_so(bench: Bench) -> None:
    met = Met(bench)
    met.tell(of(F), of(MUSIC))
    assert met.pending == {MUSIC}
    met.alice.edit_device(BOB, auto_accept_folders=True)
    assert MUSIC in met.folders
    assert met.pending == set()


def test_an_accepted_folder_that_the_user_removes_comes_back_only_with_the_next_word(
    bench: Bench,
) -> None:
    met = Met(bench, auto_accept_folders=True)
    met.tell(of(F), of(MUSIC))
    met.alice.holder.modify(
        lambda old: replace(old, folders=tuple(one for one in old.folders if one.id != MUSIC))
    )
    bench.run()
    assert MUSIC not in met.folders
    assert met.pending == set()


def test_two_devices_that_offer_the_same_share_one_folder(bench: Bench) -> None:
    met = Met(bench, auto_accept_folders=True)
    met.alice.know(CAROL, addresses=())
    met.alice.edit_device(CAROL, auto_accept_folders=True)
    carol = bench.stranger(CAROL)
    carol.dial(ALICE)
    disk: Deferred[None] = Deferred()
    met.alice.places.before = disk
    met.tell(of(MUSIC))
    carol.offer(ALICE, MUSIC)
    assert MUSIC not in met.folders
    disk.callback(None)
    assert met.members(MUSIC) == {ALICE, BOB, CAROL}
    assert met.folders[MUSIC] == "~/Music"
    assert met.alice.places.taken == {"Music"}


@pytest.mark.parametrize(
    "change", [{"paused": True}, {"auto_accept_folders": False}, {"untrusted": True}]
)
def test_a_place_is_given_back_when_things_have_changed(
    bench: Bench, change: dict[str, object]
) -> None:
    met = Met(bench, auto_accept_folders=True)
    disk: Deferred[None] = Deferred()
    met.alice.places.before = disk
    met.tell(of(F), of(MUSIC))
    met.alice.edit_device(BOB, **change)
    disk.callback(None)
    bench.run()
    accepted = "paused" in change  # it is still trusted
    assert (MUSIC in met.folders) is accepted
    assert met.alice.places.released == ([] if accepted else ["~/Music"])


def test_a_device_that_is_removed_meanwhile_changes_nothing(bench: Bench) -> None:
    met = Met(bench, introducer=True, auto_accept_folders=True)
    disk: Deferred[None] = Deferred()
    met.alice.places.before = disk
    met.tell(of(F, CAROL), of(MUSIC))
    met.alice.change_devices(lambda old: tuple(one for one in old if one.id != BOB))
    disk.callback(None)
    bench.run()
    assert met.known == {ALICE}
    assert list(met.folders) == [F]
    assert met.alice.places.released == ["~/Music"]


def test_a_folder_that_the_user_adds_meanwhile_is_his(bench: Bench) -> None:
    met = Met(bench, auto_accept_folders=True)
    disk: Deferred[None] = Deferred()
    met.alice.places.before = disk
    met.tell(of(F), of(MUSIC))
    met.alice.share(id=MUSIC, run=False)
    disk.callback(None)
    bench.run()
    assert met.folders[MUSIC] == f"/{MUSIC}"
    assert met.members(MUSIC) == {ALICE, BOB}
    assert met.alice.places.released == ["~/Music"]


def test_a_node_that_stops_meanwhile_changes_nothing(bench: Bench) -> None:
    met = Met(bench, auto_accept_folders=True)
    disk: Deferred[None] = Deferred()
    met.alice.places.before = disk
    met.tell(of(F), of(MUSIC))
    met.alice.stop()
    disk.callback(None)
    assert list(met.folders) == [F]
    assert met.alice.places.released == ["~/Music"]


# What is ignored, and names.


def test_a_folder_that_is_ignored_no_longer_is_pending_at_once(bench: Bench) -> None:
    met = Met(bench)
    met.tell(of(F), of(MUSIC), of(FolderID("films")))
    met.alice.edit_device(BOB, ignored_folders=(ObservedFolder(id=MUSIC),))
    assert met.pending == {FolderID("films")}
    assert met.alice.told(EventType.PENDING_FOLDERS_CHANGED)[-1] == {
        "removed": [{"folderID": MUSIC, "deviceID": str(BOB)}]
    }
    met.tell(of(F), of(MUSIC))
    assert met.pending == set()
    met.alice.edit_device(BOB, ignored_folders=())
    assert met.pending == {MUSIC}
    added = met.alice.told(EventType.PENDING_FOLDERS_CHANGED)[-1]
    assert [one["folderID"] for one in added["added"]] == [MUSIC]  # type: ignore[attr-defined]


def test_what_was_dismissed_comes_back_only_with_the_next_word(bench: Bench) -> None:
    met = Met(bench)
    met.tell(of(F), of(MUSIC))
    met.alice.cluster.dismiss_folder(MUSIC)
    assert met.alice.told(EventType.PENDING_FOLDERS_CHANGED)[-1] == {
        "removed": [{"folderID": MUSIC}]
    }
    met.alice.edit_folder(label="Pictures")
    assert met.pending == set()
    met.tell(of(F), of(MUSIC))
    assert met.pending == {MUSIC}


def test_each_word_is_told_in_full(bench: Bench) -> None:
    met = Met(bench)
    for _ in range(2):
        met.alice.events.clear()
        met.tell(of(F), of(MUSIC))
        kinds = [kind for kind, _ in met.alice.events]
        assert kinds == [
            EventType.FOLDER_REJECTED,
            EventType.PENDING_FOLDERS_CHANGED,
            EventType.CLUSTER_CONFIG_RECEIVED,
        ]


@pytest.mark.parametrize(
    ("name", "overwrite", "after"),
    [("", False, "stranger"), ("mine", False, "mine"), ("mine", True, "stranger")],
)
def test_a_device_is_called_as_it_says_if_it_may(
    bench: Bench, name: str, overwrite: bool, after: str
) -> None:
    alice = bench.node(ALICE)
    alice.know(BOB, addresses=())
    alice.edit_device(BOB, name=name)
    alice.edit_options(overwrite_remote_device_names_on_connect=overwrite)
    bench.stranger(BOB).dial(ALICE)
    bob = alice.holder.current.device(BOB)
    assert bob is not None and bob.name == after
    assert alice.told(EventType.DEVICE_CONNECTED)[0]["deviceName"] == "stranger"
