"""What a remote change replaces or deletes is a version first, whenever the process is killed."""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace as change

import pytest

from tests.pull.folder import FOLDER, ME, NOW, Folder, directory, file, gone, symlink
from tests.pull.test_finish import Killed, MortalDisk, write
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.seam import Kind
from txsyncthing.pull.finish import Outcome, SmallFile, place_files, place_large
from txsyncthing.pull.metadata import set_metadata
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.tree import Item, delete_files, make_directories, make_symlinks
from txsyncthing.versions.keeper import Versioner
from txsyncthing.versions.place import Place
from txsyncthing.versions.rule import Rule
from txsyncthing.versions.simple import Simple
from txsyncthing.versions.tag import tagged
from txsyncthing.versions.trashcan import Trashcan
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import is_temporary, temporary_name

Step = Callable[[MemoryFilesystem, FileInfo, PullOptions], list[Outcome]]


def options(rule: Rule, place: Place | None = None, **settings: object) -> PullOptions:
    versioner = Versioner(rule, place or Place())
    return change(PullOptions(FOLDER, me=ME, versioner=versioner), **settings)  # type: ignore[arg-type]


def replaced(disk: MemoryFilesystem, old: FileInfo, options: PullOptions) -> list[Outcome]:
    wanted = file(old.name, b"new bytes", 2, knows=1)
    return place_files(disk, [SmallFile(wanted, old, [b"new bytes"])], options, NOW)


def replaced_large(disk: MemoryFilesystem, old: FileInfo, options: PullOptions) -> list[Outcome]:
    wanted = file(old.name, b"new bytes", 2, knows=1)
    opened = disk.create(temporary_name(old.name), 0o644)
    opened.write(b"new bytes", 0)
    return [place_large(disk, opened, wanted, old, options, NOW)]


def deleted(disk: MemoryFilesystem, old: FileInfo, options: PullOptions) -> list[Outcome]:
    wanted = gone(file(old.name, b"", 5, knows=1))
    return delete_files(disk, [Item(wanted, old)], options, NOW)


def by_directory(disk: MemoryFilesystem, old: FileInfo, options: PullOptions) -> list[Outcome]:
    wanted = directory(old.name, 5)._replace(version=old.version.bump(ShortID(10), 9))
    return make_directories(disk, [Item(wanted, old)], options, NOW)


def by_symlink(disk: MemoryFilesystem, old: FileInfo, options: PullOptions) -> list[Outcome]:
    wanted = symlink(old.name, b"target")._replace(version=old.version.bump(ShortID(10), 9))
    return make_symlinks(disk, [Item(wanted, old)], options, NOW)


STEPS = [replaced, replaced_large, deleted, by_directory, by_symlink]


def another() -> MemoryFilesystem:
    """A storage whose root is told from the folder's."""
    disk = MemoryFilesystem(lambda: NOW)
    disk.unplug()
    disk.make_directory("", 0o755)
    return disk


def all_files(*disks: MemoryFilesystem) -> dict[str, bytes]:
    """What a user finds; names on the second disk begin with @."""
    return {
        "@" * number + name: data
        for number, disk in enumerate(disks)
        for name, data in disk.tree().items()
        if data is not None and not is_temporary(name) and not data.startswith(b"-> ")
    }


