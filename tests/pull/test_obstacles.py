"""A file that keeps what others wrote in a directory of its name from its place gives way, as a copy."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pull.folder import Folder, answer, directory, file, gone, symlink
from txsyncthing.filesystem.seam import Kind
from txsyncthing.pull.obstacles import PATIENCE, Failing
from txsyncthing.pull.options import PullOptions
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import is_conflict


@pytest.fixture
def folder() -> Iterator[Folder]:
    folder = Folder()
    yield folder
    folder.close()


def pull_twice(folder: Folder) -> tuple[str, ...]:
    folder.pull()
    folder.clock.advance(PATIENCE)
    return folder.pull().rescan


def test_a_file_above_a_wanted_item_becomes_a_conflict_copy(folder: Folder) -> None:
    folder.scan("d", b"mine", version=9)
    folder.offer((directory("d", 1), b""), (file("d/f", b"theirs", 2), b"theirs"))
    rescan = pull_twice(folder)
    (copy,) = [name for name in folder.names() if is_conflict(name)]
    assert folder.read(copy) == b"mine"
    assert folder.disk.lstat("d").kind is Kind.DIRECTORY
    assert set(rescan) == {copy, "d"}
    assert folder.pull().failed == ()
    assert folder.read("d/f") == b"theirs"


def test_so_does_a_symlink(folder: Folder) -> None:
    folder.disk.symlink(b"target", "d")
    ours = symlink("d", b"target", 9, by=1)._replace(modified=2**62)
    answer(folder.index.update_local([ours]))
    folder.offer((directory("d", 1), b""), (file("d/f", b"theirs", 2), b"theirs"))
    pull_twice(folder)
    (copy,) = [name for name in folder.names() if is_conflict(name)]
    assert folder.disk.read_link(copy) == b"target"
    assert folder.pull().failed == ()


def test_not_at_once_since_the_items_deletion_may_be_on_its_way(folder: Folder) -> None:
    folder.scan("d", b"mine", version=9)
    wanted = file("d/f", b"theirs", 2)
    folder.offer((directory("d", 1), b""), (wanted, b"theirs"))
    assert len(folder.pull().failed) == 1
    assert folder.read("d") == b"mine"
    folder.tell(gone(wanted))
    folder.clock.advance(PATIENCE)
    assert folder.pull().failed == ()
    assert folder.names() == ["d"]


def test_what_was_edited_since_is_scanned_first(folder: Folder) -> None:
    folder.scan("d", b"mine", version=9)
    folder.offer((directory("d", 1), b""), (file("d/f", b"theirs", 2), b"theirs"))
    folder.write("d", b"edited")
    assert pull_twice(folder) == ("d",)
    assert folder.names() == ["d"]
    assert folder.read("d") == b"edited"


def test_where_no_copies_are_kept_it_stays() -> None:
    folder = Folder(options=PullOptions(FolderID("default"), max_conflicts=0))
    folder.scan("d", b"mine", version=9)
    folder.offer((directory("d", 1), b""), (file("d/f", b"theirs", 2), b"theirs"))
    pull_twice(folder)
    assert folder.read("d") == b"mine"
    folder.close()


def test_an_item_that_failed_and_does_no_more_begins_anew() -> None:
    failing, error = Failing(), ItemError("d/f", "disk", "", "")
    assert failing.long([error], 0.0) == []
    assert failing.long([], PATIENCE) == []
    assert failing.long([error], PATIENCE + 1) == []
    assert failing.long([error], 2 * PATIENCE + 1) == ["d/f"]


@pytest.mark.parametrize("way", ["in place", "renamed over"])
def test_an_edit_in_that_moment_is_not_lost(folder: Folder, way: str) -> None:
    folder.scan("d", b"mine", version=9)
    folder.offer((directory("d", 1), b""), (file("d/f", b"theirs", 2), b"theirs"))

    folder.pull()
    folder.clock.advance(PATIENCE)
    folder.memory.intercept("rename", "d", lambda: folder.save("d", b"edit", way))
    folder.pull()
    assert folder.memory.tree()["d"] == b"edit"


def test_the_directory_in_its_place_survives_a_power_cut(folder: Folder) -> None:
    folder.scan("d", b"mine", version=9)
    folder.offer((directory("d", 1), b""), (file("d/f", b"theirs", 2), b"theirs"))
    folder.memory.settle()
    pull_twice(folder)
    folder.memory.crash()
    assert folder.disk.lstat("d").kind is Kind.DIRECTORY
