from __future__ import annotations

from typing import Any

import pytest

from tests.cli.fakes import FakeNode, done
from txsyncthing.cli.explain import ask, lines, reasons, when
from txsyncthing.cli.seam import NodeError, Refused

NO_PAGE = Refused("404 page not found", 404, "404 page not found")
REASON = {
    "code": "no-device",
    "sentence": "No device that has it is connected.",
    "since": "2026-11-25T12:00:00Z",
    "remedy": "Connect phone.",
    "next": {"at": None, "sentence": "It is fetched when phone connects."},
    "data": {},
}
VERSION = {
    "type": "file",
    "version": ["ABCDEFG:3"],
    "deleted": False,
    "size": 2048,
    "modified": "2026-11-25T12:00:00Z",
    "modifiedBy": {"short": "ABCDEFG", "name": "phone", "device": None},
}
ITEM: dict[str, Any] = {
    "folder": "f",
    "file": "a/b",
    "state": "missing",
    "sentence": "It is missing here.",
    "wanted": False,
    "whyNot": "the patterns ignore it",
    "reasons": [REASON],
    "next": None,
    "local": None,
    "global": VERSION,
    "devices": [
        {
            "device": "ABCDEFG-X",
            "name": "phone",
            "connected": False,
            "has": "newest",
            "version": VERSION,
        }
    ],
    "disk": {"exists": False, "type": None, "modified": None, "changed": False, "error": None},
    "ignore": {"file": ".stignore", "line": 3, "pattern": "*.o", "ignored": False},
    "temporary": {"bytesDone": 1024, "bytesTotal": 2048},
}


def test_the_node_is_asked_for_a_folder_or_an_item() -> None:
    node = FakeNode().on("/rest/x/explain", lambda query: query)
    assert done(ask(node, "f")) == {"folder": "f"}
    assert done(ask(node, "f", "a")) == {"folder": "f", "file": "a"}


def test_a_node_that_does_not_explain_is_named() -> None:
    node = FakeNode().on("/rest/x/explain", NO_PAGE)
    node.on("/rest/system/version", {"version": "v1.29.5"})
    with pytest.raises(NodeError, match=r"v1\.29\.5\) does not explain: only txsyncthing does"):
        done(ask(node, "f"))


def test_an_unknown_item_is_told_from_that() -> None:
    node = FakeNode().on("/rest/x/explain", Refused("x", 404, "no device has told of 'a'"))
    with pytest.raises(NodeError, match="no device has told of 'a'"):
        done(ask(node, "f", "a"))


def test_a_reason_names_items() -> None:
    reason = {
        "sentence": "7 items failed.",
        "code": "failed-items",
        "remedy": "Let us write there.",
    }
    data = {"items": 7, "sample": ["ro", "ro/a\n"]}
    assert list(reasons([{**reason, "data": data}])) == [
        "- 7 items failed. [failed-items]",
        r"  Items: 'ro', 'ro/a\n' and 5 more",
        "  What to do: Let us write there.",
    ]
    held = {"sample": ["a"], "deletions": 3, "overwrites": 2}
    (_, items) = reasons([{"sentence": "Held.", "code": "held", "data": held}])
    assert items == "  Items: 'a' and 4 more"


def test_an_item_is_explained_in_lines() -> None:
    text = "\n".join(lines(ITEM))
    for part in (
        "a/b: It is missing here.",
        "Not wanted: the patterns ignore it",
        "- No device that has it is connected. (since 2026-11-25 ",
        "[no-device]",
        "  What to do: Connect phone.",
        "  Next: It is fetched when phone connects.",
        "here    none",
        "has newest, not connected",
        "On disk: not there",
        "Patterns: not ignored by .stignore, line 3: *.o",
        "Under way: 1.0 KiB of 2.0 KiB",
    ):
        assert part in text


def test_a_folder_is_explained_in_lines() -> None:
    answer = {"folder": "f", "sentence": "In step.", "complete": True, "reasons": []}
    assert list(lines(answer)) == ["f: In step."]


def test_times_that_nobody_knows() -> None:
    assert (when(None), when("soon")) == ("never", "soon")
