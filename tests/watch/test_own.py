"""Which changes are our own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.vocabulary.file import FileInfo, FileType
from txsyncthing.vocabulary.name import WireName
from txsyncthing.watch.own import GRACE, OwnWrites, foreign
from txsyncthing.watch.told import Change

WRITTEN, WRITING, TOUCHED, REMOVED = Change


@pytest.fixture
def disk() -> Iterator[MemoryFilesystem]:
    yield MemoryFilesystem(lambda: 1_700_000_000.0)


def pulled(disk: MemoryFilesystem, name: str) -> FileInfo:
    """The record of a file as it lies there now."""
    stat = disk.lstat(name)
    return FileInfo(
        WireName(name),
        size=stat.size,
        modified=stat.modified,
        permissions=stat.mode,
        inode_change=stat.changed,
    )


def others(disk: MemoryFilesystem, own: OwnWrites, now: float = 0.0) -> list[str]:
    """What turns out to be somebody else's."""
    ready, real = own.settle(now)
    return [doubt.name for doubt in foreign(disk, ready)] + [name for name, _ in real]


def test_a_file_that_is_as_we_left_it_was_changed_by_nobody_else(disk: MemoryFilesystem) -> None:
    own = OwnWrites()
    own.begin("f")
    own.doubt("f", WRITTEN)
    assert others(disk, own) == []  # the pull still works on it
    disk.put("f", b"pulled")
    own.record([pulled(disk, "f")], 0.0)
    assert others(disk, own) == []
    assert not own.doubtful


def test_an_edit_right_after_the_pull_is_seen(disk: MemoryFilesystem) -> None:
    own = OwnWrites()
    own.begin("f")
    disk.put("f", b"pulled")
    own.record([pulled(disk, "f")], 0.0)
    disk.put("f", b"edited")
    own.doubt("f", WRITTEN)
    assert others(disk, own) == ["f"]


def test_an_edit_that_puts_size_and_time_back_is_seen(disk: MemoryFilesystem) -> None:
    own = OwnWrites()
    disk.put("f", b"pulled")
    record = pulled(disk, "f")
    own.record([record], 0.0)
    disk.put("f", b"edited")
    disk.utime("f", record.modified)
    own.doubt("f", WRITTEN)
    assert others(disk, own) == ["f"]


def test_deletions_directories_and_modes_are_compared(disk: MemoryFilesystem) -> None:
    own = OwnWrites()
    disk.put_directory("d")
    directory = FileInfo(WireName("d"), type=FileType.DIRECTORY, permissions=0o755)
    own.record([directory, FileInfo(WireName("gone"), deleted=True)], 0.0)
    disk.put("d/f", b"")
    for name in ("d", "gone"):
        own.doubt(name, TOUCHED)
    assert others(disk, own) == []
    disk.chmod("d", 0o700)
    disk.put("gone", b"back")
    for name in ("d", "gone"):
        own.doubt(name, WRITTEN)
    assert others(disk, own) == ["d", "gone"]


def test_what_a_pull_began_and_did_not_do_was_done_by_others(disk: MemoryFilesystem) -> None:
    own = OwnWrites()
    own.begin("f")
    own.doubt("f", WRITING)
    own.rest()
    assert own.settle(0.0) == ([], [("f", WRITING)])


def test_we_forget_what_is_long_done(disk: MemoryFilesystem) -> None:
    own = OwnWrites()
    disk.put("f", b"pulled")
    own.record([pulled(disk, "f")], 0.0)
    own.record([], GRACE - 0.1)
    assert own.holds("f")
    own.record([], GRACE)
    assert not own.holds("f")
