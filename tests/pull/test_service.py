"""What a round promises, over a real index and a disk in memory."""

from __future__ import annotations

from hashlib import sha256

import pytest
from twisted.internet.defer import CancelledError

from tests.pull.folder import (
    ANN,
    BOB,
    FOLDER,
    NOW,
    Folder,
    answer,
    directory,
    file,
    gone,
    hashes,
    symlink,
)
from txsyncthing.filesystem.seam import Kind
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.pull import large_service
from txsyncthing.pull.options import MinFree, PullOptions
from txsyncthing.pull.sources import SourceRefused
from txsyncthing.vocabulary.file import LocalFlag
from txsyncthing.vocabulary.folder import PullOrder
from txsyncthing.vocabulary.name import WireName, temporary_name
from txsyncthing.vocabulary.vector import Vector

MIB = 1024 * 1024
BIG = bytes(range(256)) * 4096 * 3  # 3 MiB, blocks of 128 KiB that are all alike


def big(seed: int, size: int = 3 * MIB) -> bytes:
    """Bytes of which no two blocks are alike."""
    blocks = []
    for number in range(size // 4096):
        blocks.append(sha256(b"%d %d" % (seed, number)).digest() * 128)
    return b"".join(blocks)


def test_new_files_and_directories_come(folder: Folder) -> None:
    folder.offer(
        (directory("d", 1), b""),
        (directory("d/e", 2, mode=0o700), b""),
        (file("d/e/f", b"some bytes", 3, permissions=0o755), b"some bytes"),
        (file("empty", b"", 4), b""),
        (symlink("l", b"d/e", 5), b""),
    )
    result = folder.pull()
    assert result.failed == ()
    assert result.pulled == 5
    assert folder.read("d/e/f") == b"some bytes"
    assert folder.disk.lstat("d/e/f").mode == 0o755
    assert folder.disk.lstat("d/e/f").modified == file("x", b"", 3).modified
    assert folder.disk.lstat("d/e").mode == 0o700
    assert folder.read("empty") == b""
    assert folder.disk.read_link("l") == b"d/e"
    assert folder.index.counts().need.items == 0
    assert folder.names() == ["d", "empty", "l"]
    assert folder.syncing == 1


def test_what_is_pulled_is_recorded_as_the_cluster_has_it(folder: Folder) -> None:
    wanted = file("f", b"bytes", 7, by=99)
    folder.offer((wanted, b"bytes"))
    folder.pull()
    mine = folder.local("f")
    assert mine.version == wanted.version
    assert mine.local_flags == LocalFlag.NONE
    assert mine.inode_change == folder.disk.lstat("f").changed
    assert mine.sequence == 1
    assert folder.heard.items == [("started", "f", "update"), ("finished", "f", "update")]
    assert [file.name for file in folder.heard.stored] == ["f"]


def test_a_larger_file_comes_block_by_block(folder: Folder) -> None:
    data = big(1)
    folder.offer((file("big", data), data))
    assert folder.pull().failed == ()
    assert folder.read("big") == data
    assert len(folder.peers.asked) == 24
    assert all(block.hash for _, block in folder.peers.asked)
    assert folder.names() == ["big"]


@pytest.mark.parametrize("size", [10, 3 * MIB])
def test_wrong_bytes_are_asked_from_another_device(folder: Folder, size: int) -> None:
    data = big(1)[:size]
    folder.offer((file("f", data), data))
    folder.offer((file("f", data), data), device=BOB)
    folder.peers.answer = lambda device, block, data: b"x" * len(data) if device == ANN else data
    assert folder.pull().failed == ()
    assert folder.read("f") == data
    assert {device for device, _ in folder.peers.asked} == {ANN, BOB}


@pytest.mark.parametrize("size", [10, 3 * MIB])
def test_a_device_that_refuses_is_passed_over(folder: Folder, size: int) -> None:
    data = big(1)[:size]
    folder.offer((file("f", data), data))
    folder.offer((file("f", data), data), device=BOB)
    folder.peers.answer = lambda device, block, data: SourceRefused(2) if device == ANN else data
    assert folder.pull().failed == ()
    assert folder.read("f") == data


@pytest.mark.parametrize("size", [10, 3 * MIB])
def test_a_file_that_nobody_gives_is_an_error_with_its_cause(folder: Folder, size: int) -> None:
    data = big(1)[:size]
    folder.offer((file("f", data), data), (file("g", b"other", 2), b"other"))
    folder.peers.answer = lambda device, block, data: b"wrong" if block.name == "f" else data
    (error,) = folder.pull().failed
    assert (error.path, error.cause) == ("f", "wrong-bytes")
    assert folder.read("g") == b"other"
    assert folder.disk.lstat("g").kind is Kind.FILE
    assert "f" not in folder.names()
    assert ("failed", "f", "update") in folder.heard.items


def test_a_file_without_a_connected_device_fails_at_once(folder: Folder) -> None:
    folder.offer((file("f", b"bytes"), b"bytes"))
    del folder.peers.data[ANN]
    (error,) = folder.pull().failed
    assert error.cause == "no-peer"
    assert error.error == "syncing: no connected device has the required version of this file"


def test_work_is_shared_between_devices(folder: Folder) -> None:
    data = big(1)
    folder.offer((file("f", data), data))
    folder.offer((file("f", data), data), device=BOB)
    folder.peers.slow = True
    running = folder.start()
    asked = [device for device, _ in folder.peers.asked]
    assert asked.count(ANN) == asked.count(BOB) == 12
    folder.peers.go_on()
    assert answer(running).failed == ()


def test_the_bytes_in_flight_are_bounded() -> None:
    folder = Folder(options=PullOptions(FOLDER, window=MIB))
    data = big(1)
    folder.offer((file("f", data), data))
    folder.peers.slow = True
    running = folder.start()
    assert len(folder.peers.asked) == 8
    folder.peers.go_on(3)
    assert len(folder.peers.asked) == 11
    while folder.peers.waiting:
        folder.peers.go_on()
    assert answer(running).failed == ()
    assert folder.read("f") == data
    folder.close()


def test_a_temporary_file_of_an_earlier_life_is_reused(folder: Folder) -> None:
    data = big(1)
    folder.write(temporary_name("f"), data[: 2 * MIB] + b"garbage")
    folder.offer((file("f", data), data))
    assert folder.pull().failed == ()
    assert folder.read("f") == data
    assert [block.number for _, block in folder.peers.asked] == list(range(16, 24))


def test_blocks_of_the_old_version_are_copied(folder: Folder) -> None:
    old = big(1)
    new = old[:MIB] + big(2, 128 * 1024) + old[MIB + 128 * 1024 :]
    had = folder.scan("f", old)
    folder.offer((file("f", new, version=2, knows=1, permissions=0o644), new))
    assert folder.pull().failed == ()
    assert folder.read("f") == new
    assert [block.number for _, block in folder.peers.asked] == [8]
    assert had.size == len(new)


def test_blocks_of_other_files_are_copied_and_verified(folder: Folder) -> None:
    data = big(1)
    folder.scan("other", data)
    folder.scan("small", data[: 4 * 4096])
    folder.write("small", b"changed since")
    folder.offer((file("copy", data + b"end", 1), data + b"end"))
    folder.offer((file("twin", data[: 4 * 4096], 2), data[: 4 * 4096]))
    assert folder.pull().failed == ()
    assert folder.read("copy") == data + b"end"
    assert folder.read("twin") == data[: 4 * 4096]
    assert [(block.name, block.number) for _, block in folder.peers.asked] == [
        ("copy", 24),
        ("twin", 0),
    ]


@pytest.mark.parametrize("reused", [False, True])
def test_blocks_of_zeros_are_never_fetched(folder: Folder, reused: bool) -> None:
    data = bytes(2 * MIB) + big(1, MIB) + bytes(100)
    if reused:
        folder.write(temporary_name("f"), b"x" * (3 * MIB))
    folder.offer((file("f", data), data))
    assert folder.pull().failed == ()
    assert folder.read("f") == data
    assert len(folder.peers.asked) == 8


def test_only_metadata_is_changed_where_the_bytes_are_there(folder: Folder) -> None:
    folder.scan("f", b"bytes")
    inode = folder.disk.lstat("f").inode
    wanted = file("f", b"bytes", version=5, knows=1, permissions=0o600)
    folder.tell(wanted)
    assert folder.pull().failed == ()
    found = folder.disk.lstat("f")
    assert (found.inode, found.mode, found.modified) == (inode, 0o600, wanted.modified)
    assert folder.peers.asked == []
    assert folder.heard.items[0] == ("started", "f", "metadata")


def test_equal_bytes_under_concurrent_versions_merge(folder: Folder) -> None:
    folder.scan("f", b"bytes", by=1)
    folder.tell(file("f", b"bytes", version=3, by=10, modified=int(NOW * 1e9) + 10**12))
    folder.pull()
    assert folder.local("f").version == Vector.of([(1, 1), (10, 3)])
    assert folder.names() == ["f"]


def test_a_rename_costs_no_transfer(folder: Folder) -> None:
    data = big(1)
    had = folder.scan("old", data)
    inode = folder.disk.lstat("old").inode
    folder.tell(file("new", data, version=8), gone(had))
    assert folder.pull().failed == ()
    assert folder.names() == ["new"]
    assert folder.disk.lstat("new").inode == inode
    assert folder.peers.asked == []
    assert folder.local("old").deleted
    assert folder.index.counts().need.items == 0


def test_a_rename_of_a_changed_file_keeps_the_change(folder: Folder) -> None:
    had = folder.scan("old", b"the old bytes")
    folder.write("old", b"edited meanwhile")
    folder.offer((file("new", b"the old bytes", 8), b"the old bytes"))
    folder.tell(gone(had))
    result = folder.pull()
    assert [error.cause for error in result.failed] == ["changed-locally"]
    assert set(result.rescan) == {"old"}
    assert folder.read("old") == b"edited meanwhile"
    assert folder.read("new") == b"the old bytes"


def test_deletions_come_last_and_deepest_first(folder: Folder) -> None:
    folder.offer(
        (directory("d", 1), b""), (directory("d/e", 2), b""), (file("d/e/f", b"x", 3), b"x")
    )
    folder.pull()
    folder.heard.items.clear()
    folder.offer((file("new", b"n", 9), b"n"))
    folder.tell(*(gone(folder.local(name)) for name in ("d", "d/e", "d/e/f")))
    assert folder.pull().failed == ()
    assert folder.names() == ["new"]
    ended = [name for what, name, _ in folder.heard.items if what == "finished"]
    assert ended == ["new", "d/e/f", "d/e", "d"]
    assert folder.index.counts().need.items == 0


def test_deletions_may_be_ignored() -> None:
    folder = Folder(options=PullOptions(FOLDER, ignore_delete=True))
    had = folder.scan("f", b"x")
    folder.tell(gone(had))
    assert folder.pull().pulled == 0
    assert folder.names() == ["f"]
    folder.close()


def test_a_local_edit_is_never_overwritten(folder: Folder) -> None:
    folder.scan("f", b"known")
    folder.write("f", b"edited")
    folder.offer((file("f", b"theirs", version=2, knows=1), b"theirs"))
    result = folder.pull()
    assert folder.read("f") == b"edited"
    (error,) = result.failed
    assert error.error == "syncing: file modified but not rescanned; will try again later"
    assert result.rescan == ("f",)


@pytest.mark.parametrize("size", [10, 2 * MIB])
def test_an_edit_while_the_file_is_fetched_is_not_lost(folder: Folder, size: int) -> None:
    data = big(3)[:size]
    folder.scan("f", b"known")
    folder.offer((file("f", data, version=2, knows=1), data))
    folder.peers.slow = True
    running = folder.start()
    folder.write("f", b"edited while it came")
    folder.peers.go_on()
    result = answer(running)
    assert folder.read("f") == b"edited while it came"
    assert [error.cause for error in result.failed] == ["changed-locally"]


def test_a_file_that_appeared_unseen_is_not_overwritten(folder: Folder) -> None:
    folder.write("f", b"mine")
    folder.offer((file("f", b"theirs"), b"theirs"))
    assert folder.pull().rescan == ("f",)
    assert folder.read("f") == b"mine"


def test_an_edited_file_is_not_deleted(folder: Folder) -> None:
    had = folder.scan("f", b"known")
    folder.write("f", b"edited")
    folder.tell(gone(had))
    assert folder.pull().rescan == ("f",)
    assert folder.read("f") == b"edited"


def conflict_copies(folder: Folder) -> list[str]:
    return [name for name in folder.names() if ".sync-conflict-" in name]


@pytest.mark.parametrize("size", [10, 2 * MIB])
def test_the_loser_of_a_conflict_becomes_a_copy(folder: Folder, size: int) -> None:
    theirs = big(5)[:size]
    folder.scan("a.txt", b"mine")
    folder.offer(
        (file("a.txt", theirs, version=5, by=10, modified=int(NOW * 1e9) + 10**15), theirs)
    )
    result = folder.pull()
    assert folder.read("a.txt") == theirs
    (copy,) = conflict_copies(folder)
    assert copy.startswith("a.sync-conflict-2023111")
    assert copy.endswith("-AAAAAAA.txt")
    assert folder.read(copy) == b"mine"
    assert result.rescan == (copy,)


def test_no_conflict_where_the_new_version_was_made_from_ours(folder: Folder) -> None:
    had = folder.scan("f", b"mine")
    wanted = file("f", b"theirs", 5, modified=int(NOW * 1e9) + 10**15)
    folder.offer((wanted._replace(previous_blocks_hash=had.blocks_hash), b"theirs"))
    assert folder.pull().failed == ()
    assert folder.names() == ["f"]
    assert folder.read("f") == b"theirs"


def test_a_winning_directory_makes_the_file_a_copy(folder: Folder) -> None:
    folder.scan("x", b"mine")
    wanted = directory("x", 5)._replace(modified=int(NOW * 1e9) + 10**15)
    folder.tell(wanted)
    assert folder.pull().failed == ()
    assert folder.disk.lstat("x").kind is Kind.DIRECTORY
    (copy,) = conflict_copies(folder)
    assert folder.read(copy) == b"mine"


def test_a_file_takes_the_place_of_a_directory_that_goes(folder: Folder) -> None:
    folder.offer((directory("x", 1), b""), (file("x/f", b"inner", 2), b"inner"))
    folder.pull()
    folder.tell(gone(folder.local("x/f")))
    folder.offer((file("x", b"now a file", 9), b"now a file"))
    assert folder.pull().failed == ()
    assert folder.read("x") == b"now a file"
    assert folder.index.counts().need.items == 0


def test_unfinished_downloads_do_not_keep_a_file_from_the_place_of_a_directory(
    folder: Folder,
) -> None:
    folder.offer((directory("x", 1), b""))
    folder.pull()
    folder.write("x/.syncthing.f.tmp", b"half")
    folder.offer((file("x", b"now a file", 9), b"now a file"))
    assert folder.pull().failed == ()
    assert folder.read("x") == b"now a file"


def test_a_directory_takes_the_place_of_a_file(folder: Folder) -> None:
    folder.offer((file("x", b"a file", 1), b"a file"))
    folder.pull()
    folder.offer((directory("x", 9), b""), (file("x/f", b"inner", 10), b"inner"))
    assert folder.pull().failed == ()
    assert folder.read("x/f") == b"inner"


def test_a_symlink_and_a_file_change_places(folder: Folder) -> None:
    folder.offer((file("a", b"a file", 1), b"a file"), (symlink("b", b"t", 2), b""))
    folder.pull()
    folder.offer((symlink("a", b"target", 5), b""), (file("b", b"bytes", 6), b"bytes"))
    assert folder.pull().failed == ()
    assert folder.disk.read_link("a") == b"target"
    assert folder.read("b") == b"bytes"
    assert folder.names() == ["a", "b"]


def test_a_directory_with_unknown_files_is_not_deleted(folder: Folder) -> None:
    folder.offer((directory("d", 1), b""))
    folder.pull()
    folder.write("d/mine", b"precious")
    folder.tell(gone(folder.local("d")))
    result = folder.pull()
    assert folder.read("d/mine") == b"precious"
    assert result.rescan == ("d/mine",)
    assert result.failed[0].error == "syncing: directory contains unexpected files, scheduling scan"


def test_ignored_files_keep_their_directory_unless_they_may_go() -> None:
    folder = Folder(matcher=Matcher.parse(["(?d)*.tmp", "keep"], lambda name: []))
    for name in ("d", "e"):
        folder.tell(directory(name, ord(name)))
    folder.pull()
    folder.write("d/keep", b"")
    folder.write("e/rubbish.tmp", b"")
    folder.write("e/.syncthing.x.tmp", b"")
    folder.tell(gone(folder.local("d")), gone(folder.local("e")))
    (error,) = folder.pull().failed
    assert (error.path, error.cause) == ("d", "has-ignored")
    assert folder.names() == ["d"]
    folder.close()


def test_a_directory_with_files_that_only_we_have_stays(folder: Folder) -> None:
    folder.tell(directory("d", 1))
    folder.pull()
    folder.scan("d/mine", b"x")
    folder.tell(gone(folder.local("d")))
    (error,) = folder.pull().failed
    assert error.cause == "not-empty"


@pytest.mark.parametrize(
    "name", [".stfolder/x", ".stignore", ".stversions/a", ".syncthing.a.tmp", "x" * 256, "ä" * 128]
)
def test_some_names_are_never_written(folder: Folder, name: str) -> None:
    folder.offer((file(name, b"evil"), b"evil"))
    (error,) = folder.pull().failed
    assert error.path == name
    assert error.cause in ("bad-name", "name-too-long")
    assert folder.names() == []


def test_nothing_is_written_through_a_symlink(folder: Folder) -> None:
    folder.disk.make_directory("real", 0o755)
    folder.disk.symlink(b"real", "d")
    folder.offer((file("d/f", b"evil"), b"evil"))
    (error,) = folder.pull().failed
    assert error.cause == "through-symlink"
    assert folder.disk.list("real") == []


def test_room_that_must_stay_free_is_left_free() -> None:
    folder = Folder(options=PullOptions(FOLDER, min_free=MinFree(0, 3 * MIB)))
    folder.memory.resize(5 * MIB)
    data = big(1)
    folder.offer((file("f", data, 1), data), (file("small", b"x", 2), b"x"))
    (error,) = folder.pull().failed
    assert (error.path, error.cause) == ("f", "no-space")
    assert folder.names() == ["small"]
    folder.close()


def test_a_full_disk_fails_the_item_and_keeps_the_temporary_file(folder: Folder) -> None:
    data = big(1)
    folder.offer((file("f", data, 1), data))
    folder.memory.fail("write", temporary_name("f"), OSError(28, "No space left on device"))
    (error,) = folder.pull().failed
    assert error.cause == "no-space"
    assert folder.names() == [temporary_name("f")]
    assert folder.pull().failed == ()
    assert folder.read("f") == data


def test_stopping_keeps_what_is_there(folder: Folder) -> None:
    data = big(1)
    folder.offer((file("a", b"small", 1), b"small"), (file("f", data, 2), data))
    folder.peers.slow = True
    running = folder.start()
    folder.peers.go_on(10)
    stopped = folder.puller.stop()
    assert stopped.called
    with pytest.raises(CancelledError):
        answer(running)
    assert folder.read("a") == b"small"
    assert folder.local("a").size == 5
    before = len(folder.peers.asked)
    folder.peers.slow = False
    assert folder.pull().failed == ()
    assert folder.read("f") == data
    assert len(folder.peers.asked) - before == 24 - 9


def test_cancelling_is_stopping(folder: Folder) -> None:
    folder.offer((file("a", b"small", 1), b"small"))
    folder.peers.slow = True
    running = folder.start()
    running.cancel()
    with pytest.raises(CancelledError):
        answer(running)
    folder.peers.slow = False
    assert folder.pull().failed == ()


def test_a_batch_can_be_held(folder: Folder) -> None:
    had = folder.scan("old", b"x")
    folder.offer((file("f", b"bytes", 4), b"bytes"))
    folder.tell(gone(had))
    folder.hold.goes_on = False
    assert folder.pull().pulled == 0
    assert folder.names() == ["old"]
    assert [len(batch.files) + len(batch.deleted_files) for batch in folder.hold.held] == [1, 1]
    folder.hold.goes_on = True
    folder.pull()
    assert folder.names() == ["f"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (PullOrder.ALPHABETIC, ["a", "b", "c"]),
        (PullOrder.SMALLEST_FIRST, ["c", "a", "b"]),
        (PullOrder.LARGEST_FIRST, ["b", "a", "c"]),
        (PullOrder.OLDEST_FIRST, ["b", "c", "a"]),
        (PullOrder.NEWEST_FIRST, ["a", "c", "b"]),
    ],
)
def test_files_come_in_the_order_wanted(order: PullOrder, expected: list[str]) -> None:
    folder = Folder(options=PullOptions(FOLDER, order=order))
    for name, size, modified in (("a", 2, 30), ("b", 3, 10), ("c", 1, 20)):
        folder.offer((file(name, b"x" * size, ord(name), modified=modified), b"x" * size))
    folder.pull()
    assert [block.name for _, block in folder.peers.asked] == expected
    folder.close()


