"""What a folder promises, with a real index, scanner and puller over a disk in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.pull.folder import ANN, ME, NOW, Peers, answer, file, gone
from txsyncthing.config.folder import FolderConfig
from txsyncthing.events.types import EventType
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.folder.outside import Outside
from txsyncthing.folder.service import FolderFailed, FolderService
from txsyncthing.index.service import FolderIndex
from txsyncthing.index.values import DatabaseDamaged
from txsyncthing.runtime.limiter import Limiter
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID, FolderState, FolderType
from txsyncthing.vocabulary.name import WireName, temporary_name


class World:
    """What a folder stands on; outlives it."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.disk = MemoryFilesystem(self.unix)
        self.peers = Peers()
        self.gate = Limiter(0)
        self.events: list[tuple[EventType, Mapping[str, object]]] = []
        self.made: list[FolderService] = []
        self.outside: Outside | None = None
        self.database = ":memory:"

    def unix(self) -> float:
        return NOW + self.clock.seconds()

    def emit(self, type: EventType, data: Mapping[str, object]) -> None:
        self.events.append((type, data))

    def folder(
        self,
        config: FolderConfig | None = None,
        start: bool = True,
        database: str = "",
    ) -> FolderService:
        workers = InlineWorkers()
        service = FolderService(
            config or FolderConfig(id=FolderID("default"), label="Default"),
            workers,
            self.clock,
            self.unix,
            lambda: 0.5,
            self.disk,
            FolderIndex(workers, database or self.database, ME, lambda n: b"\x01" * n),
            self.peers,
            self.emit,
            self.gate,
            ME,
            outside=self.outside,
        )
        self.made.append(service)
        if start:
            answer(service.start())
        return service

    def write(self, name: str, data: bytes) -> None:
        opened = self.disk.create(name, 0o644)
        opened.truncate(0)
        opened.write(data, 0)
        opened.close()

    def read(self, name: str) -> bytes:
        return self.disk.open(name).read(1 << 30, 0)

    def words(self, folder: str = "default") -> list[object]:
        return [
            data["to"]
            for type, data in self.events
            if type is EventType.STATE_CHANGED and data["folder"] == folder
        ]

    def told(self, type: EventType) -> list[Mapping[str, object]]:
        return [data for told, data in self.events if told is type]

    def offer(
        self, service: FolderService, *files: tuple[FileInfo, bytes], device: DeviceID = ANN
    ) -> None:
        for info, data in files:
            self.peers.data.setdefault(device, {})[info.name] = data
        answer(service.index.update_remote(device, [info for info, _ in files]))


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    for service in world.made:
        answer(service.stopService())
    assert world.clock.getDelayedCalls() == []
    assert world.gate.used == 0


def local(service: FolderService, name: str) -> FileInfo:
    return answer(service.index.local([WireName(name)]))[WireName(name)]


def test_a_new_folder_makes_its_root_and_marker_and_scans(world: World) -> None:
    world.write("f", b"bytes")
    service = world.folder()
    assert world.disk.lstat(".stfolder")
    assert local(service, "f").size == 5
    assert world.words() == ["scan-waiting", "scanning", "idle"]
    status = service.status()
    assert (status.state, status.sequence, status.local.files) == (FolderState.IDLE, 1, 1)
    assert status.last_scan == NOW
    (updated,) = world.told(EventType.LOCAL_INDEX_UPDATED)
    assert updated["filenames"] == ["f"]
    (change,) = world.told(EventType.LOCAL_CHANGE_DETECTED)
    assert (change["action"], change["type"], change["path"]) == ("modified", "file", "f")


def test_after_a_remote_change_the_next_waits_for_the_end_of_the_burst(world: World) -> None:
    service = world.folder()
    world.offer(service, (file("f", b"first"), b"first"))
    world.clock.advance(0.0)
    assert world.read("f") == b"first"
    for number in range(8):
        world.offer(service, (file(f"g{number}", b"%d" % number), b"%d" % number))
        world.clock.advance(0.05)
    assert len(world.peers.asked) == 1
    world.clock.advance(0.1)
    assert world.read("g7") == b"7"


def test_a_burst_without_end_is_pulled_after_the_delay(world: World) -> None:
    service = world.folder()
    for number in range(30):
        world.offer(service, (file(f"g{number}", b"%d" % number), b"%d" % number))
        world.clock.advance(0.05)
    assert len(world.peers.asked) > 15


