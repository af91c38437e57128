"""What users change about sharing while whole nodes are connected."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from twisted.internet.defer import Deferred, maybeDeferred

from txsyncthing.config.config import Configuration
from txsyncthing.config.folder import FolderConfig, FolderDevice
from txsyncthing.events.types import EventType
from txsyncthing.node.build import Node
from txsyncthing.node.world import NODE_DATABASE, DatabaseDirectory, database_name
from txsyncthing.runtime.worker_service import Lane
from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.folder import FolderID, FolderState

P = ParamSpec("P")
T = TypeVar("T")

DOCS = FolderID("docs")
BIG = bytes(range(256)) * 4096 * 8  # 8 MiB


class Cast:
    """Alice, Bob and Carol, who share a folder with a file in it."""

    def __init__(self, databases: Path | None = None) -> None:
        self.cluster = (
            Cluster(0, lambda name: DatabaseDirectory(databases / name))
            if databases is not None
            else Cluster()
        )
        self.alice, self.bob, self.carol = (
            self.cluster.add(name) for name in ("alice", "bob", "carol")
        )
        self.everyone = (self.alice, self.bob, self.carol)
        self.cluster.share(DOCS, *self.everyone)
        self.cluster.run(5.0)
        self.write(self.alice, "file", b"bytes")
        self.until(lambda: self.trees() == [{"file": b"bytes"}] * 3)

    def until(self, reached: Callable[[], bool], seconds: float = 120.0) -> None:
        self.cluster.run_until(reached, seconds)

    def write(self, member: Member, name: str, data: bytes) -> None:
        member.disk(DOCS).put(name, data)
        self.scan(member)

    def scan(self, member: Member) -> None:
        running = member.node.folders.get(DOCS)
        assert running is not None
        running.scan()

    def trees(self) -> list[dict[str, bytes | None]]:
        return [tree(member) for member in self.everyone]

    def edit(self, member: Member, **fields: object) -> None:
        """Change the folder's settings at one node."""

        def change(old: Configuration) -> Configuration:
            (folder,) = old.folders
            return replace(old, folders=(replace(folder, **fields),))  # type: ignore[arg-type]

        member.holder.modify(change)


def tree(member: Member) -> dict[str, bytes | None]:
    """The user's files."""
    items = member.disk(DOCS).tree().items()
    return {name: data for name, data in items if not name.startswith(".st")}


class Ears:
    """What a node tells of some kinds of events from now on."""

    def __init__(self, member: Member, *kinds: EventType) -> None:
        self._subscription = member.node.events.subscribe(frozenset(kinds))

    def heard(self) -> list[Mapping[str, object]]:
        return [one.event.data for one in self._subscription.since(0)]


@pytest.fixture
def cast() -> Cast:
    return Cast()


def test_another_label_does_not_stop_the_folder(cast: Cast) -> None:
    running = cast.bob.node.folders.get(DOCS)
    stops = Ears(cast.bob, EventType.STATE_CHANGED, EventType.DEVICE_DISCONNECTED)
    changes = Ears(cast.bob, EventType.REMOTE_CHANGE_DETECTED)
    cast.edit(cast.bob, label="Papers")
    cast.cluster.run(5.0)
    assert cast.bob.node.folders.get(DOCS) is running
    assert running is not None and running.label == "Papers"
    assert stops.heard() == []
    cast.write(cast.alice, "new", b"x")
    cast.until(lambda: "new" in tree(cast.bob))
    assert changes.heard()[0]["label"] == "Papers"
    cast.cluster.stop()


def test_a_label_that_changes_while_the_folder_starts_is_its_label(cast: Cast) -> None:
    cast.edit(cast.bob, paused=True)
    cast.cluster.run(1.0)
    cast.edit(cast.bob, paused=False)
    cast.edit(cast.bob, label="Papers")
    cast.cluster.run(5.0)
    running = cast.bob.node.folders.get(DOCS)
    assert running is not None and running.label == "Papers"
    cast.cluster.stop()


@pytest.mark.parametrize("marked", [False, True])
def test_another_path_tells_no_deletions(cast: Cast, marked: bool) -> None:
    elsewhere = replace(cast.bob.holder.current.folders[0], path="/elsewhere")
    disk = cast.bob.world.filesystem(elsewhere)
    if marked:
        disk.make_directory(".stfolder", 0o755)
    before = cast.bob.disk(DOCS)
    cast.edit(cast.bob, path="/elsewhere")
    cast.cluster.run(5.0)
    cast.until(lambda: cast.trees() == [{"file": b"bytes"}] * 3)
    cast.cluster.run(60.0)
    assert cast.trees() == [{"file": b"bytes"}] * 3
    assert before.tree()["file"] == b"bytes"
    assert [member.state(DOCS) for member in cast.everyone] == [FolderState.IDLE] * 3
    cast.cluster.stop()


def test_a_folder_that_is_removed_and_added_again_deletes_nothing(tmp_path: Path) -> None:
    cast = Cast(tmp_path)
    names = DatabaseDirectory(tmp_path / "bob").names
    folders = cast.bob.holder.current.folders
    cast.bob.holder.modify(lambda old: replace(old, folders=()))
    cast.cluster.run(5.0)
    assert names() == [NODE_DATABASE]
    disk = cast.bob._disk(folders[0])
    assert "file" in disk.tree() and ".stfolder" not in disk.tree()
    disk.remove("file")  # by the user, while it is no folder
    disk.put("own", b"mine")
    cast.bob.holder.modify(lambda old: replace(old, folders=folders))
    everything: dict[str, bytes | None] = {"file": b"bytes", "own": b"mine"}
    cast.until(lambda: cast.trees() == [everything] * 3)
    assert set(names()) == {NODE_DATABASE, database_name(DOCS)}
    cast.cluster.stop()


