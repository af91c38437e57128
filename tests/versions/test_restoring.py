"""A version comes back to its place; what was there is a version then, whenever the process is killed."""

from __future__ import annotations

import errno
from contextlib import suppress
from pathlib import Path

import pytest

from tests.pull.test_finish import Killed, MortalDisk
from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.seam import Filesystem, Kind
from txsyncthing.versions.keeper import Versioner
from txsyncthing.versions.place import IN_FOLDER, Place
from txsyncthing.versions.restoring import restore_versions
from txsyncthing.versions.rewind import MAX_LINES, Deed, Line, Report, Rewind
from txsyncthing.versions.rule import Rule
from txsyncthing.versions.simple import Simple
from txsyncthing.versions.tag import tagged
from txsyncthing.versions.trashcan import Trashcan

NOW = 1_700_000_000.0
OLD = NOW - 5000


def disk() -> MemoryFilesystem:
    return MemoryFilesystem(lambda: NOW)


def put(disk: MemoryFilesystem, name: str, data: bytes, modified: float) -> None:
    disk.put(name, data)
    disk.utime(name, int(modified * 1e9))


def version(
    disk: MemoryFilesystem, name: str, when: float, data: bytes, modified: float = OLD
) -> str:
    put(disk, found := ".stversions/" + tagged(name, when), data, modified)
    return found


def restore(
    disk: Filesystem, wanted: dict[str, float], rule: Rule | None = None, place: Place = IN_FOLDER
) -> dict[str, str]:
    failed, _ = restore_versions(
        disk, Versioner(rule or Simple(), place), list(wanted.items()), NOW, True
    )
    return failed


def files(disk: MemoryFilesystem) -> dict[str, bytes]:
    return {name: data for name, data in disk.tree().items() if data is not None}


def test_a_version_moves_back_and_what_was_there_is_a_version() -> None:
    storage = disk()
    put(storage, "d/f.txt", b"now", NOW - 1)
    storage.chmod("d", 0o750)
    version(storage, "d/f.txt", NOW - 60, b"then")
    version(storage, "d/f.txt", NOW - 90, b"before")
    assert restore(storage, {"d/f.txt": NOW - 60}) == {}
    assert files(storage) == {
        "d/f.txt": b"then",
        ".stversions/" + tagged("d/f.txt", NOW - 90): b"before",
        ".stversions/" + tagged("d/f.txt", NOW): b"now",
    }
    assert storage.lstat("d/f.txt").modified == int(OLD * 1e9)


def test_the_trashcan_and_the_file_change_places() -> None:
    storage = disk()
    put(storage, "f", b"now", NOW - 5)
    put(storage, ".stversions/f", b"then", NOW - 60)
    assert restore(storage, {"f": NOW - 60}, Trashcan()) == {}
    assert files(storage) == {"f": b"then", ".stversions/f": b"now"}
    assert storage.lstat(".stversions/f").modified == int(NOW * 1e9)


def test_a_missing_directory_is_made_as_the_versions_have_it() -> None:
    storage = disk()
    version(storage, "d/e/f", NOW - 60, b"then")
    storage.chmod(".stversions/d", 0o700)
    assert restore(storage, {"d/e/f": NOW - 60}) == {}
    assert storage.take("d/e/f") == b"then"
    assert storage.lstat("d").mode == 0o700


def test_a_symlink_gives_way_and_a_directory_does_not() -> None:
    storage = disk()
    storage.symlink(b"target", "link")
    storage.put_directory("dir")
    version(storage, "link", NOW - 60, b"1")
    kept = version(storage, "dir", NOW - 60, b"2")
    assert restore(storage, {"link": NOW - 60, "dir": NOW - 60}) == {
        "dir": "simple versioner: restore: cannot restore on top of a directory"
    }
    assert storage.take("link") == b"1"
    assert storage.take(kept) == b"2"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("../f", "relative path traversing upwards (starting with ..)"),
        ("a/../f", "name 'a/../f' is not canonical"),
        ("/etc/passwd", "name '/etc/passwd' is empty, absolute or has a NUL"),
        (".stversions/f", "internal name, never restored"),
        (".syncthing.f.tmp", "internal name, never restored"),
        ("none", "version not found"),
        ("link/f", "a directory of link/f is a symlink"),
    ],
)
def test_what_cannot_be_restored(path: str, text: str) -> None:
    storage = disk()
    storage.symlink(b"target", "link")
    version(storage, "link/f", NOW - 60, b"1")
    before = storage.tree()
    assert restore(storage, {path: NOW - 60}) == {path: f"simple versioner: restore: {text}"}
    assert storage.tree() == before