@pytest.mark.parametrize("rule", [Simple(), Trashcan()])
@pytest.mark.parametrize("storage", ["links", "no links", "another disk"])
@pytest.mark.parametrize("step", STEPS)
@pytest.mark.parametrize("power", [False, True])
def test_a_kill_loses_no_version(step: Step, storage: str, rule: Rule, power: bool) -> None:
    def attempt(moment: int) -> tuple[int, MortalDisk, MemoryFilesystem]:
        disk, other = MortalDisk(), another()
        old = write(disk, "f", b"old bytes")
        if storage == "no links":
            disk.fail("link", "*", OSError(errno.EPERM, "Operation not permitted"), times=-1)
        place = Place(elsewhere=other if storage == "another disk" else None)
        disk.settle()
        disk.count, disk.left = 0, moment
        with suppress(Killed):
            outcomes = step(disk, old, options(rule, place))
            assert [outcome.error for outcome in outcomes] == [None]
        disk.left = -1
        return disk.count, disk, other

    steps, disk, other = attempt(-1)
    kept = all_files(disk, other)
    assert b"old bytes" in kept.values()
    assert "f" not in kept or kept["f"] == b"new bytes"
    for moment in range(steps + 1):
        _, disk, other = attempt(moment)
        if power:
            disk.crash()
            other.crash()
        found = all_files(disk, other)
        assert b"old bytes" in found.values(), moment
        assert set(found.values()) <= {b"old bytes", b"new bytes"}, moment
        if step in (replaced, replaced_large) and storage != "no links":
            assert "f" in found, moment  # never a moment without the name


@pytest.mark.parametrize("step", STEPS)
def test_what_cannot_be_kept_stays(step: Step) -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "f", b"old bytes")
    disk.put_directory(".stversions", 0o555)
    (outcome,) = step(disk, old, options(Simple()))
    assert outcome.error is not None
    assert outcome.error.cause == "not-kept"
    assert outcome.error.error == ("syncing: the old version could not be kept: Permission denied")
    assert disk.take("f") == b"old bytes"
    assert disk.names(".stversions") == []


@pytest.mark.parametrize("step", STEPS)
def test_an_unscanned_edit_is_neither_kept_nor_replaced(step: Step) -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "f", b"old bytes")
    disk.put("f", b"edited")
    (outcome,) = step(disk, old, options(Simple()))
    assert outcome.error is not None
    assert outcome.error.cause == "changed-locally"
    assert disk.take("f") == b"edited"
    assert ".stversions" not in disk.names("")


@pytest.mark.parametrize("step", [replaced, by_symlink])
@pytest.mark.parametrize("rule", [Simple(), Trashcan()])
def test_an_edit_in_the_moment_of_the_replacement_is_no_version(step: Step, rule: Rule) -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "f", b"old bytes")
    disk.intercept("exchange", "*", lambda: disk.put("f", b"edited"))
    (outcome,) = step(disk, old, options(rule))
    assert outcome.error is not None
    assert outcome.rescan == ("f",)
    assert disk.take("f") == b"edited"
    assert disk.names(".stversions") == []


@pytest.mark.parametrize("elsewhere", [False, True])
def test_an_edit_in_the_moment_of_the_deletion_stays(elsewhere: bool) -> None:
    disk, other = MemoryFilesystem(lambda: NOW), another()
    old = write(disk, "f", b"old bytes")

    def edit() -> None:
        disk.remove("f")
        disk.put("f", b"edited")

    disk.intercept("rename" if elsewhere else "place", "f", edit)
    place = Place(elsewhere=other if elsewhere else None)
    (outcome,) = deleted(disk, old, options(Simple(), place))
    assert outcome.error is not None
    assert outcome.error.cause == "changed-locally"
    assert all_files(disk, other) == {"f": b"edited"}


def test_a_loser_of_a_conflict_is_no_version() -> None:
    for most in (10, 0):
        disk = MemoryFilesystem(lambda: NOW)
        old = write(disk, "f", b"old bytes")
        wanted = file("f", b"new bytes", 2)
        setting = options(Simple(), max_conflicts=most)
        (outcome,) = place_files(disk, [SmallFile(wanted, old, [b"new bytes"])], setting, NOW)
        assert outcome.error is None
        assert ".stversions" not in disk.names("")
        assert len(all_files(disk)) == (2 if most else 1)


def test_metadata_directories_and_symlinks_make_no_versions() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "f", b"old bytes")
    disk.symlink(b"old", "l")
    link = symlink("l", b"old")
    setting = options(Simple())
    wanted = file("f", b"old bytes", 2, knows=1)
    assert set_metadata(disk, [(wanted, old)], setting, NOW)[0].error is None
    assert deleted(disk, link, setting)[0].error is None
    assert disk.names("") == ["f"]


