"""What one line of an ignore file means."""

from __future__ import annotations

import time
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txsyncthing.ignore.matcher import Matcher
from txsyncthing.ignore.pattern import BadPattern, parse_pattern


def ignores(line: str, name: str, escape: str = "\\") -> bool:
    return Matcher([parse_pattern(line, escape)]).match(name).ignored


@pytest.mark.parametrize(
    ("line", "matched", "passed"),
    [
        ("foo", ["foo", "sub/foo", "foo/x", "a/foo/b/c"], ["foofoo", "Foo", "xfoo", "foo.txt"]),
        ("te*ne", ["telephone", "subdir/telephone", "tene"], ["tele/phone", "telephones"]),
        ("te**ne", ["telephone", "subdir/telephone", "tele/sub/dir/phone"], ["telephon"]),
        ("te??st", ["tebest", "x/tebest"], ["teb/st", "test"]),
        ("[a-z]", ["q", "d/q"], ["Q", "5", "qq"]),
        ("[!a-c]x", ["dx"], ["ax", "x"]),
        ("[abc]x", ["ax", "cx"], ["dx", "[abc]x"]),
        ("[a-c0-9_]x", ["bx", "7x", "_x"], ["dx", "-x"]),
        ("[a-]x", ["ax", "-x"], ["bx"]),
        ("[\\]]x", ["]x"], ["\\x"]),
        ("[^a]", ["^", "a"], ["b"]),
        ("{banana,pineapple}", ["banana", "x/pineapple/y"], ["{banana,pineapple}", "apple"]),
        ("*.{jp{,e}g,png}", ["a.jpg", "a.jpeg", "a.png"], ["a.jpe", "a.jp"]),
        ("{a/b,c*}", ["a/b", "x/a/b/y", "cat"], ["a", "b"]),
        ("a{,*}b", ["ab", "axb"], ["a/b"]),
        (r"\{banana\}", ["{banana}"], ["banana"]),
        (r"a\*b", ["a*b"], ["axb"]),
        (r"a\?", ["a?"], ["ab"]),
        ("a\\", ["a"], ["a\\"]),
        ("{a", ["a"], ["{a"]),
        ("{a,{b}", ["a", "b"], ["{a"]),
        ("a/**/b", ["a/b", "a/x/b", "z/a/x/b"], ["z/a/b", "ab"]),
        ("/a/**/b*", ["a/x/b"], ["a/b"]),
        ("a[!.]b", ["a/b", "axb", "z/a/b/c"], ["a.b"]),
        ("a[/]b", ["a/b"], ["a[/]b"]),
        ("*a[!x]*b", ["aa/b", "a/cb"], ["a/c/b"]),
        ("{*,**}/foo", ["a/foo", "a/b/foo"], ["foo"]),
        ("/foo", ["foo", "foo/bar"], ["subdir/foo", "foofoo"]),
        ("/foo/bar", ["foo/bar", "foo/bar/x"], ["foo", "x/foo/bar"]),
        ("foo/bar", ["foo/bar", "x/foo/bar"], ["foo/x/bar", "xfoo/bar"]),
        ("**/foo", ["foo", "a/foo", "a/b/foo/c"], ["afoo"]),
        ("foo/", ["foo/x", "foo/x/y", "a/foo/x"], ["foo", "a/foo"]),
        ("foo/**", ["foo/x", "foo/x/y"], ["foo"]),
        ("/foo/*", ["foo/x", "foo/x/y"], ["foo"]),
        ("/**/foo", ["a/foo", "a/b/foo"], ["foo"]),
        ("*", ["a", "a/b", ".hidden", "new\nline"], []),
        ("/*", ["a", "a/b"], []),
        ("/", ["a", "a/b"], []),
        ("**", ["a", "a/b"], []),
        ("*2", ["bar2", "bar2/baz"], ["bar", "2bar"]),
        ("(?i)my pictures", ["My Pictures", "My Pictures/Img15.PNG"], ["MyPictures"]),
        ("(?i)ÄÖ[x-z]", ["äöX", "ÄÖz"], ["aox"]),
        ("(?i)(?d)x", ["X"], []),
        ("(?d)(?i)x", ["X"], []),
        ("(?di)x", ["(?di)x", "(zdi)x"], ["X", "x"]),
        ("a.b+c(d)|e$", ["a.b+c(d)|e$"], ["axb+c(d)|e$", "a.bbc(d)|e$"]),
        ("#hash", ["#hash"], []),
        ("a}", ["a}"], []),
        ("a]", ["a]"], []),
        ("x,y", ["x,y"], ["x"]),
        ("file // comment", ["file // comment"], ["file"]),
        ("cafe\u0301", ["caf\u00e9"], []),
        ("a*b**c", ["axbyc", "ab/x/c"], ["a/b/c"]),
        ("a**b*c", ["a/b/bc", "abxc", "a/bxb/c/bc"], ["a/b/c"]),
        ("a**x", ["ax/a", "x/ax"], ["a", "xa"]),
    ],
)
def test_a_line_matches_what_the_manual_says(
    line: str, matched: list[str], passed: list[str]
) -> None:
    assert [name for name in matched if not ignores(line, name)] == []
    assert [name for name in passed if ignores(line, name)] == []


