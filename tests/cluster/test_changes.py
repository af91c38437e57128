"""Devices, folders and shares change while a peer is connected; nothing restarts, nothing is left over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from hashlib import sha256

import pytest
from twisted.internet.defer import Deferred

from tests.cluster.bench import ALICE, BOB, CAROL, Bench, CountedFolder, F, Node, Stranger, file_of
from txsyncthing.bep.messages import ErrorCode, Index, IndexUpdate
from txsyncthing.bep.protocol import RequestFailed
from txsyncthing.config.folder import FolderDevice
from txsyncthing.events.types import EventType
from txsyncthing.runtime.worker_service import Lane
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID, RemoteState
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

MUSIC = FolderID("music")


def members(*devices: DeviceID) -> tuple[FolderDevice, ...]:
    return tuple(FolderDevice(id=device) for device in devices)


def numbered(sequence: int, name: str = "") -> FileInfo:
    version = Vector.of([(1, sequence)])
    return file_of(name or f"f{sequence}", b"x", version)._replace(sequence=sequence)


class Three:
    """Alice shares one folder with Bob and Carol, who do not know each other."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.alice, self.bob, self.carol = bench.node(ALICE), bench.node(BOB), bench.node(CAROL)
        self.alice.know(BOB, CAROL)
        self.at_alice = self.alice.share(BOB, CAROL)
        self.theirs: dict[DeviceID, CountedFolder] = {}
        for node in (self.bob, self.carol):
            node.know(ALICE, addresses=())
            self.theirs[node.me] = node.share(ALICE)
        bench.run(3)
        for node in (self.alice, self.bob, self.carol):
            node.events.clear()

    def disconnects(self) -> int:
        nodes = (self.alice, self.bob, self.carol)
        return sum(len(node.told(EventType.DEVICE_DISCONNECTED)) for node in nodes)


@pytest.fixture
def three(bench: Bench) -> Three:
    return Three(bench)


def test_one_of_two_devices_is_unshared_and_shared_again(three: Three) -> None:
    bench, alice = three.bench, three.alice
    three.theirs[BOB].add("bobs", b"x")
    bench.run(0.5)
    assert three.at_alice.known(BOB) == {"bobs"}
    alice.edit_folder(devices=members(ALICE, CAROL))
    three.at_alice.add("secret", b"x")
    bench.run(1)
    assert three.theirs[BOB].known(ALICE) == set()
    assert three.theirs[CAROL].known(ALICE) == {"secret"}
    assert three.bob.cluster.remote_state(ALICE, F) is RemoteState.NOT_SHARING
    assert BOB not in three.at_alice.index.counts().remote_sequence
    assert ALICE not in alice.cluster.sources(F).connected()
    alice.edit_folder(devices=members(ALICE, BOB, CAROL))
    bench.run(1)
    assert three.theirs[BOB].known(ALICE) == {"secret"}
    assert three.at_alice.known(BOB) == {"bobs"}
    assert three.disconnects() == 0


def test_a_device_is_removed_with_all_it_told_and_the_other_stays(three: Three) -> None:
    bench, alice = three.bench, three.alice
    for device in (BOB, CAROL):
        three.theirs[device].add(device.raw[:1].decode(), b"x")
    bench.run(0.5)
    alice.change_devices(lambda old: tuple(one for one in old if one.id != BOB))
    bench.run(1)
    assert three.at_alice.index.counts().remote_sequence.keys() == {CAROL}
    assert alice.connected_to(CAROL) == 1
    assert [one["id"] for one in alice.told(EventType.DEVICE_DISCONNECTED)] == [str(BOB)]
    alice.know(BOB)
    alice.edit_folder(devices=members(ALICE, BOB, CAROL))
    bench.run(5)
    assert three.at_alice.known(BOB) == {"b"}


def test_a_folder_is_added_and_removed_beside_another(three: Three) -> None:
    bench = three.bench
    at_alice = three.alice.share(BOB, id=MUSIC)
    at_alice.add("song", b"la")
    at_bob = three.bob.share(ALICE, id=MUSIC)
    bench.run(1)
    assert at_bob.known(ALICE) == {"song"}
    three.alice.table.drop(MUSIC)
    three.alice.holder.modify(
        lambda old: replace(old, folders=tuple(one for one in old.folders if one.id != MUSIC))
    )
    bench.run(1)
    assert three.bob.cluster.remote_state(ALICE, MUSIC) is RemoteState.NOT_SHARING
    assert at_bob.known(ALICE) == set()
    assert three.disconnects() == 0