def test_a_remote_change_is_pulled_at_once(world: World) -> None:
    service = world.folder()
    world.offer(service, (file("f", b"theirs"), b"theirs"))
    world.clock.advance(0.1)
    assert world.read("f") == b"theirs"
    assert world.words()[3:] == ["sync-waiting", "sync-preparing", "syncing", "idle"]
    (started,) = world.told(EventType.ITEM_STARTED)
    assert started == {"folder": "default", "item": "f", "type": "file", "action": "update"}
    (ended,) = world.told(EventType.ITEM_FINISHED)
    assert ended["error"] is None
    (change,) = world.told(EventType.REMOTE_CHANGE_DETECTED)
    assert change["path"] == "f"
    assert service.status().last_file is not None


def test_a_pulled_file_is_no_local_change_for_the_next_scan(world: World) -> None:
    service = world.folder()
    world.offer(service, (file("f", b"theirs"), b"theirs"))
    world.clock.advance(1.1)
    before = service.index.sequence
    answer(service.scan())
    assert service.index.sequence == before
    assert local(service, "f").version == file("f", b"theirs").version


def test_nothing_is_pulled_before_the_first_scan(world: World) -> None:
    world.disk.make_directory(".stfolder", 0o755)
    world.write("f", b"mine, and older")
    service = world.folder(start=False)
    held: list[Deferred[None]] = []
    world.gate.resize(1)
    blocker = world.gate.acquire(1, lambda permit: None)
    answer(service.start())
    world.offer(service, (file("f", b"theirs", modified=10**18 * 2), b"theirs"))
    world.clock.advance(5)
    assert world.peers.asked == []
    assert service.status().state is FolderState.SCAN_WAITING
    blocker.release()
    assert world.read("f") == b"theirs"
    copies = [e.base for e in world.disk.list("") if "sync-conflict" in e.base]
    assert len(copies) == 1
    assert held == []
    world.gate.resize(0)


def test_the_gate_lets_one_folder_after_the_other(world: World) -> None:
    world.gate.resize(1)
    taken = world.gate.acquire(1, lambda permit: None)
    one = world.folder(FolderConfig(id=FolderID("one")))
    two = world.folder(FolderConfig(id=FolderID("two")))
    assert one.status().state is two.status().state is FolderState.SCAN_WAITING
    taken.release()
    assert one.status().state is two.status().state is FolderState.IDLE
    world.gate.resize(0)


def test_a_scan_is_answered_when_it_is_done(world: World) -> None:
    service = world.folder()
    world.write("a", b"1")
    world.write("b", b"2")
    answer(service.scan(["a"]))
    assert service.index.counts().local.files == 1
    answer(service.scan())
    assert service.index.counts().local.files == 2
    with pytest.raises(FolderFailed):
        answer(service.scan(["../x"]))


def test_scans_come_by_themselves(world: World) -> None:
    service = world.folder(FolderConfig(id=FolderID("default"), rescan_interval_s=60))
    world.write("a", b"1")
    world.clock.advance(59)
    assert service.index.sequence == 0
    world.clock.advance(2)
    assert service.index.sequence == 1
    service.delay_scan(1000)
    world.write("b", b"1")
    world.clock.advance(900)
    assert service.index.sequence == 1


def test_a_missing_marker_stops_the_folder_until_it_is_back(world: World) -> None:
    world.write("f", b"bytes")
    service = world.folder()
    for entry in world.disk.list(".stfolder"):
        world.disk.remove(f".stfolder/{entry.base}")
    world.disk.remove_directory(".stfolder")
    world.disk.remove("f")
    with pytest.raises(FolderFailed, match="folder marker missing"):
        answer(service.scan())
    status = service.status()
    assert status.state is FolderState.ERROR
    assert status.error.startswith("folder marker missing")
    assert not local(service, "f").deleted
    world.offer(service, (file("g", b"theirs"), b"theirs"))
    world.clock.advance(30)
    assert world.peers.asked == []
    world.disk.make_directory(".stfolder", 0o755)
    world.clock.advance(10)
    assert service.status().state is FolderState.IDLE
    assert world.read("g") == b"theirs"
    assert local(service, "f").deleted


def test_what_a_failed_scan_was_to_see_is_seen_by_the_next(world: World) -> None:
    service = world.folder()
    world.write("first", b"bytes")
    for entry in world.disk.list(".stfolder"):
        world.disk.remove(f".stfolder/{entry.base}")
    world.disk.remove_directory(".stfolder")
    failed: list[Failure] = []
    service.scan(["first"]).addErrback(failed.append)
    assert service.status().state is FolderState.ERROR
    world.disk.make_directory(".stfolder", 0o755)
    answer(service.scan(["second"]))
    assert failed
    assert not local(service, "first").deleted


