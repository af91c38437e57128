from __future__ import annotations

from collections.abc import Mapping

import pytest
from twisted.internet.task import Clock

from tests.api.fakes import ME, PEER, PHOTOS, RESTING, FakeCluster, FakeFolders, configuration
from txsyncthing.api.summary_service import PAUSE, SummaryService
from txsyncthing.cluster.completion import Completion
from txsyncthing.cluster.status import Bytes, ConnectionStatus, DeviceStatus
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.connections.score import ConnectionInfo
from txsyncthing.events.types import EventType
from txsyncthing.vocabulary.folder import FolderID


class Fixture:
    def __init__(self) -> None:
        self.clock = Clock()
        self.folders = FakeFolders()
        self.cluster = FakeCluster()
        self.told: list[tuple[EventType, Mapping[str, object]]] = []
        self.service = SummaryService(
            self.clock,
            self.folders,
            self.cluster,
            ConfigHolder(configuration(), ME),
            lambda type, data: self.told.append((type, data)),
            ME,
        )
        self.service.startService()

    def connect(self) -> None:
        info = ConnectionInfo("tcp-client", "192.0.2.1:22000", False, "TLS1.3", 0.0, 10)
        self.cluster.known[PEER] = DeviceStatus(
            False, connections=(ConnectionStatus(info, Bytes()),)
        )

    @property
    def kinds(self) -> list[EventType]:
        return [type for type, _ in self.told]


@pytest.fixture
def fixture() -> Fixture:
    return Fixture()


def test_many_changes_are_told_once(fixture: Fixture) -> None:
    for _ in range(5):
        fixture.service.changed(PHOTOS)
    fixture.clock.advance(PAUSE - 0.1)
    assert fixture.told == []
    fixture.clock.advance(0.1)
    ((type, data),) = fixture.told
    assert type is EventType.FOLDER_SUMMARY
    assert data["folder"] == PHOTOS
    summary = data["summary"]
    assert isinstance(summary, dict)
    assert summary["state"] == "idle"
    fixture.clock.advance(60)
    assert fixture.kinds == [EventType.FOLDER_SUMMARY]


def test_the_end_of_a_sync_is_told_at_once_and_not_again(fixture: Fixture) -> None:
    fixture.service.changed(PHOTOS)
    fixture.service.synced(PHOTOS)
    assert fixture.kinds == [EventType.FOLDER_SUMMARY]
    fixture.clock.advance(60)
    assert fixture.kinds == [EventType.FOLDER_SUMMARY]


def test_behind_a_summary_comes_how_complete_each_connected_device_is(fixture: Fixture) -> None:
    fixture.connect()
    fixture.cluster.complete = Completion(global_bytes=100, need_bytes=50)
    fixture.service.synced(PHOTOS)
    assert fixture.kinds == [EventType.FOLDER_SUMMARY, EventType.FOLDER_COMPLETION]
    assert fixture.told[1][1] == {
        "folder": PHOTOS,
        "device": str(PEER),
        "completion": 50,
        "globalBytes": 100,
        "globalItems": 0,
        "needBytes": 50,
        "needDeletes": 0,
        "needItems": 0,
        "remoteState": "unknown",
        "sequence": 0,
    }


def test_a_device_that_comes_has_its_folders_told(fixture: Fixture) -> None:
    fixture.connect()
    fixture.service.connected(PEER)
    fixture.clock.pump([PAUSE, 0.1, 0.1])
    assert fixture.kinds == [EventType.FOLDER_SUMMARY, EventType.FOLDER_COMPLETION]


@pytest.mark.parametrize("folder", [RESTING, FolderID("gone")])
def test_what_does_not_run_is_not_told(fixture: Fixture, folder: FolderID) -> None:
    fixture.service.changed(folder)
    fixture.clock.advance(PAUSE)
    assert fixture.told == []


def test_when_it_is_stopped_nothing_is_left_behind(fixture: Fixture) -> None:
    fixture.service.changed(PHOTOS)
    fixture.service.stopService()
    fixture.service.changed(PHOTOS)
    fixture.service.synced(PHOTOS)
    assert fixture.clock.getDelayedCalls() == []
    assert fixture.told == []