def test_a_file_may_be_brought_to_the_front() -> None:
    folder = Folder(options=PullOptions(FOLDER, order=PullOrder.ALPHABETIC))
    for name in "abc":
        folder.offer((file(name, name.encode(), ord(name)), name.encode()))
    folder.puller.bring_to_front(WireName("c"))
    folder.pull()
    assert [block.name for _, block in folder.peers.asked] == ["c", "a", "b"]
    folder.close()


def test_progress_is_told_while_it_goes(folder: Folder) -> None:
    data = big(1)
    folder.offer((file("f", data, 2), data))
    folder.peers.slow = True
    running = folder.start()
    folder.peers.go_on(3)
    (progress,) = folder.puller.progress().files
    assert progress.available == {0, 1, 2}
    assert progress.shape()["bytesTotal"] == len(data)
    assert progress.shape()["pulled"] == 3
    assert folder.puller.progress().in_progress == {"f"}
    folder.peers.go_on()
    answer(running)
    assert folder.puller.progress().files == ()


def test_a_device_that_answers_nothing_is_given_up(folder: Folder) -> None:
    folder.offer((file("f", b"bytes"), b"bytes"))
    folder.peers.slow = True
    running = folder.start()
    for _ in range(10):
        folder.clock.advance(60)
    (error,) = answer(running).failed
    assert error.cause == "no-peer"


