"""Whole bridges on one clock."""

from __future__ import annotations

from dataclasses import dataclass, replace

from tests.cluster.bench import ALICE, BOB, CAROL, Bench, F, result
from txsyncthing.config.device import ObservedDevice
from txsyncthing.config.folder import FolderDevice
from txsyncthing.config.options import Options
from txsyncthing.events.types import EventType
from txsyncthing.vocabulary.block import MIN_BLOCK_SIZE
from txsyncthing.vocabulary.folder import FolderID, RemoteState
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector


class Pair:
    """Alice and Bob, who know each other and share a folder."""

    def __init__(self, bench: Bench, seconds: float = 3.0) -> None:
        self.bench = bench
        self.alice, self.bob = bench.node(ALICE, "alice"), bench.node(BOB, "bob")
        self.alice.know(BOB)
        self.at_alice = self.alice.share(BOB)
        self.bob.know(ALICE)
        self.at_bob = self.bob.share(ALICE)
        bench.run(seconds)


def test_two_devices_exchange_their_indexes(bench: Bench) -> None:
    pair = Pair(bench)
    pair.at_alice.add("sunset.jpg", b"red")
    pair.at_bob.add("moon.jpg", b"white")
    bench.run(0.1)
    assert pair.at_alice.known(BOB) == {"moon.jpg"}
    assert pair.at_bob.known(ALICE) == {"sunset.jpg"}
    assert pair.at_bob.changed
    assert pair.alice.cluster.remote_state(BOB, F) is RemoteState.VALID


def test_a_device_that_has_not_added_us_is_told_once(bench: Bench) -> None:
    alice, bob = bench.node(ALICE), bench.node(BOB)
    alice.know(BOB)
    bench.run(300)
    hints = [line for line in alice.log.lines if "has not (yet) added this device" in line]
    assert len(hints) == 1 and str(ALICE) in hints[0]
    assert alice.cluster.devices()[BOB].strange
    bob.know(ALICE)
    bench.run(120)
    assert alice.connected_to(BOB) >= 1
    assert not alice.cluster.devices()[BOB].strange


def test_a_device_that_pauses_us_is_no_stranger(bench: Bench) -> None:
    pair = Pair(bench)
    pair.bob.edit_device(ALICE, paused=True)
    bench.run(120)
    assert not pair.alice.cluster.devices()[BOB].strange
    (error,) = {status.error for status in pair.alice.connections.dial_status().values()}
    assert "hung up before its Hello" in str(error)


def test_a_folder_that_a_device_does_not_share_is_told_once(bench: Bench) -> None:
    alice, bob = bench.node(ALICE), bench.node(BOB)
    alice.know(BOB)
    bob.know(ALICE)
    alice.share(BOB)
    bench.run(3)
    bob.edit_device(ALICE, name="al")
    bench.run(3)
    hints = [line for line in alice.log.lines if "does not share folder photos with us" in line]
    assert len(hints) == 1


def test_files_from_before_the_connection_are_told_too(bench: Bench) -> None:
    alice, bob = bench.node(ALICE), bench.node(BOB)
    alice.know(BOB)
    bob.know(ALICE)
    at_alice, at_bob = alice.share(BOB), bob.share(ALICE)
    for number in range(25):
        at_alice.add(f"{number}.jpg", b"%d" % number)
    bench.run(3)
    assert len(at_bob.known(ALICE)) == 25
    assert at_bob.index.counts().remote_sequence == {ALICE: 25}


def test_after_a_lost_wire_only_what_is_new_is_told(bench: Bench) -> None:
    pair = Pair(bench)
    for number in range(20):
        pair.at_alice.add(f"{number}.jpg", b"old")
    bench.run(0.1)
    pair.bob.events.clear()
    bench.wires.cut(ALICE, BOB)
    bench.run(1)
    assert pair.alice.connected_to(BOB) == 0
    pair.at_alice.add("new.jpg", b"new")
    bench.wires.heal(ALICE, BOB)
    bench.run(10)
    assert pair.alice.connected_to(BOB) >= 1
    updates = pair.bob.told(EventType.REMOTE_INDEX_UPDATED)
    assert [(update["items"], update["sequence"]) for update in updates] == [(1, 21)]
    assert "new.jpg" in pair.at_bob.known(ALICE)


