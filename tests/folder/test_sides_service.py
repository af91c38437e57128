"""Send-only and receive-only folders, with a real index, scanner and puller over a disk in memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.folder.test_service import World, local
from tests.pull.folder import ANN, ME, NOW, answer, directory, file, gone, symlink
from txsyncthing.config.folder import FolderConfig, Versioning
from txsyncthing.events.types import EventType
from txsyncthing.folder.requests import Chore
from txsyncthing.folder.service import FolderService
from txsyncthing.folder.sides_service import NAMES, PAGE
from txsyncthing.index.values import Totals
from txsyncthing.vocabulary.device import DeviceID, ShortID
from txsyncthing.vocabulary.file import FileInfo, LocalFlag
from txsyncthing.vocabulary.folder import FolderID, FolderState, FolderType
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

DEFAULT = FolderID("default")
NEWER = int(NOW + 1e6) * 10**9  # ns
NOTHING = Totals()


@pytest.fixture
def world() -> Iterator[World]:
    world = World()
    yield world
    for service in world.made:
        answer(service.stopService())
    assert world.clock.getDelayedCalls() == []


def send_only(world: World) -> FolderService:
    return world.folder(FolderConfig(id=DEFAULT, type=FolderType.SEND_ONLY))


def receive_only(world: World) -> FolderService:
    return world.folder(FolderConfig(id=DEFAULT, type=FolderType.RECEIVE_ONLY))


def tell(service: FolderService, *files: FileInfo) -> None:
    answer(service.index.update_remote(ANN, files))


def settle(world: World) -> None:
    for _ in range(8):
        world.clock.advance(0.5)


def names(world: World) -> list[str]:
    return sorted(name for name in world.disk.tree() if not name.startswith(".st"))


def known(service: FolderService, name: str) -> bool:
    return WireName(name) in answer(service.index.local([WireName(name)]))


def theirs_of(ours: FileInfo, **changes: object) -> FileInfo:
    """A peer's next version of an item of ours."""
    bumped = ours._replace(
        version=ours.version.bump(ShortID(10), int(NOW) + 9), modified_by=ShortID(10), sequence=9
    )
    return bumped._replace(**changes)  # type: ignore[arg-type]


# -- send-only


def test_what_is_the_same_here_takes_the_version_of_the_cluster(world: World) -> None:
    for name in ("newer", "rival", "other", "touched"):
        world.write(name, b"bytes")
    world.disk.make_directory("dir", 0o755)
    service = send_only(world)
    rival = local(service, "rival")._replace(version=Vector.of([(10, 2**40)]), sequence=5)
    tell(
        service,
        theirs_of(local(service, "newer")),
        rival._replace(modified=rival.modified),
        theirs_of(local(service, "dir")),
        theirs_of(local(service, "touched"), modified=NEWER),
        file("other", b"else", 9, modified=NEWER),
    )
    settle(world)
    assert service.index.counts().need == Totals(files=2, bytes=9)
    for name in ("newer", "dir"):
        assert local(service, name).version.value(ShortID(10))
        assert not local(service, name).invalid
    assert world.peers.asked == []
    assert service.status().state is FolderState.IDLE


def test_looking_for_the_same_changes_no_state_until_it_is_found(world: World) -> None:
    service = send_only(world)
    before = len(world.words())
    world.offer(service, (file("f", b"theirs"), b"theirs"))
    settle(world)
    assert len(world.words()) == before


def test_what_is_ignored_in_a_send_only_folder_is_needed_no_more(world: World) -> None:
    world.write(".stignore", b"secret\n")
    service = send_only(world)
    tell(service, file("secret", b"1", 1), file("plain", b"2", 2))
    settle(world)
    assert service.index.counts().need.files == 1
    assert local(service, "secret").local_flags == LocalFlag.IGNORED
    answer(service.set_ignores(["*"]))
    settle(world)
    assert service.index.counts().need == NOTHING
    tell(service, file("secret", b"another version", 3))
    settle(world)
    assert service.index.counts().need == NOTHING
    assert local(service, "secret").version == file("secret", b"", 3).version


