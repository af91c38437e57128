"""Options and settings that are changed while the node runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from txsyncthing.config.config import Configuration
from txsyncthing.config.folder import FolderConfig
from txsyncthing.config.options import Options
from txsyncthing.config.size import Size
from txsyncthing.filesystem.case import CaseFilesystem
from txsyncthing.filesystem.seam import Space
from txsyncthing.node.options_service import FolderOptions
from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.vocabulary.folder import FolderID, FolderState
from txsyncthing.vocabulary.name import temporary_name

DOCS = FolderID("docs")
HOUR = 3600.0


class Lone:
    """One node with one folder."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.member: Member = self.cluster.add("alice")
        self.cluster.run(1.0)
        self.cluster.share(DOCS, self.member)
        self.cluster.run(5.0)

    def options(self, change: Callable[[Options], Options]) -> None:
        self.member.holder.modify(lambda old: replace(old, options=change(old.options)))

    def folder(self, change: Callable[[FolderConfig], FolderConfig]) -> None:
        def modify(old: Configuration) -> Configuration:
            return replace(old, folders=tuple(change(folder) for folder in old.folders))

        self.member.holder.modify(modify)
        self.cluster.run(5.0)

    def state(self) -> tuple[FolderState, str]:
        service = self.member.node.folders.get(DOCS)
        assert service is not None
        status = service.status()
        return status.state, status.error

    def scan(self) -> None:
        service = self.member.node.folders.get(DOCS)
        assert service is not None
        service.scan().addErrback(lambda failure: None)
        self.cluster.run(1.0)


@pytest.fixture
def lone() -> Iterator[Lone]:
    lone = Lone()
    yield lone
    lone.cluster.stop()


def test_the_floor_of_the_home_disk_is_the_one_of_now(
    lone: Lone, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = lone.member.node.world
    object.__setattr__(world, "home_space", lambda: Space(free=50, total=1000))
    assert lone.state()[0] is FolderState.IDLE
    lone.options(lambda old: replace(old, min_home_disk_free=Size(6, "%")))
    lone.scan()
    state, error = lone.state()
    assert state is FolderState.ERROR
    assert error.startswith("insufficient space on disk for database (")
    assert error.endswith("): current 5 % < required 6 %")
    lone.options(lambda old: replace(old, min_home_disk_free=Size(0, "%")))
    lone.cluster.run(11.0)
    assert lone.state() == (FolderState.IDLE, "")


def test_a_home_disk_that_cannot_be_asked_stops_nothing(lone: Lone) -> None:
    def fail() -> Space:
        raise OSError("no such file")

    object.__setattr__(lone.member.node.world, "home_space", fail)
    lone.scan()
    assert lone.state() == (FolderState.IDLE, "")


def test_the_age_of_unfinished_downloads_is_the_one_of_now(lone: Lone) -> None:
    disk = lone.member.disk(DOCS)
    disk.put(temporary_name("f"), b"half")
    lone.cluster.run(2 * HOUR)
    lone.scan()
    assert temporary_name("f") in disk.tree()
    lone.options(lambda old: replace(old, keep_temporaries_h=1))
    lone.scan()
    assert temporary_name("f") not in disk.tree()
    world, holder = lone.member.world, lone.member.holder
    assert FolderOptions(world, holder).keep_temporaries() == HOUR


def test_a_setting_of_a_folder_counts_from_its_change_on(lone: Lone) -> None:
    """One that concerns how the disk is looked at, one that concerns scans, one that stops the folder."""

    def storage() -> object:
        service = lone.member.node.folders.get(DOCS)
        assert service is not None
        return service.filesystem

    assert isinstance(storage(), CaseFilesystem)
    lone.folder(lambda old: replace(old, case_sensitive_fs=True))
    assert not isinstance(storage(), CaseFilesystem)
    lone.folder(lambda old: replace(old, marker_name="other"))
    assert lone.state()[1].startswith("folder marker missing")
    lone.folder(lambda old: replace(old, marker_name=".stfolder"))
    assert lone.state() == (FolderState.IDLE, "")


def test_the_gate_of_folders_is_as_wide_as_the_options_say_now(lone: Lone) -> None:
    gate = lone.member.node.folders._gate
    lone.options(lambda old: replace(old, max_folder_concurrency=3))
    assert gate.capacity == 3
    lone.options(lambda old: replace(old, max_folder_concurrency=-1))
    assert gate.capacity > 1_000_000
