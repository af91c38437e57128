"""What a scan makes of a folder: the disk and the index become one."""

from __future__ import annotations

import errno
from hashlib import sha256

import pytest
from twisted.internet.defer import CancelledError
from twisted.python.failure import Failure

from tests.scan.folder import ME, OTHER, Folder, result_of, vector
from tests.scan.held import HeldWorkers
from txsyncthing.scan.values import BadSub, ScanOptions, ScanProgress, ScanStopped
from txsyncthing.vocabulary.block import EMPTY_HASH
from txsyncthing.vocabulary.file import FileType, LocalFlag
from txsyncthing.vocabulary.name import WireName

KIB = 1024


def test_a_first_scan_records_all_in_order(folder: Folder) -> None:
    folder.disk.put("a/x", b"one", 0o640)
    folder.disk.put("a-b", b"")
    folder.disk.put_directory("a/deep/empty", 0o750)
    folder.disk.symlink(b"../else\xff", "link")
    result = folder.scan()
    assert result == ((), 6, 0)
    assert folder.names() == ["a", "a-b", "a/deep", "a/deep/empty", "a/x", "link"]
    assert [file.sequence for file in folder.told] == [1, 2, 3, 4, 5, 6]
    x, stat = folder.record("a/x"), folder.disk.lstat("a/x")
    assert (x.type, x.size, x.permissions, x.no_permissions) == (FileType.FILE, 3, 0o640, False)
    assert (x.modified, x.inode_change) == (stat.modified, stat.changed)
    assert (x.hashes, x.block_size) == (sha256(b"one").digest(), 128 * KIB)
    assert x.blocks_hash == sha256(x.hashes).digest()
    assert (x.version, x.modified_by) == (vector((ME, folder.seconds())), ME)
    assert folder.record("a-b").hashes == EMPTY_HASH
    deep = folder.record("a/deep/empty")
    assert (deep.type, deep.size, deep.permissions) == (FileType.DIRECTORY, 0, 0o750)
    link = folder.record("link")
    assert (link.type, link.symlink_target, link.no_permissions) == (
        FileType.SYMLINK,
        b"../else\xff",
        True,
    )


def test_an_unchanged_folder_is_left_alone(folder: Folder) -> None:
    folder.disk.put("d/f", b"x")
    folder.disk.symlink(b"f", "d/l")
    folder.scan()
    assert folder.scan() == ((), 0, 0)
    assert folder.told == []


def test_internal_and_special_items_are_not_there(folder: Folder) -> None:
    folder.disk.put(".stfolder/x")
    folder.disk.put(".stversions/a")
    folder.disk.put(".stignore")
    folder.disk.put("d/.stignore")
    folder.disk.put_special("fifo")
    folder.scan()
    assert folder.names() == ["d", "d/.stignore"]


def test_a_changed_file_gets_a_new_version_and_names_its_old_content(folder: Folder) -> None:
    folder.disk.put("f", b"old")
    folder.scan()
    folder.rewrite("f", version=vector((ME, 5), (OTHER, 7)))
    old = folder.record("f")
    folder.disk.put("f", b"new")
    folder.scan()
    assert folder.version("f") == {ME: folder.seconds(), OTHER: 7}
    assert folder.record("f").previous_blocks_hash == old.blocks_hash


def test_a_counter_ahead_of_the_clock_still_grows(folder: Folder) -> None:
    folder.disk.put("f", b"old")
    folder.scan()
    folder.rewrite("f", version=vector((ME, 1 << 40)))
    folder.disk.put("f", b"new")
    folder.scan()
    assert folder.version("f") == {ME: (1 << 40) + 1}


def test_new_times_and_modes_are_new_versions_without_an_old_content(folder: Folder) -> None:
    folder.disk.put("f", b"x")
    folder.disk.put_directory("d")
    folder.scan()
    folder.disk.utime("f", 5)
    folder.disk.chmod("d", 0o700)
    folder.scan()
    assert folder.names() == ["d", "f"]
    assert folder.record("f").modified == 5
    assert folder.record("f").previous_blocks_hash == b""
    assert folder.record("d").permissions == 0o700