def test_override_puts_our_state_on_top_of_all_others(world: World) -> None:
    for name in ("edited", "deleted", "rival"):
        world.write(name, b"ours")
    service = send_only(world)
    before = {name: local(service, name) for name in ("edited", "deleted", "rival")}
    deletion = before["deleted"].as_deleted(ShortID(10), NEWER, Vector.of([(10, 2**40)]))
    tell(
        service,
        theirs_of(before["edited"], size=9),
        deletion._replace(version=before["deleted"].version.bump(ShortID(10), 9), sequence=3),
        file("rival", b"theirs", 4, modified=NEWER),
        file("added", b"theirs", 5),
        directory("dir", 6),
        symlink("link", b"there", 7),
    )
    settle(world)
    assert service.status().need.items == 6
    world.clock.advance(3)
    service.do(Chore.OVERRIDE)
    assert service.status().need == NOTHING
    assert service.status().state is FolderState.IDLE
    for name, old in before.items():
        record = local(service, name)
        assert (record.hashes, record.deleted) == (old.hashes, False)
        assert record.modified_by == ME
        assert record.version.value(ME) == int(world.unix())
        assert record.version.value(ShortID(10))
    for name in ("added", "dir", "link"):
        record = local(service, name)
        assert record.deleted
        assert record.type is answer(service.index.versions(WireName(name)))[ANN].type
        assert record.version.covers(answer(service.index.versions(WireName(name)))[ANN].version)
    assert names(world) == ["deleted", "edited", "rival"]


def test_override_goes_page_by_page_and_stops_between_two(world: World) -> None:
    service = send_only(world)
    count = 2 * PAGE + 7
    tell(service, *(file(f"f{number:05}", b"x", number + 1) for number in range(count)))
    batches: list[int] = []

    def stop(last: int, files: object) -> None:
        batches.append(last)
        if len(batches) == 2:
            service._jobs.cancel()

    service.index.on_local_change(stop)
    service.do(Chore.OVERRIDE)
    assert batches == [PAGE, 2 * PAGE]
    assert service.index.counts().need.files == 7


def test_many_needs_are_not_looked_at_again_right_away(world: World) -> None:
    service = send_only(world)
    ask, looks = service.index.ask, []

    def slow(question: object, *args: object) -> object:
        looks.append(world.clock.seconds())
        world.clock.rightNow += 1.0  # the time that it takes
        return ask(question, *args)  # type: ignore[arg-type]

    service.index.ask = slow  # type: ignore[method-assign, assignment]
    tell(service, *(file(f"f{number:05}", b"x", number + 1) for number in range(NAMES + 1)))
    settle(world)
    first = len(looks)
    assert first > 1
    tell(service, file("another", b"x", 10**6))
    world.clock.advance(5.0)
    assert len(looks) == first
    world.clock.advance(60.0)
    assert len(looks) > first


@pytest.mark.parametrize("type", [FolderType.SEND_RECEIVE, FolderType.RECEIVE_ONLY])
def test_nothing_is_overridden_in_folders_that_receive(world: World, type: FolderType) -> None:
    service = world.folder(FolderConfig(id=DEFAULT, type=type))
    tell(service, file("f", b"theirs"))
    before = service.index.sequence
    service.do(Chore.OVERRIDE)
    assert service.index.sequence == before


@pytest.mark.parametrize("type", [FolderType.SEND_RECEIVE, FolderType.SEND_ONLY])
def test_nothing_is_reverted_in_folders_that_send(world: World, type: FolderType) -> None:
    world.write("f", b"ours")
    service = world.folder(FolderConfig(id=DEFAULT, type=type))
    service.do(Chore.REVERT)
    assert names(world) == ["f"]


def test_an_override_asked_for_in_an_error_is_not_made_up_for(world: World) -> None:
    service = send_only(world)
    tell(service, file("f", b"theirs"))
    for entry in world.disk.list(".stfolder"):
        world.disk.remove(f".stfolder/{entry.base}")
    world.disk.remove_directory(".stfolder")
    service.do(Chore.OVERRIDE)
    assert service.status().state is FolderState.ERROR
    assert service.index.counts().need.files == 1
    world.disk.make_directory(".stfolder", 0o755)
    world.clock.advance(15)
    assert service.status().state is FolderState.IDLE
    assert service.index.counts().need.files == 1
    service.do(Chore.OVERRIDE)
    assert service.index.counts().need == NOTHING


# -- receive-only


