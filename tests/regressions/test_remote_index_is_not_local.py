"""
A young implementation stored what a peer told as if it were its own state; its next scan did not find those
files and announced their deletion to everybody. Whatever a peer tells, our scans announce only deletions of
what we had.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.folder.test_service import World
from tests.pull.folder import ANN, answer, directory, file, gone, symlink
from tests.scan.folder import Folder, result_of
from txsyncthing.config.folder import FolderConfig
from txsyncthing.folder.requests import Chore
from txsyncthing.scan.values import ScanOptions
from txsyncthing.testing.cluster import Cluster
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo, LocalFlag
from txsyncthing.vocabulary.folder import FolderID, FolderType
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

TOLD = (
    file("f", b"bytes", 1),
    directory("dir", 2),
    file("dir/x", b"bytes", 3),
    symlink("link", b"there", 4),
    file("invalid", b"bytes", 5, local_flags=LocalFlag.REMOTE_INVALID),
    gone(file("was", b"bytes", 6)),
    file("never", b"bytes", 7)._replace(version=Vector()),
)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    for service in world.made:
        answer(service.stopService())


@pytest.mark.parametrize(
    "type", [FolderType.SEND_RECEIVE, FolderType.SEND_ONLY, FolderType.RECEIVE_ONLY]
)
def test_files_that_cannot_be_had_are_not_announced_as_deleted(
    world: World, type: FolderType
) -> None:
    service = world.folder(FolderConfig(id=FolderID("default"), type=type))
    del world.peers.data[ANN]  # nobody gives a single block
    answer(service.index.update_remote(ANN, TOLD))
    for _ in range(3):
        world.clock.advance(10)
        answer(service.scan())
        answer(service.scan(["dir", "f"]))
    service.do(Chore.REVERT)
    world.clock.advance(10)
    announced = answer(service.index.local_after(0))
    assert [one.name for one in announced if one.deleted and one.name != "was"] == []
    assert [one.name for one in announced if one.is_file and not one.deleted] == []


def test_two_nodes_with_empty_disks_do_not_talk_each_other_into_deletions() -> None:
    cluster, docs = Cluster(), FolderID("docs")
    alice, bob = cluster.add("alice"), cluster.add("bob")
    cluster.share(docs, alice, bob)
    cluster.run(5.0)
    running = bob.node.folders.get(docs)
    assert running is not None
    stranger = DeviceID(b"\x0c" * 32)  # told all that, and is gone
    answer(running.index.update_remote(stranger, [one for one in TOLD if not one.deleted]))
    for member in (alice, bob, alice):
        folder = member.node.folders.get(docs)
        assert folder is not None
        folder.scan()
        cluster.run(30.0)
    for member in (alice, bob):
        folder = member.node.folders.get(docs)
        assert folder is not None
        assert not [one for one in answer(folder.index.local_after(0)) if one.deleted]
    cluster.stop()


NAMES = ["a", "a/b", "a/b/c", "b", "ä"]
PEERS = [DeviceID(bytes([number]) * 32) for number in (1, 2)]


@st.composite
def told(draw: st.DrawFn) -> FileInfo:
    name = draw(st.sampled_from(NAMES))
    version = Vector.of(draw(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 9)), max_size=2)))
    kind = draw(st.sampled_from(["file", "directory", "deleted", "invalid"]))
    if kind == "directory":
        return directory(name)._replace(version=version)
    if kind == "deleted":
        return FileInfo(WireName(name), deleted=True, version=version)
    flags = LocalFlag.REMOTE_INVALID if kind == "invalid" else LocalFlag.NONE
    return file(name, b"bytes")._replace(version=version, local_flags=flags)


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("tell"), st.sampled_from(PEERS), st.lists(told(), max_size=4)),
        st.tuples(st.just("write"), st.sampled_from(NAMES), st.just(None)),
        st.tuples(st.just("remove"), st.sampled_from(NAMES), st.just(None)),
        st.tuples(st.just("scan"), st.sampled_from(["", *NAMES]), st.just(None)),
    ),
    max_size=25,
)


@settings(max_examples=200, deadline=None)
@given(STEPS, st.booleans())
def test_a_scan_announces_no_deletion_but_of_what_it_found_before(
    steps: list[tuple[str, object, list[FileInfo] | None]], receives_only: bool
) -> None:
    folder = Folder()
    if receives_only:
        folder.options = ScanOptions(local_flags=LocalFlag.RECEIVE_ONLY)
    had: set[str] = set()
    for step, what, files in [*steps, ("scan", "", None)]:
        if step == "tell":
            assert isinstance(what, DeviceID)
            result_of(folder.index.update_remote(what, files or []))
        elif step == "scan":
            folder.scan(*([str(what)] if what else []))
            for record in folder.told:
                if record.deleted:
                    assert record.name in had
                else:
                    had.add(record.name)
        else:
            change(folder, step, str(what))
    folder.close()


def change(folder: Folder, step: str, name: str) -> None:
    tree = folder.disk.tree()
    below = sorted((one for one in tree if one == name or one.startswith(f"{name}/")), reverse=True)
    for one in below:
        if tree[one] is None:
            folder.disk.remove_directory(one)
        else:
            folder.disk.remove(one)
    above = [name[:cut] for cut in range(len(name)) if name[cut] == "/"]
    if step == "write" and all(tree.get(one, None) is None for one in above):
        folder.disk.put(name, b"bytes")
