from __future__ import annotations

import pytest

from tests.pull.folder import ME, NOW, file, gone, symlink
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.pull.conflict import in_conflict, keep_copy
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName, is_conflict_of
from txsyncthing.vocabulary.vector import Vector

BY = ShortID(10)


def disk_with(*names: str) -> MemoryFilesystem:
    disk = MemoryFilesystem(lambda: NOW)
    for name in names:
        opened = disk.create(name, 0o644)
        opened.write(name.encode(), 0)
        opened.close()
    return disk


def bases(disk: MemoryFilesystem) -> list[str]:
    return [entry.base for entry in disk.list("")]


def test_only_files_that_nobody_knew_are_in_conflict() -> None:
    mine = file("f", b"mine", by=1)
    assert in_conflict(mine, file("f", b"theirs", 5), ME)
    assert in_conflict(mine, gone(file("f", b"theirs", 5)), ME)
    assert not in_conflict(mine, file("f", b"theirs", 5, knows=1), ME)
    assert not in_conflict(mine, file("f", b"mine", 5), ME)
    assert not in_conflict(None, file("f", b"theirs", 5), ME)
    assert not in_conflict(gone(mine, by=1), file("f", b"theirs", 5), ME)
    assert not in_conflict(symlink("f", b"t", by=1), file("f", b"theirs", 5), ME)
    made_from_mine = file("f", b"theirs", 5, previous_blocks_hash=mine.blocks_hash)
    assert not in_conflict(mine, made_from_mine, ME)


def test_a_version_that_knows_one_of_a_lost_database_of_ours_does_not_know_the_new_one() -> None:
    mine = file("f", b"mine", version=7, by=ME)
    assert in_conflict(mine, file("f", b"theirs", 5, knows=8), ME)
    assert in_conflict(mine, gone(file("f", b"theirs", 5, knows=8)), ME)
    assert in_conflict(mine, file("f", b"theirs", version=8, by=ME), ME)
    assert not in_conflict(mine, file("f", b"theirs", 5, knows=7), ME)
    assert not in_conflict(file("f", b"pulled", version=7, by=10), file("f", b"new", 8, by=10), ME)


def test_an_edit_with_a_clock_set_back_is_in_conflict_with_what_a_power_cut_made_us_forget() -> (
    None
):
    def made(data: bytes, by: int, **counters: int) -> FileInfo:
        version = Vector.of([(10, counters.get("theirs", 0)), (ME, counters.get("ours", 0))])
        return file("f", data, by=by)._replace(version=version)

    mine = made(b"mine", ME, theirs=3, ours=500)
    assert in_conflict(mine, made(b"forgotten", ME, theirs=3, ours=900), ME)
    assert in_conflict(mine, made(b"of the forgotten", 10, theirs=901, ours=900), ME)
    assert not in_conflict(mine, made(b"of mine", 10, theirs=901, ours=500), ME)
    pulled = made(b"of mine", 10, theirs=901, ours=500)
    assert not in_conflict(pulled, made(b"ours again", ME, theirs=901, ours=902), ME)


def test_a_copy_never_replaces_another() -> None:
    disk = disk_with("f.txt")
    first = keep_copy(disk, WireName("f.txt"), BY, NOW, 10)
    second = keep_copy(disk, WireName("f.txt"), BY, NOW, 10)
    assert first is not None
    assert second is not None
    assert bases(disk) == sorted([first, second, "f.txt"])


@pytest.mark.parametrize("links", [True, False])
def test_the_copy_is_there_before_the_file_goes(links: bool) -> None:
    disk = disk_with("f")
    if not links:
        disk.fail("link", "*", OSError(1, "Operation not permitted"), times=-1)
    copy = keep_copy(disk, WireName("f"), BY, NOW, 10)
    assert bases(disk) == (["f", copy] if links else [copy])


def test_copies_beyond_the_limit_go_the_oldest_first() -> None:
    disk = disk_with("f.txt", "other.sync-conflict-20200101-000000-AAAAAAA.txt")
    for day in range(5):
        keep_copy(disk, WireName("f.txt"), BY, NOW + day * 86400, 3)
    kept = [base for base in bases(disk) if base.startswith("f.sync")]
    assert [base[16:24] for base in kept] == ["20231116", "20231117", "20231118"]
    assert "other.sync-conflict-20200101-000000-AAAAAAA.txt" in bases(disk)


def test_no_copy_is_kept_where_none_is_wanted() -> None:
    disk = disk_with("f")
    assert keep_copy(disk, WireName("f"), BY, NOW, 0) is None
    assert bases(disk) == ["f"]


def test_a_copy_in_conflict_becomes_another_copy_of_the_same_file() -> None:
    first = keep_copy(disk_with("f.txt"), WireName("f.txt"), BY, NOW, 10)
    assert first is not None
    disk = disk_with(first)
    second = keep_copy(disk, first, BY, NOW, 10)
    assert second is not None
    assert second != first
    assert is_conflict_of(second, "f.txt")
    assert disk.open(second).read(99, 0) == first.encode()


def test_with_a_clock_set_back_the_newest_copy_stays() -> None:
    disk = disk_with("f")
    for day in range(3):
        keep_copy(disk, WireName("f"), BY, NOW + day * 86400, 3)
    late = keep_copy(disk, WireName("f"), BY, NOW - 86400, 3)
    assert late in bases(disk)


def test_what_only_looks_like_a_copy_stays() -> None:
    others = ["f.sync-conflict-20200101-000000-AAAAAAA.txt", "f.sync-conflict-20200101-mybook.1"]
    disk = disk_with("f", *others)
    disk.make_directory("f.sync-conflict-20200101-000000-AAAAAAA", 0o755)
    for second in range(3):
        keep_copy(disk, WireName("f"), BY, NOW + second, 1)
    assert {*others, "f.sync-conflict-20200101-000000-AAAAAAA"} < set(bases(disk))


@pytest.mark.parametrize("name", ["x" * 251 + ".txt", "ä" * 127, "." + "y" * 254, "d/" + "z" * 255])
def test_a_name_without_room_for_more_is_cut(name: str) -> None:
    disk = MemoryFilesystem(lambda: NOW)
    disk.make_directory("d", 0o755)
    opened = disk.create(name, 0o644)
    opened.write(b"mine", 0)
    opened.close()
    first = keep_copy(disk, WireName(name), BY, NOW, 10)
    second = keep_copy(disk, WireName(name), BY, NOW, 10)
    assert first is not None
    assert second is not None
    assert first != second
    assert disk.open(first).read(9, 0) == disk.open(second).read(9, 0) == b"mine"
    assert ".sync-conflict-2023111" in first
    assert first.endswith(".txt") == name.endswith(".txt")