def test_a_folder_that_is_removed_and_added_in_one_breath_begins_anew(cast: Cast) -> None:
    folders = cast.bob.holder.current.folders
    before = cast.bob.node.folders.get(DOCS)
    assert before is not None
    for now in ((), folders, (), folders):
        cast.bob.holder.modify(lambda old, now=now: replace(old, folders=now))  # type: ignore[misc]
    cast.cluster.run(10.0)
    after = cast.bob.node.folders.get(DOCS)
    assert after is not None and after.index.index_id != before.index.index_id
    cast.until(lambda: cast.trees() == [{"file": b"bytes"}] * 3)
    cast.cluster.stop()


class HeldLane:
    """A disk that does nothing until it is let go."""

    def __init__(self) -> None:
        self._held: Deferred[None] | None = Deferred()

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        if self._held is None:
            return maybeDeferred(job, *args, **kwargs)
        waiting: Deferred[T] = Deferred()
        self._held.addCallback(lambda _: waiting.callback(job(*args, **kwargs)))
        return waiting

    def let_go(self) -> None:
        held, self._held = self._held, None
        if held is not None:
            held.callback(None)


class SlowWorkers(InlineWorkers):
    """The disk is slow, all else is done at once."""

    def __init__(self) -> None:
        super().__init__()
        self.lane_held = HeldLane()

    @property
    def disk(self) -> Lane:
        return self.lane_held


def test_folders_that_come_and_go_while_the_node_starts_are_followed(tmp_path: Path) -> None:
    cluster = Cluster(0, lambda name: DatabaseDirectory(tmp_path / name))
    alice = Member(cluster, "alice", 1)
    cluster.members.append(alice)
    workers = SlowWorkers()
    alice.node = Node(replace(alice.world, workers=workers), alice.device, alice.holder)
    cluster.share(DOCS, alice)
    alice.node.startService()
    pics = FolderConfig(id=FolderID("pics"), path="/pics")
    alice.holder.modify(lambda old: replace(old, folders=(pics,)))
    workers.lane_held.let_go()
    cluster.run(5.0)
    assert alice.node.folders.get(DOCS) is None
    assert alice.state(pics.id) is FolderState.IDLE
    names = DatabaseDirectory(tmp_path / "alice").names()
    assert set(names) == {NODE_DATABASE, database_name(pics.id)}
    cluster.stop()


def test_a_device_that_is_removed_in_mid_transfer_is_replaced_by_another(cast: Cast) -> None:
    cast.edit(cast.carol, devices=(FolderDevice(cast.carol.device),))  # she is away at first
    cast.cluster.run(5.0)
    cast.write(cast.alice, "big", BIG)
    while ".syncthing.big.tmp" not in cast.bob.disk(DOCS).tree():
        cast.cluster.run(0.001)
    assert "big" not in tree(cast.bob)
    cast.bob.holder.modify(
        lambda old: replace(
            old, devices=tuple(one for one in old.devices if one.id != cast.alice.device)
        )
    )
    cast.cluster.run(20.0)
    assert "big" not in tree(cast.bob)
    running = cast.bob.node.folders.get(DOCS)
    assert running is not None
    assert cast.alice.device not in running.status().remote_sequence
    assert running.status().need.files == 0  # only Alice had it
    assert cast.alice.device not in cast.bob.node.cluster.devices()
    cast.edit(
        cast.carol,
        devices=tuple(FolderDevice(member.device) for member in cast.everyone),
    )
    cast.until(lambda: tree(cast.bob).get("big") == BIG)
    cast.cluster.stop()


def test_an_introducer_lets_nodes_find_each_other_and_part_again() -> None:
    cluster = Cluster()
    alice, bob, carol = (cluster.add(name) for name in ("alice", "bob", "carol"))
    cluster.share(DOCS, alice, bob)
    bob.holder.modify(
        lambda old: replace(
            old,
            devices=tuple(replace(one, introducer=one.id == alice.device) for one in old.devices),
        )
    )
    cluster.run(5.0)
    # Carol and Alice share it, too; Carol trusts nobody, and is told of Bob by her user.
    folder = FolderConfig(
        id=DOCS,
        path=f"/{DOCS}",
        devices=tuple(FolderDevice(one.device) for one in (alice, bob, carol)),
    )
    known = alice.holder.current.devices
    carols = replace(carol.holder.current.devices[0], addresses=(carol.address,))
    carol.holder.modify(lambda old: replace(old, devices=(*old.devices, *known), folders=(folder,)))
    alice.holder.modify(
        lambda old: replace(
            old,
            devices=(*old.devices, carols),
            folders=(replace(old.folders[0], devices=folder.devices),),
        )
    )
    cluster.run_until(lambda: bob.holder.current.device(carol.device) is not None, 60.0)
    cluster.run_until(lambda: carol.device in bob.node.cluster.devices(), 1.0)
    cluster.run_until(lambda: bob.node.cluster.devices()[carol.device].connected, 30.0)
    alice.holder.modify(
        lambda old: replace(
            old, devices=tuple(one for one in old.devices if one.id != carol.device)
        )
    )
    cluster.run_until(lambda: bob.holder.current.device(carol.device) is None, 30.0)
    assert bob.state(DOCS) is FolderState.IDLE
    cluster.stop()