def test_a_time_that_no_calendar_knows_is_no_version() -> None:
    for when in (1e30, -1e30, float("nan")):
        assert list(restore(disk(), {"f": when}).values()) == [
            "simple versioner: restore: version not found"
        ]


def test_a_version_of_another_time_is_not_found() -> None:
    storage = disk()
    put(storage, ".stversions/f", b"then", NOW - 60)
    assert "f" in restore(storage, {"f": NOW - 61}, Trashcan())
    assert restore(storage, {"f": NOW - 60.0}, Trashcan()) == {}


def test_an_edit_in_the_very_moment_stays() -> None:
    storage = disk()
    put(storage, "f", b"now", NOW - 5)
    kept = version(storage, "f", NOW - 60, b"then")
    storage.intercept("exchange", "*", lambda: storage.put("f", b"edited"))
    assert restore(storage, {"f": NOW - 60}) == {
        "f": "simple versioner: restore: the file has just been changed"
    }
    assert files(storage) == {"f": b"edited", kept: b"then"}


@pytest.mark.parametrize("rule", [Simple(), Trashcan()])
@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("power", [True, False])
def test_a_kill_loses_neither(rule: Rule, links: bool, power: bool) -> None:
    def attempt(moment: int) -> tuple[int, MortalDisk]:
        storage = MortalDisk()
        put(storage, "f", b"now", NOW - 5)
        if rule.tags:
            version(storage, "f", NOW - 60, b"then")
        else:
            put(storage, ".stversions/f", b"then", NOW - 60)
        if not links:
            storage.fail("link", "*", OSError(errno.EPERM, "Operation not permitted"), times=-1)
        storage.settle()
        storage.count, storage.left = 0, moment
        with suppress(Killed):
            assert restore(storage, {"f": NOW - 60}, rule) == {}
        storage.left = -1
        return storage.count, storage

    steps, storage = attempt(-1)
    assert files(storage)["f"] == b"then"
    assert set(files(storage).values()) == {b"then", b"now"}
    for moment in range(steps + 1):
        _, storage = attempt(moment)
        if power:
            storage.crash()
        assert {b"then", b"now"} <= set(files(storage).values()), moment
        if links:
            assert "f" in files(storage), moment


def test_a_version_comes_back_from_another_disk(tmp_path: Path) -> None:
    storage = disk()
    put(storage, "f", b"now", NOW - 5)
    (tmp_path / tagged("f", NOW - 60)).write_bytes(b"then")
    place = Place(elsewhere=DiskFilesystem(str(tmp_path)))
    assert restore(storage, {"f": NOW - 60}, place=place) == {}
    assert files(storage) == {"f": b"then"}
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [
        (tagged("f", NOW), b"now")
    ]


def rewind(
    disk: MemoryFilesystem,
    at: float,
    path: str = "",
    *,
    dry: bool = False,
    rule: Rule | None = None,
    limit: int = 1000,
) -> Report:
    found = Rewind(Versioner(rule or Simple(), IN_FOLDER), path, at, dry=dry, sync=True)
    more = True
    while more:
        more, _ = found.step(disk, NOW, limit)
    return found.report


def deeds(report: Report) -> dict[str, str]:
    return {line.path: line.deed.value for line in report.lines}


@pytest.mark.parametrize("limit", [1, 1000])
def test_each_file_becomes_what_it_was(limit: int) -> None:
    storage = disk()
    put(storage, "d/changed", b"now", NOW - 5)
    version(storage, "d/changed", NOW - 60, b"then")
    version(storage, "d/changed", NOW - 90, b"before")
    put(storage, "d/same", b"same", OLD)
    put(storage, "d/new", b"new", NOW - 5)
    version(storage, "d/deleted", NOW - 50, b"deleted")
    version(storage, "d/sub/deleted", NOW - 50, b"deleted too")
    put(storage, "d/lost", b"now", NOW - 5)
    version(storage, "d/lost", NOW - 10, b"too new", modified=NOW - 20)
    version(storage, "d/long gone", NOW - 300, b"gone")
    put(storage, "other", b"now", NOW - 5)
    version(storage, "other", NOW - 60, b"then")
    versions = {name: data for name, data in files(storage).items() if name.startswith(".stv")}

    told = rewind(storage, NOW - 70, "d", dry=True, limit=limit)
    assert deeds(told) == {
        "d/changed": "restore",
        "d/deleted": "restore",
        "d/lost": "lost",
        "d/new": "newer",
        "d/sub/deleted": "restore",
    }
    assert (told.counts[Deed.UNCHANGED], told.counts[Deed.GONE]) == (1, 1)
    assert storage.take("d/changed") == b"now"

    done = rewind(storage, NOW - 70, "d", limit=limit)
    assert done.lines == told.lines
    assert {name: data for name, data in files(storage).items() if not name.startswith(".stv")} == {
        "d/changed": b"then",
        "d/same": b"same",
        "d/new": b"new",
        "d/deleted": b"deleted",
        "d/sub/deleted": b"deleted too",
        "d/lost": b"now",
        "other": b"now",
    }
    assert files(storage).items() >= versions.items()  # all versions are still there
    assert storage.take(".stversions/" + tagged("d/changed", NOW)) == b"now"
    assert storage.lstat("d/changed").modified == int(OLD * 1e9)

    again = rewind(storage, NOW - 70, "d", limit=limit)
    assert again.counts[Deed.RESTORE] == 0
    assert again.counts[Deed.UNCHANGED] == 4


