"""The clean-up leaves what the rule leaves, and nothing of anybody else's goes."""

from __future__ import annotations

import errno

import pytest

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.versions.cleaning import Cleaned, Cleaning
from txsyncthing.versions.keeper import Versioner
from txsyncthing.versions.listing import FileVersions, Listed, file_versions
from txsyncthing.versions.place import IN_FOLDER, Place
from txsyncthing.versions.rule import Rule
from txsyncthing.versions.simple import Simple
from txsyncthing.versions.staggered import Staggered
from txsyncthing.versions.tag import tagged
from txsyncthing.versions.trashcan import DAY, Trashcan

NOW = 1_700_000_000.0


def disk() -> MemoryFilesystem:
    return MemoryFilesystem(lambda: NOW)


def plant(disk: MemoryFilesystem, name: str, age: float, data: bytes = b"x") -> None:
    """A file among the versions, modified so many seconds ago."""
    disk.put(".stversions/" + name, data)
    disk.utime(".stversions/" + name, int((NOW - age) * 1e9))


def version(disk: MemoryFilesystem, name: str, age: float, modified: float = 0.0) -> str:
    """A version put aside so many seconds ago."""
    base = tagged(name, NOW - age)
    plant(disk, base, modified)
    return base


def clean(
    disk: MemoryFilesystem, rule: Rule, place: Place = IN_FOLDER, limit: int = 1000
) -> Cleaned:
    cleaning = Cleaning(rule, place, NOW)
    while cleaning.step(disk, limit):
        pass
    return cleaning.cleaned


def left(disk: MemoryFilesystem) -> list[str]:
    start = ".stversions/"
    return [name.removeprefix(start) for name in disk.tree() if name.startswith(start)]


@pytest.mark.parametrize("limit", [1, 1000])
def test_old_versions_and_empty_directories_go(limit: int) -> None:
    storage = disk()
    kept = [version(storage, "d/e/f.txt", age) for age in (30, 20, 10)]
    version(storage, "d/e/f.txt", 40)
    version(storage, "x/y/old", 3 * DAY)
    storage.put_directory(".stversions/empty/deep")
    assert clean(storage, Simple(3, days=2), limit=limit) == Cleaned(removed=2)
    assert left(storage) == ["d", "d/e", *sorted(kept)]


def test_simple_and_staggered_mind_only_names_with_a_time() -> None:
    for rule in (Simple(1, days=1), Staggered(60)):
        storage = disk()
        plant(storage, "plain", 900 * DAY)
        plant(storage, "odd~20239999-000000", 900 * DAY)
        storage.symlink(b"target", ".stversions/link")
        version(storage, "f", 900 * DAY)
        clean(storage, rule)
        assert left(storage) == ["link", "odd~20239999-000000", "plain"]


def test_the_trashcan_minds_all_that_is_old() -> None:
    storage = disk()
    plant(storage, "d/old", 3 * DAY)
    plant(storage, "new", 1 * DAY)
    storage.symlink(b"target", ".stversions/link")
    storage.utime(".stversions/link", int((NOW - 3 * DAY) * 1e9))
    assert clean(storage, Trashcan(0)).removed == 0
    assert clean(storage, Trashcan(2)).removed == 2
    assert left(storage) == ["new"]


def test_what_a_kill_left_in_the_trashcan_is_as_old_as_its_name() -> None:
    storage = disk()
    kept = version(storage, "f", 1 * DAY, modified=900 * DAY)
    clean(storage, Trashcan(2))
    assert left(storage) == [kept]


def test_what_is_on_its_way_into_the_trashcan_is_not_as_old_as_the_file() -> None:
    storage = disk()
    plant(storage, ".syncthing.f.tmp", 900 * DAY)
    clean(storage, Trashcan(2))
    assert left(storage) == [".syncthing.f.tmp"]
    cleaning = Cleaning(Trashcan(2), IN_FOLDER, NOW + 3 * DAY)
    assert not cleaning.step(storage, 10)
    assert left(storage) == []


def archive(storage: MemoryFilesystem, rule: Rule) -> None:
    """A pull deletes the file, which becomes a version."""
    keeper = Versioner(rule, IN_FOLDER).begin(NOW)
    assert keeper.move(storage, "f", storage.lstat("f"))
    keeper.end(sync=True)


