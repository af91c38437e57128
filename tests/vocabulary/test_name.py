from __future__ import annotations

import posixpath
from datetime import datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.name import (
    BadName,
    base_name,
    check_name,
    conflict_name,
    conflict_origin,
    extension,
    is_conflict,
    is_conflict_of,
    is_internal,
    is_temporary,
    join,
    parent,
    temporary_name,
)

WHEN = datetime(2026, 2, 3, 4, 5, 6)
text = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20)
parts = text.filter(lambda part: "/" not in part and "\0" not in part and part not in (".", ".."))
names = st.lists(parts, min_size=1, max_size=4).map("/".join)


@given(names)
def test_canonical_names_pass(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *(
            "",
            ".",
            "..",
            "/",
            "//",
            "/a",
            "a/",
            "a//b",
            "./a",
            "a/.",
            "a/./b",
            "../a",
            "a/..",
            "a/../b",
        ),
        *("\0", "a\0b", "a/\0", "..\0", "a/b/", "../../etc/passwd", "a/../../b"),
    ],
)
def test_names_that_no_honest_peer_sends_are_refused(name: str) -> None:
    with pytest.raises(BadName):
        check_name(name)


@given(st.text("./a\0", max_size=8))
def test_a_name_passes_only_if_cleaning_leaves_it_as_it_is(name: str) -> None:
    clean = bool(name) and posixpath.normpath(name) == name and "\0" not in name
    clean = clean and name[0] != "/" and name != "." and ".." not in name.split("/")
    try:
        check_name(name)
    except BadName:
        assert not clean
    else:
        assert clean


@given(names)
def test_a_name_is_its_directory_and_its_base(name: str) -> None:
    assert join(parent(name), base_name(name)) == name
    assert posixpath.split(name) == (parent(name), base_name(name))


@given(names)
def test_a_temporary_name_is_beside_its_place_and_known_as_temporary(name: str) -> None:
    temporary = temporary_name(name)
    assert parent(temporary) == parent(name)
    assert is_temporary(temporary)
    assert check_name(temporary) == temporary


@given(st.text("aé日😀", min_size=30, max_size=255))
def test_a_temporary_name_fits_wherever_its_file_fits(base: str) -> None:
    assume(len(base.encode()) <= 255)
    assert len(temporary_name(base).encode()) <= 255


def test_temporary_names_are_those_of_the_official_daemon() -> None:
    assert temporary_name("a/b.txt") == "a/.syncthing.b.txt.tmp"
    assert temporary_name("x" * 145) == ".syncthing." + "x" * 145 + ".tmp"
    hashed = temporary_name("d/" + "ü" * 73)  # 146 bytes
    assert hashed.startswith("d/.syncthing.")
    assert len(base_name(hashed)) == len(".syncthing.") + 64 + len(".tmp")


@pytest.mark.parametrize(
    ("name", "temporary"),
    [
        ("a/.syncthing.b.tmp", True),
        ("~syncthing~b.tmp", True),
        (".syncthing.b", True),  # the prefix alone counts, as seen on both official versions
        (".syncthing", False),
        ("a.syncthing.b.tmp", False),
        (".syncthing.dir.tmp/inside", False),
    ],
)
def test_temporary_names_are_recognised(name: str, temporary: bool) -> None:
    assert is_temporary(name) is temporary


@pytest.mark.parametrize(
    ("name", "internal"),
    [
        (".stfolder", True),
        (".stfolder/x", True),
        (".stignore", True),
        (".stversions/a/b", True),
        ("a/.stignore", False),
        (".stfolderx", False),
        ("stfolder", False),
    ],
)
def test_internal_names_are_recognised_at_the_top_only(name: str, internal: bool) -> None:
    assert is_internal(name) is internal


@pytest.mark.parametrize(
    ("base", "ending"),
    [
        ("a.txt", ".txt"),
        ("a.tar.gz", ".gz"),
        (".bashrc", ".bashrc"),
        ("a", ""),
        ("a.", "."),
        ("...", "."),
    ],
)
def test_an_extension_starts_at_the_last_dot(base: str, ending: str) -> None:
    assert extension(base) == ending


def test_conflict_names_are_those_of_the_official_daemon() -> None:
    by = ShortID(0)
    assert conflict_name("d/a.txt", WHEN, by) == "d/a.sync-conflict-20260203-040506-AAAAAAA.txt"
    assert conflict_name("noext", WHEN, by) == "noext.sync-conflict-20260203-040506-AAAAAAA"
    assert conflict_name(".bashrc", WHEN, by) == ".sync-conflict-20260203-040506-AAAAAAA.bashrc"


@given(names, st.integers(0, 2**64 - 1))
def test_a_conflict_copy_is_known_as_one_of_its_file(name: str, by: int) -> None:
    copy = conflict_name(name, WHEN, ShortID(by))
    assert is_conflict(copy)
    assert is_conflict_of(copy, name)
    assert not is_conflict_of(name, name)
    assert conflict_origin(copy) == name
    assert check_name(copy) == copy


@pytest.mark.parametrize(
    ("candidate", "name"),
    [
        ("d/a.sync-conflict-20260203-040506-AAAAAAA.txt", "a.txt"),
        ("b.sync-conflict-20260203-040506-AAAAAAA.txt", "a.txt"),
        ("a.sync-conflict-20260203-040506-AAAAAAA.md", "a.txt"),
        ("a.sync-conflict-2026.txt", "a.txt"),
        ("a.sync-conflict-20260203-040506-AAAAAAA.txt", "a"),
        ("a.sync-conflict-20260203-040506-mine.txt", "a.txt"),
        ("ab.sync-conflict-20260203-040506-AAAAAAA.txt", "a.txt"),
    ],
)
def test_the_copy_of_another_file_is_not_taken_for_ours(candidate: str, name: str) -> None:
    assert not is_conflict_of(candidate, name)
