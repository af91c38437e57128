"""Our REST answers have the form of the official ones: same keys, same kinds of values."""

from __future__ import annotations

from typing import Any
from urllib.error import HTTPError

import pytest

from tests.interop.harness.content import fill
from tests.interop.harness.daemon import Daemon
from tests.interop.harness.pair import Pair

# 1.19 is older than some of what our answers have the form of
pytestmark = [
    pytest.mark.parametrize("version", ["1.29.5"], indirect=True),
    pytest.mark.xdist_group("interop-1.29.5"),
]
KEYED = {
    *("connections", "connectionServiceStatus", "discoveryErrors", "discoveryStatus"),
    *("lastDialStatus", "params", "remoteSequence"),
}
VOLATILE = {"/rest/events.*.data"}  # differs from event to event


@pytest.fixture(scope="session")
def folder(pair: Pair) -> str:
    """A folder with a file in it, in sync; and a notice at each, for what lists them."""
    for daemon in pair.both:
        daemon.post("/rest/system/error", "a notice")
    taken = pair.take_folder()
    for daemon in pair.both:
        fill(daemon.folders[taken] / f"of {daemon.label}", 1000)
    pair.sync(taken)
    return taken


def shape(value: Any, path: str) -> set[tuple[str, str]]:
    """
    Each key of a JSON value by its path, with the kind of its value.

    Keys of maps (as opposed to records) are all called ``*``; so are the elements of lists.
    """
    if path in VOLATILE:
        return set()
    if isinstance(value, dict):
        keyed = path.rpartition(".")[2] in KEYED
        found = {(path, "record")}
        for key, each in value.items():
            found |= shape(each, f"{path}.{'*' if keyed else key}")
        return found
    if isinstance(value, list):
        return {(path, "list")}.union(*(shape(each, f"{path}.*") for each in value))
    if isinstance(value, bool):
        return {(path, "boolean")}
    if isinstance(value, int | float):
        return {(path, "number")}
    return {(path, "text" if isinstance(value, str) else "null")}


ASKED: list[tuple[str, dict[str, Any]]] = [
    ("/rest/noauth/health", {}),
    ("/rest/system/ping", {}),
    ("/rest/system/status", {}),
    ("/rest/system/version", {}),
    ("/rest/system/connections", {}),
    ("/rest/system/config", {}),
    ("/rest/system/paths", {}),
    ("/rest/system/error", {}),
    ("/rest/system/log", {}),
    ("/rest/db/status", {"folder": True}),
    ("/rest/db/completion", {"folder": True, "device": True}),
    ("/rest/db/completion", {}),
    ("/rest/db/need", {"folder": True}),
    ("/rest/db/file", {"folder": True, "file": True}),
    ("/rest/db/browse", {"folder": True}),
    ("/rest/db/browse", {"folder": True, "levels": 0}),
    ("/rest/db/browse", {"folder": True, "dirsonly": 1}),
    ("/rest/db/browse", {"folder": True, "prefix": "nothing"}),
    ("/rest/db/localchanged", {"folder": True}),
    ("/rest/db/remoteneed", {"folder": True, "device": True}),
    ("/rest/db/remoteneed", {"folder": True}),
    ("/rest/db/ignores", {"folder": True}),
    ("/rest/folder/errors", {"folder": True}),
    ("/rest/events", {"limit": 1, "timeout": 0}),
]


def ask(daemon: Daemon, pair: Pair, folder: str, path: str, query: dict[str, Any]) -> Any:
    given = {
        "folder": folder,
        "device": pair.other(daemon).device,
        "file": f"of {daemon.label}",
    }
    return daemon.get(path, **{k: given[k] if v is True else v for k, v in query.items()})


@pytest.mark.parametrize(("path", "query"), ASKED, ids=lambda value: str(value))
def test_an_answer_has_all_that_the_official_one_has(
    pair: Pair, folder: str, path: str, query: dict[str, Any]
) -> None:
    theirs = shape(ask(pair.right, pair, folder, path, query), path)
    ours = dict(shape(ask(pair.left, pair, folder, path, query), path))
    wrong = []
    for key, kind in sorted(theirs):
        if key not in ours:
            wrong.append(f"{key} ({kind}) is missing")
        elif "null" not in (kind, ours[key]) and ours[key] != kind:
            wrong.append(f"{key} is a {ours[key]}, not a {kind}")
    assert wrong == []


def code(daemon: Daemon, method: str, path: str, **query: Any) -> int:
    try:
        (daemon.get if method == "GET" else daemon.post)(path, **query)
    except HTTPError as error:
        return error.code
    return 200


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [
        ("GET", "/rest/db/status", {"folder": "unknown"}),
        ("GET", "/rest/db/completion", {"folder": "unknown"}),
        ("GET", "/rest/db/completion", {"device": "nonsense"}),
        ("GET", "/rest/db/need", {"folder": "unknown"}),
        ("GET", "/rest/db/file", {"folder": "unknown", "file": "x"}),
        ("GET", "/rest/db/ignores", {"folder": "unknown"}),
        ("GET", "/rest/db/browse", {"folder": "unknown"}),
        ("GET", "/rest/db/localchanged", {"folder": "unknown"}),
        ("GET", "/rest/db/remoteneed", {"folder": "unknown"}),
        ("GET", "/rest/db/remoteneed", {"device": "nonsense"}),
        ("POST", "/rest/db/override", {"folder": "unknown"}),
        ("POST", "/rest/db/revert", {"folder": "unknown"}),
        ("GET", "/rest/db/override", {}),
        ("GET", "/rest/folder/errors", {"folder": "unknown"}),
        ("POST", "/rest/db/scan", {"folder": "unknown"}),
        ("POST", "/rest/system/pause", {"device": "nonsense"}),
        ("GET", "/rest/system/shutdown", {}),
        ("POST", "/rest/db/status", {"folder": "unknown"}),
        ("GET", "/rest/nothing/here", {}),
    ],
)
def test_a_wrong_question_gets_the_official_code(
    pair: Pair, method: str, path: str, query: dict[str, Any]
) -> None:
    assert code(pair.left, method, path, **query) == code(pair.right, method, path, **query)


def test_without_the_key_nothing_is_told(pair: Pair) -> None:
    for daemon in pair.both:
        with pytest.raises(HTTPError, match="403"):
            daemon.get("/rest/system/status", api_key="wrong")