def test_who_asks_for_a_scan_while_something_else_fails_is_told(world: World) -> None:
    service = world.folder()
    heard: list[str] = []
    service._jobs.requests.add(["late"], heard.append)  # as in the middle of a scan or pull
    service._runner.failed("folder path missing")
    assert heard == ["folder path missing"]
    answer(service.scan())
    assert heard == ["folder path missing"]


def test_a_marker_is_not_made_for_a_folder_that_has_a_history(world: World) -> None:
    world.write("f", b"bytes")
    first = world.folder()
    index = first.index
    answer(first.stopService())
    world.disk.remove("f")
    for entry in world.disk.list(".stfolder"):
        world.disk.remove(f".stfolder/{entry.base}")
    world.disk.remove_directory(".stfolder")
    second = world.folder(start=False)
    answer(second.index.open())
    answer(second.index.update_local([file("f", b"bytes", by=1)]))
    second._jobs.opening.opened = True
    answer(second.start())
    assert second.status().state is FolderState.ERROR
    assert index is not second.index


def test_bad_ignores_stop_the_folder(world: World) -> None:
    service = world.folder()
    world.write(".stignore", b"#include missing\n")
    with pytest.raises(FolderFailed, match="loading ignores"):
        answer(service.scan())
    assert service.status().state is FolderState.ERROR
    ignores = answer(service.ignores())
    assert ignores.lines == ("#include missing",)
    assert ignores.error
    answer(service.set_ignores(["*.tmp"]))
    assert service.status().state is FolderState.IDLE
    assert service.matcher().match("a.tmp").ignored


def test_new_ignores_are_scanned_before_anything_is_pulled(world: World) -> None:
    service = world.folder()
    world.write(".stignore", b"secret\n")
    world.offer(service, (file("secret", b"theirs", 1), b"theirs"), (file("f", b"x", 2), b"x"))
    world.clock.advance(2)
    assert service.matcher().match("secret").ignored
    assert world.read("f") == b"x"
    assert service.status().ignore_patterns
    assert [entry.base for entry in world.disk.list("")] == [".stfolder", ".stignore", "f"]
    assert service.index.counts().need.items == 0
    answer(service.set_ignores([]))
    world.clock.advance(2)
    assert world.read("secret") == b"theirs"


def test_an_item_that_fails_is_told_and_tried_again(world: World) -> None:
    service = world.folder()
    world.offer(service, (file("f", b"theirs"), b"theirs"))
    del world.peers.data[ANN]
    world.clock.advance(1)
    (error,) = service.status().errors
    assert (error.path, error.cause) == ("f", "no-peer")
    (told,) = world.told(EventType.FOLDER_ERRORS)
    assert told["errors"] == [{"path": "f", "error": error.error}]
    world.peers.data[ANN] = {"f": b"theirs"}
    world.clock.advance(59)
    assert service.status().errors
    world.clock.advance(2)
    assert service.status().errors == ()
    assert world.read("f") == b"theirs"


def test_an_item_that_failed_and_is_wanted_no_more_is_no_error(world: World) -> None:
    service = world.folder()
    wanted = file("f", b"theirs")
    world.offer(service, (wanted, b"theirs"))
    del world.peers.data[ANN]
    world.clock.advance(1)
    assert service.status().errors
    answer(service.index.update_remote(ANN, [gone(wanted)]))
    world.clock.advance(5)
    assert service.index.counts().need.items == 0
    assert service.status().errors == ()


def test_a_new_index_ends_the_pause(world: World) -> None:
    service = world.folder()
    world.offer(service, (file("f", b"theirs"), b"theirs"))
    del world.peers.data[ANN]
    world.clock.advance(1)
    world.peers.data[ANN] = {"f": b"theirs"}
    service.remote_changed()
    world.clock.advance(1)
    assert world.read("f") == b"theirs"


def test_a_local_edit_that_was_not_seen_becomes_a_conflict_copy(world: World) -> None:
    world.write("f", b"first")
    service = world.folder()
    world.write("f", b"edited, not scanned")
    world.offer(
        service, (file("f", b"theirs", 5, knows=1, modified=int(NOW + 1e6) * 10**9), b"theirs")
    )
    for _ in range(5):
        world.clock.advance(1)
    assert world.read("f") == b"theirs"
    (copy,) = [e.base for e in world.disk.list("") if "sync-conflict" in e.base]
    assert world.read(copy) == b"edited, not scanned"
    assert local(service, copy).size == len(b"edited, not scanned")
    assert service.status().errors == ()
    assert service.index.counts().need.items == 0