def test_a_lost_wire_is_dialled_again_within_seconds(bench: Bench) -> None:
    pair = Pair(bench)
    bench.run(20)
    bench.wires.drop(ALICE, BOB)
    bench.run(2.5)
    assert pair.alice.connected_to(BOB) == pair.bob.connected_to(ALICE) >= 1


def test_a_device_that_restarts_is_connected_within_seconds(bench: Bench) -> None:
    pair = Pair(bench)
    bench.run(20)
    pair.bob.stop()
    bench.run(6)
    assert pair.alice.connected_to(BOB) == 0
    pair.bob.network.dialled.clear()
    pair.bob.edit_device(ALICE, addresses=("dynamic",))  # so that only Alice dials
    pair.bob.start()
    bench.run(5.5)
    assert pair.alice.connected_to(BOB) == 1


def test_a_folder_shared_later_joins_without_a_new_connection(bench: Bench) -> None:
    pair = Pair(bench)
    other = FolderID("music")
    at_alice = pair.alice.share(BOB, id=other)
    at_alice.add("song.ogg", b"la")
    bench.run(0.5)
    assert list(pair.bob.cluster.pending_folders()) == [other]
    connects = len(pair.bob.told(EventType.DEVICE_CONNECTED))
    at_bob = pair.bob.share(ALICE, id=other)
    at_bob.add("drum.ogg", b"bum")
    bench.run(0.5)
    assert at_bob.known(ALICE) == {"song.ogg"}
    assert at_alice.known(BOB) == {"drum.ogg"}
    assert pair.bob.cluster.pending_folders() == {}
    assert len(pair.bob.told(EventType.DEVICE_CONNECTED)) == connects


def test_a_folder_that_starts_late_is_told_as_paused_until_it_runs(bench: Bench) -> None:
    pair = Pair(bench)
    other = FolderID("music")
    at_alice = pair.alice.share(BOB, id=other)
    at_alice.add("song.ogg", b"la")
    at_bob = pair.bob.share(ALICE, id=other, run=False)
    bench.run(0.5)
    assert pair.alice.cluster.remote_state(BOB, other) is RemoteState.PAUSED
    assert pair.alice.connected_to(BOB) >= 1
    pair.bob.table.put(at_bob)
    bench.run(0.5)
    assert pair.alice.cluster.remote_state(BOB, other) is RemoteState.VALID
    assert at_bob.known(ALICE) == {"song.ogg"}


def test_a_folder_that_is_restarted_goes_on_where_it_was(bench: Bench) -> None:
    pair = Pair(bench)
    pair.at_alice.add("one", b"1")
    bench.run(0.1)
    pair.bob.table.drop(F)
    bench.run(0.1)
    pair.at_alice.add("two", b"2")
    bench.run(0.1)
    pair.bob.table.put(pair.at_bob)
    bench.run(0.1)
    assert pair.at_bob.known(ALICE) == {"one", "two"}
    assert pair.at_bob.index.counts().remote_sequence == {ALICE: 2}
    assert not pair.alice.told(EventType.DEVICE_DISCONNECTED)


def test_a_paused_folder_is_told_and_gets_nothing_more(bench: Bench) -> None:
    pair = Pair(bench)
    pair.bob.edit_folder(paused=True)
    pair.bob.table.drop(F)
    bench.run(0.1)
    pair.at_alice.add("late.jpg", b"x")
    bench.run(0.1)
    assert pair.alice.cluster.remote_state(BOB, F) is RemoteState.PAUSED
    assert pair.at_bob.known(ALICE) == set()
    assert pair.alice.connected_to(BOB) >= 1
    pair.bob.edit_folder(paused=False)
    pair.bob.table.put(pair.at_bob)
    bench.run(0.1)
    assert pair.at_bob.known(ALICE) == {"late.jpg"}


def test_what_an_unshared_device_told_is_forgotten(bench: Bench) -> None:
    pair = Pair(bench)
    pair.at_alice.add("one", b"1")
    bench.run(0.1)
    assert pair.at_bob.known(ALICE) == {"one"}
    pair.alice.edit_folder(devices=(FolderDevice(id=ALICE),))
    bench.run(0.1)
    assert pair.bob.cluster.remote_state(ALICE, F) is RemoteState.NOT_SHARING
    assert pair.at_bob.known(ALICE) == set()
    assert pair.at_bob.index.counts().remote_sequence.get(ALICE, 0) == 0
    # Bob still shares it: for Alice that is an offer now.
    assert list(pair.alice.cluster.pending_folders(BOB)) == [F]