def test_missing_parents_are_made(folder: Folder) -> None:
    folder.offer((file("p/q/f", b"bytes"), b"bytes"))
    result = folder.pull()
    assert result.failed == ()
    assert result.rescan == ("p", "p/q")
    assert folder.read("p/q/f") == b"bytes"


def test_many_small_files_come(folder: Folder) -> None:
    files = [(file(f"f{n:04}", b"%d" % n, n + 1), b"%d" % n) for n in range(1100)]
    folder.offer(*files)
    assert folder.pull().pulled == 1100
    assert folder.read("f1099") == b"1099"
    assert hashes(b"", 1) == sha256(b"").digest()


def test_a_sync_that_fails_half_way_fails_the_file(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(large_service, "SYNC_EVERY", MIB)
    data = bytes(range(256)) * 4096 * 4
    folder.offer((file("f", data), data))
    folder.memory.fail("sync", ".syncthing.f.tmp", OSError(5, "Input/output error"))
    (error,) = folder.pull().failed
    assert error.cause == "disk"
    assert folder.memory.tree() == {}
    assert folder.pull().failed == ()
    assert folder.read("f") == data


@pytest.mark.parametrize("edit", [b"their_bytes", b"longer than theirs"])
def test_an_edit_right_after_the_rename_is_seen_by_the_next_scan(
    folder: Folder, edit: bytes
) -> None:
    disk = folder.memory
    folder.offer((file("f", b"their bytes"), b"their bytes"))

    def placed() -> None:
        disk.intercept("lstat", "f", lambda: folder.write("f", edit))

    disk.intercept("place", ".syncthing.f.tmp", placed)
    folder.pull()
    record, found = folder.local("f"), disk.lstat("f")
    assert folder.read("f") == edit
    assert (record.size, record.modified, record.inode_change) != (
        found.size,
        found.modified,
        found.changed,
    )
    assert record.inode_change != found.changed


def test_what_was_deleted_while_ignored_can_come_back_when_it_is_not(folder: Folder) -> None:
    mine = folder.scan("f", b"mine", version=1, by=10)
    folder.tell(gone(mine))
    folder.matcher = Matcher.parse(["f"], lambda name: [])
    folder.pull()
    assert folder.read("f") == b"mine"
    folder.matcher = Matcher.parse([], lambda name: [])
    folder.disk.remove("f")
    folder.offer((file("f", b"back", 9), b"back"))
    folder.pull()
    assert folder.read("f") == b"back"


@pytest.mark.parametrize("edit", [b"MINE", b"mine, and longer"])
@pytest.mark.parametrize("way", ["in place", "renamed over"])
def test_an_edit_right_before_the_rename_is_not_replaced(
    folder: Folder, edit: bytes, way: str
) -> None:
    disk = folder.memory
    mine = folder.scan("f", b"mine", version=1, by=10)
    folder.offer((file("f", b"their bytes", 2), b"their bytes"))

    disk.intercept("exchange", ".syncthing.f.tmp", lambda: folder.save("f", edit, way))
    (error,) = folder.pull().failed
    assert error.cause == "changed-locally"
    assert folder.read("f") == edit
    assert folder.local("f").version == mine.version


def test_a_new_file_is_not_replaced_by_one_that_comes_in_the_same_moment(folder: Folder) -> None:
    folder.offer((file("f", b"theirs"), b"theirs"))
    folder.memory.intercept("place", ".syncthing.f.tmp", lambda: folder.write("f", b"mine"))
    (error,) = folder.pull().failed
    assert error.cause == "changed-locally"
    assert folder.read("f") == b"mine"


@pytest.mark.parametrize("edit", [b"MINE", b"mine, and longer"])
@pytest.mark.parametrize("way", ["in place", "renamed over"])
@pytest.mark.parametrize("becomes", ["nothing", "a directory"])
def test_an_edit_right_before_the_deletion_is_not_deleted(
    folder: Folder, edit: bytes, way: str, becomes: str
) -> None:
    disk = folder.memory
    mine = folder.scan("f", b"mine", version=1, by=10)
    folder.tell(gone(mine) if becomes == "nothing" else directory("f", 2))

    disk.intercept("rename", "f", lambda: folder.save("f", edit, way))
    (error,) = folder.pull().failed
    assert error.cause == "changed-locally"
    assert disk.tree() == {"f": edit}
    assert folder.local("f").version == mine.version


def test_what_cannot_be_removed_is_where_it_was(folder: Folder) -> None:
    mine = folder.scan("f", b"mine", version=1, by=10)
    folder.tell(gone(mine))
    folder.memory.fail("remove", "*", OSError(5, "Input/output error"), -1)
    folder.pull()
    assert folder.memory.tree() == {"f": b"mine"}