def test_a_deletion_is_pulled(world: World) -> None:
    world.write("f", b"bytes")
    service = world.folder()
    answer(service.index.update_remote(ANN, [gone(local(service, "f"))]))
    world.clock.advance(1)
    assert [entry.base for entry in world.disk.list("")] == [".stfolder"]
    assert service.index.counts().need.items == 0


def test_a_send_only_folder_does_not_pull(world: World) -> None:
    config = FolderConfig(id=FolderID("default"), type=FolderType.SEND_ONLY)
    service = world.folder(config)
    world.offer(service, (file("f", b"theirs"), b"theirs"))
    world.clock.advance(100)
    assert world.peers.asked == []
    assert service.status().need.files == 1


def test_an_unsupported_type_says_so(world: World) -> None:
    config = FolderConfig(id=FolderID("default"), type=FolderType.RECEIVE_ENCRYPTED)
    service = world.folder(config)
    assert "not supported" in service.status().error
    assert not service.ready


def test_a_damaged_index_stops_the_folder_alone(world: World) -> None:
    service = world.folder()
    other = world.folder(FolderConfig(id=FolderID("other")))
    service.damaged(DatabaseDamaged("x.db: the database is damaged. Rebuild it"))
    assert service.status().state is FolderState.ERROR
    assert "Rebuild it" in service.status().error
    world.clock.advance(100)
    assert service.status().state is FolderState.ERROR
    assert other.status().state is FolderState.IDLE


def test_stopping_in_the_middle_of_a_pull_leaves_all_well(world: World) -> None:
    data = bytes(range(1, 251)) * 12000
    service = world.folder()
    world.peers.slow = True
    world.offer(service, (file("big", data), data))
    world.clock.advance(1)
    world.peers.go_on(3)
    assert service.status().state is FolderState.SYNCING
    assert len(service.unfinished()[0].available) == 3
    waiting = service.scan()
    answer(service.stopService())
    with pytest.raises(FolderFailed):
        answer(waiting)
    names = [entry.base for entry in world.disk.list("")]
    assert names == [".stfolder", temporary_name("big")]


def test_status_counts_what_is_in_temporary_files(world: World) -> None:
    data = bytes(range(1, 251)) * 12000
    service = world.folder()
    world.peers.slow = True
    world.offer(service, (file("big", data), data))
    world.clock.advance(1)
    assert service.status().need_bytes == len(data)
    world.peers.go_on(3)
    assert service.status().need_bytes == len(data) - 3 * 128 * 1024
    world.peers.go_on()
    assert service.status().need_bytes == 0


def test_a_file_that_a_request_found_changed_is_scanned(world: World) -> None:
    world.write("f", b"bytes")
    service = world.folder()
    world.write("f", b"other")
    service.rescan([WireName("f")])
    assert service.index.sequence == 2


def test_what_was_pulled_while_the_disk_went_is_not_recorded(world: World) -> None:
    service = world.folder()
    world.write("kept", b"here")
    answer(service.scan())
    before = service.status().sequence
    theirs = file("new", b"theirs", 5)
    kept = local(service, "kept")
    deletion = gone(kept._replace(version=kept.version.bump(ME, 0)), by=10)
    world.peers.slow = True
    world.offer(service, (theirs, b"theirs"), (deletion, b""))
    world.clock.advance(2)
    mounted = world.disk
    marker = mounted.lstat(".stfolder")
    assert marker
    hidden = {name: node for name, node in mounted.tree().items() if node is not None}
    world.disk.unplug()
    world.disk.make_directory("", 0o755)  # what lies below the mount
    world.peers.go_on()
    world.clock.advance(2)
    assert hidden
    assert service.status().state is FolderState.ERROR
    assert service.status().sequence == before
    assert not local(service, "kept").deleted


def test_a_scan_that_fails_by_our_fault_is_answered(
    world: World, logged_failures: list[Failure]
) -> None:
    service = world.folder()

    def fault() -> None:
        raise ZeroDivisionError("ours")

    world.disk.intercept("lstat", "", fault)
    with pytest.raises(FolderFailed, match="ours"):
        answer(service.scan())
    assert service.status().state is FolderState.ERROR
    world.clock.advance(10)
    assert service.status().state is FolderState.IDLE
    logged_failures.clear()
