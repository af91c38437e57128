"""Blocks that are here already: by whatever way they are copied, only the right bytes are used."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest

from tests.pull.folder import FOLDER, NOW, Folder, file
from txsyncthing.filesystem.case import CaseFilesystem
from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.memory_file import MemoryFile
from txsyncthing.filesystem.seam import CopyMethod, Filesystem, ReadFile
from txsyncthing.pull.options import PullOptions
from txsyncthing.vocabulary.name import temporary_name

ALL = tuple(CopyMethod)
SMALL, LARGE = 300 * 1024 + 7, 3 * 1024 * 1024 + 5
Made = Callable[..., Folder]


@pytest.fixture
def made() -> Iterator[Made]:
    folders: list[Folder] = []

    def make(methods: tuple[CopyMethod, ...], storage: Filesystem | None = None) -> Folder:
        options = PullOptions(FOLDER, copy_methods=methods)
        folders.append(Folder(storage, options))
        return folders[-1]

    yield make
    for folder in folders:
        folder.close()


def data_of(seed: int, size: int) -> bytes:
    return Random(seed).randbytes(size)


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("methods", [(), *((method,) for method in CopyMethod), ALL])
@pytest.mark.parametrize("on_disk", [False, True])
def test_a_copy_of_a_file_here_costs_no_transfer(
    made: Made, methods: tuple[CopyMethod, ...], size: int, on_disk: bool, tmp_path: Path
) -> None:
    storage = CaseFilesystem(DiskFilesystem(str(tmp_path))) if on_disk else None
    folder, data = made(methods, storage), data_of(1, size)
    folder.scan("here", data)
    folder.offer((file("copy", data, 5), data))
    assert folder.pull().failed == ()
    assert folder.read("copy") == data
    assert folder.peers.asked == []
    assert folder.names() == ["copy", "here"]


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_blocks_of_the_old_version_are_copied(made: Made, size: int) -> None:
    folder, old = made(ALL), data_of(1, size)
    new = old[: 128 * 1024] + data_of(2, 128 * 1024) + old[256 * 1024 :]
    folder.scan("f", old)
    folder.offer((file("f", new, 9, knows=1), new))
    assert folder.pull().failed == ()
    assert folder.read("f") == new
    assert [block.number for _, block in folder.peers.asked] == [1]


@pytest.mark.parametrize("size", [SMALL, LARGE])
@pytest.mark.parametrize("methods", [(), ALL])
def test_a_file_that_changed_unseen_is_not_copied_from(
    made: Made, methods: tuple[CopyMethod, ...], size: int
) -> None:
    folder, data = made(methods), data_of(1, size)
    folder.scan("here", data)
    folder.write("here", data_of(2, size))
    folder.offer((file("copy", data, 5), data))
    assert folder.pull().failed == ()
    assert folder.read("copy") == data
    assert len(folder.peers.asked) == -(-size // (128 * 1024))


class Lying(MemoryFile):
    """Says that it has copied and has not."""

    def copy_range(
        self, source: ReadFile, method: CopyMethod, start: int, offset: int, size: int
    ) -> None:
        self.write(bytes(size), offset)


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_copy_that_the_storage_made_is_not_believed(
    made: Made, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("txsyncthing.filesystem.memory.MemoryFile", Lying)
    folder, data = made(ALL), data_of(1, size)
    folder.scan("here", data)
    folder.offer((file("copy", data, 5), data))
    assert folder.pull().failed == ()
    assert folder.read("copy") == data
    assert len(folder.peers.asked) == -(-size // (128 * 1024))


@pytest.mark.parametrize("code", [errno.EOPNOTSUPP, errno.EXDEV, errno.ENOSYS, errno.EINVAL])
@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_what_the_storage_cannot_copy_is_copied_all_the_same(
    made: Made, code: int, size: int
) -> None:
    memory = MemoryFilesystem(lambda: NOW)
    folder, data = made(ALL, memory), data_of(1, size)
    memory.fail("copy_range", "*", OSError(code, "no"), times=-1)
    folder.scan("here", data)
    folder.offer((file("copy", data, 5), data))
    assert folder.pull().failed == ()
    assert folder.read("copy") == data
    assert folder.peers.asked == []


@pytest.mark.parametrize("size", [SMALL, LARGE])
def test_a_full_disk_is_told_and_nothing_is_placed(made: Made, size: int) -> None:
    memory = MemoryFilesystem(lambda: NOW)
    folder, data = made(ALL, memory), data_of(1, size)
    memory.fail("copy_range", "*", OSError(errno.ENOSPC, "No space left on device"), times=-1)
    folder.scan("here", data)
    folder.offer((file("copy", data, 5), data))
    (error,) = folder.pull().failed
    assert (error.path, error.cause) == ("copy", "no-space")
    memory.heal()
    assert folder.pull().failed == ()
    assert folder.read("copy") == data
    assert temporary_name("copy") not in folder.names()


def test_without_a_block_index_other_files_are_not_looked_at(made: Made) -> None:
    folder = Folder(options=PullOptions(FOLDER, cross_copy=False))
    data, old = data_of(1, LARGE), data_of(2, LARGE)
    folder.scan("here", data)
    folder.offer((file("copy", data, 5), data))
    folder.scan("f", old)
    new = old + b"more"
    folder.offer((file("f", new, 9, knows=1), new))
    assert folder.pull().failed == ()
    asked = [str(block.name) for _, block in folder.peers.asked]
    assert asked.count("copy") == 25  # all of it
    assert asked.count("f") == 1  # the rest lies in the file's own old version
    folder.close()
