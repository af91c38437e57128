"""The tree of a folder in JSON, for trees of every shape."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from txsyncthing.api.browse import browse_body, depth_of
from txsyncthing.api.encoding import Times, moment_text
from txsyncthing.index.lists import Entry
from txsyncthing.vocabulary.file import FileType

FILE, DIRECTORY, SYMLINK = (kind.value for kind in FileType)
DAY = 86_400 * 10**9
LETTERS = 'ab-/&"\\\x00\x7fé\u2028\U0001f600'


@pytest.fixture(params=["UTC", "Europe/Berlin", "America/St_Johns"])
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


def body(*entries: Entry, prefix: str = "") -> bytes:
    """In pages of two."""
    found = sorted(entries)
    return b"".join(browse_body(prefix, [found[n : n + 2] for n in range(0, len(found), 2)]))


def tree(*entries: Entry, prefix: str = "") -> Any:
    return json.loads(body(*entries, prefix=prefix))


def names(nodes: list[dict[str, Any]]) -> list[Any]:
    return [
        (node["name"], names(node["children"])) if "children" in node else node["name"]
        for node in nodes
    ]


def test_an_item_is_told_as_the_official_daemon_does() -> None:
    text = body(("a&<b>", 0, FILE, 12), ("d", DAY, DIRECTORY, 0), ("d/l", DAY, SYMLINK, 0))
    assert (
        text.decode()
        == """\
[
  {
    "name": "a\\u0026\\u003cb\\u003e",
    "modTime": "1970-01-01T00:00:00Z",
    "size": 12,
    "type": "FILE_INFO_TYPE_FILE"
  },
  {
    "name": "d",
    "modTime": "1970-01-02T00:00:00Z",
    "size": 128,
    "type": "FILE_INFO_TYPE_DIRECTORY",
    "children": [
      {
        "name": "l",
        "modTime": "1970-01-02T00:00:00Z",
        "size": 128,
        "type": "FILE_INFO_TYPE_SYMLINK"
      }
    ]
  }
]
"""
    )
    assert body() == b"[]\n"


def test_what_lies_between_a_directory_and_its_content_by_name_is_not_within() -> None:
    found = tree(
        *((name, 0, DIRECTORY, 0) for name in ("a", "a/b", "a/b/c")),
        *((name, 0, FILE, 1) for name in ("a-b", "a.c", "a/b-x", "a/b/c/d", "a0", "é")),
    )
    assert names(found) == [
        ("a", [("b", [("c", ["d"])]), "b-x"]),
        "a-b",
        "a.c",
        "a0",
        "é",
    ]


def test_below_a_prefix_names_begin_there() -> None:
    assert names(tree(("a/b/c", 0, FILE, 1), ("a/b/d", 0, FILE, 1), prefix="a/b/")) == ["c", "d"]
    assert depth_of("a/b/", 0) == 2
    assert depth_of("", 3) == 3
    assert depth_of("a/", -1) == -1


def test_an_item_without_its_directory_gets_one() -> None:
    found = tree(
        ("a/b/c", 0, FILE, 1), ("a/x", 0, FILE, 1), ("b", 0, SYMLINK, 0), ("b/y", 0, FILE, 1)
    )
    assert names(found) == [("a", [("b", ["c"]), "x"]), ("b", ["y"])]
    assert found[0]["type"] == "FILE_INFO_TYPE_DIRECTORY"


def test_the_deepest_tree_is_told_without_recursion_and_in_proportion() -> None:
    chain = ["/".join(["d"] * depth) for depth in range(1, 5000)]
    text = body(*((name, 0, DIRECTORY, 0) for name in chain))
    assert text.count(b'"children"') == len(chain) - 1
    assert text.count(b"{") == text.count(b"}") == len(chain)
    assert len(text) < 12_000_000


def test_a_large_answer_comes_in_parts() -> None:
    parts = browse_body("", [[(f"{number:06}", 0, FILE, 1) for number in range(10_000)]])
    assert len(parts) > 4
    assert len(json.loads(b"".join(parts))) == 10_000


@given(
    st.dictionaries(
        st.lists(
            st.text('ab-/&"\\\x00\x7fé\u2028\U0001f600', min_size=1, max_size=3),
            min_size=1,
            max_size=4,
        )
        .map("/".join)
        .filter(lambda name: all(name.split("/"))),
        st.integers(-(2**63), 2**63 - 1),
        max_size=12,
    )
)
def test_whatever_the_names_are_the_tree_is_that_of_its_parts(items: dict[str, int]) -> None:
    text = body(*((name, modified, FILE, 1) for name, modified in items.items()))
    told: dict[str, str] = {}

    def walk(nodes: list[dict[str, Any]], prefix: str) -> None:
        bases = [node["name"] for node in nodes]
        assert bases == sorted(set(bases), key=os.fsencode)
        for node in nodes:
            told[prefix + node["name"]] = node["modTime"]
            walk(node.get("children", []), f"{prefix}{node['name']}/")

    document = orjson.loads(text)
    walk(document, "")
    expected = {name: moment_text(modified) for name, modified in items.items()}
    assert {name: told[name] for name in items} == expected
    above = {name.rsplit("/", count)[0] for name in items for count in range(name.count("/") + 1)}
    assert told.keys() == above


def test_times_are_those_of_the_calendar(zone: str) -> None:
    times = Times()
    for base in (0, 1_700_000_000, 1_711_846_800, 1_730_595_600, -(10**9), 253_402_300_799):
        for step in (0, 1, 59, 3599, 3600, 7200, 30_000, 86_399):
            for rest in (0, 5, 120_000_000):
                moment = (base + step) * 10**9 + rest
                assert times.text(moment) == moment_text(moment), (zone, moment)
    assert times.text(10**30) == moment_text(10**30)