def pulled(world: World, *items: str) -> FolderService:
    """A receive-only folder that has these files from a peer; also ``dir/x`` and ``link``."""
    service = receive_only(world)
    files = [(file(name, name.encode(), 10 + n), name.encode()) for n, name in enumerate(items)]
    inner = (file("dir/x", b"x", 6), b"x")
    tell(service, directory("dir", 5), symlink("link", b"there", 7))
    world.offer(service, inner, *files)
    settle(world)
    assert service.index.counts().need == NOTHING
    assert service.index.counts().receive_only == NOTHING
    return service


def test_all_that_changes_in_a_receive_only_folder_is_counted(world: World) -> None:
    service = pulled(world, "edited", "gone")
    before = service.index.counts()
    world.write("new", b"new")
    world.disk.make_directory("made", 0o755)
    world.write("edited", b"edited here")
    world.disk.remove("gone")
    world.disk.remove("link")
    world.disk.symlink(b"elsewhere", "link")
    world.disk.chmod("dir", 0o700)
    answer(service.scan())
    counts = service.index.counts()
    assert counts.receive_only == Totals(2, 2, 1, 1, 3 + 11 + 3 * 128)
    assert (counts.global_, counts.need) == (before.global_, NOTHING)
    assert counts.local == Totals(3, 2, 1, 1, 3 + 11 + 1 + 3 * 128)
    for name in ("new", "made", "edited", "gone", "link", "dir"):
        assert local(service, name).local_flags == LocalFlag.RECEIVE_ONLY
    world.disk.remove("new")
    world.disk.remove_directory("made")
    answer(service.scan())
    assert not known(service, "new")
    assert not known(service, "made")
    assert service.index.counts().receive_only == Totals(1, 1, 1, 1, 11 + 2 * 128)


def test_what_is_brought_back_is_no_change(world: World) -> None:
    service = pulled(world, "edited", "gone")
    times = {name: world.disk.lstat(name).modified for name in ("edited", "gone")}
    world.write("edited", b"other bytes")
    world.disk.remove("gone")
    world.disk.chmod("dir", 0o700)
    answer(service.scan())
    assert service.index.counts().receive_only.items == 3
    for name, modified in times.items():
        world.write(name, name.encode())
        world.disk.utime(name, modified)
    world.disk.chmod("dir", 0o755)
    answer(service.scan())
    assert service.index.counts().receive_only == NOTHING
    assert local(service, "edited").version == file("edited", b"", 10).version
    assert local(service, "gone").version == file("gone", b"", 11).version


def test_revert_brings_all_back_to_the_cluster(world: World) -> None:
    service = pulled(world, "edited", "gone", "touched")
    world.write("new", b"new")
    world.disk.make_directory("made", 0o755)
    world.disk.make_directory("made/deep", 0o755)
    world.write("made/deep/file", b"new")
    world.disk.symlink(b"x", "made/link")
    world.write("dir/new", b"new")
    world.write("edited", b"edited here")
    world.disk.remove("gone")
    world.disk.remove("link")
    world.disk.symlink(b"elsewhere", "link")
    world.disk.utime("touched", 5)
    answer(service.scan())
    assert service.index.counts().receive_only.items == 10
    service.do(Chore.REVERT)
    settle(world)
    assert names(world) == ["dir", "dir/x", "edited", "gone", "link", "touched"]
    assert world.read("edited") == b"edited"
    assert world.disk.read_link("link") == b"there"
    assert world.disk.lstat("touched").modified == file("touched", b"", 12).modified
    counts = service.index.counts()
    assert (counts.need, counts.receive_only) == (NOTHING, NOTHING)
    deletion = local(service, "new")
    assert (deletion.deleted, deletion.version, deletion.invalid) == (True, Vector(), False)
    assert service.status().errors == ()


def test_what_a_revert_takes_away_is_a_version_first(world: World) -> None:
    keeping = Versioning(type="trashcan")
    service = world.folder(
        FolderConfig(id=DEFAULT, type=FolderType.RECEIVE_ONLY, versioning=keeping)
    )
    world.offer(service, (file("f", b"theirs", 1), b"theirs"))
    settle(world)
    world.write("f", b"edited here")
    world.write("new", b"new")
    answer(service.scan())
    service.do(Chore.REVERT)
    settle(world)
    assert (names(world), world.read("f")) == (["f"], b"theirs")
    assert world.read(".stversions/f") == b"edited here"
    assert world.read(".stversions/new") == b"new"