@pytest.mark.parametrize("line", ["[a", "[]", "[!]", "[z-a]", "!", "(?d)(?i)", "!(?i)"])
def test_a_broken_line_is_refused_with_its_text(line: str) -> None:
    with pytest.raises(BadPattern, match=r"^invalid pattern ") as caught:
        parse_pattern(line)
    assert repr(line) in str(caught.value)


@pytest.mark.parametrize(
    "line", ["{a,b}" * 11, "{" * 40 + "}" * 40, "a" * 20_000, "{" + "a," * 2000 + "}"]
)
def test_a_monstrous_line_is_refused(line: str) -> None:
    with pytest.raises(BadPattern):
        parse_pattern(line)


def test_prefixes_stand_in_any_order_once() -> None:
    pattern = parse_pattern("(?d)!(?i)x")
    assert (pattern.negated, pattern.deletable) == (True, True)
    assert ignores("!!x", "!x") is False  # negated, of a file named !x
    assert Matcher([parse_pattern("!!x"), parse_pattern("*")]).match("!x").ignored is False


def test_another_escape_character_may_be_chosen() -> None:
    assert ignores("a|*", "a*", escape="|")
    assert not ignores("a|*", "ab", escape="|")
    assert ignores("a\\b", "a\\b", escape="|")


@pytest.mark.parametrize(
    "line",
    ["*a" * 40, "**a" * 40, "a*" * 40 + "b", "**a*b" * 20, "/" + "*a**" * 20 + "b", "{a*,*a}" * 6],
)
def test_no_pattern_makes_a_long_name_slow(line: str) -> None:
    matcher = Matcher([parse_pattern(line)])
    begin = time.process_time()
    for name in ("a" * 2000, "a/" * 1000 + "x", "ab" * 1000 + "c"):
        matcher.match(name)
    assert time.process_time() - begin < 5


def plainly(pattern: str, name: str) -> bool:
    """The same by trying everything, for patterns of letters, * and **."""

    @cache
    def at(p: int, n: int) -> bool:
        if p == len(pattern):
            return n == len(name) or name[n] == "/"
        if pattern.startswith("**", p):
            end = p
            while end < len(pattern) and pattern[end] == "*":
                end += 1
            return any(at(end, m) for m in range(n, len(name) + 1))
        if pattern[p] == "*":
            while True:
                if at(p + 1, n):
                    return True
                if n == len(name) or name[n] == "/":
                    return False
                n += 1
        if n == len(name):
            return False
        return (pattern[p] == name[n] or (pattern[p] == "?" and name[n] != "/")) and at(
            p + 1, n + 1
        )

    starts = [0] + [place + 1 for place, char in enumerate(name) if char == "/"]
    return any(at(0, start) for start in starts)


@settings(max_examples=400, deadline=None)
@given(
    st.text("ab*?/", min_size=1, max_size=9).filter(lambda p: p[0] != "/" and p[-1] != "/"),
    st.lists(st.text("ab", min_size=1, max_size=5), min_size=1, max_size=4).map("/".join),
)
def test_holding_the_first_place_loses_no_match(pattern: str, name: str) -> None:
    expected = plainly(pattern, name)
    if pattern.startswith("**/"):
        expected = expected or plainly(pattern[3:], name)
    assert ignores(pattern, name) == expected
