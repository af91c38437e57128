"""Where a scan begins."""

from __future__ import annotations

import pytest

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.scan.tops import ancestors, clean, existing, unify
from txsyncthing.scan.values import BadSub


@pytest.mark.parametrize(
    ("subs", "tops"),
    [
        ([], [""]),
        (["a", ""], [""]),
        (["/"], [""]),
        (["./a//b/", "a/b/c", "c"], ["a/b", "c"]),
        (["a", "a-b", "a/x"], ["a", "a-b"]),
        (["cafe\u0301"], ["café"]),
    ],
)
def test_parts_are_made_canonical(subs: list[str], tops: list[str]) -> None:
    assert clean(subs) == tops


@pytest.mark.parametrize("sub", ["..", "../a", "a/..", "a/../../b", "\0"])
def test_parts_outside_are_refused(sub: str) -> None:
    with pytest.raises(BadSub, match="within the folder"):
        clean([sub])


def test_ancestors_come_from_the_top() -> None:
    assert ancestors("a/b/c") == ["a", "a/b", "a/b/c"]
    assert ancestors("") == []


def test_of_nested_parts_the_outer_stays() -> None:
    assert unify(["b/c", "a/b/c", "a", "b/c/d"]) == ["a", "b/c"]


def test_a_part_is_raised_to_what_is_no_directory_any_more() -> None:
    storage = MemoryFilesystem(lambda: 1.0)
    storage.put("file")
    storage.put("d/f")
    storage.symlink(b"d", "link")
    names = ["file/x/y", "gone/x", "link/f", "d/f", "d/gone"]
    assert existing(storage, names) == ["d/f", "d/gone", "file", "gone", "link"]