def test_what_only_this_disk_notices_is_no_new_version(folder: Folder) -> None:
    folder.disk.put("f", b"x")
    folder.scan()
    before = folder.record("f")
    folder.disk.utime("f", folder.disk.lstat("f").modified)  # only the change time moves
    folder.disk.utime("", 7)
    assert folder.scan() == ((), 1, 0)
    after = folder.record("f")
    assert after.version == before.version
    assert after.inode_change == folder.disk.lstat("f").changed
    assert folder.scan() == ((), 0, 0)


def test_bytes_that_changed_under_an_old_time_are_found(folder: Folder) -> None:
    folder.disk.put("f", b"old")
    folder.scan()
    modified = folder.disk.lstat("f").modified
    folder.disk.put("f", b"new")
    folder.disk.utime("f", modified)
    folder.scan()
    assert folder.record("f").hashes == sha256(b"new").digest()
    assert folder.version("f") == {ME: folder.seconds()}


def test_modes_may_be_left_to_the_disk(folder: Folder) -> None:
    folder.options = ScanOptions(ignore_permissions=True)
    folder.disk.put("f", b"x")
    folder.scan()
    assert folder.record("f").no_permissions
    folder.disk.chmod("f", 0o600)
    folder.scan()
    assert folder.version("f") == {ME: folder.seconds() - 10}


def test_a_record_without_modes_is_compared_without_modes(folder: Folder) -> None:
    folder.disk.put("d/f", b"x")
    folder.scan()
    folder.rewrite("d", no_permissions=True)
    folder.disk.chmod("d", 0o700)
    assert folder.scan() == ((), 0, 0)


def test_times_within_the_window_are_one(folder: Folder) -> None:
    folder.options = ScanOptions(modified_window=2_000_000_000)
    folder.disk.put("f", b"x")
    folder.scan()
    version = folder.version("f")
    folder.rewrite("f", modified=folder.record("f").modified + 1_999_999_999, inode_change=0)
    assert folder.scan() == ((), 0, 0)
    folder.rewrite("f", modified=folder.record("f").modified + 1)
    folder.scan()
    assert folder.version("f") != version


def test_a_type_that_changed_takes_all_below_with_it(folder: Folder) -> None:
    folder.disk.put("a/x", b"x")
    folder.disk.put("b", b"b")
    folder.scan()
    folder.disk.remove("a/x")
    folder.disk.remove_directory("a")
    folder.disk.symlink(b"b", "a")
    folder.disk.remove("b")
    folder.disk.put("b/y", b"y")
    assert folder.scan() == ((), 3, 1)
    assert folder.names() == ["a", "b", "b/y", "a/x"]
    assert folder.record("a").is_symlink
    assert folder.record("b").is_directory
    assert folder.record("a/x").deleted


def test_a_deletion_is_recorded_with_its_time(folder: Folder) -> None:
    folder.disk.put("d/f", b"x")
    folder.scan()
    folder.rewrite("d/f", version=vector((OTHER, 7)))
    folder.disk.remove("d/f")
    assert folder.scan() == ((), 0, 1)
    gone = folder.record("d/f")
    assert (gone.deleted, gone.size, gone.hashes, gone.type) == (True, 0, b"", FileType.FILE)
    assert gone.version == vector((ME, folder.seconds()), (OTHER, 7))
    assert gone.modified == folder.seconds() * 1_000_000_000
    assert gone.modified_by == ME
    assert folder.scan() == ((), 0, 0)


def test_a_file_that_comes_back_goes_on_counting(folder: Folder) -> None:
    folder.disk.put("f", b"x")
    folder.scan()
    folder.disk.remove("f")
    folder.scan()
    before = folder.version("f")[ME]
    folder.disk.put("f", b"x")
    folder.scan()
    assert folder.version("f")[ME] > before
    assert not folder.record("f").deleted


@pytest.mark.parametrize("broken", ["marker", "root", "both at once"])
def test_nothing_is_deleted_while_the_folder_is_not_healthy(folder: Folder, broken: str) -> None:
    for number in range(5):
        folder.disk.put(f"d/{number}", b"x")
    folder.scan()
    if broken == "marker":
        folder.disk.remove_directory(".stfolder")
        folder.disk.remove("d/1")
        with pytest.raises(ScanStopped):
            folder.scan()
    elif broken == "root":
        folder.disk.unplug()
        with pytest.raises(OSError):
            folder.scan()
        with pytest.raises(OSError):
            folder.scan("d/1")
    else:
        folder.disk.unplug()
        folder.disk.make_directory("", 0o755)
        with pytest.raises(ScanStopped):
            folder.scan()
    assert folder.told == []


