"""Devices that do what none may do: their connection ends, nothing is believed, the node goes on."""

from __future__ import annotations

from hashlib import sha256

import pytest

from tests.cluster.bench import ALICE, BOB, Bench, CountedFolder, F, Node, Stranger, file_of
from txsyncthing.bep.messages import (
    ClusterConfig,
    Device,
    DownloadProgress,
    ErrorCode,
    FileProgress,
    Folder,
    Index,
    IndexUpdate,
    UpdateType,
)
from txsyncthing.bep.protocol import BepFactory, PeerLost, RequestFailed
from txsyncthing.cluster.accept import MAX_OFFERED
from txsyncthing.cluster.pending import MAX_DEVICES
from txsyncthing.cluster.progress import MAX_SHOWN
from txsyncthing.config.device import ObservedFolder
from txsyncthing.events.types import EventType
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID, RemoteState
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

OTHER = FolderID("private")
FILES = (file_of("a", b"x", Vector.of([(1, 1)]))._replace(sequence=1),)


class Met:
    """Alice runs a folder that she shares with Bob, and one that she does not; Bob dials."""

    def __init__(self, bench: Bench, connections: int = 1) -> None:
        self.bench = bench
        self.alice: Node = bench.node(ALICE, "alice")
        self.alice.know(BOB, addresses=())
        self.shared: CountedFolder = self.alice.share(BOB)
        self.private: CountedFolder = self.alice.share(id=OTHER)
        self.bob: Stranger = bench.stranger(BOB, connections)
        self.bob.dial(ALICE)

    @property
    def is_up(self) -> bool:
        return self.alice.connected_to(BOB) > 0

    def ask(self, name: str, folder: FolderID = F, **fields: object) -> list[object]:
        """Request a block; what came back."""
        got: list[object] = []
        data = fields.get("data", b"")
        assert isinstance(data, bytes)
        asked = self.bob.link.request(
            folder,
            WireName(name),
            int(str(fields.get("offset", 0))),
            int(str(fields.get("size", len(data)))),
            sha256(data).digest(),
            bool(fields.get("temporary")),
        )
        asked.addBoth(got.append)
        self.bench.run(0.1)
        return got

    def code(self, name: str, folder: FolderID = F, **fields: object) -> ErrorCode:
        (failure,) = self.ask(name, folder, **fields)
        error = getattr(failure, "value", failure)
        assert isinstance(error, RequestFailed), error
        return error.code


@pytest.fixture
def met(bench: Bench) -> Met:
    return Met(bench)


def test_an_index_for_a_folder_that_is_not_shared_ends_the_connection(met: Met) -> None:
    met.bob.offer(ALICE, F, OTHER)
    met.bob.link.send(Index(OTHER, FILES, 1))
    met.bench.run()
    assert not met.is_up
    assert "do not share" in met.bob.ends[0]
    assert met.private.index.counts().remote_sequence == {}


def test_an_index_for_an_unknown_folder_ends_the_connection(met: Met) -> None:
    met.bob.offer(ALICE, F)
    met.bob.link.send(IndexUpdate(FolderID("nonesuch"), FILES, 1))
    met.bench.run()
    assert not met.is_up


def test_an_index_for_a_folder_that_was_not_offered_ends_the_connection(met: Met) -> None:
    met.bob.offer(ALICE)
    met.bob.link.send(Index(F, FILES, 1))
    met.bench.run()
    assert not met.is_up
    assert met.shared.index.counts().remote_sequence == {}


def test_an_index_for_a_paused_folder_ends_the_connection(met: Met) -> None:
    met.alice.edit_folder(paused=True)
    met.alice.table.drop(F)
    met.bob.offer(ALICE, F)
    met.bob.link.send(Index(F, FILES, 1))
    met.bench.run()
    assert not met.is_up


def test_an_index_on_a_secondary_connection_ends_it(bench: Bench) -> None:
    met = Met(bench, connections=3)
    met.bob.offer(ALICE, F)
    met.bob.dial(ALICE)
    met.bob.offer(ALICE, secondary=True)
    assert met.alice.connected_to(BOB) == 2
    assert met.bob.configs[-1][1] == ClusterConfig(secondary=True)
    met.bob.link.send(Index(F, FILES, 1))
    bench.run()
    assert met.alice.connected_to(BOB) == 1
    assert met.shared.index.counts().remote_sequence == {BOB: 0}


