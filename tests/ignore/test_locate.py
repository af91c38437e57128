"""The line that decides is the one that the matcher obeys."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txsyncthing.ignore.locate import Place, locate
from txsyncthing.ignore.matcher import Matcher

FILES = {"shared": ["// more", "*.o", "(?i)*.BAK"], "deep/er": ["secret", "#include ../shared"]}
LINES = [
    "// a comment",
    "",
    "!keep.tmp",
    "*.tmp",
    "#include deep/er",
    "/only/at/root",
    "(?d)cache/",
    "{a,b}c",
    "*.tmp",
]


def load(path: str) -> list[str]:
    return FILES[path]


@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("keep.tmp", Place(".stignore", 3, "!keep.tmp", False)),
        ("d/x.tmp", Place(".stignore", 4, "*.tmp", True)),
        ("x.o", Place("shared", 2, "*.o", True)),
        ("x.bak/inside", Place("shared", 3, "(?i)*.BAK", True)),
        ("a/secret/b", Place("deep/er", 1, "secret", True)),
        ("only/at/root", Place(".stignore", 6, "/only/at/root", True)),
        ("x/only/at/root", None),
        ("cache/f", Place(".stignore", 7, "(?d)cache/", True)),
        ("cache", None),
        ("bc", Place(".stignore", 8, "{a,b}c", True)),
        ("kept", None),
    ],
)
def test_the_deciding_line_is_found(name: str, place: Place | None) -> None:
    assert locate(LINES, load, name) == place


@given(
    st.lists(st.sampled_from(["!a", "a", "a/b", "/a", "*b", "b/**", "(?i)A", "!b", "c/"])),
    st.sampled_from(["a", "b", "a/b", "b/a", "c/a", "A", "c", "x/a/b", "ab"]),
)
def test_it_says_the_same_as_the_matcher(lines: list[str], name: str) -> None:
    place = locate(lines, load, name)
    ignored = Matcher.parse(lines, load).match(name).ignored
    assert (place is not None and place.ignored) == ignored
