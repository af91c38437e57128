"""Scans of a disk on which names that differ only by case are one."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.scan.folder import Folder


@pytest.fixture
def folder() -> Iterator[Folder]:
    folder = Folder(folded=True)
    yield folder
    folder.close()


def test_another_spelling_is_a_new_name_and_the_end_of_the_old_one(folder: Folder) -> None:
    folder.disk.put("foo", b"content")
    folder.disk.put("dir/x", b"x")
    folder.scan()
    folder.disk.rename("foo", "Foo")
    folder.disk.rename("dir", "DIR")
    assert folder.scan() == ((), 3, 3)
    assert folder.record("foo").deleted and folder.record("dir").deleted
    assert not folder.record("Foo").deleted and not folder.record("DIR/x").deleted
    assert folder.scan() == ((), 0, 0)


def test_a_scan_by_another_spelling_finds_nothing_and_deletes_nothing(folder: Folder) -> None:
    folder.disk.put("foo", b"content")
    folder.disk.put("dir/x", b"x")
    folder.scan()
    folder.disk.put("dir/y", b"y")
    assert folder.scan("FOO", "DIR/y", "DIR") == ((), 0, 0)
    assert not folder.record("foo").deleted


def test_a_scan_of_the_old_spelling_sees_that_it_is_gone(folder: Folder) -> None:
    folder.disk.put("foo", b"content")
    folder.scan()
    folder.disk.rename("foo", "Foo")
    assert folder.scan("foo") == ((), 0, 1)
    assert folder.record("foo").deleted
