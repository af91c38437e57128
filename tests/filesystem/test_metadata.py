"""Times, modes, and whether a folder may be touched."""

from __future__ import annotations

import errno
from datetime import datetime

import pytest

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.metadata import (
    FolderUnhealthy,
    check_folder,
    make_marker,
    remove_marker,
    same_permissions,
    same_time,
)
from txsyncthing.vocabulary.folder import FolderID


@pytest.fixture
def storage() -> MemoryFilesystem:
    return MemoryFilesystem(lambda: 1_700_000_000.0)


def test_times_are_one_when_strictly_within_the_window() -> None:
    assert same_time(5, 5, 0)
    assert not same_time(5, 6, 0)
    assert same_time(5, 6, 2)
    assert not same_time(5, 7, 2)


def test_only_nine_bits_of_a_mode_count() -> None:
    assert same_permissions(0o4755, 0o755)
    assert not same_permissions(0o755, 0o754)


def test_a_folder_with_its_marker_is_healthy(storage: MemoryFilesystem) -> None:
    make_marker(storage, FolderID("abcd-123"))
    make_marker(storage, FolderID("abcd-123"))
    check_folder(storage, ".stfolder")
    names = list(storage.tree())
    assert names == [".stfolder", ".stfolder/syncthing-folder-58dff9.txt"]


def test_a_missing_marker_is_told_in_the_official_words(storage: MemoryFilesystem) -> None:
    with pytest.raises(FolderUnhealthy, match=r"^folder marker missing"):
        check_folder(storage, ".stfolder")


def test_another_marker_may_be_any_item_and_is_never_made(storage: MemoryFilesystem) -> None:
    make_marker(storage, FolderID("f"), "photos/mark")
    assert storage.tree() == {}
    storage.put("photos/mark")
    check_folder(storage, "photos/mark")


def test_a_missing_root_is_told_in_the_official_words(storage: MemoryFilesystem) -> None:
    storage.unplug()
    with pytest.raises(FolderUnhealthy, match=r"^folder path missing$"):
        check_folder(storage, ".stfolder")


def test_an_unreadable_root_is_unhealthy(storage: MemoryFilesystem) -> None:
    storage.put(".stfolder/x")
    storage.fail("lstat", ".stfolder", OSError(errno.EIO, "Input/output error"))
    with pytest.raises(FolderUnhealthy, match="Input/output error"):
        check_folder(storage, ".stfolder")


def test_a_marker_goes_with_its_folder_unless_it_holds_more() -> None:
    when = datetime(2026, 1, 2, 3, 4, 5)
    plain = MemoryFilesystem(lambda: 0.0)
    make_marker(plain, FolderID("docs"))
    remove_marker(plain, FolderID("docs"), ".stfolder", when)
    remove_marker(plain, FolderID("docs"), ".stfolder", when)  # there is none
    assert plain.tree() == {}
    full = MemoryFilesystem(lambda: 0.0)
    make_marker(full, FolderID("docs"))
    full.put(".stfolder/token", b"secret")
    remove_marker(full, FolderID("docs"), ".stfolder", when)
    assert full.tree()[".stfolder.removed-20260102-030405/token"] == b"secret"
    own = MemoryFilesystem(lambda: 0.0)
    own.put("marker")
    remove_marker(own, FolderID("docs"), "marker", when)
    assert "marker" in own.tree()