def test_a_folder_is_not_called_for_each_of_many_changes(bench: Bench) -> None:
    pair = Pair(bench)
    bench.run(1)
    pair.at_bob.changed = 0
    for number in range(100):
        pair.at_alice.add(f"{number}", b"x")
        bench.run(0.01)
    assert 9 <= pair.at_bob.changed <= 12
    bench.run(1)
    assert pair.at_bob.changed <= 12


def test_a_paused_device_is_closed_and_dialled_again_when_resumed(bench: Bench) -> None:
    pair = Pair(bench)
    pair.alice.edit_device(BOB, paused=True)
    bench.run(5)
    assert pair.alice.connected_to(BOB) == pair.bob.connected_to(ALICE) == 0
    assert pair.alice.told(EventType.DEVICE_PAUSED) == [{"device": str(BOB)}]
    reasons = [event["error"] for event in pair.bob.told(EventType.DEVICE_DISCONNECTED)]
    assert "device is paused" in str(reasons[0])
    pair.alice.edit_device(BOB, paused=False)
    bench.run(1)
    assert pair.alice.connected_to(BOB) == 1
    assert pair.alice.told(EventType.DEVICE_RESUMED) == [{"device": str(BOB)}]


def test_a_removed_device_is_closed_and_becomes_a_stranger(bench: Bench) -> None:
    pair = Pair(bench)
    pair.alice.change_devices(lambda old: tuple(one for one in old if one.id != BOB))
    bench.run(3)
    assert BOB not in pair.alice.cluster.devices()
    assert pair.bob.connected_to(ALICE) == 0
    assert BOB in pair.alice.cluster.pending_devices()


def test_a_stranger_becomes_pending_until_it_is_added(bench: Bench) -> None:
    alice, bob = bench.node(ALICE, "alice"), bench.node(BOB, "bob")
    bob.know(ALICE)
    bench.run(2)
    pending = alice.cluster.pending_devices()
    assert list(pending) == [BOB]
    assert pending[BOB].name == "bob"  # Bob knows Alice, and so tells his name
    assert alice.told(EventType.PENDING_DEVICES_CHANGED)[0]["added"]
    assert alice.told(EventType.DEVICE_REJECTED)
    assert bob.connected_to(ALICE) == 0
    alice.know(BOB)
    bench.run(3)
    assert alice.cluster.pending_devices() == {}
    assert alice.told(EventType.PENDING_DEVICES_CHANGED)[-1] == {
        "removed": [{"deviceID": str(BOB)}]
    }
    assert alice.connected_to(BOB) >= 1


def test_what_is_pending_survives_a_restart(bench: Bench) -> None:
    alice, bob = bench.node(ALICE), bench.node(BOB, "bob")
    bob.know(ALICE)
    bench.run(3)
    before = alice.cluster.pending_devices()
    bob.stop()
    alice.stop()
    alice.start()
    assert alice.cluster.pending_devices() == before != {}
    alice.cluster.dismiss_device(BOB)
    assert alice.cluster.pending_devices() == {}


def test_an_ignored_device_is_not_even_greeted(bench: Bench) -> None:
    alice = bench.node(ALICE)
    alice.holder.modify(lambda old: replace(old, remote_ignored_devices=(ObservedDevice(id=BOB),)))
    stranger = bench.stranger(BOB)
    stranger.dial(ALICE)
    assert stranger.hellos == []
    assert stranger.ends
    assert alice.cluster.pending_devices() == {}


def test_a_nameless_device_gets_the_name_it_tells(bench: Bench) -> None:
    pair = Pair(bench)
    config = pair.alice.holder.current.device(BOB)
    assert config is not None and config.name == "bob"


