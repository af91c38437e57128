"""What runs follows the configuration: one whole node on a clock, disks in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from txsyncthing.config.config import Configuration
from txsyncthing.config.folder import FolderConfig
from txsyncthing.folder.service import Ignores
from txsyncthing.node.world import NODE_DATABASE, DatabaseDirectory, database_name
from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.vocabulary.folder import FolderID

DOCS, PICS = FolderID("docs"), FolderID("pics")


class Lone:
    """One node with one folder."""

    def __init__(self, cluster: Cluster) -> None:
        self.cluster = cluster
        self.member: Member = cluster.add("alice")
        cluster.run(1.0)
        cluster.share(DOCS, self.member)
        self.run()

    def run(self, seconds: float = 5.0) -> None:
        self.cluster.run(seconds)

    def edit(self, change: Callable[[FolderConfig], FolderConfig]) -> None:
        def modify(old: Configuration) -> Configuration:
            return replace(old, folders=tuple(change(folder) for folder in old.folders))

        self.member.holder.modify(modify)


@pytest.fixture
def lone() -> Lone:
    return Lone(Cluster())


def paused(folder: FolderConfig) -> FolderConfig:
    return replace(folder, paused=True)


def resumed(folder: FolderConfig) -> FolderConfig:
    return replace(folder, paused=False)


def got(asked: Deferred[Ignores]) -> list[str]:
    found: list[Ignores] = []
    asked.addCallback(found.append)
    return list(found[0].lines)


def test_the_bridge_has_a_folder_while_it_runs(lone: Lone) -> None:
    service = lone.member.node.folders.get(DOCS)
    assert service is not None and service.ready
    assert lone.member.node.table.get(DOCS) is service
    assert lone.member.node.folders.get(PICS) is None
    lone.cluster.stop()
    assert lone.member.node.table.get(DOCS) is None
    assert lone.cluster.clock.getDelayedCalls() == []


def test_other_settings_start_it_anew_and_other_devices_do_not(lone: Lone) -> None:
    first = lone.member.node.folders.get(DOCS)
    lone.edit(lambda folder: replace(folder, devices=()))
    lone.run()
    assert lone.member.node.folders.get(DOCS) is first
    lone.edit(lambda folder: replace(folder, rescan_interval_s=77))
    lone.run()
    second = lone.member.node.folders.get(DOCS)
    assert second is not None and second is not first
    assert lone.member.node.table.get(DOCS) is second
    lone.cluster.stop()


def test_databases_of_removed_folders_go_and_their_files_stay(tmp_path: Path) -> None:
    lone = Lone(Cluster(0, lambda name: DatabaseDirectory(tmp_path)))
    names = DatabaseDirectory(tmp_path).names
    disk = lone.member.disk(DOCS)
    disk.put("kept", b"bytes")
    lone.edit(paused)
    lone.run()
    assert set(names()) == {NODE_DATABASE, database_name(DOCS)}
    lone.member.holder.modify(lambda old: replace(old, folders=()))
    lone.run()
    assert names() == [NODE_DATABASE]
    (tmp_path / database_name(PICS)).touch()  # removed while we did not run
    lone.member.restart()
    lone.run()
    assert names() == [NODE_DATABASE]
    assert disk.take("kept") == b"bytes"
    lone.cluster.stop()


def test_ignores_are_told_and_set_whether_it_runs_or_not(lone: Lone) -> None:
    folders = lone.member.node.folders
    folders.set_ignores(DOCS, ["*.tmp", "// why"])
    lone.run()
    lone.edit(paused)
    lone.run()
    assert got(folders.ignores(DOCS)) == ["*.tmp", "// why"]
    assert got(folders.set_ignores(DOCS, ["*.o"])) == ["*.o"]
    lone.edit(resumed)
    lone.run()
    assert got(folders.ignores(DOCS)) == ["*.o"]
    with pytest.raises(KeyError):
        folders.ignores(PICS)
    with pytest.raises(KeyError):
        folders.set_ignores(PICS, [])
    lone.cluster.stop()


def test_a_stop_while_folders_come_and_go_ends_them_all(lone: Lone) -> None:
    for change in (paused, resumed, paused, resumed):
        lone.edit(change)
    lone.cluster.stop()
    assert lone.member.node.folders.get(DOCS) is None
    assert lone.cluster.clock.getDelayedCalls() == []
