"""Old versions over REST: the official shapes, and restoring a directory as it was."""

from __future__ import annotations

import json

import pytest

from tests.api.fakes import FakeNodeApi
from txsyncthing.api.version_shapes import PIECE, versions_body
from txsyncthing.filesystem.metadata import FolderUnhealthy
from txsyncthing.folder.versions_service import NoVersions, RestoreRuns
from txsyncthing.versions.listing import FileVersions, Listed
from txsyncthing.versions.rewind import Deed, Line

URL = "/rest/folder/versions?folder="
REWIND = "/rest/x/restore?folder=photos"


@pytest.fixture
def api() -> FakeNodeApi:
    return FakeNodeApi().start()


def test_versions_are_told_in_whole_seconds(api: FakeNodeApi) -> None:
    versions = [
        Listed(1_700_000_060.0, 1_600_000_000_999_999_999, 7),
        Listed(1_700_000_000.9, 0, 0),
    ]
    api.folders.photos.versions.files = [FileVersions("d/<a>.txt", versions)]
    reply = api.ask("GET", URL + "photos")
    assert reply.status == 200
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    found = reply.json()["d/<a>.txt"]
    assert [one["size"] for one in found] == [7, 0]
    assert found[0]["versionTime"].startswith("2023-11-1")
    assert "." not in found[0]["modTime"] + found[1]["versionTime"]
    assert b"\\u003ca\\u003e" in reply.body
    assert list(found[0]) == ["versionTime", "modTime", "size"]


def test_the_pieces_make_one_document() -> None:
    files = [
        FileVersions(f"f{number:05}", [Listed(0.0, 0, number)]) for number in range(2 * PIECE + 1)
    ]
    document = json.loads(versions_body(files))
    assert list(document) == [file.path for file in files]
    assert document["f01000"][0]["size"] == 1000
    assert versions_body([]) == b"{}\n"
    lines = versions_body(files[:1]).decode().split("\n")
    assert lines[:3] == ["{", '  "f00000": [', "    {"]


def test_a_folder_without_versions_says_so(api: FakeNodeApi) -> None:
    api.folders.photos.versions.trouble = NoVersions("folder has no versioner")
    for method in ("GET", "POST"):
        reply = api.ask(method, URL + "photos", {} if method == "POST" else b"")
        assert (reply.status, reply.text) == (500, "folder has no versioner\n")
        assert api.ask(method, URL + "nope", {}).text == "no such folder\n"
        assert api.ask(method, URL + "resting", {}).text == "folder is paused\n"
        assert api.ask(method, URL + "resting", {}).status == 500


def test_restoring_answers_what_failed_and_no_more(api: FakeNodeApi) -> None:
    versions = api.folders.photos.versions
    assert api.ask("POST", URL + "photos", {"a": "2023-11-14T22:13:20Z"}).json() == {}
    versions.failed = {"b": "simple versioner: restore: version not found"}
    reply = api.ask("POST", URL + "photos", {"b": "2023-11-14T23:13:20.5+01:00"})
    assert reply.json() == versions.failed
    assert versions.asked == [{"a": 1_700_000_000.0}, {"b": 1_700_000_000.5}]


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"a": 1}', b'{"a": "soon"}', b'{"a": null}'])
def test_a_bad_body_restores_nothing(api: FakeNodeApi, body: bytes) -> None:
    assert api.ask("POST", URL + "photos", body).status == 500
    assert api.folders.photos.versions.asked == []


def test_a_directory_as_it_was(api: FakeNodeApi) -> None:
    report = api.folders.photos.versions.report
    report.add(Line("d/a", Deed.RESTORE, 1_700_000_000.0, False, "uncertain"))
    report.add(Line("d/b", Deed.LOST, why="not kept"))
    report.add(Line("d/c", Deed.UNCHANGED))
    report.bytes = 12
    found = api.ask("POST", REWIND + "&path=/d/&at=2023-11-14T22:13:20Z&dry=1").json()
    assert api.folders.photos.versions.asked == [("d", 1_700_000_000.0, True)]
    assert (found["folder"], found["path"], found["dry"], found["bytes"]) == (
        "photos",
        "d",
        True,
        12,
    )
    assert found["counts"] == {
        "restore": 1, "unchanged": 1, "newer": 0, "lost": 1, "gone": 0, "failed": 0
    }  # fmt: skip
    assert found["unlisted"] == 1
    assert [(one["path"], one["action"], one["certain"]) for one in found["items"]] == [
        ("d/a", "restore", False),
        ("d/b", "lost", True),
    ]
    assert found["items"][1]["versionTime"] is None
    api.ask("POST", REWIND + "&at=2023-11-14T22:13:20Z&dry=0")
    assert api.folders.photos.versions.asked[-1] == ("", 1_700_000_000.0, False)


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("photos&path=d", 400),
        ("photos&path=d&at=yesterday", 400),
        ("photos&path=d&at=2023-11-14T22:13:20", 400),
        ("photos&path=../d&at=2023-11-14T22:13:20Z", 400),
        ("photos&path=.stversions&at=2023-11-14T22:13:20Z", 400),
        ("nope&at=2023-11-14T22:13:20Z", 404),
        ("resting&at=2023-11-14T22:13:20Z", 404),
    ],
)
def test_a_bad_question_restores_nothing(api: FakeNodeApi, query: str, status: int) -> None:
    assert api.ask("POST", "/rest/x/restore?folder=" + query).status == status
    assert api.folders.photos.versions.asked == []


def test_a_restore_that_cannot_be_says_why(api: FakeNodeApi) -> None:
    for trouble, status in (
        (RestoreRuns("another directory"), 409),
        (FolderUnhealthy("folder marker missing"), 500),
        (OSError(13, "Permission denied"), 500),
    ):
        api.folders.photos.versions.trouble = trouble
        reply = api.ask("POST", REWIND + "&at=2023-11-14T22:13:20Z")
        assert reply.status == status
        assert trouble.args[-1] in reply.text
