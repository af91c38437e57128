"""Comments, doubles and directives, without files; tests/scan/test_ignores.py has them with files."""

from __future__ import annotations

import pytest

from txsyncthing.ignore.lines import expand
from txsyncthing.ignore.pattern import BadPattern


def nothing(path: str) -> list[str]:
    raise FileNotFoundError(2, "No such file or directory", path)


def test_comments_blanks_and_doubles_are_left_out() -> None:
    assert expand(["  a ", "", "// no", "b", "a"], nothing).patterns == ["a", "b"]


def test_a_missing_include_is_named() -> None:
    with pytest.raises(BadPattern, match="failed to load include file 'x': No such file"):
        expand(["#include x"], nothing)


def test_includes_that_include_each_other_are_refused() -> None:
    files = {"a": ["#include b"], "b": ["#include a"]}
    with pytest.raises(BadPattern, match="multiple include"):
        expand(["#include a"], files.__getitem__)


def test_the_escape_character_is_found() -> None:
    assert expand(["#escape=|", "a"], nothing).escape == "|"
    with pytest.raises(BadPattern, match="#escape"):
        expand(["a", "#escape=|"], nothing)