def test_a_version_replaced_in_a_directory_that_may_not_be_written() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    for step in (replaced, deleted, replaced_large):
        disk.put("d/f", b"old bytes")
        if step is replaced_large:
            disk.put("d/.syncthing.f.tmp")
        stat = disk.lstat("d/f")
        old = file("d/f", b"old bytes", by=1)._replace(
            modified=stat.modified, inode_change=stat.changed
        )
        disk.chmod("d", 0o555)
        (outcome,) = step(disk, old, options(Trashcan()))
        assert outcome.error is None
        assert disk.take(".stversions/d/f") == b"old bytes"
        disk.chmod("d", 0o755)


def test_a_leftover_of_a_kill_is_no_version_of_its_own() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    disk.put("f", b"old bytes")
    disk.put_directory(".stversions")
    disk.link("f", ".stversions/" + tagged("f", NOW - 60))
    stat = disk.lstat("f")
    old = file("f", b"old bytes", by=1)._replace(modified=stat.modified, inode_change=stat.changed)
    assert replaced(disk, old, options(Simple()))[0].error is None
    assert disk.names(".stversions") == [tagged("f", NOW)]


def test_a_renamed_file_is_kept_under_its_old_name() -> None:
    folder = Folder(options=options(Simple()))
    old = folder.scan("a", b"some bytes", by=10)
    folder.offer((file("b", b"some bytes", 3), b"some bytes"))
    folder.tell(gone(old))
    folder.peers.data.clear()  # nothing is to be fetched
    assert folder.pull().failed == ()
    assert folder.read("b") == b"some bytes"
    version = ".stversions/" + tagged("a", NOW)
    assert folder.read(version) == b"some bytes"
    assert folder.disk.lstat(version).inode != folder.disk.lstat("b").inode
    folder.close()


def test_a_deleted_tree_goes_into_the_versions() -> None:
    folder = Folder(options=options(Trashcan()))
    folder.memory.put_directory("d/e", 0o750)
    old = folder.scan("d/e/f", b"some bytes", by=10)
    tree = [directory("d"), directory("d/e", mode=0o750)]
    folder.tell(*tree, old)
    folder.pull()
    folder.tell(*(gone(item) for item in (*tree, old)))
    assert folder.pull().failed == ()
    assert "d" not in folder.names()
    assert folder.read(".stversions/d/e/f") == b"some bytes"
    assert folder.disk.lstat(".stversions/d/e").mode == 0o750
    assert folder.disk.lstat(".stversions/d").kind is Kind.DIRECTORY
    folder.close()


@pytest.mark.parametrize("step", [replaced, deleted])
def test_what_has_other_names_keeps_its_time_under_these(step: Step) -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "f", b"old bytes")
    disk.utime("f", 1_600_000_000_000_000_000)
    disk.link("f", "another name")
    stat = disk.lstat("f")
    old = old._replace(modified=stat.modified, inode_change=stat.changed)
    (outcome,) = step(disk, old, options(Trashcan()))
    assert outcome.error is None
    assert disk.lstat("another name").modified == 1_600_000_000_000_000_000
    assert disk.take(".stversions/f") == b"old bytes"
    assert disk.lstat(".stversions/f").modified == int(NOW * 1_000_000_000)
    assert disk.names(".stversions") == ["f"]


def test_what_has_other_names_is_a_version_even_without_room_for_a_copy() -> None:
    disk = MemoryFilesystem(lambda: NOW)
    old = write(disk, "f", b"old bytes")
    disk.link("f", "another name")
    old = old._replace(inode_change=disk.lstat("f").changed)
    disk.fail("write", "*", OSError(errno.ENOSPC, "No space left on device"), times=-1)
    (outcome,) = deleted(disk, old, options(Trashcan()))
    assert outcome.error is None
    (version,) = disk.names(".stversions")
    assert disk.take(f".stversions/{version}") == b"old bytes"
    assert disk.lstat("another name").modified == old.modified
