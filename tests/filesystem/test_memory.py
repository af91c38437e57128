"""What a folder in memory can do that a disk cannot."""

from __future__ import annotations

import errno

import pytest

from txsyncthing.filesystem.memory import MemoryFilesystem


@pytest.fixture
def storage() -> MemoryFilesystem:
    return MemoryFilesystem(lambda: 1_700_000_000.0)


def test_a_crash_loses_what_was_not_synced(storage: MemoryFilesystem) -> None:
    storage.put("kept", b"old")
    storage.settle()
    storage.put("kept", b"new")
    storage.put("lost", b"x")
    storage.crash()
    assert storage.tree() == {"kept": b"old"}


def test_synced_bytes_survive_only_under_a_synced_name(storage: MemoryFilesystem) -> None:
    opened = storage.create("t", 0o644)
    opened.write(b"data", 0)
    opened.sync()
    storage.rename("t", "f")
    storage.sync_directory("")
    storage.rename("f", "g")
    storage.crash()
    assert storage.tree() == {"f": b"data"}
    with pytest.raises(OSError):
        opened.read(1, 0)


def test_a_full_disk_refuses_bytes_but_not_holes(storage: MemoryFilesystem) -> None:
    storage.resize(8192)
    opened = storage.create("f", 0o644)
    opened.truncate(1 << 20)
    opened.write(bytes(4096), 1 << 19)
    opened.write(bytes(10), (1 << 19) + 5)
    assert storage.space().free == 4096
    opened.write(bytes(4096), 0)
    with pytest.raises(OSError) as caught:
        opened.write(b"x", 8192)
    assert caught.value.errno == errno.ENOSPC
    storage.remove("f")
    assert storage.space().free == 8192


def test_a_fault_comes_as_often_as_asked(storage: MemoryFilesystem) -> None:
    storage.put("f", b"x")
    storage.fail("open", "f", OSError(errno.EIO, "broken"), times=2)
    storage.fail("sync", "*", OSError(errno.EIO, "broken"), times=-1)
    for _ in range(2):
        with pytest.raises(OSError):
            storage.open("f")
    assert storage.take("f") == b"x"
    for _ in range(3):
        with pytest.raises(OSError):
            storage.create("g", 0o644).sync()
    storage.heal()
    storage.create("g", 0o644).sync()


def test_something_can_happen_just_before_an_operation(storage: MemoryFilesystem) -> None:
    storage.put("f", b"x")
    storage.intercept("read", "f", lambda: storage.put("f", b"changed"))
    assert storage.open("f").read(10, 0) == b"changed"


def test_each_change_has_its_own_time(storage: MemoryFilesystem) -> None:
    storage.put("f", b"x")
    before = storage.lstat("f")
    storage.put("f", b"y")
    after = storage.lstat("f")
    assert before.modified < after.modified
    assert before.changed < after.changed


def test_modes_are_obeyed(storage: MemoryFilesystem) -> None:
    storage.put("shut/f", b"x")
    storage.put("fixed/f", b"x")
    storage.chmod("shut", 0o000)
    storage.chmod("fixed", 0o555)
    storage.put("secret")
    storage.chmod("secret", 0o000)
    for call in (
        lambda: storage.list("shut"),
        lambda: storage.lstat("shut/f"),
        lambda: storage.remove("fixed/f"),
        lambda: storage.rename("fixed/f", "f"),
        lambda: storage.create("fixed/g", 0o644),
        lambda: storage.open("secret"),
    ):
        with pytest.raises(PermissionError):
            call()
    assert storage.take("fixed/f") == b"x"


def test_an_unplugged_root_is_missing(storage: MemoryFilesystem) -> None:
    storage.put("f")
    storage.unplug()
    with pytest.raises(FileNotFoundError):
        storage.lstat("")
    storage.make_directory("", 0o755)
    assert storage.tree() == {}
