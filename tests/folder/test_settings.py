"""Settings of a folder and options of the node, in a folder that runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from tests.folder.test_service import World, local
from tests.pull.folder import NOW, answer, file
from txsyncthing.config.entry import FilesystemType
from txsyncthing.config.folder import FolderConfig
from txsyncthing.config.size import Size
from txsyncthing.events.types import EventType
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.folder.room_service import LOOK
from txsyncthing.folder.service import FolderService
from txsyncthing.folder.surroundings import Surroundings
from txsyncthing.index.service import FolderIndex
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.folder import FolderID, FolderState
from txsyncthing.vocabulary.name import temporary_name

from tests.pull.folder import ME  # isort: skip

HOUR = 3600.0
CONFIG = FolderConfig(id=FolderID("default"), label="Default", path="/default")


class Node:
    """What the node's options say now."""

    def __init__(self) -> None:
        self.keep = 24 * HOUR
        self.trouble = ""

    async def _trouble(self) -> str:
        return self.trouble

    def surroundings(self) -> Surroundings:
        return Surroundings(lambda: self.keep, self._trouble)


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    for service in world.made:
        answer(service.stopService())
    assert world.clock.getDelayedCalls() == []


def folder(world: World, node: Node, config: FolderConfig = CONFIG) -> FolderService:
    workers = InlineWorkers()
    service = FolderService(
        config,
        workers,
        world.clock,
        world.unix,
        lambda: 0.5,
        world.disk,
        FolderIndex(workers, ":memory:", ME, lambda n: b"\x01" * n),
        world.peers,
        world.emit,
        world.gate,
        ME,
        surroundings=node.surroundings(),
    )
    world.made.append(service)
    answer(service.start())
    return service


def test_a_full_home_disk_stops_the_folder_until_there_is_room(world: World) -> None:
    node = Node()
    node.trouble = "insufficient space on disk for database (/home): current 0.5 % < required 1 %"
    service = folder(world, node)
    world.write("f", b"bytes")
    assert (service.status().state, service.status().error) == (FolderState.ERROR, node.trouble)
    world.clock.advance(10.0)
    assert service.status().state is FolderState.ERROR
    node.trouble = ""
    world.clock.advance(10.0)
    assert service.status().state is FolderState.IDLE
    assert local(service, "f").size == 5
    node.trouble = "insufficient space on disk for database"
    world.offer(service, (file("g", b"theirs"), b"theirs"))
    world.clock.advance(1.0)
    assert service.status().state is FolderState.ERROR
    assert "g" not in world.disk.tree()


def test_the_age_of_unfinished_downloads_is_asked_at_each_scan(world: World) -> None:
    node = Node()
    service = folder(world, node)
    world.write(temporary_name("f"), b"half")
    world.clock.advance(2 * HOUR)
    answer(service.scan())
    assert temporary_name("f") in world.disk.tree()
    node.keep = HOUR
    answer(service.scan())
    assert temporary_name("f") not in world.disk.tree()


def test_a_storage_of_another_kind_is_an_error_and_not_a_directory(world: World) -> None:
    service = folder(world, Node(), replace(CONFIG, filesystem_type=FilesystemType("fake")))
    status = service.status()
    assert status.state is FolderState.ERROR
    assert "filesystemType 'fake' is not supported" in status.error
    assert world.disk.tree() == {}


@pytest.mark.parametrize("marker", [".", "some/file", "here/"])
def test_any_item_may_be_the_marker(world: World, marker: str) -> None:
    world.disk.put("some/file")
    world.disk.put_directory("here")
    service = folder(world, Node(), replace(CONFIG, marker_name=marker))
    assert service.status().state is FolderState.IDLE
    assert ".stfolder" not in world.disk.tree()


def test_another_marker_is_never_made_and_its_loss_deletes_nothing(world: World) -> None:
    config = replace(CONFIG, marker_name="mounted")
    service = folder(world, Node(), config)
    assert service.status().error.startswith("folder marker missing")
    assert world.disk.tree() == {}
    world.write("mounted", b"")
    world.write("f", b"bytes")
    answer(service.scan())
    world.disk.remove("mounted")
    world.disk.remove("f")
    world.clock.advance(2 * HOUR)
    assert service.status().error.startswith("folder marker missing")
    assert not local(service, "f").deleted


def test_what_does_not_fit_comes_soon_after_there_is_room(world: World) -> None:
    """Long before the pause between two pulls is over, which doubles with each."""
    world.disk = MemoryFilesystem(world.unix, total=3 * 1024 * 1024)
    config = replace(CONFIG, min_disk_free=Size(0, "%"), puller_pause_s=1000)
    service = folder(world, Node(), config)
    data = b"x" * (4 * 1024 * 1024)
    world.offer(service, (file("f", data), data))
    world.clock.advance(1.0)
    (error,) = service.status().errors
    assert (error.cause, error.path) == ("no-space", "f")
    assert error.error.startswith(
        'syncing: insufficient space in folder "Default" (default) (/default)'
    )
    world.clock.pump([LOOK] * 5)
    assert service.status().errors == (error,)
    world.disk.resize(10 * 1024 * 1024)
    world.clock.pump([LOOK, 1.0])
    assert service.status().errors == ()
    assert world.read("f") == data


@pytest.mark.parametrize(("interval", "told"), [(0, True), (-1, False)])
def test_progress_of_a_scan_is_told_with_its_rate(world: World, interval: int, told: bool) -> None:
    config = replace(CONFIG, scan_progress_interval_s=interval)
    for number in range(600):
        world.write(f"{number:03}", b"x" * 100)
    world.disk.intercept("open", "*", lambda: world.clock.advance(0.05), times=-1)
    folder(world, Node(), config)
    events = world.told(EventType.FOLDER_SCAN_PROGRESS)
    assert bool(events) is told
    for event in events:
        assert event["total"] == 60_000
        assert isinstance(event["rate"], float) and 1_000 < event["rate"] < 8_000


@pytest.mark.parametrize("hidden", [True, False])
def test_unfinished_downloads_are_told_unless_that_is_off(world: World, hidden: bool) -> None:
    service = folder(world, Node(), replace(CONFIG, disable_temp_indexes=hidden))
    data = b"x" * (2 * 1024 * 1024)
    world.peers.slow = True
    world.offer(service, (file("f", data), data))
    world.clock.advance(1.0)
    assert bool(service.unfinished()) is not hidden
    assert len(service.progress().files) == 1
    assert world.unix() >= NOW
