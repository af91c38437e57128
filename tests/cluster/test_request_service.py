from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred, execute

from tests.cluster.bench import ALICE, BOB, CAROL, CountedFolder, F
from txsyncthing.bep.messages import Block, ErrorCode, Request
from txsyncthing.bep.protocol import Refused
from txsyncthing.cluster.request_service import (
    DEVICE_BYTES,
    JOB_BLOCKS,
    MAX_JOBS,
    NODE_BYTES,
    RequestService,
    device_limit,
    node_limit,
)
from txsyncthing.cluster.tables import FolderTable
from txsyncthing.config.config import Configuration
from txsyncthing.config.device import DeviceConfig
from txsyncthing.config.folder import FolderConfig, FolderDevice
from txsyncthing.config.options import Options
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.name import WireName

P = ParamSpec("P")
T = TypeVar("T")
KIB = 1024


class SlowLane:
    """Runs jobs when told to."""

    def __init__(self) -> None:
        self.jobs: list[Callable[[], None]] = []
        self.sizes: list[int] = []

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        done: Deferred[T] = Deferred()
        (batch,) = args
        self.sizes.append(len(batch))  # type: ignore[arg-type]
        self.jobs.append(lambda: void(execute(job, *args, **kwargs).chainDeferred(done)))
        return done

    def work(self) -> None:
        jobs, self.jobs = self.jobs, []
        for job in jobs:
            job()


def void(_: object) -> None: ...


class Office:
    """A service with a folder that Alice shares with Bob and Carol."""

    def __init__(self, max_request_kib: int = 0) -> None:
        members = tuple(FolderDevice(id=device) for device in (ALICE, BOB, CAROL))
        devices = [
            DeviceConfig(id=device, max_request_kib=max_request_kib) for device in (BOB, CAROL)
        ]
        self.configuration = Configuration(
            devices=tuple(devices), folders=(FolderConfig(id=F, path="/f", devices=members),)
        )
        self.table = FolderTable()
        self.folder = CountedFolder(F, ALICE, lambda: 0.0)
        self.table.put(self.folder)
        self.lane = SlowLane()
        self.service = RequestService(lambda: self.configuration, self.table, self.lane)
        self.answers: list[object] = []

    def ask(self, name: str, size: int, device: DeviceID = BOB) -> Deferred[Block]:
        data = bytes(size)
        if name not in {entry.base for entry in self.folder.filesystem.list("")}:
            self.folder.filesystem.put(name, data)
        request = Request(1, F, WireName(name), 0, size, sha256(data).digest())
        asked = self.service.serve(device, request)
        asked.addBoth(self._keep)
        return asked

    def _keep(self, result: object) -> None:
        error = getattr(result, "value", None)
        if isinstance(error, Refused):
            self.answers.append(error.code)
        elif isinstance(result, bytes):
            self.answers.append(len(result))


def test_limits_are_read_as_the_official_daemon_does() -> None:
    assert [device_limit(kib) for kib in (0, -1, 64)] == [DEVICE_BYTES, 0, 64 * KIB]
    assert [node_limit(kib) for kib in (0, -1, 64)] == [NODE_BYTES, 0, 32 * KIB * KIB]


def test_what_waits_shares_a_trip() -> None:
    office = Office()
    for number in range(MAX_JOBS + 100):
        office.ask(f"{number}", 10)
    assert office.lane.sizes == [1] * MAX_JOBS
    office.lane.work()
    assert office.lane.sizes[MAX_JOBS:] == [JOB_BLOCKS, 100 - JOB_BLOCKS]
    office.lane.work()
    assert office.answers == [10] * (MAX_JOBS + 100)


def test_large_blocks_go_alone() -> None:
    office = Office()
    for number in range(MAX_JOBS + 3):
        office.ask(f"{number}", 600 * KIB)
    office.lane.work()
    assert office.lane.sizes == [1] * (MAX_JOBS + 3)
    office.lane.work()


def test_a_device_gets_no_more_at_once_than_its_limit() -> None:
    office = Office(max_request_kib=100)
    for number in range(4):
        office.ask(f"{number}", 40 * KIB)
    office.ask("carols", 40 * KIB, CAROL)
    assert office.lane.sizes == [1, 1, 1]  # two of Bob's, one of Carol's
    office.lane.work()
    office.lane.work()
    assert office.answers == [40 * KIB] * 5


def test_a_changed_limit_counts_at_once() -> None:
    office = Office(max_request_kib=50)
    for number in range(3):
        office.ask(f"{number}", 40 * KIB)
    assert len(office.lane.jobs) == 1
    configuration = office.configuration
    office.configuration = replace(
        configuration,
        devices=tuple(replace(device, max_request_kib=-1) for device in configuration.devices),
        options=Options(max_concurrent_incoming_request_kib=-1),
    )
    office.service.configure(office.configuration)
    assert len(office.lane.jobs) == 3
    office.lane.work()


def test_a_request_nobody_waits_for_gives_its_room_back() -> None:
    office = Office(max_request_kib=50)
    first, second = office.ask("first", 40 * KIB), office.ask("second", 40 * KIB)
    office.ask("third", 40 * KIB)
    second.cancel()
    first.cancel()
    assert len(office.lane.jobs) == 2  # the first is read all the same, its bytes are dropped
    office.lane.work()
    assert office.answers == [40 * KIB]


def test_a_disk_that_fails_is_a_generic_error() -> None:
    office = Office()
    office.folder.filesystem.put("a", b"")
    office.folder.filesystem.fail("open", "a", OSError(5, "Input/output error"))
    office.ask("a", 0)
    office.lane.work()
    assert office.answers == [ErrorCode.GENERIC]


def test_a_folder_that_stops_refuses() -> None:
    office = Office()
    office.table.drop(F)
    office.ask("a", 1)
    assert office.answers == [ErrorCode.GENERIC]


def test_a_folder_shared_with_a_password_is_not_served_plain() -> None:
    office = Office()
    (config,) = office.configuration.folders
    members = tuple(replace(member, encryption_password="x") for member in config.devices)
    office.configuration = replace(
        office.configuration, folders=(replace(config, devices=members),)
    )
    office.ask("a", 1)
    assert office.answers == [ErrorCode.GENERIC]


def test_an_answered_request_leaves_nothing_to_the_collector_of_cycles() -> None:
    """Ten objects a block were enough to stop the reactor for 20 ms, several times a second."""
    office = Office()

    def serve() -> None:
        for number in range(20):
            office.ask(f"{number}", KIB)
        office.lane.work()
        office.ask("cancelled", KIB).cancel()

    serve()
    gc.collect()
    gc.disable()
    try:
        serve()
        assert gc.collect() < 20
    finally:
        gc.enable()
