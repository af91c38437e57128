"""Nothing is lost, whenever the power goes or the process is killed."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest

from tests.pull.folder import FOLDER, NOW, directory, file, gone
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.memory_crash import Survives, nothing
from txsyncthing.filesystem.seam import Kind
from txsyncthing.pull.blocks import open_temporary
from txsyncthing.pull.finish import (
    Copy,
    Outcome,
    SmallFile,
    place_files,
    place_large,
)
from txsyncthing.pull.metadata import set_metadata
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.renames import Rename, rename_files
from txsyncthing.pull.tree import Item, delete_files, make_directories
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName, is_temporary

OPTIONS = PullOptions(FOLDER)


class Killed(BaseException):
    """The process is no more."""


class MortalDisk(MemoryFilesystem):
    """Counts operations, and dies at one."""

    def __init__(self) -> None:
        super().__init__(lambda: NOW)
        self.left = -1
        self.count = 0

    def spring(self, operation: str, name: str) -> None:
        self.count += 1
        if self.left == 0:
            raise Killed
        self.left -= 1
        super().spring(operation, name)


class Forgets:
    """A power cut after which all is on the disk, synced or not, but for one thing."""

    def __init__(self, number: int) -> None:
        self.number = self.left = number

    def begin(self) -> Forgets:
        self.left = self.number
        return self

    def __call__(self) -> bool:
        self.left -= 1
        return self.left != -1


def write(disk: MemoryFilesystem, name: str, data: bytes) -> FileInfo:
    opened = disk.create(name, 0o644)
    opened.write(data, 0)
    opened.close()
    stat = disk.lstat(name)
    return file(name, data, by=1)._replace(modified=stat.modified, inode_change=stat.changed)


def contents(disk: MemoryFilesystem) -> dict[str, bytes]:
    """The files that users see."""
    return {
        entry.base: disk.open(entry.base).read(1 << 20, 0)
        for entry in disk.list("")
        if not is_temporary(entry.base) and entry.stat.kind is Kind.FILE
    }


Step = Callable[[MemoryFilesystem, FileInfo], list[Outcome]]


def replace(disk: MemoryFilesystem, old: FileInfo) -> list[Outcome]:
    wanted = file("f", b"new bytes", 2, knows=1)
    return place_files(disk, [SmallFile(wanted, old, [b"new bytes"])], OPTIONS, NOW)


def replace_in_conflict(disk: MemoryFilesystem, old: FileInfo) -> list[Outcome]:
    wanted = file("f", b"new bytes", 2)
    return place_files(disk, [SmallFile(wanted, old, [b"new bytes"])], OPTIONS, NOW)


def delete_in_conflict(disk: MemoryFilesystem, old: FileInfo) -> list[Outcome]:
    deletion = gone(file("f", b"other", 5))
    return delete_files(disk, [Item(deletion, old)], OPTIONS, NOW)


def directory_in_conflict(disk: MemoryFilesystem, old: FileInfo) -> list[Outcome]:
    return make_directories(disk, [Item(directory("f", 5), old)], OPTIONS, NOW)


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize(
    "step", [replace, replace_in_conflict, delete_in_conflict, directory_in_conflict]
)
@pytest.mark.parametrize("power", [None, nothing, *(Forgets(n) for n in range(6))])
def test_a_kill_loses_no_bytes(step: Step, links: bool, power: Survives | None) -> None:
    counting = MortalDisk()
    old = write(counting, "f", b"old bytes")
    before = counting.count
    assert all(outcome.error is None for outcome in step(counting, old))
    for moment in range(counting.count - before + 1):
        disk = MortalDisk()
        old = write(disk, "f", b"old bytes")
        if not links:
            disk.fail("link", "*", OSError(1, "Operation not permitted"), times=-1)
        disk.settle()
        disk.left = moment
        with suppress(Killed):
            step(disk, old)
        disk.left = -1
        if power is not None:
            disk.crash(power.begin() if isinstance(power, Forgets) else power)
        found = contents(disk)
        assert set(found.values()) <= {b"old bytes", b"new bytes"}, moment
        if step is replace:
            assert "f" in found, moment  # never a moment without the name
        else:
            assert b"old bytes" in found.values(), moment


@pytest.mark.parametrize(
    ("step", "operation", "links"),
    [
        (replace_in_conflict, "sync_directory", True),
        (replace_in_conflict, "sync_directory", False),
        (replace_in_conflict, "exchange", True),
        (replace_in_conflict, "place", False),
        (delete_in_conflict, "remove", True),
        (directory_in_conflict, "remove", True),
        (directory_in_conflict, "make_directory", True),
        (directory_in_conflict, "make_directory", False),
    ],
)
def test_a_step_that_fails_leaves_the_file_whole(step: Step, operation: str, links: bool) -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "f", b"old bytes")
    if not links:
        disk.fail("link", "*", OSError(1, "Operation not permitted"), times=-1)
    disk.fail(operation, "*", OSError(5, "Input/output error"))
    (outcome,) = step(disk, old)
    assert outcome.error is not None
    assert contents(disk) == {"f": b"old bytes"}


def replace_by_directory(disk: MemoryFilesystem, old: FileInfo) -> list[Outcome]:
    wanted = directory("f", 5)
    wanted = wanted._replace(version=wanted.version.merge(old.version))
    return make_directories(disk, [Item(wanted, old)], OPTIONS, NOW)


def delete(disk: MemoryFilesystem, old: FileInfo) -> list[Outcome]:
    return delete_files(disk, [Item(gone(old), old)], OPTIONS, NOW)


@pytest.mark.parametrize("step", [replace, delete, replace_by_directory])
def test_an_edit_whose_time_and_size_are_put_back_is_not_lost(step: Step) -> None:
    looks = [0]

    def watch(disk: MemoryFilesystem, moment: int) -> None:
        def edit(operation: str, name: str) -> None:
            if (operation, name) != ("lstat", "f") or disk.tree().get("f") != b"old bytes":
                return
            looks[0] += 1
            if looks[0] == moment:
                with disk.quiet():
                    opened = disk.create("f", 0o644)
                    opened.write(b"new words", 0)
                    opened.utime(old.modified)
                    opened.close()

        disk.observe = edit

    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "f", b"old bytes")
    watch(disk, 0)
    (outcome,) = step(disk, old)
    assert outcome.error is None
    assert looks[0] > 1
    for moment in range(1, looks[0] + 1):
        looks[0] = 0
        disk = MemoryFilesystem(lambda: NOW)
        old = write(disk, "f", b"old bytes")
        watch(disk, moment)
        step(disk, old)
        disk.observe = None
        assert b"new words" in disk.tree().values(), moment


def test_what_is_recorded_survives_a_power_loss() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "f", b"old bytes")
    disk.settle()
    (outcome,) = replace(disk, old)
    assert outcome.done
    disk.crash()
    assert contents(disk) == {"f": b"new bytes"}


def test_without_fsync_nothing_is_synced() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    wanted = file("f", b"x", 2)
    disk.fail("sync", "*", OSError(5, "Input/output error"), times=-1)
    disk.fail("sync_directory", "*", OSError(5, "Input/output error"), times=-1)
    options = PullOptions(FOLDER, sync=False)
    (outcome,) = place_files(disk, [SmallFile(wanted, None, [b"x"])], options, NOW)
    assert outcome.error is None


def test_one_bad_file_does_not_stop_the_batch() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    files = [SmallFile(file(name, b"x", 2), None, [b"x"]) for name in "abc"]
    disk.fail("sync", ".syncthing.b.tmp", OSError(5, "Input/output error"))
    outcomes = place_files(disk, files, OPTIONS, NOW)
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]
    assert outcomes[1].error is not None
    assert outcomes[1].error.error == "syncing: input/output error"


def test_wrong_bytes_are_never_placed() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    write(disk, "source", b"other")
    wanted = file("f", b"right", 2)
    for part in (b"wrong", b"", b"right and more", Copy(((WireName("source"), 0),))):
        (outcome,) = place_files(disk, [SmallFile(wanted, None, [part])], OPTIONS, NOW)
        assert outcome.spoiled == (0,)
    assert set(contents(disk)) == {"source"}


def test_a_larger_temporary_file_leaves_nothing_behind_the_end() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    write(disk, ".syncthing.f.tmp", b"much longer than the file")
    place_files(disk, [SmallFile(file("f", b"x", 2), None, [b"x"])], OPTIONS, NOW)
    assert contents(disk) == {"f": b"x"}


def test_a_symlink_in_the_place_of_the_temporary_file_is_not_followed() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    write(disk, "precious", b"precious")
    disk.symlink(b"precious", ".syncthing.f.tmp")
    place_files(disk, [SmallFile(file("f", b"x", 2), None, [b"x"])], OPTIONS, NOW)
    assert contents(disk) == {"f": b"x", "precious": b"precious"}


def test_where_permissions_are_ignored_the_old_mode_stays() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "f", b"old")
    disk.chmod("f", 0o600)
    old = old._replace(inode_change=disk.lstat("f").changed)
    options = PullOptions(FOLDER, ignore_permissions=True)
    wanted = file("f", b"new", 2, knows=1, permissions=0o777)
    place_files(disk, [SmallFile(wanted, old, [b"new"])], options, NOW)
    place_files(disk, [SmallFile(file("g", b"new", 2), None, [b"new"])], options, NOW)
    assert disk.lstat("f").mode == 0o600
    assert disk.lstat("g").mode == 0o644


def test_an_edit_that_keeps_size_and_time_is_seen() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "f", b"old")
    write(disk, "f", b"eve")
    disk.utime("f", old.modified)
    wanted = file("f", b"new", 2, knows=1)
    (outcome,) = place_files(disk, [SmallFile(wanted, old, [b"new"])], OPTIONS, NOW)
    assert outcome.error is not None
    (outcome,) = set_metadata(disk, [(wanted, old)], OPTIONS, NOW)
    assert outcome.error is not None
    item = Rename(file("x", b"old", 3), None, old, gone(old))
    (outcome,) = rename_files(disk, [item], OPTIONS, NOW)
    assert outcome.spoiled
    assert contents(disk) == {"f": b"eve"}


@pytest.mark.parametrize("touched", [False, True])
def test_an_edit_right_after_metadata_were_set_is_not_hidden(touched: bool) -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "f", b"old")
    modified = 1_600_000_000_000_000_000 if touched else old.modified
    wanted = file("f", b"old", 2, knows=1)._replace(modified=modified)
    looks = 0

    def observe(operation: str, name: str) -> None:
        nonlocal looks
        looks += operation == "lstat" and name == "f"
        if looks == 3:  # the last one
            disk.observe = None
            write(disk, "f", b"OLD")

    disk.observe = observe
    (outcome,) = set_metadata(disk, [(wanted, old)], OPTIONS, NOW)
    assert looks == 3
    (record,) = outcome.done
    assert record.modified != disk.lstat("f").modified


@pytest.mark.parametrize("touched", [False, True])
def test_an_edit_while_metadata_are_set_is_not_hidden(touched: bool) -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "f", b"old")
    wanted = file("f", b"old", 2, knows=1)._replace(permissions=0o600)
    if not touched:
        wanted = wanted._replace(modified=old.modified)
    disk.intercept("chmod", "f", lambda: write(disk, "f", b"OLD"))
    (outcome,) = set_metadata(disk, [(wanted, old)], OPTIONS, NOW)
    found = disk.lstat("f")
    assert found.modified != wanted.modified  # the edit's own time
    assert "f" in outcome.rescan
    for record in outcome.done:
        assert record.inode_change != found.changed


def test_a_file_that_is_saved_over_right_before_it_gets_its_time_is_not_hidden() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "f", b"old")
    wanted = file("f", b"old", 2, knows=1)

    def save() -> None:
        write(disk, "f.new", b"OLD")
        disk.rename("f.new", "f")

    disk.intercept("utime", "f", save)
    (outcome,) = set_metadata(disk, [(wanted, old)], OPTIONS, NOW)
    for record in outcome.done:
        assert record.inode_change != disk.lstat("f").changed


def test_a_directory_that_may_not_be_written_is_opened_for_the_moment() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    disk.make_directory("d", 0o755)
    disk.chmod("d", 0o555)
    (outcome,) = place_files(disk, [SmallFile(file("d/f", b"x", 2), None, [b"x"])], OPTIONS, NOW)
    assert outcome.error is None
    assert disk.lstat("d").mode == 0o555


def test_bytes_that_could_not_be_synced_are_not_used_again() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "f", b"old")
    disk.fail("sync", ".syncthing.f.tmp", OSError(5, "Input/output error"))
    opened = disk.create(".syncthing.f.tmp", 0o600)
    opened.write(b"new", 0)
    outcome = place_large(disk, opened, file("f", b"new", 2, knows=1), old, OPTIONS, NOW)
    assert outcome.error is not None
    assert disk.tree() == {"f": b"old"}


def test_a_small_file_that_could_not_be_synced_is_not_used_again() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    disk.fail("sync", ".syncthing.f.tmp", OSError(5, "Input/output error"))
    (outcome,) = place_files(disk, [SmallFile(file("f", b"new"), None, [b"new"])], OPTIONS, NOW)
    assert outcome.error is not None
    assert disk.tree() == {}


def make_and_place(disk: MemoryFilesystem) -> None:
    place_files(disk, [SmallFile(file("a/b/f", b"new"), None, [b"new"])], OPTIONS, NOW)


def make_and_place_large(disk: MemoryFilesystem) -> None:
    wanted = file("a/b/f", b"new")
    opened = open_temporary(disk, wanted, OPTIONS)
    assert opened.made == ("a", "a/b")
    opened.file.write(b"new", 0)
    place_large(disk, opened.file, wanted, None, OPTIONS, NOW)


def make_and_rename(disk: MemoryFilesystem) -> None:
    old = write(disk, "old", b"new")
    disk.settle()
    rename = Rename(file("a/b/f", b"new"), None, old, gone(file("old", b"new", by=1)))
    rename_files(disk, [rename], OPTIONS, NOW)


@pytest.mark.parametrize("step", [make_and_place, make_and_place_large, make_and_rename])
def test_directories_made_on_the_way_survive_a_power_cut_with_their_files(
    step: Callable[[MemoryFilesystem], None],
) -> None:
    disk = MemoryFilesystem(lambda: NOW)
    step(disk)
    disk.crash()
    assert disk.tree() == {"a": None, "a/b": None, "a/b/f": b"new"}


def test_made_directories_survive_a_power_cut() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    make_directories(disk, [Item(directory("p/q"), None)], OPTIONS, NOW)
    disk.crash()
    assert disk.tree() == {"p": None, "p/q": None}


def test_what_the_temporary_file_is_kept_as_is_not_written_to() -> None:
    """A power cut after two names were exchanged leaves the old version under the temporary name as well."""
    disk = MemoryFilesystem(lambda: NOW)
    disk.put(".syncthing.f.tmp", b"the old version")
    disk.link(".syncthing.f.tmp", "f.sync-conflict-20260101-000000-AAAAAAA")
    new = SmallFile(file("f", b"new"), None, [b"new"])
    assert place_files(disk, [new], OPTIONS, NOW)[0].error is None
    assert disk.take("f") == b"new"
    assert disk.take("f.sync-conflict-20260101-000000-AAAAAAA") == b"the old version"
