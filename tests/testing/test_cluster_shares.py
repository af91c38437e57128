"""What two whole nodes know of each other when folders are shared, taken back, moved and made anew."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import ParamSpec, TypeVar

import pytest
from twisted.internet.defer import Deferred, execute

from txsyncthing.clock import Clock
from txsyncthing.config.config import Configuration
from txsyncthing.config.folder import FolderConfig, FolderDevice
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.node.world import DatabaseDirectory
from txsyncthing.runtime.worker_service import Lane
from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.testing.workers import InlineLane, InlineWorkers
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName

DOCS = FolderID("docs")
P = ParamSpec("P")
T = TypeVar("T")


def together(databases: Path | None = None) -> tuple[Cluster, Member, Member]:
    if databases is None:
        cluster = Cluster()
    else:
        cluster = Cluster(0, lambda name: DatabaseDirectory(databases / name))
    alice, bob = cluster.add("alice"), cluster.add("bob")
    cluster.share(DOCS, alice, bob)
    cluster.run(10.0)
    return cluster, alice, bob


def meet_again(cluster: Cluster, alice: Member, bob: Member) -> None:
    """So that each tells how far it knows the other's index."""
    cluster.network.cut(alice.device, bob.device)
    cluster.run(10.0)
    cluster.network.heal(alice.device, bob.device)
    cluster.run(90.0)


def write(member: Member, name: str, data: bytes) -> None:
    member.disk(DOCS).put(name, data)
    folder = member.node.folders.get(DOCS)
    assert folder is not None
    folder.rescan([WireName(name)])


def read(member: Member, name: str) -> bytes | None:
    return member.disk(DOCS).tree().get(name)


def knows(member: Member, other: Member, name: str) -> bool:
    """Whether a node has a record of what another one told of a file."""
    folder = member.node.folders.get(DOCS)
    assert folder is not None
    found: list[bool] = []
    folder.index.versions(WireName(name)).addCallback(
        lambda versions: found.append(other.device in versions)
    )
    return found[0]


def change(member: Member, **fields: object) -> None:
    def edit(folder: FolderConfig) -> FolderConfig:
        return replace(folder, **fields) if folder.id == DOCS else folder  # type: ignore[arg-type]

    def modify(old: Configuration) -> Configuration:
        return replace(old, folders=tuple(edit(folder) for folder in old.folders))

    member.holder.modify(modify)


def test_who_takes_a_folder_back_and_shares_it_again_tells_all_of_it_again() -> None:
    cluster, alice, bob = together()
    write(alice, "f", b"bytes")
    cluster.run(10.0)
    meet_again(cluster, alice, bob)
    assert knows(bob, alice, "f")
    change(alice, devices=(FolderDevice(alice.device),))
    cluster.run(10.0)
    assert not knows(bob, alice, "f")
    change(alice, devices=(FolderDevice(alice.device), FolderDevice(bob.device)))
    cluster.run(10.0)
    write(alice, "g", b"bytes")
    cluster.run(10.0)
    assert read(bob, "g") == b"bytes"
    assert knows(bob, alice, "f")
    cluster.stop()


def test_taken_back_and_shared_again_within_a_moment() -> None:
    cluster, alice, bob = together()
    write(alice, "f", b"bytes")
    cluster.run(10.0)
    meet_again(cluster, alice, bob)
    change(alice, devices=(FolderDevice(alice.device),))
    change(alice, devices=(FolderDevice(alice.device), FolderDevice(bob.device)))
    cluster.run(10.0)
    assert knows(bob, alice, "f")
    assert knows(alice, bob, "f")
    cluster.stop()


def test_a_folder_that_is_pointed_to_another_place_deletes_nothing_anywhere(tmp_path: Path) -> None:
    cluster, alice, bob = together(tmp_path)
    write(alice, "f", b"bytes")
    write(alice, "both", b"here")
    cluster.run(10.0)
    old = alice.disk(DOCS)
    place = MemoryFilesystem(cluster.unix)
    place.put_directory(".stfolder")
    place.put("both", b"there")
    alice.disks["/elsewhere"] = place
    change(alice, path="/elsewhere")
    cluster.run(30.0)
    assert alice.disk(DOCS) is place
    for member in (alice, bob):
        assert read(member, "f") == b"bytes"
        files = {content for content in member.disk(DOCS).tree().values() if content}
        assert {b"bytes", b"here", b"there"} <= files
    assert old.take("f") == b"bytes"
    cluster.stop()


def test_a_folder_that_was_removed_and_is_added_again_is_merged(tmp_path: Path) -> None:
    cluster, alice, bob = together(tmp_path)
    write(alice, "f", b"bytes")
    cluster.run(10.0)
    folder = alice.holder.current.folder(DOCS)
    assert folder is not None
    alice.holder.modify(lambda old: replace(old, folders=()))
    cluster.run(5.0)
    assert list((tmp_path / "alice").glob("folder-*")) == []
    write(bob, "f", b"edited")
    cluster.run(1.0)
    alice.holder.modify(lambda old: replace(old, folders=(folder,)))
    cluster.run(90.0)
    assert alice.disk(DOCS).tree() == bob.disk(DOCS).tree()
    assert read(alice, "f") == b"edited"
    cluster.stop()


def test_a_folder_removed_and_added_again_within_a_moment_keeps_going(tmp_path: Path) -> None:
    cluster, alice, bob = together(tmp_path)
    folder = alice.holder.current.folder(DOCS)
    assert folder is not None
    for _ in range(3):
        alice.holder.modify(lambda old: replace(old, folders=()))
        alice.holder.modify(lambda old: replace(old, folders=(folder,)))
    cluster.run(10.0)
    write(alice, "f", b"bytes")
    cluster.run(30.0)
    assert read(bob, "f") == b"bytes"
    assert len(list((tmp_path / "alice").glob("folder-*.db"))) == 1
    cluster.stop()


class SlowLane(InlineLane):
    """Each job takes a moment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        done: Deferred[T] = Deferred()
        self._clock.callLater(0.01, lambda: execute(job, *args, **kwargs).chainDeferred(done))
        return done


class SlowWorkers(InlineWorkers):
    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._slow = SlowLane(clock)

    @property
    def disk(self) -> Lane:
        return self._slow


@pytest.mark.parametrize("after", [0.0, 0.005, 0.015, 0.025, 0.035, 0.045])
def test_no_folder_starts_over_a_database_that_is_being_removed(
    tmp_path: Path, after: float
) -> None:
    cluster, alice, bob = together(tmp_path)
    folder = alice.holder.current.folder(DOCS)
    assert folder is not None
    alice.world = replace(alice.world, workers=SlowWorkers(cluster.clock))
    alice.restart()
    cluster.run(30.0)
    alice.holder.modify(lambda old: replace(old, folders=()))
    cluster.run(after)
    alice.holder.modify(lambda old: replace(old, folders=(folder,)))
    cluster.run(30.0)
    write(alice, "f", b"bytes")
    cluster.run(30.0)
    assert read(bob, "f") == b"bytes"
    assert len(list((tmp_path / "alice").glob("folder-*.db"))) == 1
    cluster.stop()
