"""A full disk is looked at until there is more room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from twisted.internet.task import Clock

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.folder.room_service import LEAST, LOOK, RoomWatch
from txsyncthing.testing.workers import InlineLane

MIB = 1024 * 1024


class Scene:
    def __init__(self) -> None:
        self.clock = Clock()
        self.disk = MemoryFilesystem(self.clock.seconds, total=10 * MIB)
        self.watch = RoomWatch(self.clock, InlineLane(), self.disk)
        self.more = 0

    def begin(self) -> None:
        self.watch.begin(self.came)

    def came(self) -> None:
        self.more += 1


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    scene.watch.stop()
    assert scene.clock.getDelayedCalls() == []


def test_more_room_is_told_once(scene: Scene) -> None:
    scene.begin()
    scene.clock.advance(LOOK)
    assert scene.more == 0
    scene.disk.resize(10 * MIB + LEAST)
    scene.clock.advance(LOOK)
    assert scene.more == 1
    scene.disk.resize(100 * MIB)
    scene.clock.advance(10 * LOOK)
    assert scene.more == 1


def test_what_was_not_enough_must_be_more_the_next_time(scene: Scene) -> None:
    for growth in (LEAST, 2 * LEAST, 4 * LEAST):
        total = scene.disk.space().total
        scene.begin()
        scene.disk.resize(total + growth - 1)
        scene.clock.advance(LOOK)
        before = scene.more
        scene.disk.resize(total + growth)
        scene.clock.advance(LOOK)
        assert scene.more == before + 1
    scene.watch.done()
    scene.begin()
    scene.disk.resize(scene.disk.space().total + LEAST)
    scene.clock.advance(LOOK)
    assert scene.more == 4


def test_room_counts_from_the_least_there_was(scene: Scene) -> None:
    scene.begin()
    scene.disk.resize(2 * MIB)
    scene.clock.advance(LOOK)
    scene.disk.resize(3 * MIB)
    scene.clock.advance(LOOK)
    assert scene.more == 1


def test_a_disk_that_cannot_be_asked_is_asked_again(scene: Scene) -> None:
    scene.disk.fail("space", "*", OSError("gone"), times=2)
    scene.begin()
    scene.clock.advance(LOOK)
    scene.clock.advance(LOOK)
    scene.disk.resize(20 * MIB)
    scene.clock.advance(LOOK)
    assert scene.more == 1


def test_nobody_is_told_who_does_not_wait_any_more(scene: Scene) -> None:
    scene.begin()
    scene.watch.stop()
    scene.disk.resize(100 * MIB)
    scene.clock.advance(10 * LOOK)
    assert scene.more == 0
