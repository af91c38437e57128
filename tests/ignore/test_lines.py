"""Comments, doubles, includes and the escape character."""

from __future__ import annotations

import pytest

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.ignore.lines import expand, loader, read_lines
from txsyncthing.ignore.pattern import BadPattern


@pytest.fixture
def storage() -> MemoryFilesystem:
    return MemoryFilesystem(lambda: 1_700_000_000.0)


def test_comments_blanks_and_doubles_are_left_out(storage: MemoryFilesystem) -> None:
    found = expand(["  a ", "", "// no", "b", "a", "//", "\t"], loader(storage))
    assert found.patterns == ["a", "b"]


def test_an_include_stands_in_its_place_and_is_relative_to_its_file(
    storage: MemoryFilesystem,
) -> None:
    storage.put("d/one", b"b\r\n#include e/two\nd\n")
    storage.put("d/e/two", b"c\na\n#include ../../three")
    storage.put("three", b"x")
    found = expand(["a", "#include d/one", "e"], loader(storage))
    assert found.patterns == ["a", "b", "c", "x", "d", "e"]
    assert found.files == ["d/one", "d/e/two", "three"]


@pytest.mark.parametrize(
    "line", ["#include ./loop", "#include .stignore", "#include ./twice", "#include  twice"]
)
def test_no_file_is_included_twice(storage: MemoryFilesystem, line: str) -> None:
    storage.put("loop", b"#include ././loop")
    storage.put("twice", b"a")
    with pytest.raises(BadPattern, match=r"^multiple include"):
        expand(["#include twice", line], loader(storage))


def test_a_missing_include_is_named(storage: MemoryFilesystem) -> None:
    with pytest.raises(BadPattern, match=r"failed to load include file 'd/gone'.*No such file"):
        expand(["#include d/gone"], loader(storage))


def test_an_include_needs_a_file(storage: MemoryFilesystem) -> None:
    with pytest.raises(BadPattern):
        expand(["#include"], loader(storage))
    assert expand(["#includes"], loader(storage)).patterns == ["#includes"]


def test_an_include_that_is_no_utf8_is_refused(storage: MemoryFilesystem) -> None:
    storage.put("latin", b"\xe4")
    with pytest.raises(BadPattern):
        expand(["#include latin"], loader(storage))


def test_an_include_through_a_symlink_is_refused(storage: MemoryFilesystem) -> None:
    storage.put("real/f", b"a")
    storage.symlink(b"real", "link")
    with pytest.raises(BadPattern):
        expand(["#include link/f"], loader(storage))


def test_files_outside_are_read_only_where_that_is_allowed(storage: MemoryFilesystem) -> None:
    with pytest.raises(BadPattern, match="outside"):
        expand(["#include ../common"], loader(storage))
    outside = loader(storage, {"../common": ["c"], "/etc/ignores": ["e"]}.__getitem__)
    assert expand(["#include ../common", "#include /etc/ignores"], outside).patterns == ["c", "e"]


def test_the_escape_character_is_set_once_before_all_patterns(storage: MemoryFilesystem) -> None:
    load = loader(storage)
    assert expand(["// first", "#escape=|", "a"], load).escape == "|"
    assert expand(["#escape = /", "a"], load).escape == "/"
    for lines in (["a", "#escape=|"], ["#escape=|", "#escape=|"], ["#escape=||"], ["#escape="]):
        with pytest.raises(BadPattern):
            expand(lines, load)


def test_lines_are_read_with_any_ending_and_mark(storage: MemoryFilesystem) -> None:
    storage.put(".stignore", b"\xef\xbb\xbfa\r\nb\n\nc\n")
    assert read_lines(storage) == ["a", "b", "", "c"]


def test_too_many_patterns_are_refused(storage: MemoryFilesystem) -> None:
    with pytest.raises(BadPattern, match="more than"):
        expand((f"p{number}" for number in range(30_000)), loader(storage))


def test_includes_that_include_each_other_are_refused() -> None:
    files = {"a": ["#include ./b"], "b": ["#include ./a"]}
    with pytest.raises(BadPattern, match="multiple include"):
        expand(["#include a"], files.__getitem__)


def test_the_same_include_line_twice_is_a_double() -> None:
    assert expand(["#include a", "x", "#include a"], {"a": ["b"]}.__getitem__).patterns == [
        "b",
        "x",
    ]