def test_the_marker_is_looked_for_again_after_the_walk(folder: Folder) -> None:
    folder.disk.put("f", b"x")
    folder.scan()
    folder.disk.remove("f")
    folder.disk.intercept("list", "", lambda: folder.disk.remove_directory(".stfolder"))
    with pytest.raises(ScanStopped):
        folder.scan()
    assert folder.told == []


def test_what_is_back_after_the_walk_is_not_deleted(folder: Folder) -> None:
    folder.disk.put("d/f", b"x")
    folder.scan()
    folder.disk.rename("d/f", "away")

    def back() -> None:
        folder.disk.rename("away", "d/f")

    folder.ignore("/away")
    folder.disk.intercept("lstat", "d/f", back)
    assert folder.scan() == ((), 0, 0)


def test_below_an_unreadable_directory_nothing_is_deleted(folder: Folder) -> None:
    folder.disk.put("d/e/f", b"x")
    folder.disk.put("d/z", b"x")
    folder.disk.put("dd", b"x")
    folder.scan()
    folder.disk.chmod("d/e", 0o000)
    folder.disk.remove("d/z")
    result = folder.scan()
    assert folder.names() == ["d/e", "d/z"]  # its mode, and what is really gone
    assert [(error.path, error.error) for error in result.errors] == [
        ("d/e", "scan: Permission denied")
    ]
    assert not folder.record("d/e/f").deleted
    folder.disk.chmod("d/e", 0o755)
    folder.disk.fail("stats", "d", OSError(errno.EIO, "Input/output error"))
    result = folder.scan()
    assert [error.path for error in result.errors] == ["d"]
    assert result.deleted == 0


def test_one_bad_file_stops_nothing(folder: Folder) -> None:
    for name in ("a", "b", "c"):
        folder.disk.put(name, b"x")
    folder.disk.chmod("b", 0o000)
    result = folder.scan()
    assert folder.names() == ["a", "c"]
    assert result.errors[0][:3] == ("b", "unreadable", "hashing: Permission denied")


@pytest.mark.parametrize("size", [10, 300 * KIB, 20 * KIB * KIB])
def test_a_file_that_changes_while_it_is_read_waits_for_the_next_scan(
    folder: Folder, size: int
) -> None:
    folder.disk.put("f", bytes(size))
    folder.disk.intercept("read", "f", lambda: folder.disk.put("f", b"1" * size))
    result = folder.scan()
    assert result.errors[0][:3] == ("f", "changed-locally", "hashing: file changed during hashing")
    assert folder.told == []
    assert folder.scan() == ((), 1, 0)


def test_a_file_that_goes_while_it_is_read_is_no_error(folder: Folder) -> None:
    folder.disk.put("f", b"x")
    folder.disk.put("g", bytes(20 * KIB * KIB))
    folder.disk.intercept("open", "f", lambda: folder.disk.remove("f"))
    folder.disk.intercept("open", "g", lambda: folder.disk.remove("g"))
    assert folder.scan() == ((), 0, 0)


def test_a_rename_is_an_addition_with_its_deletion_right_behind(folder: Folder) -> None:
    folder.disk.put("d/old", b"content")
    folder.disk.put("same-size", b"another")
    folder.scan()
    folder.disk.rename("d/old", "a-new")
    folder.disk.put("z", b"z")
    folder.disk.remove("same-size")
    assert folder.scan() == ((), 2, 2)
    assert folder.names() == ["a-new", "d/old", "z", "same-size"]
    assert folder.calls[0] >= 2  # one transaction
    assert folder.record("d/old").deleted
    assert folder.told[1].sequence == folder.told[0].sequence + 1


def test_a_rename_from_one_part_of_a_scan_to_another_is_seen(folder: Folder) -> None:
    folder.disk.put("a/old", b"content")
    folder.disk.put("b/x", b"")
    folder.scan()
    folder.disk.rename("a/old", "b/new")
    folder.scan("a/old", "b/new", "b/x")
    assert [(file.name, file.deleted) for file in folder.told] == [
        ("b/new", False),
        ("a/old", True),
    ]
    assert folder.calls == [2]