def test_a_folder_with_a_new_database_is_told_in_full(three: Three) -> None:
    bench = three.bench
    for number in range(5):
        three.at_alice.add(f"{number}", b"x")
    bench.run(1)
    three.alice.table.drop(F)
    fresh = CountedFolder(F, DeviceID(b"z" * 32), bench.unix)  # another index ID
    fresh.add("new", b"x")
    three.alice.table.put(fresh)
    bench.run(1)
    assert three.theirs[BOB].known(ALICE) == {"new"}
    assert three.theirs[BOB].index.counts().remote_sequence == {ALICE: 1}
    assert three.disconnects() == 0


def test_names_change_without_a_word_to_the_folder(three: Three) -> None:
    bench, alice = three.bench, three.alice
    alice.edit_folder(label="Pictures")
    alice.edit_device(BOB, name="bobby")
    alice.edit_device(ALICE, name="me")
    bench.run(1)
    assert three.disconnects() == 0
    assert three.bob.cluster.pending_folders() == {}
    bench.wires.drop(ALICE, BOB)
    bench.run(5)
    assert three.bob.told(EventType.DEVICE_CONNECTED)[-1]["deviceName"] == "me"


# Blocks that are on their way to a device that loses its share.


class SlowLane:
    """A disk on which each job waits for the test."""

    def __init__(self) -> None:
        self.jobs: list[Deferred[object]] = []

    def run(self, job: Callable[..., object], *args: object) -> Deferred[object]:
        started: Deferred[object] = Deferred()
        self.jobs.append(started)
        return started.addCallback(lambda _: job(*args))


class Fetching:
    """Bob has asked Alice for blocks, and her disk is slow."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.alice: Node = bench.node(ALICE)
        self.alice.know(BOB, addresses=())
        self.folder = self.alice.share(BOB)
        self.folder.add("film", b"secret")
        self.disk = SlowLane()
        requests = self.alice.cluster._requests
        lane: Lane = self.disk  # type: ignore[assignment]
        requests._disk = lane
        self.bob: Stranger = bench.stranger(BOB)
        self.bob.dial(ALICE)
        self.bob.offer(ALICE, F)
        self.got: list[object] = []
        for _ in range(6):  # more than there are jobs at a time
            asked = self.bob.link.request(F, WireName("film"), 0, 6, sha256(b"secret").digest())
            asked.addBoth(self.got.append)
            bench.run(0.1)

    def finish(self) -> list[object]:
        """Let the disk do all it has to; what Bob got."""
        while self.disk.jobs:
            self.disk.jobs.pop(0).callback(None)
        self.bench.run()
        return self.got


@pytest.mark.parametrize("change", ["unshare", "pause", "remove", "encrypt"])
def test_blocks_on_their_way_do_not_reach_who_lost_the_folder(bench: Bench, change: str) -> None:
    fetching = Fetching(bench)
    alice = fetching.alice
    if change == "unshare":
        alice.edit_folder(devices=members(ALICE))
    elif change == "pause":
        alice.edit_folder(paused=True)
    elif change == "remove":
        alice.holder.modify(lambda old: replace(old, folders=()))
    else:
        secret = FolderDevice(id=BOB, encryption_password="x")
        alice.edit_folder(devices=(FolderDevice(id=ALICE), secret))
    got = fetching.finish()
    codes = [getattr(one, "value", one) for one in got]
    assert [isinstance(one, RequestFailed) and one.code for one in codes] == [ErrorCode.GENERIC] * 6
    assert alice.connected_to(BOB) == 1


def test_blocks_on_their_way_reach_who_keeps_the_folder(bench: Bench) -> None:
    fetching = Fetching(bench)
    fetching.alice.edit_folder(label="Pictures")
    fetching.alice.know(CAROL)
    assert [bytes(one) for one in fetching.finish()] == [b"secret"] * 6  # type: ignore[call-overload]


# An index that is on its way while we change our mind.


class Telling:
    """Bob tells Alice his index, five files so far."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.alice: Node = bench.node(ALICE)
        self.alice.know(BOB, addresses=())
        self.folder = self.alice.share(BOB)
        self.bob: Stranger = bench.stranger(BOB)
        self.bob.dial(ALICE)
        self.bob.offer(ALICE, F)
        self.send(Index(F, tuple(numbered(one) for one in range(1, 6)), 5))

    def send(self, message: Index | IndexUpdate) -> None:
        self.bob.link.send(message)
        self.bench.run()

    def update(self, *sequences: int, after: int) -> None:
        files = tuple(numbered(one) for one in sequences)
        self.send(IndexUpdate(F, files, sequences[-1], after))

    @property
    def known(self) -> int:
        return self.folder.index.counts().remote_sequence.get(BOB, 0)

    @property
    def announced(self) -> int:
        """What Alice's last Cluster Config says she has of Bob."""
        (folder,) = self.bob.configs[-1][1].folders
        return next(one.max_sequence for one in folder.devices if one.id == BOB)


