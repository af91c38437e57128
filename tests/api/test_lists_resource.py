"""``/rest/db`` where it lists what the index knows, and override and revert."""

from __future__ import annotations

import pytest

from tests.api.fakes import PEER, STRANGER, FakeNodeApi
from txsyncthing.api import lists_resource
from txsyncthing.folder.requests import Chore
from txsyncthing.vocabulary.block import EMPTY_HASH, blocks_hash
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

SECOND = 10**9
HERE = LocalFlag.RECEIVE_ONLY


def item(name: str, version: int = 1, kind: FileType = FileType.FILE, **fields: object) -> FileInfo:
    plain = FileInfo(
        WireName(name),
        kind,
        modified=1_700_000_000 * SECOND,
        version=Vector.of([(7, version)]),
        modified_by=ShortID(7),
        sequence=version,
        permissions=0o644,
    )
    if kind is FileType.FILE:
        plain = plain._replace(hashes=EMPTY_HASH, blocks_hash=blocks_hash(EMPTY_HASH))
    return plain._replace(**fields)  # type: ignore[arg-type]


@pytest.fixture
def api() -> FakeNodeApi:
    """``photos`` has some files that the peer lacks, and some that were changed here."""
    api = FakeNodeApi().start()
    store = api.folders.photos.index.store
    store.update_local(
        [item(f"f{number}", 2) for number in range(5)]
        + [item("dir", 2, FileType.DIRECTORY), item("dir/x", 2)]
        + [item(f"here{number}", local_flags=HERE) for number in range(3)]
    )
    store.update_remote(PEER, [item("f0", 2), item("f1", 1), item("dir", 2, FileType.DIRECTORY)])
    return api


def listed(api: FakeNodeApi, path: str) -> tuple[list[str], int, int]:
    document = api.get(path)
    assert list(document) == ["files", "page", "perpage"]
    return [one["name"] for one in document["files"]], document["page"], document["perpage"]


def test_a_folder_is_browsed(api: FakeNodeApi) -> None:
    tree = api.get("/rest/db/browse?folder=photos")
    assert [node["name"] for node in tree] == ["dir", "f0", "f1", "f2", "f3", "f4"]
    assert [node["name"] for node in tree[0]["children"]] == ["x"]
    (only,) = api.get("/rest/db/browse?folder=photos&dirsonly=1")
    assert (only["name"], "children" in only) == ("dir", False)
    assert "children" not in api.get("/rest/db/browse?folder=photos&levels=0")[0]
    (below,) = api.get("/rest/db/browse?folder=photos&prefix=dir")
    assert below["name"] == "x"
    for nothing in ("f0", "di", "/dir", "../x", "none", "dir//"):
        assert api.get(f"/rest/db/browse?folder=photos&prefix={nothing}") == []


def test_what_a_peer_lacks_is_listed_in_pages(
    api: FakeNodeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists_resource, "SLICE", 2)
    monkeypatch.setattr(lists_resource, "READ", 1)
    path = f"/rest/db/remoteneed?folder=photos&device={PEER}"
    assert listed(api, path) == (["dir/x", "f1", "f2", "f3", "f4"], 1, 65536)
    assert listed(api, f"{path}&page=2&perpage=2") == (["f2", "f3"], 2, 2)
    assert listed(api, f"{path}&page=9&perpage=2") == ([], 9, 2)
    assert listed(api, f"{path}&page=-1&perpage=0") == (["dir/x", "f1", "f2", "f3", "f4"], 1, 65536)
    everything = ["dir", "dir/x", "f0", "f1", "f2", "f3", "f4"]
    assert listed(api, f"/rest/db/remoteneed?folder=photos&device={STRANGER}")[0] == everything
    assert listed(api, "/rest/db/remoteneed?folder=photos")[0] == everything
    (first, *_) = api.get(path)["files"]
    assert (first["numBlocks"], first["type"], first["size"]) == (0, "FILE_INFO_TYPE_FILE", 0)
    assert first["blocksHash"]


def test_what_was_changed_here_is_listed_in_pages(
    api: FakeNodeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists_resource, "READ", 2)
    path = "/rest/db/localchanged?folder=photos"
    assert listed(api, path) == (["here0", "here1", "here2"], 1, 65536)
    assert listed(api, f"{path}&page=2&perpage=2") == (["here2"], 2, 2)
    assert listed(api, f"{path}&page=3&perpage=2") == ([], 3, 2)
    assert api.get(path)["files"][0]["localFlags"] == 8


def test_an_empty_list_is_written_as_the_official_daemon_does(api: FakeNodeApi) -> None:
    reply = api.ask("GET", "/rest/db/localchanged?folder=photos&page=5")
    assert reply.text == '{\n  "files": [],\n  "page": 5,\n  "perpage": 65536\n}\n'
    full = api.ask("GET", "/rest/db/localchanged?folder=photos&perpage=1").text
    assert full.startswith('{\n  "files": [\n    {\n      "blocksHash"')
    assert full.endswith('    }\n  ],\n  "page": 1,\n  "perpage": 1\n}\n')


@pytest.mark.parametrize(
    ("path", "status", "text"),
    [
        ("browse?folder=none", 500, "no such folder"),
        ("browse?folder=resting", 500, "no such folder"),
        ("browse", 500, "no such folder"),
        ("localchanged?folder=none", 404, "no such folder"),
        ("localchanged?folder=resting", 404, "no such folder"),
        (f"remoteneed?folder=none&device={PEER}", 404, "no such folder"),
        ("remoteneed?folder=none&device=bad", 500, '"bad": device ID invalid: incorrect length'),
    ],
)
def test_wrong_questions_get_the_official_answers(
    api: FakeNodeApi, path: str, status: int, text: str
) -> None:
    reply = api.ask("GET", f"/rest/db/{path}")
    assert (reply.status, reply.text) == (status, f"{text}\n")


def test_override_and_revert_are_asked_of_the_folder_and_say_nothing(api: FakeNodeApi) -> None:
    for path in (
        "override?folder=photos",
        "revert?folder=photos",
        "revert?folder=none",
        "override",
    ):
        reply = api.ask("POST", f"/rest/db/{path}")
        assert (reply.status, reply.text) == (200, "")
    assert api.folders.photos.chores == [Chore.OVERRIDE, Chore.REVERT]
    assert api.ask("GET", "/rest/db/override?folder=photos").status == 405


def test_deletions_that_are_not_made_are_not_listed_as_needed(api: FakeNodeApi) -> None:
    index = api.folders.photos.index
    index.needed = [
        item("a"),
        item("b", deleted=True, hashes=b""),
        item("c", deleted=True, hashes=b""),
        item("d"),
    ]
    path = "/rest/db/need?folder=photos&perpage=1&page=2"
    assert [one["name"] for one in api.get(path)["rest"]] == ["b"]
    api.ask("PATCH", "/rest/config/folders/photos", {"ignoreDelete": True})
    assert [one["name"] for one in api.get(path)["rest"]] == ["d"]