def test_a_copy_is_no_rename_and_one_old_name_serves_once(folder: Folder) -> None:
    folder.disk.put("old", b"content")
    folder.disk.put("empty", b"")
    folder.scan()
    folder.disk.put("copy", b"content")
    folder.scan()
    assert folder.names() == ["copy"]
    folder.disk.rename("old", "new")
    folder.disk.put("new2", b"content")
    folder.disk.rename("empty", "empty2")
    folder.scan()
    assert folder.names() == ["empty2", "new", "old", "new2", "empty"]


def test_a_rename_over_a_known_file_is_none(folder: Folder) -> None:
    folder.disk.put("old", b"content")
    folder.disk.put("target", b"previous")
    folder.scan()
    folder.disk.rename("old", "target")
    folder.disk.put("x", b"content")
    folder.disk.remove("x")
    folder.scan()
    assert folder.names() == ["target", "old"]
    assert folder.calls == [1, 1]


def test_an_unhealthy_folder_gets_no_rename_either(folder: Folder) -> None:
    folder.disk.put("old", b"content")
    folder.scan()
    folder.disk.rename("old", "new")
    folder.disk.remove_directory(".stfolder")
    with pytest.raises(ScanStopped):
        folder.scan()
    assert folder.told == []


def test_newly_ignored_items_keep_their_version_and_become_invalid(folder: Folder) -> None:
    folder.disk.put("d/f", b"x")
    folder.disk.put("g", b"x")
    folder.scan()
    version = folder.version("d/f")
    folder.ignore("d")
    assert folder.scan() == ((), 2, 0)
    ignored = folder.record("d/f")
    assert (ignored.local_flags, ignored.deleted) == (LocalFlag.IGNORED, False)
    assert folder.version("d/f") == version
    assert folder.scan() == ((), 0, 0)
    folder.disk.remove("d/f")
    assert folder.scan() == ((), 0, 0)


def test_items_no_longer_ignored_keep_only_our_own_counter(folder: Folder) -> None:
    folder.disk.put("f", b"x")
    folder.scan()
    folder.rewrite("f", version=vector((ME, 5), (OTHER, 7)))
    folder.ignore("f")
    folder.scan()
    folder.ignore()
    folder.scan()
    assert folder.version("f") == {ME: folder.seconds()}
    assert folder.record("f").local_flags == LocalFlag.NONE


def test_an_ignored_item_that_is_gone_is_deleted_with_an_empty_version(folder: Folder) -> None:
    folder.disk.put("f", b"x")
    folder.scan()
    folder.ignore("f")
    folder.scan()
    folder.disk.remove("f")
    folder.ignore()
    folder.scan()
    assert folder.record("f").deleted
    assert folder.record("f").version == vector()


def test_directories_on_the_way_to_a_kept_item_are_kept(folder: Folder) -> None:
    for name in ("bar2/baz", "bar2/frobble", "bar2-x", "qux2/deep/baz"):
        folder.disk.put(name, b"x")
    folder.ignore("!frobble", "*2", "/bar2-x")
    folder.scan()
    assert folder.names() == ["bar2", "bar2/frobble"]
    assert folder.scan() == ((), 0, 0)
    folder.disk.remove("bar2/frobble")
    folder.scan()
    assert folder.record("bar2/frobble").deleted
    assert folder.record("bar2").local_flags == LocalFlag.IGNORED


def test_a_flagged_item_is_scanned_again_without_becoming_news(folder: Folder) -> None:
    folder.disk.put("f", b"x")
    folder.disk.put("g", b"x")
    folder.scan()
    folder.rewrite("f", local_flags=LocalFlag.MUST_RESCAN)
    folder.rewrite("g", local_flags=LocalFlag.MUST_RESCAN)
    before = folder.version("f")
    folder.disk.put("g", b"y")
    assert folder.scan() == ((), 2, 0)
    assert folder.record("f").local_flags == LocalFlag.NONE
    assert folder.version("f") == before
    assert folder.version("g") == {ME: folder.seconds()}


def test_changes_in_a_receive_only_folder_are_flagged(folder: Folder) -> None:
    folder.disk.put("f", b"x")
    folder.scan()
    folder.options = ScanOptions(local_flags=LocalFlag.RECEIVE_ONLY)
    assert folder.scan() == ((), 0, 0)
    folder.disk.put("f", b"y")
    folder.disk.put("new", b"z")
    folder.scan()
    assert folder.record("f").local_flags == LocalFlag.RECEIVE_ONLY
    assert folder.record("new").local_flags == LocalFlag.RECEIVE_ONLY
    assert folder.scan() == ((), 0, 0)
    folder.disk.rename("new", "newer")
    folder.scan()
    assert folder.names() == ["newer"]
    assert WireName("new") not in result_of(folder.index.local([WireName("new")]))