@pytest.mark.parametrize("present", ["local", "remote"])
def test_a_cluster_config_without_both_ends_is_refused(met: Met, present: str) -> None:
    entry = Device(ALICE if present == "local" else BOB, index_id=1)
    met.bob.link.configure(ClusterConfig((Folder(F, devices=(entry,)),)))
    met.bench.run()
    assert not met.is_up
    assert f"missing {'remote' if present == 'local' else 'local'} device" in met.bob.ends[0]


def test_a_cluster_config_with_tokens_is_refused(met: Met) -> None:
    entries = (Device(ALICE), Device(BOB, encryption_password_token=b"token"))
    met.bob.link.configure(ClusterConfig((Folder(F, devices=entries),)))
    met.bench.run()
    assert not met.is_up


def test_a_flood_of_offers_is_kept_within_bounds(met: Met) -> None:
    for turn in range(3):
        folders = tuple(Folder(FolderID(f"{turn}-{n}"), label="x" * 1000) for n in range(2000))
        met.bob.link.configure(ClusterConfig(folders))
        met.bench.run()
    pending = met.alice.cluster.pending_folders()
    assert len(pending) == MAX_OFFERED
    assert all(len(offer[BOB].label) <= 256 for offer in pending.values())
    assert met.is_up


def test_an_offer_with_an_endless_id_is_not_remembered(met: Met) -> None:
    ids = FolderID("x" * 257), FolderID("x" * 256)
    met.bob.link.configure(ClusterConfig(tuple(Folder(id) for id in ids)))
    met.bench.run()
    assert set(met.alice.cluster.pending_folders()) == {ids[1]}


def test_an_ignored_folder_is_not_pending(met: Met) -> None:
    met.alice.edit_device(BOB, ignored_folders=(ObservedFolder(id="spam"),))
    met.bob.offer(ALICE, FolderID("spam"), FolderID("ham"))
    assert list(met.alice.cluster.pending_folders()) == [FolderID("ham")]
    assert met.alice.told(EventType.FOLDER_REJECTED) == [
        {"folder": "ham", "folderLabel": "ham", "device": str(BOB)}
    ]


def test_an_offer_that_is_withdrawn_is_pending_no_longer(met: Met) -> None:
    met.bob.offer(ALICE, FolderID("ham"))
    met.bob.offer(ALICE)
    assert met.alice.cluster.pending_folders() == {}
    assert met.alice.told(EventType.PENDING_FOLDERS_CHANGED)[-1] == {
        "added": [],
        "removed": [{"folderID": "ham", "deviceID": str(BOB)}],
    }


def test_a_flood_of_strangers_is_kept_within_bounds(bench: Bench) -> None:
    alice = bench.node(ALICE)
    for number in range(MAX_DEVICES + 50):
        stranger = bench.stranger(DeviceID(number.to_bytes(32, "big") if number else b"z" * 32))
        bench.wires.connect("tcp://10.0.0.97:22000", stranger.me, BepFactory(stranger.terms))
        bench.run(0.02)
    assert len(alice.cluster.pending_devices()) == MAX_DEVICES


def test_download_progress_for_a_folder_not_shared_is_not_believed(met: Met) -> None:
    met.bob.offer(ALICE, F)
    update = FileProgress(UpdateType.APPEND, WireName("a"), Vector.of([(1, 1)]), (0, 1), 131072)
    met.bob.link.send(DownloadProgress(OTHER, (update,)))
    met.bench.run()
    assert met.alice.told(EventType.REMOTE_DOWNLOAD_PROGRESS) == []
    met.bob.link.send(DownloadProgress(F, (update,)))
    met.bench.run()
    (told,) = met.alice.told(EventType.REMOTE_DOWNLOAD_PROGRESS)
    assert told == {"device": str(BOB), "folder": F, "state": {"a": 2}}
    assert met.alice.cluster.sources(F).temporary(BOB, update.name, update.version) == {0, 1}


def test_a_flood_of_download_progress_is_kept_within_bounds(met: Met) -> None:
    met.bob.offer(ALICE, F)
    for turn in range(3):
        updates = tuple(
            FileProgress(UpdateType.APPEND, WireName(f"{turn}-{n}"), Vector(), (0,), 131072)
            for n in range(5000)
        )
        met.bob.link.send(DownloadProgress(F, updates))
    met.bench.run()
    counts = met.alice.told(EventType.REMOTE_DOWNLOAD_PROGRESS)[-1]["state"]
    assert isinstance(counts, dict) and len(counts) == MAX_SHOWN


# Requests.


def test_a_block_is_served(met: Met) -> None:
    met.bob.offer(ALICE, F)
    met.shared.add("dir/a", b"hello")
    assert met.ask("dir/a", data=b"hello") == [b"hello"]


