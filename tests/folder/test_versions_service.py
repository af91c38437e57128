"""A folder's old versions: kept, cleaned up, listed and restored while it works."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import ParamSpec, TypeVar

import pytest
from twisted.internet.defer import Deferred, execute

from tests.folder.test_service import World, local
from tests.pull.folder import NOW, answer, file, gone
from txsyncthing.config.folder import FolderConfig, Parameter, Versioning
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.metadata import FolderUnhealthy
from txsyncthing.folder.service import FolderService
from txsyncthing.folder.versions_service import FolderVersions, NoVersions
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.testing.workers import InlineLane, InlineWorkers
from txsyncthing.versions.cleaning import Cleaned
from txsyncthing.versions.listing import FileVersions
from txsyncthing.versions.place import IN_FOLDER
from txsyncthing.versions.rewind import Deed
from txsyncthing.versions.tag import tagged
from txsyncthing.vocabulary.folder import FolderID, FolderType
from txsyncthing.vocabulary.name import WireName

P = ParamSpec("P")
T = TypeVar("T")


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    for service in world.made:
        answer(service.stopService())
    assert world.clock.getDelayedCalls() == []
    assert world.gate.used == 0


def config(type: str = "simple", **settings: str) -> FolderConfig:
    params = tuple(Parameter(key, value) for key, value in settings.items())
    return FolderConfig(
        id=FolderID("default"), versioning=Versioning(type, params), max_conflicts=0
    )


def replaced(world: World, service: FolderService) -> None:
    """A peer has a file and then replaces it."""
    world.offer(service, (file("d/f.txt", b"first"), b"first"))
    world.clock.advance(5)
    world.offer(service, (file("d/f.txt", b"second", 2), b"second"))
    world.clock.advance(5)
    assert world.read("d/f.txt") == b"second"


def listed(service: FolderService) -> dict[str, list[float]]:
    def shape(files: Iterator[FileVersions]) -> dict[str, list[float]]:
        return {found.path: [one.when for one in found.versions] for found in files}

    return answer(service.versions.read(shape))


def test_what_a_peer_replaces_is_kept_listed_and_restored(world: World) -> None:
    service = world.folder(config())
    replaced(world, service)
    ((path, (when,)),) = listed(service).items()
    assert path == "d/f.txt"
    assert world.read(".stversions/" + tagged("d/f.txt", when)) == b"first"
    assert answer(Deferred.fromCoroutine(service.versions.restore({path: when}))) == {}
    assert world.read("d/f.txt") == b"first"
    assert local(service, "d/f.txt").size == 5  # it has been scanned
    assert len(local(service, "d/f.txt").version.counters) == 2  # as a change of ours
    (now,) = listed(service)["d/f.txt"]
    assert world.read(".stversions/" + tagged("d/f.txt", now)) == b"second"


def test_what_a_renamed_spelling_replaces_is_kept(world: World) -> None:
    service = world.folder(config())
    lower, upper = file("f.txt", b"lower"), file("F.TXT", b"upper")
    world.offer(service, (lower, b"lower"), (upper, b"upper"))
    world.clock.advance(5)
    assert (world.read("f.txt"), world.read("F.TXT")) == (b"lower", b"upper")
    world.offer(service, (gone(upper), b""), (file("f.txt", b"upper", 2), b"upper"))
    world.clock.advance(5)
    assert world.read("f.txt") == b"upper"
    (when,) = listed(service)["f.txt"]
    assert world.read(".stversions/" + tagged("f.txt", when)) == b"lower"


def test_a_directory_is_restored_as_it_was(world: World) -> None:
    service = world.folder(config())
    replaced(world, service)
    item = local(service, "d/f.txt")
    world.offer(service, (gone(item), b""))
    world.clock.advance(5)
    at = NOW + world.clock.seconds() - 1
    work = service.versions.rewind("d", at - 1, dry=False)
    report = answer(Deferred.fromCoroutine(work))
    assert report.counts[Deed.RESTORE] == 1
    assert world.read("d/f.txt") == b"second"
    assert not local(service, "d/f.txt").deleted


def test_versions_are_cleaned_up_each_interval(world: World) -> None:
    service = world.folder(replace(config(keep="1"), rescan_interval_s=0))
    for age in (500, 400):
        name = ".stversions/" + tagged("f", NOW - age)
        world.disk.put(name)
    before = len(world.words())
    world.clock.advance(3599)
    assert world.words()[before:] == []
    world.clock.advance(1)
    assert world.words()[before:] == ["clean-waiting", "cleaning", "idle"]
    assert listed(service) == {"f": [NOW - 400]}
    world.clock.advance(3600)
    assert world.words()[before:].count("cleaning") == 2


def test_without_an_interval_nothing_is_cleaned_up(world: World) -> None:
    never = replace(config(), rescan_interval_s=0)
    world.folder(replace(never, versioning=replace(never.versioning, cleanup_interval_s=0)))
    assert world.clock.getDelayedCalls() == []


def test_a_folder_that_is_not_there_is_neither_cleaned_up_nor_restored(world: World) -> None:
    service = world.folder(config(keep="1"))
    for age in (500, 400):
        world.disk.put(".stversions/" + tagged("f", NOW - age))
    for name in world.disk.names(".stfolder"):
        world.disk.remove(f".stfolder/{name}")
    world.disk.remove_directory(".stfolder")
    world.clock.advance(3600)
    assert len(listed(service)["f"]) == 2
    with pytest.raises(FolderUnhealthy):
        answer(Deferred.fromCoroutine(service.versions.restore({"f": NOW - 400})))
    with pytest.raises(FolderUnhealthy):
        answer(Deferred.fromCoroutine(service.versions.rewind("", NOW - 450, dry=False)))


def test_without_versioning_old_files_go(world: World) -> None:
    service = world.folder(FolderConfig(id=FolderID("default"), max_conflicts=0))
    replaced(world, service)
    assert ".stversions" not in world.disk.names("")
    with pytest.raises(NoVersions, match="folder has no versioner"):
        listed(service)
    with pytest.raises(NoVersions, match="folder has no versioner"):
        answer(Deferred.fromCoroutine(service.versions.restore({"f": NOW})))


def test_external_versions_are_not_ours_to_list(world: World) -> None:
    service = world.folder(config("external", command="mv %FILE_PATH%"))
    text = "version restoration not supported with the current versioner"
    with pytest.raises(NoVersions, match=f"external versioner: get versions: {text}"):
        listed(service)
    restored = Deferred.fromCoroutine(service.versions.restore({"f": NOW}))
    assert answer(restored) == {"f": f"external versioner: restore: {text}"}


@pytest.mark.parametrize("type", [FolderType.SEND_RECEIVE, FolderType.SEND_ONLY])
def test_a_wrong_setting_stops_the_folder(world: World, type: FolderType) -> None:
    service = world.folder(replace(config("simple", keep="many"), type=type))
    assert service.status().error == (
        "versioning/param[keep]: 'many' is not valid; allowed: a whole number from 1 on"
    )
    assert service.ready  # what devices have can be asked for, and told
    assert answer(service.index.local([WireName("f")])) == {}


class SlowLane(InlineLane):
    """Answers when told to."""

    def __init__(self) -> None:
        self.done: list[Callable[[], None]] = []
        self.begun: list[str] = []

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        self.begun.append(getattr(job, "__name__", "check"))
        answered: Deferred[T] = Deferred()
        execute(job, *args, **kwargs).addBoth(
            lambda result: self.done.append(partial(answered.callback, result))
        )
        return answered


class SlowWorkers(InlineWorkers):
    def __init__(self) -> None:
        super().__init__()
        self.slow = SlowLane()

    @property
    def disk(self) -> SlowLane:
        return self.slow


def folder_versions(workers: Workers, *versions: str) -> tuple[FolderVersions, list[str]]:
    """Without its folder; and what it has scanned."""
    disk = MemoryFilesystem(lambda: NOW)
    disk.put(".stfolder/marker")
    for name in versions:
        disk.put(f".stversions/{name}", b"then")
    scanned: list[str] = []
    made = FolderVersions(config(), IN_FOLDER, workers, lambda: NOW, disk, scanned.extend)
    return made, scanned


def test_versions_are_not_cleaned_up_while_some_come_back() -> None:
    workers = SlowWorkers()
    lane = workers.slow
    versions, _ = folder_versions(workers, tagged("f", NOW - 60))
    restored = Deferred.fromCoroutine(versions.restore({"f": NOW - 60}))
    lane.done.pop()()  # the folder is well
    cleaned = Deferred.fromCoroutine(versions.clean())
    assert lane.begun == ["check", "restore_versions"]
    lane.done.pop()()
    assert answer(restored) == {}
    assert lane.begun[2:] == ["step"]
    lane.done.pop()()
    assert answer(cleaned) == Cleaned()