def test_all_that_the_parts_of_a_scan_find_is_recorded(folder: Folder) -> None:
    for name in ("a/changed", "a/ignored", "a/missing", "a/settled", "z"):
        folder.disk.put(name, b"x")
    folder.scan()
    folder.disk.remove("a/settled")
    folder.scan()
    folder.rewrite("a/settled", local_flags=LocalFlag.RECEIVE_ONLY)
    folder.disk.put("a/changed", b"y")
    folder.disk.remove("a/missing")
    folder.ignore("ignored")
    folder.disk.put("z", b"y")
    folder.scan("a", "z")
    assert sorted(folder.names()) == ["a/changed", "a/ignored", "a/missing", "a/settled", "z"]
    assert folder.record("a/settled").local_flags == LocalFlag.NONE


def test_only_the_asked_parts_are_scanned(folder: Folder) -> None:
    for name in ("a/x", "a/y", "b/x", "c"):
        folder.disk.put(name, b"1")
    folder.scan()
    for name in ("a/x", "a/y", "b/x", "c"):
        folder.disk.put(name, b"2")
    folder.disk.put("b/new", b"2")
    folder.scan("/a//x/", "b", "b/x", "./c")
    assert folder.names() == ["a/x", "b/new", "b/x", "c"]


def test_a_part_begins_where_its_directories_are_known(folder: Folder) -> None:
    folder.disk.put("new/deep/f", b"1")
    folder.disk.put("new/other", b"1")
    folder.scan("new/deep/f")
    assert folder.names() == ["new", "new/deep", "new/deep/f", "new/other"]


def test_a_part_that_is_gone_is_deleted_with_its_directories(folder: Folder) -> None:
    folder.disk.put("d/e/f", b"1")
    folder.disk.put("keep", b"1")
    folder.scan()
    folder.disk.remove("d/e/f")
    folder.scan("d/e/f")
    assert folder.names() == ["d/e/f"]
    folder.disk.remove_directory("d/e")
    folder.disk.remove_directory("d")
    folder.scan("d/e/f")
    assert folder.names() == ["d", "d/e"]


def test_a_part_behind_a_symlink_is_gone(folder: Folder) -> None:
    folder.disk.put("d/f", b"1")
    folder.disk.put("real/f", b"1")
    folder.scan()
    folder.disk.remove("d/f")
    folder.disk.remove_directory("d")
    folder.disk.symlink(b"real", "d")
    folder.scan("d/f")
    assert folder.names() == ["d", "d/f"]
    assert folder.record("d").is_symlink


@pytest.mark.parametrize("sub", ["..", "a/../../b", "../x", "nul\0"])
def test_a_part_outside_the_folder_is_refused(folder: Folder, sub: str) -> None:
    with pytest.raises(BadSub):
        folder.scan("fine", sub)


def test_ignored_and_internal_parts_are_scanned_in_vain(folder: Folder) -> None:
    folder.disk.put("i/f", b"1")
    folder.disk.put(".stversions/f", b"1")
    folder.disk.put(".syncthing.x.tmp", b"1")
    folder.ignore("i")
    folder.scan("i/f", ".stversions/f", ".syncthing.x.tmp", ".stfolder")
    assert folder.told == []


def test_an_unreadable_part_is_an_error(folder: Folder) -> None:
    folder.disk.put("d/f", b"1")
    folder.scan()
    folder.disk.fail("lstat", "d/f", PermissionError(errno.EACCES, "Permission denied"))
    result = folder.scan("d/f")
    assert [error.path for error in result.errors] == ["d/f"]
    assert result.deleted == 0


def test_a_batch_is_at_most_a_thousand_records(folder: Folder) -> None:
    for number in range(2500):
        folder.disk.put(f"{number:04}", b"x")
    folder.scan()
    assert folder.calls == [1000, 1000, 500]
    for number in range(2500):
        folder.disk.rename(f"{number:04}", f"d{number:04}")
    assert folder.scan() == ((), 2500, 2500)
    assert max(folder.calls) <= 1000
    files = folder.told
    assert all(
        not new.deleted and old.deleted for new, old in zip(files[::2], files[1::2], strict=True)
    )