def test_requests_outside_what_is_shared_are_refused(met: Met) -> None:
    met.bob.offer(ALICE, F)
    met.private.add("secret", b"hello")
    assert met.code("secret", OTHER, data=b"hello") is ErrorCode.GENERIC
    assert met.code("x", FolderID("nonesuch"), data=b"hello") is ErrorCode.GENERIC
    assert met.is_up


def test_requests_for_what_is_never_shared_are_refused(met: Met) -> None:
    met.bob.offer(ALICE, F)
    disk = met.shared.filesystem
    for name in (".stfolder/x", ".stignore", ".stversions/a", ".syncthing.a.tmp", "ignored"):
        disk.put(name, b"hello")
    met.shared.patterns = Matcher.parse(["ignored"], lambda path: [])
    for name in (".stfolder/x", ".stignore", ".stversions/a", ".syncthing.a.tmp", "ignored"):
        assert met.code(name, data=b"hello") is ErrorCode.INVALID_FILE, name
    assert met.is_up


def test_requests_for_what_is_no_file_are_refused(met: Met) -> None:
    met.bob.offer(ALICE, F)
    disk = met.shared.filesystem
    disk.put("dir/a", b"hello")
    disk.symlink(b"dir", "link")
    disk.symlink(b"dir/a", "direct")
    for name in ("dir", "link/a", "direct", "missing", "dir/a/b"):
        assert met.code(name, data=b"hello") is ErrorCode.NO_SUCH_FILE, name


def test_a_file_that_is_not_what_we_told_is_refused_and_scanned_again(met: Met) -> None:
    met.bob.offer(ALICE, F)
    met.shared.add("a", b"hello")
    met.shared.filesystem.put("a", b"other")
    assert met.code("a", data=b"hello") is ErrorCode.NO_SUCH_FILE
    assert met.shared.rescanned == ["a"]
    met.shared.rescanned.clear()
    assert met.code("a", data=b"never told") is ErrorCode.NO_SUCH_FILE
    assert met.shared.rescanned == []


def test_a_short_file_is_padded(met: Met) -> None:
    met.bob.offer(ALICE, F)
    met.shared.filesystem.put("a", b"hello")
    assert met.ask("a", data=b"hello", size=8) == [b"hello\0\0\0"]


def test_a_temporary_file_is_served_if_it_has_the_block(met: Met) -> None:
    met.bob.offer(ALICE, F)
    disk = met.shared.filesystem
    disk.put(".syncthing.a.tmp", b"new")
    disk.put("a", b"old")
    assert met.ask("a", data=b"new", temporary=True) == [b"new"]
    assert met.ask("a", data=b"old", temporary=True) == [b"old"]
    assert met.code("a", data=b"new") is ErrorCode.NO_SUCH_FILE


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "a//b", "./a", "..", "a/"])
def test_names_that_are_not_canonical_end_the_connection(met: Met, name: str) -> None:
    met.bob.offer(ALICE, F)
    got = met.ask(name, data=b"x")
    assert isinstance(getattr(got[0], "value", None), PeerLost)
    assert not met.is_up


def test_thousands_of_requests_without_reading_stay_within_bounds(met: Met) -> None:
    met.bob.offer(ALICE, F)
    block = bytes(32 * 1024)
    met.shared.add("a", block)
    read = 0

    def count() -> None:
        nonlocal read
        read += 1

    met.shared.filesystem.intercept("open", "a", count, times=-1)
    wire = met.bob.link.wire
    wire.pauseProducing()
    answers: list[object] = []
    for _ in range(3000):
        asked = met.bob.link.request(F, WireName("a"), 0, len(block), sha256(block).digest())
        asked.addBoth(answers.append)
    met.bench.run(5)
    assert met.is_up
    assert read * len(block) <= 8 * 1024 * 1024
    wire.resumeProducing()
    met.bench.run(20)
    assert answers == [block] * 3000


def test_states_of_folders_follow_the_peers_word(met: Met) -> None:
    met.bob.offer(ALICE, F)
    assert met.alice.cluster.remote_state(BOB, F) is RemoteState.VALID
    assert met.alice.cluster.sources(F).connected() == {BOB}
    met.bob.offer(ALICE, F, stop_reason=1)
    assert met.alice.cluster.remote_state(BOB, F) is RemoteState.PAUSED
    assert met.alice.cluster.sources(F).connected() == set()
    met.bob.offer(ALICE)
    assert met.alice.cluster.remote_state(BOB, F) is RemoteState.NOT_SHARING