def test_the_connection_limit_refuses_one_device_more(bench: Bench) -> None:
    alice = bench.node(ALICE, options=Options(connection_limit_max=1))
    alice.know(BOB, CAROL, addresses=())
    first, second = bench.stranger(BOB), bench.stranger(CAROL)
    first.dial(ALICE)
    first.offer(ALICE)
    second.dial(ALICE)
    assert (alice.connected_to(BOB), alice.connected_to(CAROL)) == (1, 0)
    assert second.hellos == []


def test_statuses_tell_what_rest_shows(bench: Bench) -> None:
    pair = Pair(bench)
    status = pair.alice.cluster.devices()[BOB]
    assert status.connected and not status.paused
    assert status.client_version == "txsyncthing v0.1"
    assert status.primary is not None
    assert status.primary.info.type in {"tcp-client", "tcp-server"}
    assert status.bytes.received > 0 and status.bytes.sent > 0
    assert status.statistics.last_seen >= 1_700_000_000
    total = pair.alice.cluster.total_traffic()
    bench.wires.cut(ALICE, BOB)
    bench.run(2)
    assert pair.alice.cluster.total_traffic().sent >= total.sent
    gone = pair.alice.cluster.devices()[BOB]
    assert not gone.connected and gone.client_version == ""
    assert gone.statistics.last_connection_s > 1
    assert pair.alice.connections.dial_status()["tcp://10.0.0.98:22000"].error


def test_completion_counts_what_the_peer_lacks(bench: Bench) -> None:
    pair = Pair(bench)
    pair.at_alice.add("half", b"x" * 1000)
    pair.at_bob.add("other", b"x" * 3000)
    bench.run(0.1)
    seen = pair.alice.cluster.completion(BOB, F)
    assert (seen.global_bytes, seen.need_bytes, seen.need_items) == (4000, 1000, 1)
    assert seen.completion == 75
    assert seen.remote_state is RemoteState.VALID
    assert pair.alice.cluster.completion(BOB, None).need_bytes == 1000
    assert pair.alice.cluster.completion(ALICE, F).need_bytes == 3000


@dataclass(frozen=True)
class Fetching:
    """A file of which some blocks have come; satisfies Unfinished."""

    name: WireName
    version: Vector
    available: frozenset[int]
    created: float = 1.0
    block_size: int = MIN_BLOCK_SIZE
    total: int = 50


def test_peers_are_told_which_blocks_of_unfinished_files_we_have(bench: Bench) -> None:
    pair = Pair(bench)
    name, version = WireName("film"), Vector.of([(1, 1)])
    pair.at_alice.on_their_way = [Fetching(name, version, frozenset({3, 4}))]
    bench.run(6)
    sources = pair.bob.cluster.sources(F)
    assert sources.temporary(ALICE, name, version) == {3, 4}
    assert pair.bob.told(EventType.REMOTE_DOWNLOAD_PROGRESS)[-1]["state"] == {"film": 2}
    pair.at_alice.on_their_way = []
    bench.run(6)
    assert sources.temporary(ALICE, name, version) == frozenset()


def test_progress_can_be_switched_off(bench: Bench) -> None:
    pair = Pair(bench)
    pair.alice.edit_options(progress_update_interval_s=-1)
    pair.at_alice.on_their_way = [Fetching(WireName("film"), Vector(), frozenset({3}))]
    bench.run(5)  # the tick that was on its way
    pair.bob.events.clear()
    pair.at_alice.on_their_way = [Fetching(WireName("film"), Vector(), frozenset({3, 4}))]
    bench.run(20)
    assert pair.bob.told(EventType.REMOTE_DOWNLOAD_PROGRESS) == []


def test_a_file_that_an_index_brings_is_no_longer_unfinished(bench: Bench) -> None:
    pair = Pair(bench)
    name, version = WireName("film"), Vector.of([(1, 1)])
    pair.at_alice.on_their_way = [Fetching(name, version, frozenset({3, 4}))]
    bench.run(6)
    pair.at_alice.add("film", b"all of it")
    bench.run(0.1)
    assert pair.bob.cluster.sources(F).temporary(ALICE, name, version) == frozenset()


def test_availability_names_who_has_a_file(bench: Bench) -> None:
    pair = Pair(bench)
    pair.at_alice.add("film", b"all of it")
    bench.run(0.1)
    found = result(pair.bob.cluster.availability(F, WireName("film")))
    assert found == [(ALICE, False)]