def test_a_revert_without_peers_waits_for_them(world: World) -> None:
    service = pulled(world, "f")
    world.write("f", b"edited here")
    answer(service.scan())
    data = world.peers.data.pop(ANN)
    service.do(Chore.REVERT)
    settle(world)
    assert world.read("f") == b"edited here"
    assert service.status().need.files == 1
    world.peers.data[ANN] = data
    service.remote_changed()
    settle(world)
    assert world.read("f") == b"f"
    assert names(world) == ["dir", "dir/x", "f", "link"]


def test_an_edit_after_the_scan_is_not_lost_by_a_revert(world: World) -> None:
    service = pulled(world, "theirs")
    world.write("new", b"scanned")
    world.disk.make_directory("made", 0o755)
    world.write("made/f", b"scanned")
    world.write("theirs", b"scanned")
    answer(service.scan())
    world.clock.advance(1)
    world.write("new", b"edited since")
    world.write("made/g", b"made since")
    world.write("theirs", b"edited since")
    service.do(Chore.REVERT)
    settle(world)
    assert world.read("new") == b"edited since"
    assert world.read("made/g") == b"made since"
    copies = [name for name in names(world) if "sync-conflict" in name]
    kept = [world.read(name) for name in ("theirs", *copies)]
    assert b"edited since" in kept
    settle(world)
    assert service.index.counts().receive_only.items >= 3


def test_ignored_content_keeps_a_reverted_directory_unless_it_may_go(world: World) -> None:
    service = pulled(world)
    for name in ("one", "two"):
        world.disk.make_directory(name, 0o755)
        world.write(f"{name}/f", b"new")
    answer(service.scan())
    world.write("one/keep.me", b"ignored")
    world.write("two/rubbish.o", b"ignored")
    answer(service.set_ignores(["*.me", "(?d)*.o"]))
    service.do(Chore.REVERT)
    settle(world)
    assert names(world) == ["dir", "dir/x", "link", "one", "one/keep.me"]
    (error,) = service.status().errors
    assert (error.path, error.cause) == ("one", "has-ignored")
    (told,) = world.told(EventType.FOLDER_ERRORS)
    assert told["errors"] == [{"path": "one", "error": error.error}]


def test_an_edit_here_outlives_its_deletion_by_the_cluster(world: World) -> None:
    service = pulled(world, "f")
    world.write("f", b"edited here")
    world.disk.remove("link")
    world.disk.symlink(b"elsewhere", "link")
    answer(service.scan())
    tell(service, gone(file("f", b"f", 10)), gone(symlink("link", b"there", 7)))
    settle(world)
    assert names(world) == ["dir", "dir/x", "f", "link"]
    assert service.index.counts().need == NOTHING
    assert service.index.counts().receive_only.items == 2
    assert local(service, "f").version.covers(gone(file("f", b"f", 10)).version)
    assert [e for e in world.told(EventType.REMOTE_CHANGE_DETECTED) if e["path"] == "f"][1:] == []
    world.disk.remove("f")
    answer(service.scan())
    assert local(service, "f").version == gone(file("f", b"f", 10)).version
    service.do(Chore.REVERT)
    settle(world)
    assert names(world) == ["dir", "dir/x"]
    assert service.index.counts().receive_only == NOTHING


def test_the_clusters_edit_of_what_was_edited_here_leaves_a_copy_that_is_a_change(
    world: World,
) -> None:
    service = pulled(world, "f")
    world.write("f", b"edited here")
    answer(service.scan())
    world.offer(service, (file("f", b"theirs", 50), b"theirs"))
    settle(world)
    assert world.read("f") == b"theirs"
    assert local(service, "f").version == file("f", b"", 50).version
    (copy,) = [name for name in names(world) if "sync-conflict" in name]
    assert world.read(copy) == b"edited here"
    assert local(service, copy).local_flags == LocalFlag.RECEIVE_ONLY
    assert service.index.counts().receive_only == Totals(files=1, bytes=11)


def test_the_clusters_times_for_what_was_touched_here_carry_no_counter_of_ours(
    world: World,
) -> None:
    service = pulled(world, "f")
    world.disk.utime("f", 5)
    answer(service.scan())
    tell(service, file("f", b"f", 50))
    settle(world)
    assert local(service, "f").version == file("f", b"", 50).version
    assert service.index.counts().receive_only == NOTHING