def test_an_index_that_was_on_its_way_when_we_paused_is_dropped(bench: Bench) -> None:
    telling = Telling(bench)
    telling.alice.edit_folder(paused=True)
    telling.alice.table.drop(F)
    telling.update(6, 7, after=5)
    assert telling.alice.connected_to(BOB) == 1
    telling.alice.edit_folder(paused=False)
    telling.alice.table.put(telling.folder)
    bench.run()
    assert telling.announced == telling.known == 5
    telling.update(6, 7, after=5)
    assert telling.known == 7
    assert telling.alice.connected_to(BOB) == 1


def test_an_index_that_was_on_its_way_when_we_unshared_is_dropped(bench: Bench) -> None:
    telling = Telling(bench)
    telling.alice.edit_folder(devices=members(ALICE))
    telling.update(6, 7, after=5)
    assert telling.alice.connected_to(BOB) == 1
    assert telling.known == 0
    telling.alice.edit_folder(devices=members(ALICE, BOB))
    bench.run()
    assert telling.announced == 0
    telling.send(Index(F, tuple(numbered(one) for one in range(1, 8)), 7))
    assert telling.known == 7


def test_an_index_that_leaves_a_hole_ends_the_connection(bench: Bench) -> None:
    telling = Telling(bench)
    telling.alice.table.drop(F)  # other settings: it begins anew at once
    telling.update(6, after=5)
    telling.alice.table.put(telling.folder)
    bench.run()
    telling.update(7, after=6)  # sent before Bob heard of it
    assert telling.alice.connected_to(BOB) == 0
    assert "begins after 6" in telling.bob.ends[-1]
    assert telling.known == 5


def test_many_folders_that_stop_or_start_in_one_turn_are_told_of_once(three: Three) -> None:
    bench, alice = three.bench, three.alice
    more = [alice.share(BOB, CAROL, id=FolderID(f"more{number}")) for number in range(20)]
    bench.run(1)
    heard = len(three.bob.told(EventType.CLUSTER_CONFIG_RECEIVED))
    for folder in more:
        alice.table.drop(folder.id)
    bench.run(1)
    assert len(three.bob.told(EventType.CLUSTER_CONFIG_RECEIVED)) == heard + 1
    for folder in more:
        alice.table.put(folder)
    bench.run(1)
    assert len(three.bob.told(EventType.CLUSTER_CONFIG_RECEIVED)) == heard + 2
    alice.table.drop(F)
    alice.cluster.stopService()  # leaves no call behind


def test_an_index_that_is_being_stored_when_its_device_is_unshared_is_forgotten(
    bench: Bench,
) -> None:
    alice = bench.node(ALICE)
    alice.know(BOB)
    folder = alice.share(BOB)
    stranger = Stranger(bench, BOB)
    stranger.listen()
    bench.run(3)
    stranger.offer(ALICE, F, index_id=0)  # before its first files nothing of it is stored
    store, stored = folder.index.update_remote, Deferred[None]()

    def slow(device: DeviceID, files: Sequence[FileInfo], replace: bool = False) -> Deferred[None]:
        return stored.addCallback(lambda _: store(device, files, replace))

    folder.index.update_remote = slow  # type: ignore[method-assign]
    stranger.link.send(Index(F, (numbered(1),), 1))
    bench.run(0.5)
    alice.edit_folder(devices=members(ALICE))
    bench.run(0.5)
    stored.callback(None)
    bench.run(0.5)
    assert folder.index.counts().remote_sequence == {}
    assert folder.known(BOB) == set()
