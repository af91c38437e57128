"""The first pattern that matches decides."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txsyncthing.ignore.matcher import EMPTY, BadPattern, Matcher


def matcher(*lines: str) -> Matcher:
    def load(path: str) -> list[str]:
        raise FileNotFoundError(path)

    return Matcher.parse(lines, load)


def test_the_example_of_the_manual() -> None:
    given = matcher("(?d).DS_Store", "!frobble", "!quuz", "foo", "*2", "qu*", "(?i)my pictures")
    fates = {
        ".DS_Store": (True, True),
        "foo": (True, False),
        "foofoo": (False, False),
        "bar": (False, False),
        "bar/baz": (False, False),
        "bar/quux": (True, False),
        "bar/quuz": (False, False),
        "bar2/baz": (True, False),
        "bar2/frobble": (False, False),
        "My Pictures/Img15.PNG": (True, False),
        "x/.DS_Store": (True, True),
    }
    assert {name: tuple(given.match(name)) for name in fates} == fates


def test_nothing_is_ignored_without_patterns() -> None:
    assert EMPTY.empty
    assert not EMPTY.match("a").ignored
    assert not EMPTY.can_skip("a")
    assert matcher("", "// comment").empty


def test_the_root_is_never_ignored() -> None:
    assert not matcher("*").match("").ignored
    assert not matcher("*").can_skip("")


def test_an_earlier_pattern_wins() -> None:
    assert not matcher("!a", "a").match("a").ignored
    assert matcher("a", "!a").match("a").ignored
    assert not matcher("!/keep", "*").match("keep/deep/x").ignored
    assert matcher("!/keep", "*").match("other/keep").ignored


def test_a_kept_item_is_never_deletable() -> None:
    assert matcher("(?d)!a", "(?d)*").match("a") == (False, False)
    assert matcher("a", "(?d)*").match("a") == (True, False)
    assert matcher("a", "(?d)*").match("b") == (True, True)


@pytest.mark.parametrize(
    ("lines", "skipped", "entered"),
    [
        (["foo"], ["foo", "a/foo", "foo/x"], ["a", "bar"]),
        (["/foo", "/bar", "!baz", "*"], ["foo", "bar"], ["other"]),
        (["!/baz", "*"], ["other", "x/y"], ["baz"]),
        (["!/baz/keep", "*"], ["other", "baz/x"], ["baz"]),
        (["!/a*/keep", "*"], ["b"], ["ax", "a"]),
        (["!/baz/", "*"], ["other"], ["baz"]),
        (["!/b**", "*"], [], ["other", "c"]),
        (["!/b**/x", "*"], [], ["other"]),
        (["!/x/**/y", "*"], ["z"], ["x", "x/z"]),
        (["!/{a,b/c}", "*"], ["d", "b/d"], ["b"]),
        (["!keep", "foo"], [], ["foo"]),
        (["foo", "!keep"], ["foo"], []),
        (["foo/"], ["foo/x"], ["foo"]),
    ],
)
def test_a_directory_is_skipped_only_if_nothing_below_can_be_kept(
    lines: list[str], skipped: list[str], entered: list[str]
) -> None:
    given = matcher(*lines)
    assert [name for name in skipped if not given.can_skip(name)] == []
    assert [name for name in entered if given.can_skip(name)] == []


NAMES = st.lists(st.sampled_from(["a", "b", "ab"]), min_size=1, max_size=4).map("/".join)
LINES = st.lists(
    st.builds(
        lambda prefix, body: prefix + body,
        st.sampled_from(["", "!", "/", "!/", "(?d)"]),
        st.sampled_from(
            ["a", "b", "a*", "*", "a/b", "a/*", "**/b", "a/**/b", "{a,b/a}", "b/", "a**"]
        ),
    ),
    max_size=5,
)


@settings(max_examples=300, deadline=None)
@given(LINES, NAMES, NAMES)
def test_below_a_skipped_directory_all_is_ignored(
    lines: list[str], directory: str, below: str
) -> None:
    given = matcher(*lines)
    if given.can_skip(directory):
        assert given.match(f"{directory}/{below}").ignored


@settings(max_examples=200, deadline=None)
@given(LINES, NAMES)
def test_merged_neighbours_decide_like_single_patterns(lines: list[str], name: str) -> None:
    matching = (line for line in lines if matcher(line.replace("!", "")).match(name).ignored)
    first = next(matching, "!")
    assert matcher(*lines).match(name).ignored == (not first.startswith("!"))


def test_one_broken_pattern_refuses_the_whole_file() -> None:
    with pytest.raises(BadPattern):
        matcher("a", "[")


def test_lines_and_patterns_are_kept_for_showing() -> None:
    given = Matcher.parse(["a", "#include more"], {"more": ["b", "a"]}.__getitem__)
    assert given.lines == ("a", "#include more")
    assert given.expanded == ("a", "b")
    assert given.files == ("more",)