def test_a_directory_with_what_was_added_here_stays_and_says_why(world: World) -> None:
    service = pulled(world)
    world.write("dir/new", b"new")
    answer(service.scan())
    tell(service, gone(file("dir/x", b"x", 6)), gone(directory("dir", 5)))
    settle(world)
    assert names(world) == ["dir", "dir/new", "link"]
    (error,) = service.status().errors
    assert (error.path, error.cause) == ("dir", "changed-here")
    world.disk.remove("dir/new")
    answer(service.scan())
    settle(world)
    assert names(world) == ["link"]
    assert service.status().errors == ()


def test_what_is_ignored_no_more_is_judged_anew(world: World) -> None:
    service = pulled(world, "same", "edited")
    world.write("new", b"new")
    answer(service.scan())
    answer(service.set_ignores(["*"]))
    assert service.index.counts().receive_only == NOTHING
    world.write("edited", b"edited meanwhile")
    answer(service.set_ignores([]))
    settle(world)
    assert local(service, "same").local_flags == LocalFlag.NONE
    assert local(service, "edited").local_flags == LocalFlag.RECEIVE_ONLY
    assert local(service, "new").local_flags == LocalFlag.RECEIVE_ONLY
    assert service.index.counts().receive_only.items == 2


def test_a_file_of_another_receive_only_device_is_unknown_all_the_same(world: World) -> None:
    service = pulled(world)
    invalid = file("new", b"its own", 3)._replace(
        version=Vector(), local_flags=LocalFlag.REMOTE_INVALID
    )
    answer(service.index.update_remote(DeviceID(b"\x0c" * 32), [invalid]))
    world.write("new", b"ours")
    answer(service.scan())
    service.do(Chore.REVERT)
    settle(world)
    assert names(world) == ["dir", "dir/x", "link"]


# -- another type


def change(world: World, service: FolderService, type: FolderType, path: Path) -> FolderService:
    """What the node does: the folder is stopped, and starts over the same database."""
    answer(service.stopService())
    return world.folder(FolderConfig(id=DEFAULT, type=type), database=str(path))


@pytest.mark.parametrize("type", [FolderType.SEND_RECEIVE, FolderType.SEND_ONLY])
def test_what_was_changed_in_a_receive_only_folder_becomes_news_when_it_sends(
    world: World, tmp_path: Path, type: FolderType
) -> None:
    path = tmp_path / "index.db"
    service = world.folder(
        FolderConfig(id=DEFAULT, type=FolderType.RECEIVE_ONLY), database=str(path)
    )
    world.offer(
        service, (file("f", b"theirs", 1), b"theirs"), (file("gone", b"theirs", 2), b"theirs")
    )
    settle(world)
    world.write("f", b"edited here")
    world.write("new", b"new")
    world.disk.remove("gone")
    answer(service.scan())
    deletion = local(service, "gone").version
    before = service.index.sequence
    world.clock.advance(5)
    service = change(world, service, type, path)
    settle(world)
    counts = service.index.counts()
    assert (counts.receive_only, counts.need) == (NOTHING, NOTHING)
    assert counts.sequence == before + 3
    edited = local(service, "f")
    assert [counter.id for counter in edited.version.counters] == [ME]
    assert (edited.invalid, world.read("f")) == (False, b"edited here")
    assert not local(service, "new").invalid
    assert (local(service, "gone").version, local(service, "gone").invalid) == (deletion, False)
    # And back: nothing that is known becomes a change.
    service = change(world, service, FolderType.RECEIVE_ONLY, path)
    assert service.index.counts().receive_only == NOTHING
    assert service.index.sequence == before + 3


def test_a_sending_folder_that_receives_then_pulls_what_it_needed(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "index.db"
    world.write("f", b"ours")
    service = world.folder(FolderConfig(id=DEFAULT, type=FolderType.SEND_ONLY), database=str(path))
    world.offer(service, (file("new", b"theirs", 9), b"theirs"))
    settle(world)
    assert names(world) == ["f"]
    service = change(world, service, FolderType.RECEIVE_ONLY, path)
    settle(world)
    assert names(world) == ["f", "new"]
    assert service.index.counts().receive_only == NOTHING
    assert not local(service, "f").invalid