def test_a_large_file_is_hashed_in_blocks_and_keeps_its_block_size(folder: Folder) -> None:
    data = bytes(range(256)) * 4 * 300  # 300 KiB
    folder.disk.put("f", data)
    folder.scan()
    size = 128 * KIB
    blocks = [sha256(data[at : at + size]).digest() for at in range(0, len(data), size)]
    assert folder.record("f").hashes == b"".join(blocks)
    folder.rewrite("f", block_size=2 * size)
    folder.disk.put("f", data + b"x")
    folder.scan()
    assert folder.record("f").block_size == 2 * size
    folder.rewrite("f", block_size=8 * size)
    folder.disk.put("f", data + b"y")
    folder.scan()
    assert folder.record("f").block_size == size


def test_progress_is_told_in_bytes_of_the_whole(folder: Folder) -> None:
    folder.disk.put("a", bytes(100))
    folder.disk.put("b", bytes(70 * KIB * KIB))
    folder.scan()
    assert {step.total for step in folder.progress} == {100 + 70 * KIB * KIB}
    assert [step.done for step in folder.progress] == [
        100,
        100 + 64 * KIB * KIB,
        100 + 70 * KIB * KIB,
    ]
    assert isinstance(folder.progress[0], ScanProgress)


def test_old_temporary_files_are_removed(folder: Folder) -> None:
    folder.disk.put("d/.syncthing.old.tmp", b"x")
    folder.disk.put("d/~syncthing~older.tmp", b"x")
    folder.time += 24 * 3600
    folder.disk.put("d/.syncthing.young.tmp", b"x")
    folder.disk.put("d/.syncthing.dir.tmp/x", b"x")
    folder.scan()
    assert folder.names() == ["d"]
    assert sorted(folder.disk.tree())[2:] == [
        "d/.syncthing.dir.tmp",
        "d/.syncthing.dir.tmp/x",
        "d/.syncthing.young.tmp",
    ]


def test_names_that_are_not_utf8_are_reported(folder: Folder) -> None:
    folder.disk.put("bad\udcff", b"x")
    folder.disk.put("dir\udcff/inside", b"x")
    folder.disk.put("good", b"x")
    result = folder.scan()
    assert folder.names() == ["good"]
    assert [(error.path, error.error) for error in result.errors] == [
        ("bad\ufffd", "scan: item is not in UTF8 encoding"),
        ("dir\ufffd", "scan: item is not in UTF8 encoding"),
    ]


def test_names_are_normalized_on_disk(folder: Folder) -> None:
    folder.disk.put("e\u0301dir/cafe\u0301", b"x")
    folder.disk.put("f", b"x")
    folder.scan()
    assert folder.names() == ["f", "édir", "édir/café"]
    assert "édir/café" in folder.disk.tree()


def test_a_name_is_not_normalized_onto_another(folder: Folder) -> None:
    folder.disk.put("cafe\u0301", b"decomposed")
    folder.disk.put("café", b"composed")
    result = folder.scan()
    assert folder.names() == ["café"]
    assert folder.disk.take("café") == b"composed"
    assert [error.error for error in result.errors] == [
        "scan: item has UTF8 encoding conflict with another item"
    ]


def test_names_are_left_alone_where_the_folder_says_so(folder: Folder) -> None:
    folder.options = ScanOptions(auto_normalize=False)
    folder.disk.put("cafe\u0301", b"x")
    result = folder.scan()
    assert folder.told == []
    assert [error.error for error in result.errors] == [
        "scan: item is not in the correct UTF8 normalization form"
    ]


def test_a_cancelled_scan_stops_between_batches_and_keeps_what_it_has() -> None:
    workers = HeldWorkers()
    folder = Folder(workers)
    for number in range(2500):
        folder.disk.put(f"{number:04}", b"x")
    started = folder.start()
    failures: list[Failure] = []
    started.addErrback(failures.append)
    while len(folder.told) < 1000:
        workers.step()
    started.cancel()
    assert failures[0].check(CancelledError)
    while workers.held:
        workers.step()
    assert len(folder.told) == 1000
    recorded = result_of(folder.index.rows("", "", 5000))
    assert len(recorded) == 1000
    folder.close()


def test_a_failing_index_fails_the_scan(folder: Folder) -> None:
    folder.disk.put("f", b"x")
    folder.close()
    with pytest.raises(Exception, match="not open"):
        folder.scan()
