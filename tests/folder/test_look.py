"""A look at one item changes nothing and never fails."""

from __future__ import annotations

import errno

import pytest

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.folder.look import look_at
from txsyncthing.ignore.locate import Place


@pytest.fixture
def disk() -> MemoryFilesystem:
    disk = MemoryFilesystem(lambda: 1_700_000_000.0)
    disk.put("d/File", b"12345")
    return disk


def test_what_is_there(disk: MemoryFilesystem) -> None:
    before = disk.tree()
    sight = look_at(disk, "d/File")
    assert sight.stat is not None and sight.stat.size == 5
    assert sight._replace(stat=None) == look_at(disk, "nowhere")
    assert disk.tree() == before


def test_an_unfinished_download_is_seen(disk: MemoryFilesystem) -> None:
    disk.put("d/.syncthing.new.tmp", b"123")
    sight = look_at(disk, "d/new")
    assert sight.stat is None
    assert sight.temporary is not None and sight.temporary.size == 3


def test_another_spelling_is_seen(disk: MemoryFilesystem) -> None:
    assert look_at(disk, "d/fILE").other_case == "d/File"
    assert look_at(disk, "d/other").other_case == ""
    assert look_at(disk, "no/such/directory").other_case == ""


def test_a_symlink_and_what_is_behind_it(disk: MemoryFilesystem) -> None:
    disk.symlink(b"d", "link")
    assert look_at(disk, "link").target == b"d"
    assert look_at(disk, "link/File").through


def test_the_pattern_is_named(disk: MemoryFilesystem) -> None:
    disk.put(".stignore", b"\n*.o\nd/\n")
    assert look_at(disk, "d/File").place == Place(".stignore", 3, "d/", True)
    disk.put(".stignore", b"[broken\n")
    assert look_at(disk, "d/File").place is None


def test_a_broken_disk_is_said(disk: MemoryFilesystem) -> None:
    disk.fail("lstat", "d/File", OSError(errno.EIO, "Input/output error"))
    assert look_at(disk, "d/File").error == "Input/output error"
