"""Copies that the storage makes by itself."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.seam import CopyMethod, Filesystem

DATA = bytes(range(256)) * 1024  # 256 KiB
BLOCK = 128 * 1024


@pytest.fixture(params=["disk", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Filesystem:
    return (
        MemoryFilesystem(lambda: 1.0)
        if request.param == "memory"
        else DiskFilesystem(str(tmp_path))
    )


def put(storage: Filesystem, name: str, data: bytes) -> None:
    opened = storage.create(name, 0o644)
    opened.write(data, 0)
    opened.close()


@pytest.mark.parametrize("method", CopyMethod)
def test_a_part_of_a_file_is_copied_to_its_place_in_another(
    storage: Filesystem, method: CopyMethod
) -> None:
    put(storage, "from", DATA)
    put(storage, "to", b"x" * 3 * BLOCK)
    source, target = storage.open("from"), storage.create("to", 0o644)
    try:
        try:
            target.copy_range(source, method, BLOCK, 0, BLOCK)
        except OSError as error:
            assert method is CopyMethod.CLONE  # most file systems share no extents
            assert error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL)
        else:
            assert target.read(4 * BLOCK, 0) == DATA[BLOCK:] + b"x" * 2 * BLOCK
            target.copy_range(source, method, 0, 2 * BLOCK, BLOCK)
            assert target.read(BLOCK, 2 * BLOCK) == DATA[:BLOCK]
    finally:
        source.close()
        target.close()


@pytest.mark.parametrize("method", [CopyMethod.COPY, CopyMethod.SEND])
def test_a_file_that_has_become_shorter_is_an_error(tmp_path: Path, method: CopyMethod) -> None:
    storage = DiskFilesystem(str(tmp_path))
    put(storage, "from", b"short")
    source, target = storage.open("from"), storage.create("to", 0o644)
    with pytest.raises(OSError):
        target.copy_range(source, method, 0, 0, BLOCK)


def test_a_disk_does_not_copy_from_another_storage(tmp_path: Path) -> None:
    memory = MemoryFilesystem(lambda: 1.0)
    put(memory, "from", DATA)
    target = DiskFilesystem(str(tmp_path)).create("to", 0o644)
    with pytest.raises(OSError) as told:
        target.copy_range(memory.open("from"), CopyMethod.COPY, 0, 0, BLOCK)
    assert told.value.errno == errno.EXDEV
