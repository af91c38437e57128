"""
Of the patterns of an ignore file the first that matches decides.

Young implementations let the last one decide, as Git does. With ``!keep.log`` before ``*.log`` that would
ignore ``keep.log`` (and so it is never backed up); with ``secret`` before ``!*`` it would send what was to
stay here.
"""

from __future__ import annotations

import pytest

from tests.pull.folder import Folder as Puller
from tests.pull.folder import file
from tests.scan.folder import Folder as Scanned
from txsyncthing.ignore.matcher import Matcher

LINES: list[tuple[list[str], str, bool]] = [
    (["!keep.log", "*.log"], "keep.log", False),
    (["!keep.log", "*.log"], "other.log", True),
    (["*.log", "!keep.log"], "keep.log", True),
    (["secret", "!*"], "secret", True),
    (["!*", "secret"], "secret", False),
    (["!/a/b", "/a"], "a/b", False),
    (["/a", "!/a/b"], "a/b", True),
    (["(?d)x", "!x"], "x", True),
    (["!x", "(?d)x"], "x", False),
    (["(?i)!X", "x"], "x", False),
    (["!a*", "*", "!b*"], "b", True),
    (["!a*", "*", "!b*"], "ab", False),
]


def parsed(lines: list[str]) -> Matcher:
    def load(name: str) -> list[str]:
        raise AssertionError("nothing is included")

    return Matcher.parse(lines, load)


@pytest.mark.parametrize(("lines", "name", "ignored"), LINES)
def test_the_first_match_decides(lines: list[str], name: str, ignored: bool) -> None:
    assert parsed(lines).match(name).ignored is ignored


def test_a_scan_tells_nothing_of_what_the_first_match_ignores() -> None:
    folder = Scanned()
    folder.ignore("secret", "!keep.log", "*.log", "!*")
    for name in ("secret", "keep.log", "other.log", "plain"):
        folder.disk.put(name)
    folder.scan()
    assert folder.names() == ["keep.log", "plain"]
    folder.close()


def test_a_pull_brings_nothing_that_the_first_match_ignores() -> None:
    folder = Puller(matcher=parsed(["secret", "!keep.log", "*.log", "!*"]))
    for number, name in enumerate(("secret", "keep.log", "other.log", "plain")):
        folder.offer((file(name, b"bytes", number + 1), b"bytes"))
    assert folder.pull().failed == ()
    assert folder.names() == ["keep.log", "plain"]
    folder.close()