@pytest.mark.parametrize("moment", ["lstat", "rename"])
def test_a_version_that_comes_in_this_very_moment_stays(moment: str) -> None:
    storage = disk()
    storage.put("f", b"fresh")
    plant(storage, "f", 900 * DAY, b"old")
    storage.intercept(moment, ".stversions/f", lambda: archive(storage, Trashcan(2)))
    assert clean(storage, Trashcan(2)) == Cleaned()
    assert left(storage) == ["f"]
    assert storage.take(".stversions/f") == b"fresh"


def test_two_versions_that_come_in_this_very_moment_stay() -> None:
    storage = disk()
    storage.put("f", b"fresh")
    plant(storage, "f", 900 * DAY, b"old")

    def again() -> None:
        storage.put("f", b"fresher")
        archive(storage, Trashcan(2))

    def twice() -> None:
        archive(storage, Trashcan(2))
        storage.intercept("place", "*", again)

    storage.intercept("rename", ".stversions/f", twice)
    assert clean(storage, Trashcan(2)) == Cleaned()
    assert storage.take(".stversions/f") == b"fresher"
    assert storage.take(".stversions/.syncthing.~removed~f.tmp") == b"fresh"


def test_what_cannot_be_looked_at_any_more_has_its_name_again() -> None:
    storage = disk()
    plant(storage, "f", 900 * DAY, b"old")
    storage.fail("remove", "*", OSError(errno.EIO, "Input/output error"))
    assert clean(storage, Trashcan(1)) == Cleaned(0, 1, "f: Input/output error")
    assert left(storage) == ["f"]


def test_half_a_copy_goes_when_nobody_writes_it_any_more() -> None:
    storage = disk()
    plant(storage, ".syncthing.f.tmp", 0)
    clean(storage, Simple())
    assert left(storage) == [".syncthing.f.tmp"]
    cleaning = Cleaning(Simple(), IN_FOLDER, NOW + 2 * DAY)
    assert not cleaning.step(storage, 10)
    assert left(storage) == []


def test_a_folder_among_the_versions_is_left_alone() -> None:
    storage = disk()
    plant(storage, "photos/.stfolder", 900 * DAY)
    plant(storage, "photos/deep/f", 900 * DAY)
    plant(storage, "f", 900 * DAY)
    clean(storage, Trashcan(1))
    assert left(storage) == ["photos", "photos/.stfolder", "photos/deep", "photos/deep/f"]


def test_without_versions_there_is_nothing_to_do() -> None:
    storage = disk()
    assert clean(storage, Trashcan(1)) == Cleaned()
    assert storage.tree() == {}


def test_what_cannot_be_removed_does_not_stop_the_others() -> None:
    storage = disk()
    plant(storage, "a/f", 900 * DAY)
    plant(storage, "b/f", 900 * DAY)
    storage.fail("rename", ".stversions/a/f", OSError(errno.EACCES, "Permission denied"))
    cleaned = clean(storage, Trashcan(1))
    assert (cleaned.removed, cleaned.errors, cleaned.error) == (1, 1, "a/f: Permission denied")
    assert left(storage) == ["a", "a/f"]


def test_a_stop_ends_a_clean_up_between_two_removals() -> None:
    storage = disk()
    for number in range(10):
        plant(storage, f"f{number}", 900 * DAY)
    cleaning = Cleaning(Trashcan(1), IN_FOLDER, NOW, goes_on=lambda: len(left(storage)) > 6)
    assert not cleaning.step(storage, 1000)
    assert len(left(storage)) == 6


def test_versions_are_listed_in_order_of_the_paths() -> None:
    storage = disk()
    for age in (30.0, 10.0):
        version(storage, "d.txt", age, modified=age + 1)
    version(storage, "d/e", 20)
    plant(storage, "d/plain", 50, b"four")
    storage.symlink(b"target", ".stversions/link")
    plant(storage, ".syncthing.f.tmp", 0)
    with IN_FOLDER.open(storage) as versions:
        assert list(file_versions(versions)) == [
            FileVersions(
                "d.txt",
                [
                    Listed(NOW - 10, int((NOW - 11) * 1e9), 1),
                    Listed(NOW - 30, int((NOW - 31) * 1e9), 1),
                ],
            ),
            FileVersions("d/e", [Listed(NOW - 20, int(NOW * 1e9), 1)]),
            FileVersions("d/plain", [Listed(NOW - 50, int((NOW - 50) * 1e9), 4)]),
        ]


def test_an_unreadable_directory_is_left_out_of_the_list() -> None:
    storage = disk()
    plant(storage, "a/f", 0)
    plant(storage, "b/f", 0)
    storage.chmod(".stversions/a", 0)
    with IN_FOLDER.open(storage) as versions:
        assert [found.path for found in file_versions(versions)] == ["b/f"]