def test_a_restored_directory_can_be_restored_to_what_it_was_before() -> None:
    storage = disk()
    put(storage, "f", b"now", NOW - 5)
    version(storage, "f", NOW - 60, b"then")
    rewind(storage, NOW - 70)
    assert storage.take("f") == b"then"
    rewind(storage, NOW - 1)
    assert storage.take("f") == b"now"
    assert b"then" in files(storage).values()


def test_one_file_can_be_restored_alone() -> None:
    storage = disk()
    for name in ("d/f", "d/g"):
        put(storage, name, b"now", NOW - 5)
        version(storage, name, NOW - 60, b"then")
    rewind(storage, NOW - 70, "d/f")
    assert (storage.take("d/f"), storage.take("d/g")) == (b"then", b"now")


def test_the_trashcan_is_told_as_uncertain() -> None:
    storage = disk()
    put(storage, "f", b"now", NOW - 5)
    put(storage, ".stversions/f", b"then", NOW - 60)
    (line,) = rewind(storage, NOW - 70, rule=Trashcan()).lines
    assert (line.deed, line.certain) == (Deed.RESTORE, False)
    assert files(storage) == {"f": b"then", ".stversions/f": b"now"}


def test_nothing_is_put_over_what_is_no_file() -> None:
    storage = disk()
    storage.put_directory("dir")
    storage.symlink(b"target", "link")
    storage.put("file")
    for name in ("dir", "link", "file/below", "link/below"):
        version(storage, name, NOW - 60, b"then")
    report = rewind(storage, NOW - 70)
    assert {line.path: line.why for line in report.lines if line.deed is Deed.FAILED} == {
        "dir": "a directory is there now",
        "link": "a symlink is there now; remove it first",
        "file/below": "its directory is something else now",
        "link/below": "its directory is something else now",
    }
    assert storage.read_link("link") == b"target"


def test_what_cannot_be_written_is_told_and_the_others_are_restored() -> None:
    storage = disk()
    for name in ("a/f", "b/f"):
        put(storage, name, b"now", NOW - 5)
        version(storage, name, NOW - 60, b"then")
    storage.chmod("a", 0o555)
    report = rewind(storage, NOW - 70)
    assert deeds(report) == {"a/f": "failed", "b/f": "restore"}
    assert "Permission denied" in report.lines[0].why
    assert (storage.take("a/f"), storage.take("b/f")) == (b"now", b"then")


def test_marker_and_ignores_are_no_files_of_the_folder() -> None:
    storage = disk()
    storage.put_directory(".stfolder")
    put(storage, ".stignore", b"*.o", NOW - 5)
    put(storage, ".syncthing.f.tmp", b"part", NOW - 5)
    assert sum(rewind(storage, NOW - 70).counts.values()) == 0


def test_a_long_report_is_cut() -> None:
    report = Report()
    for number in range(MAX_LINES + 10):
        report.add(Line(f"f{number}", Deed.NEWER))
    assert (len(report.lines), report.counts[Deed.NEWER]) == (MAX_LINES, MAX_LINES + 10)


def test_directories_are_kinds_too() -> None:
    storage = disk()
    version(storage, "d/f", NOW - 60, b"then")
    rewind(storage, NOW - 70)
    assert storage.lstat("d").kind is Kind.DIRECTORY


@pytest.mark.parametrize("code", [errno.ENOENT, errno.EACCES])
def test_a_directory_of_versions_that_cannot_be_read_fails_alone(code: int) -> None:
    class Hidden(MemoryFilesystem):
        def names(self, name: str) -> list[str]:
            if name == ".stversions/a":
                raise OSError(code, "hidden", name)
            return list(super().names(name))

    storage = Hidden(lambda: NOW)
    for name in ("a/f", "b/f"):
        version(storage, name, NOW - 60, b"then")
    report = rewind(storage, NOW - 100)
    assert files(storage)["b/f"] == b"then"
    failed = {"a": "failed"} if code == errno.EACCES else {}
    assert deeds(report) == {**failed, "b/f": "restore"}
