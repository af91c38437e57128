"""What a power cut may leave of a folder in memory, and what it may not."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from itertools import product

import pytest

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.memory_crash import Survives


@pytest.fixture
def storage() -> MemoryFilesystem:
    return MemoryFilesystem(lambda: 1_700_000_000.0)


def answers(given: Iterable[bool]) -> Survives:
    left = iter(given)
    return lambda: next(left, False)


def trees(*answered: bool) -> dict[str, bytes | None]:
    """What is left of a file written anew and two new names, one of them in place of the other."""
    storage = MemoryFilesystem(lambda: 1_700_000_000.0)
    storage.put("a", b"old")
    storage.settle()
    storage.put("b", b"")
    storage.rename("b", "c")
    storage.remove("a")
    storage.crash(answers(answered))
    return storage.tree()


def test_changes_of_different_names_survive_in_any_combination() -> None:
    left = [trees(*answered) for answered in product([True, False], repeat=3)]
    assert {} in left
    assert {"a": b"old"} in left
    assert {"a": b"old", "b": b""} in left
    assert {"c": b""} in left


def test_a_rename_is_whole_or_never_was() -> None:
    for answered in product([True, False], repeat=3):
        assert not {"b", "c"} <= trees(*answered).keys()


def test_a_change_stands_on_those_of_its_names_before_it(storage: MemoryFilesystem) -> None:
    storage.put("a", b"")
    storage.rename("a", "b")
    storage.crash(answers([False, True]))
    assert storage.tree() == {}


def test_a_move_to_another_directory_never_loses_the_file(storage: MemoryFilesystem) -> None:
    storage.put("from/f", b"x")
    storage.put_directory("to")
    storage.settle()
    storage.rename("from/f", "to/f")
    storage.sync_directory("from")
    storage.crash()
    assert storage.tree() == {"from": None, "to": None, "to/f": b"x"}


def test_blocks_survive_one_by_one(storage: MemoryFilesystem) -> None:
    storage.put("f", b"a" * 4096 * 3)
    storage.settle()
    storage.put("f", b"b" * 4096 * 3)
    storage.crash(answers([True, False, True, False]))
    assert storage.tree()["f"] == b"a" * 4096 + b"b" * 4096 + b"a" * 4096


def test_a_file_may_have_its_size_and_none_of_its_bytes(storage: MemoryFilesystem) -> None:
    storage.put("f", b"")
    storage.settle()
    storage.put("f", b"x" * 10)
    storage.crash(answers([True]))
    assert storage.tree()["f"] == bytes(10)


def test_mode_and_time_are_lost_unless_they_were_synced(storage: MemoryFilesystem) -> None:
    storage.put("f", b"x")
    storage.put("g", b"x")
    storage.settle()
    for name in ("f", "g"):
        storage.chmod(name, 0o600)
        storage.utime(name, 5)
    opened = storage.create("g", 0o644)
    opened.sync()
    storage.crash()
    assert (storage.lstat("f").mode, storage.lstat("f").modified == 5) == (0o644, False)
    assert (storage.lstat("g").mode, storage.lstat("g").modified) == (0o600, 5)


def test_what_a_user_syncs_is_kept_but_nothing_of_others(storage: MemoryFilesystem) -> None:
    storage.put("d/mine", b"mine")
    storage.put("d/other", b"other")
    storage.put("e/third", b"third")
    storage.keep("d/mine")
    storage.crash()
    assert storage.tree() == {"d": None, "d/mine": b"mine", "d/other": b"", "e": None}


def test_bytes_whose_sync_failed_never_reach_the_disk(storage: MemoryFilesystem) -> None:
    opened = storage.create("f", 0o644)
    opened.write(b"x", 0)
    storage.sync_directory("")
    storage.fail("sync", "f", OSError(errno.EIO, "broken"))
    with pytest.raises(OSError):
        opened.sync()
    opened.sync()
    storage.crash()
    assert storage.tree() == {"f": b""}


def test_a_users_own_operations_spring_no_trap(storage: MemoryFilesystem) -> None:
    seen = []
    storage.observe = lambda operation, name: seen.append((operation, name))
    storage.fail("create", "*", OSError(errno.EIO, "broken"), times=-1)
    with storage.quiet():
        storage.put("f", b"x")
    assert (storage.take("f"), seen) == (b"x", [("open", "f"), ("stat", "f"), ("read", "f")])


def test_a_clock_that_is_set_back_is_believed() -> None:
    now = [1_700_000_000.0]
    storage = MemoryFilesystem(lambda: now[0])
    storage.put("f", b"x")
    before = storage.lstat("f").modified
    now[0] -= 3600
    storage.put("f", b"y")
    assert storage.lstat("f").modified < before
