"""Files go from one storage to another without their bytes being copied, where both are one disk."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from txsyncthing.filesystem.across import link_across, place_across
from txsyncthing.filesystem.below import Below
from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.seam import Filesystem


def storages(path: Path, kind: str) -> tuple[Filesystem, Filesystem]:
    (path / "folder" / "old").mkdir(parents=True)
    (path / "elsewhere").mkdir()
    folder = DiskFilesystem(str(path / "folder"))
    if kind == "below":
        return folder, Below(folder, "old")
    return folder, DiskFilesystem(str(path / "elsewhere"))


@pytest.mark.parametrize("kind", ["below", "disk"])
def test_a_file_gets_a_second_name_or_another(tmp_path: Path, kind: str) -> None:
    folder, versions = storages(tmp_path, kind)
    (tmp_path / "folder" / "f").write_text("bytes")
    link_across(folder, "f", versions, "second")
    assert folder.lstat("f").inode == versions.lstat("second").inode
    assert folder.lstat("f").links == 2
    with pytest.raises(FileExistsError):
        link_across(folder, "f", versions, "second")
    with pytest.raises(FileExistsError):
        place_across(folder, "f", versions, "second")
    place_across(folder, "f", versions, "third")
    assert folder.names("") == ["old"]
    place_across(versions, "third", folder, "back")
    assert folder.lstat("back").size == 5


def test_batches_let_go_of_a_directory_that_moves(tmp_path: Path) -> None:
    folder, versions = storages(tmp_path, "disk")
    (tmp_path / "folder" / "d").mkdir()
    (tmp_path / "folder" / "d" / "f").write_text("bytes")
    with folder.batch() as source, versions.batch() as target:
        assert source.lstat("d/f").size == 5
        place_across(source, "d", target, "d")
        with pytest.raises(FileNotFoundError):
            source.lstat("d/f")
        assert target.lstat("d/f").size == 5


def test_other_storages_are_other_disks(tmp_path: Path) -> None:
    memory = MemoryFilesystem(lambda: 0.0)
    memory.put("f", b"bytes")
    for target in (MemoryFilesystem(lambda: 0.0), DiskFilesystem(str(tmp_path))):
        for step in (link_across, place_across):
            with pytest.raises(OSError) as raised:
                step(memory, "f", target, "f")
            assert raised.value.errno == errno.EXDEV
