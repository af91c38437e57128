"""A pulled rename moves what was looked at, replaces what was looked at, and records what is there."""

from __future__ import annotations

import pytest

from tests.pull.folder import FOLDER, NOW, file, gone
from tests.pull.test_finish import contents, write
from txsyncthing.filesystem.case import CaseFilesystem
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.pull.finish import Outcome
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.renames import Rename, rename_files
from txsyncthing.vocabulary.file import FileInfo

OPTIONS = PullOptions(FOLDER)


def edit(disk: MemoryFilesystem, name: str, data: bytes) -> None:
    """A user's program writes into the file that bears the name."""
    with disk.quiet():
        opened = disk.create(name, 0o644)
        opened.write(data, 0)
        opened.close()


def move(
    disk: MemoryFilesystem, old: FileInfo, new: FileInfo, have: FileInfo | None = None
) -> Outcome:
    rename = Rename(new, have, old, gone(old))
    (outcome,) = rename_files(CaseFilesystem(disk), [rename], OPTIONS, NOW)
    return outcome


def told(old: FileInfo, name: str, data: bytes = b"bytes", modified: int = 0) -> FileInfo:
    """The same bytes under another name, as a peer tells of them."""
    return file(name, data, 2, by=1)._replace(modified=modified or old.modified)


def believed(disk: MemoryFilesystem, outcome: Outcome, name: str) -> bool:
    """Whether a scan takes what is there for what was recorded, without reading it."""
    (record,) = [one for one in outcome.done if one.name == name]
    found = disk.lstat(name)
    return (record.size, record.modified, record.inode_change) == (
        found.size,
        found.modified,
        found.changed,
    )


class BusyDisk(MemoryFilesystem):
    """Somebody makes a file right before an item is moved to its place."""

    def __init__(self, folded: bool = False) -> None:
        super().__init__(lambda: NOW, folded=folded)
        self.busy = ""

    def spring(self, operation: str, name: str) -> None:
        if operation in ("rename", "place") and self.busy:
            busy, self.busy = self.busy, ""
            write(self, busy, b"the user's")
        super().spring(operation, name)


@pytest.mark.parametrize("new", ["new", "OLD"])
def test_a_rename_replaces_nothing_that_was_just_made(new: str) -> None:
    disk = BusyDisk()
    old = write(disk, "old", b"bytes")
    disk.busy = new
    outcome = move(disk, old, told(old, new))
    assert outcome.done == ()
    assert new in outcome.rescan
    assert contents(disk) == {"old": b"bytes", new: b"the user's"}


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("new", ["new", "OLD"])
def test_an_edit_between_the_look_and_the_move_stays_where_it_was(new: str, folded: bool) -> None:
    disk = MemoryFilesystem(lambda: NOW, folded=folded)
    old = write(disk, "old", b"bytes")
    for operation in ("place", "rename"):
        disk.intercept(operation, "old", lambda: edit(disk, "old", b"BYTES"))
    outcome = move(disk, old, told(old, new))
    assert outcome.done == ()
    assert outcome.spoiled
    assert "old" in outcome.rescan
    assert contents(disk) == {"old": b"BYTES"}


def test_an_edit_that_cannot_go_back_is_left_to_a_scan() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "old", b"bytes")
    disk.intercept("place", "old", lambda: edit(disk, "old", b"BYTES"))
    disk.intercept("place", "new", lambda: edit(disk, "old", b"another"))
    outcome = move(disk, old, told(old, "new"))
    assert outcome.done == ()
    assert {"old", "new"} <= set(outcome.rescan)
    assert contents(disk) == {"old": b"another", "new": b"BYTES"}


@pytest.mark.parametrize("new", ["new", "OLD"])
@pytest.mark.parametrize("edited", ["source", "target"])
def test_an_edit_before_a_file_is_replaced_keeps_both(new: str, edited: str) -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old, there = write(disk, "old", b"bytes"), write(disk, new, b"there")
    name = "old" if edited == "source" else new
    for operation in ("exchange", "rename", "place"):
        disk.intercept(operation, "old", lambda: edit(disk, name, b"EDITS"))
    outcome = move(disk, old, told(old, new), there)
    assert outcome.done == ()
    assert name in outcome.rescan
    assert contents(disk) == {"old": b"bytes", new: b"there"} | {name: b"EDITS"}


@pytest.mark.parametrize("new", ["new", "OLD"])
def test_a_rename_replaces_what_the_index_knows(new: str) -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old, there = write(disk, "old", b"bytes"), write(disk, new, b"there")
    outcome = move(disk, old, told(old, new), there)
    assert [one.name for one in outcome.done] == [new, "old"]
    assert contents(disk) == {new: b"bytes"}
    assert believed(disk, outcome, new)


def test_an_edit_after_the_move_is_seen_by_the_next_scan() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "old", b"bytes")

    def moved() -> None:
        disk.intercept("chmod", "new", lambda: edit(disk, "new", b"BYTES"))

    disk.intercept("place", "old", moved)
    outcome = move(disk, old, told(old, "new")._replace(permissions=0o600))
    assert contents(disk) == {"new": b"BYTES"}
    assert not believed(disk, outcome, "new")
    assert "new" in outcome.rescan


def test_a_file_that_gets_another_time_is_read_by_the_next_scan() -> None:
    """The time of an edit in that moment would be gone."""
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "old", b"bytes")
    disk.intercept("utime", "new", lambda: edit(disk, "new", b"BYTES"))
    outcome = move(disk, old, told(old, "new", modified=1_600_000_000_000_000_000))
    assert disk.lstat("new").modified == 1_600_000_000_000_000_000
    assert not believed(disk, outcome, "new")
    assert "new" in outcome.rescan


def test_a_rename_that_keeps_its_time_is_believed() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "old", b"bytes")
    outcome = move(disk, old, told(old, "new"))
    assert believed(disk, outcome, "new")
    assert outcome.rescan == ()


@pytest.mark.parametrize("replaces", [False, True])
def test_what_is_saved_over_a_file_that_was_just_moved_stays_there(replaces: bool) -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "old", b"bytes")
    there = write(disk, "new", b"there") if replaces else None
    looks = 0

    def save(operation: str, name: str) -> None:
        nonlocal looks
        looks += operation == "lstat" and name == "new" and "moved" in seen
        if operation in ("place", "exchange"):
            seen.add("moved")
        if looks == 1:  # between the move and the look at what was moved
            disk.observe = None
            with disk.quiet():
                write(disk, "new.new", b"saved")
                disk.rename("new.new", "new")

    seen: set[str] = set()
    disk.observe = save
    outcome = move(disk, old, told(old, "new"), there)
    assert looks == 1
    assert outcome.done == ()
    assert {"old", "new"} <= set(outcome.rescan)
    assert contents(disk) == {"new": b"saved"}
