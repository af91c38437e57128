"""
A file's bytes are on the disk before it takes its place; its name, mode and time before they are recorded.

Young implementations rename at once. After a power cut the place of the old file is then taken by one of
the right size and full of zeros, which the next scan takes for an edit of the user and sends to all.
"""

from __future__ import annotations

from random import Random

import pytest

from tests.pull.folder import FOLDER, NOW, Folder, directory, file, gone
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.pull.options import PullOptions
from txsyncthing.vocabulary.name import is_temporary


class Traced(MemoryFilesystem):
    """Notes what is done in which order."""

    def __init__(self) -> None:
        super().__init__(lambda: NOW)
        self.done: list[tuple[str, str]] = []

    def spring(self, operation: str, name: str) -> None:
        self.done.append((operation, name))
        super().spring(operation, name)


SIZES = [0, 10, 200_000, 3 * 1024 * 1024]
PLACED = ("place", "rename", "exchange")


def data_of(seed: int, size: int) -> bytes:
    return Random(seed).randbytes(size)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("old", [None, b"old bytes"])
def test_bytes_are_synced_after_the_last_write_and_before_the_rename(
    size: int, old: bytes | None
) -> None:
    disk = Traced()
    folder = Folder(disk)
    folder.offer((directory("d", 1), b""))
    folder.pull()
    if old is not None:
        folder.scan("d/f", old)
    disk.done.clear()
    new = data_of(1, size)
    folder.offer((file("d/f", new, 9, knows=1), new))
    assert folder.pull().failed == ()
    temporary = next(name for operation, name in disk.done if operation == "create")
    assert is_temporary(temporary)
    steps = [operation for operation, name in disk.done if name == temporary]
    placed = min(steps.index(one) for one in PLACED if one in steps)
    synced = max(number for number, one in enumerate(steps) if one == "sync")
    changed = [n for n, one in enumerate(steps) if one in ("write", "truncate", "chmod", "utime")]
    assert max(n for n in changed if n < placed) < synced < placed
    named = disk.done.index((steps[placed], temporary))
    assert ("sync_directory", "d") in disk.done[named:]
    folder.close()


@pytest.mark.parametrize("size", SIZES)
def test_after_a_power_cut_a_recorded_file_has_its_bytes(size: int) -> None:
    disk = Traced()
    folder = Folder(disk)
    old, new = data_of(1, 5000), data_of(2, size)
    folder.scan("f", old)
    disk.settle()
    folder.offer((file("f", new, 9, knows=1), new), (file("g", new, 10), new))
    assert folder.pull().failed == ()
    assert folder.local("g").size == size
    disk.crash()
    assert (folder.read("f"), folder.read("g")) == (new, new)
    folder.close()


def test_after_a_power_cut_a_recorded_deletion_is_made() -> None:
    disk = Traced()
    folder = Folder(disk)
    items = [directory("d", 1), file("d/f", b"bytes", 2)]
    folder.offer((items[0], b""), (items[1], b"bytes"))
    folder.pull()
    disk.settle()
    folder.tell(*(gone(item) for item in items))
    assert folder.pull().failed == ()
    assert folder.local("d/f").deleted
    disk.crash()
    assert disk.tree() == {}
    folder.close()


def test_after_a_power_cut_a_recorded_mode_and_time_are_there() -> None:
    disk = Traced()
    folder = Folder(disk)
    folder.scan("f", b"bytes")
    disk.settle()
    folder.offer((file("f", b"bytes", 9, knows=1, permissions=0o600), b"bytes"))
    assert folder.pull().failed == ()
    record = folder.local("f")
    disk.crash()
    found = disk.lstat("f")
    assert (found.mode, found.modified) == (0o600, record.modified)
    assert (record.permissions, record.modified) == (0o600, file("f", b"bytes", 9).modified)
    folder.close()


def test_after_a_power_cut_a_renamed_file_has_its_recorded_time() -> None:
    disk = Traced()
    folder = Folder(disk)
    folder.scan("old", b"bytes")
    disk.settle()
    folder.offer((file("new", b"bytes", 9), b"bytes"))
    folder.tell(gone(folder.local("old")))
    assert folder.pull().failed == ()
    disk.crash()
    assert disk.lstat("new").modified == folder.local("new").modified
    folder.close()


def test_after_a_power_cut_a_directory_has_its_recorded_mode() -> None:
    disk = Traced()
    folder = Folder(disk)
    folder.offer((directory("d", 1), b""))
    folder.pull()
    disk.settle()
    folder.offer((directory("d", 2, mode=0o700), b""))
    assert folder.pull().failed == ()
    assert folder.local("d").permissions == 0o700
    disk.crash()
    assert disk.lstat("d").mode == 0o700
    folder.close()


def test_who_says_so_has_it_without() -> None:
    disk = Traced()
    folder = Folder(disk, PullOptions(FOLDER, sync=False))
    folder.offer((directory("d", 1), b""), (file("d/f", b"bytes", 2), b"bytes"))
    assert folder.pull().failed == ()
    assert {"sync", "sync_directory"}.isdisjoint(operation for operation, _ in disk.done)
    folder.close()
