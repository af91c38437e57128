from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from twisted.internet.defer import Deferred, fail, succeed

from tests.api.fakes import ME, PEER, PHOTOS, START, FakeNodeApi
from txsyncthing.api.db_resource import need_page
from txsyncthing.api.encoding import seconds_text
from txsyncthing.api.file_shapes import NeedPage, need_body
from txsyncthing.cluster.completion import Completion
from txsyncthing.folder.ignores import Ignores
from txsyncthing.folder.service import FolderFailed
from txsyncthing.folder.status import FolderStatus
from txsyncthing.index.values import Totals
from txsyncthing.pull.progress import PullProgress
from txsyncthing.vocabulary.block import EMPTY_HASH, blocks_hash
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.folder import FolderState, RemoteState
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

STATUS_KEYS = [
    "errors",
    "pullErrors",
    "invalid",
    "globalFiles",
    "globalDirectories",
    "globalSymlinks",
    "globalDeleted",
    "globalBytes",
    "globalTotalItems",
    "localFiles",
    "localDirectories",
    "localSymlinks",
    "localDeleted",
    "localBytes",
    "localTotalItems",
    "needFiles",
    "needDirectories",
    "needSymlinks",
    "needDeletes",
    "needBytes",
    "needTotalItems",
    "receiveOnlyChangedFiles",
    "receiveOnlyChangedDirectories",
    "receiveOnlyChangedSymlinks",
    "receiveOnlyChangedDeletes",
    "receiveOnlyChangedBytes",
    "receiveOnlyTotalItems",
    "inSyncFiles",
    "inSyncBytes",
    "state",
    "stateChanged",
    "error",
    "version",
    "sequence",
    "remoteSequence",
    "ignorePatterns",
    "watchError",
]


def name(text: str) -> WireName:
    return WireName(text)


def file(text: str, **fields: Any) -> FileInfo:
    return FileInfo(
        name(text),
        size=fields.pop("size", 1),
        modified=1_700_000_000_120_000_000,
        modified_by=ME.short,
        permissions=0o644,
        version=Vector.of([(ME.short, 7)]),
        sequence=3,
        hashes=EMPTY_HASH,
        blocks_hash=blocks_hash(EMPTY_HASH),
    )._replace(**fields)


def test_the_status_has_the_official_keys_in_their_order() -> None:
    api = FakeNodeApi().start()
    api.folders.photos.now = FolderStatus(
        PHOTOS,
        FolderState.SYNCING,
        START,
        error="",
        scan_errors=(ItemError("b", "x", "broken"),),
        pull_errors=(ItemError("a", "x", "broken"),),
        local=Totals(1, 2, 3, 4, 5),
        global_=Totals(10, 20, 30, 40, 500),
        need=Totals(2, 0, 0, 6, 90),
        receive_only=Totals(1, 1, 1, 1, 1),
        need_bytes=80,
        sequence=77,
        remote_sequence={PEER: 9},
        ignore_patterns=True,
    )
    status = api.get("/rest/db/status?folder=photos")
    assert list(status) == STATUS_KEYS
    assert status == {
        **status,
        "errors": 2,
        "pullErrors": 2,
        "invalid": "",
        "globalTotalItems": 100,
        "localTotalItems": 10,
        "needDeletes": 6,
        "needBytes": 80,
        "needTotalItems": 8,
        "receiveOnlyTotalItems": 4,
        "inSyncFiles": 8,
        "inSyncBytes": 420,
        "state": "syncing",
        "stateChanged": seconds_text(START),
        "version": 77,
        "sequence": 77,
        "remoteSequence": {str(PEER): 9},
        "ignorePatterns": True,
        "watchError": "",
    }


def test_a_paused_folder_has_nothing_but_zeros() -> None:
    status = FakeNodeApi().start().get("/rest/db/status?folder=resting")
    assert list(status) == STATUS_KEYS
    assert {key: value for key, value in status.items() if value} == {
        "stateChanged": "0001-01-01T00:00:00Z"
    }
    assert status["remoteSequence"] is None
    assert FakeNodeApi().start().get("/rest/db/status?folder=photos")["remoteSequence"] == {}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/rest/db/status", 404),
        ("GET", "/rest/db/need", 404),
        ("POST", "/rest/db/prio", 404),
        ("GET", "/rest/db/completion", 404),
        ("GET", "/rest/db/file", 404),
        ("GET", "/rest/folder/errors", 404),
        ("GET", "/rest/folder/pullerrors", 404),
        ("POST", "/rest/db/scan", 500),
    ],
)
def test_an_unknown_folder_is_told_with_the_official_status(
    method: str, path: str, status: int
) -> None:
    reply = FakeNodeApi().start().ask(method, f"{path}?folder=nope&file=x")
    assert (reply.status, reply.text) == (status, "no such folder\n")


@pytest.mark.parametrize(
    ("method", "path", "status", "text"),
    [
        ("GET", "/rest/db/completion", 404, "folder is paused\n"),
        ("GET", "/rest/db/need", 404, "no such folder\n"),
        ("GET", "/rest/db/file", 404, "no such folder\n"),
        ("GET", "/rest/folder/errors", 404, "folder is paused\n"),
        ("POST", "/rest/db/scan", 500, "folder is paused\n"),
    ],
)
def test_a_paused_folder_answers_as_the_official_one(
    method: str, path: str, status: int, text: str
) -> None:
    reply = FakeNodeApi().start().ask(method, f"{path}?folder=resting&file=x")
    assert (reply.status, reply.text) == (status, text)


def test_completion_of_a_folder_of_which_nothing_is_known_yet() -> None:
    api = FakeNodeApi().start()
    api.cluster.gone = {PHOTOS}
    document = api.get("/rest/db/completion?folder=photos")
    assert (document["globalItems"], document["remoteState"]) == (0, "unknown")


def test_completion_is_ours_unless_a_device_is_named() -> None:
    api = FakeNodeApi().start()
    api.cluster.complete = Completion(200, 1, 3, 2, 0, 7, RemoteState.VALID)
    assert api.get("/rest/db/completion") == {
        "completion": 99.5,
        "globalBytes": 200,
        "globalItems": 3,
        "needBytes": 1,
        "needDeletes": 0,
        "needItems": 2,
        "remoteState": "valid",
        "sequence": 7,
    }
    api.get(f"/rest/db/completion?folder=photos&device={PEER}")
    assert api.cluster.asked == [(ME, None), (PEER, PHOTOS)]
    api.cluster.complete = Completion()
    assert b'"completion": 100,\n' in api.ask("GET", "/rest/db/completion").body
    bad = api.ask("GET", "/rest/db/completion?device=bad")
    assert (bad.status, bad.text) == (400, '"bad": device ID invalid: incorrect length\n')


def test_a_scan_is_answered_when_it_is_done() -> None:
    api = FakeNodeApi().start()
    client = api.browser()
    client.send("POST", "/rest/db/scan?folder=photos&sub=a/&sub=b&next=60", **{"X-API-Key": "k"})
    ((subs, done),) = api.folders.photos.scans
    assert (subs, api.folders.photos.delays) == (("a", "b"), [60])
    assert client.transport.value() == b""
    done.callback(None)
    reply = client.reply()
    assert (reply.status, reply.body) == (200, b"")


@pytest.mark.parametrize("query", ["", "&sub=", "&sub=.", "&sub=a&sub=/"])
def test_no_names_to_scan_mean_all(query: str) -> None:
    api = FakeNodeApi().start()
    api.browser().send("POST", f"/rest/db/scan?folder=photos{query}", **{"X-API-Key": "k"})
    assert [subs for subs, _ in api.folders.photos.scans] == [()]


def test_names_that_no_folder_has_are_not_scanned() -> None:
    api = FakeNodeApi().start()
    for sub in ("../x", "a/../b", "a//b", "%00"):
        assert api.ask("POST", f"/rest/db/scan?folder=photos&sub={sub}").status == 200
    api.browser().send("POST", "/rest/db/scan?folder=photos&sub=../x&sub=y", **{"X-API-Key": "k"})
    assert [subs for subs, _ in api.folders.photos.scans] == [("y",)]


def test_a_scan_that_fails_says_why() -> None:
    api = FakeNodeApi().start()
    client = api.browser()
    client.send("POST", "/rest/db/scan?folder=photos", **{"X-API-Key": "k"})
    api.folders.photos.scans[0][1].errback(FolderFailed("folder marker missing"))
    reply = client.reply()
    assert (reply.status, reply.text) == (500, "folder marker missing\n")


def test_a_scan_of_all_waits_for_all_and_lists_those_that_failed() -> None:
    api = FakeNodeApi().start()
    client = api.browser()
    client.send("POST", "/rest/db/scan", **{"X-API-Key": "k"})
    api.folders.photos.scans[0][1].errback(FolderFailed("folder marker missing"))
    reply = client.reply()
    assert reply.status == 500
    assert reply.text == ('Error scanning folders\n{\n  "photos": "folder marker missing"\n}\n')
    client.send("POST", "/rest/db/scan", **{"X-API-Key": "k"})
    api.folders.photos.scans[1][1].callback(None)
    assert client.reply().status == 200


def test_a_scan_goes_on_when_its_client_is_gone() -> None:
    api = FakeNodeApi().start()
    cancelled: list[object] = []
    scan: Deferred[None] = Deferred(cancelled.append)
    api.folders.photos.scan = lambda subs=(): scan  # type: ignore[method-assign]
    client = api.browser()
    client.send("POST", "/rest/db/scan?folder=photos", **{"X-API-Key": "k"})
    client.hang_up()
    assert cancelled == []
    scan.callback(None)


def test_a_scan_that_fails_after_its_client_is_gone_is_nobodys_business() -> None:
    api = FakeNodeApi().start()
    client = api.browser()
    client.send("POST", "/rest/db/scan?folder=photos", **{"X-API-Key": "k"})
    client.hang_up()
    api.folders.photos.scans[0][1].errback(FolderFailed("folder marker missing"))
    assert api.logs.errors() == []


def test_a_file_is_shown_with_all_that_the_official_daemon_tells() -> None:
    api = FakeNodeApi().start()
    api.folders.photos.index.here[name("a")] = file("a", inode_change=1_000_000_000)
    api.folders.photos.index.world[name("a")] = file("a", sequence=9)
    api.cluster.sources = [(PEER, False), (PEER, True)]
    document = api.get("/rest/db/file?folder=photos&file=a")
    assert list(document) == ["availability", "global", "local", "mtime"]
    assert document["availability"] == [
        {"id": str(PEER), "fromTemporary": False},
        {"id": str(PEER), "fromTemporary": True},
    ]
    local = document["local"]
    assert list(local) == sorted(local)
    assert seconds_text(1_700_000_000)[:19] in local["modified"]
    del local["modified"], local["inodeChange"]
    assert local == {
        "blocksHash": b64encode(blocks_hash(EMPTY_HASH)).decode(),
        "deleted": False,
        "ignored": False,
        "invalid": False,
        "localFlags": 0,
        "modifiedBy": str(ME)[:7],
        "mustRescan": False,
        "name": "a",
        "noPermissions": False,
        "numBlocks": 1,
        "permissions": "0644",
        "platform": {
            "Unix": None,
            "Windows": None,
            "Linux": None,
            "Darwin": None,
            "FreeBSD": None,
            "NetBSD": None,
        },
        "sequence": 3,
        "size": 1,
        "type": "FILE_INFO_TYPE_FILE",
        "version": [f"{str(ME)[:7]}:7"],
    }
    assert document["global"]["sequence"] == 9
    assert document["mtime"] == {
        "err": None,
        "value": {"real": "0001-01-01T00:00:00Z", "virtual": "0001-01-01T00:00:00Z"},
    }


def test_a_version_that_nobody_has_shows_empty_and_no_source_is_null() -> None:
    api = FakeNodeApi().start()
    api.folders.photos.index.world[name("a")] = file("a")
    document = api.get("/rest/db/file?folder=photos&file=a")
    assert document["availability"] is None
    local = document["local"]
    assert (local["name"], local["version"], local["permissions"]) == ("", [], "0")
    assert (local["blocksHash"], local["modifiedBy"]) == (None, "")
    assert local["modified"] == "1970-01-01T00:00:00Z"


def test_kinds_and_flags_show_in_a_file() -> None:
    api = FakeNodeApi().start()
    index = api.folders.photos.index
    index.here[name("d")] = file("d", type=FileType.DIRECTORY, size=0, hashes=b"", blocks_hash=b"")
    index.here[name("l")] = file(
        "l",
        type=FileType.SYMLINK,
        no_permissions=True,
        local_flags=LocalFlag.IGNORED,
        modified_by=ShortID(0),
    )
    index.here[name("x")] = file("x", deleted=True, size=5, local_flags=LocalFlag.MUST_RESCAN)
    directory = api.get("/rest/db/file?folder=photos&file=d")["local"]
    assert (directory["type"], directory["size"]) == ("FILE_INFO_TYPE_DIRECTORY", 128)
    assert (directory["blocksHash"], directory["numBlocks"]) == (None, 0)
    link = api.get("/rest/db/file?folder=photos&file=l")["local"]
    assert (link["type"], link["size"]) == ("FILE_INFO_TYPE_SYMLINK", 128)
    assert "permissions" not in link
    assert (link["ignored"], link["invalid"], link["localFlags"]) == (True, True, 2)
    gone = api.get("/rest/db/file?folder=photos&file=x")["local"]
    assert (gone["deleted"], gone["size"], gone["mustRescan"]) == (True, 0, True)


def test_a_file_that_is_not_in_the_index_is_not_found() -> None:
    reply = FakeNodeApi().start().ask("GET", "/rest/db/file?folder=photos&file=nope")
    assert (reply.status, reply.text) == (404, "No such object in the index\n")


def needing(api: FakeNodeApi, count: int) -> list[str]:
    names = [f"{number:03}" for number in range(count)]
    files = [file(one) for one in names]
    api.folders.photos.index.needed = files
    api.folders.photos.index.world = {one.name: one for one in files}
    return names


def listed(document: dict[str, Any]) -> list[list[str]]:
    return [[one["name"] for one in document[key]] for key in ("progress", "queued", "rest")]


def test_the_need_list_has_three_parts_and_no_block_counts() -> None:
    api = FakeNodeApi().start()
    needing(api, 6)
    api.folders.photos.moving = PullProgress(
        in_progress=frozenset({name("004"), name("001")}),
        queued=(name("003"), name("001"), name("000")),
    )
    document = api.get("/rest/db/need?folder=photos")
    assert list(document) == ["page", "perpage", "progress", "queued", "rest"]
    assert (document["page"], document["perpage"]) == (1, 65536)
    assert listed(document) == [["001", "004"], ["003", "000"], ["002", "005"]]
    assert document["rest"][0]["numBlocks"] == 0
    assert api.get("/rest/db/need?folder=photos&page=x&perpage=-1") == document


@pytest.mark.parametrize("moving", [0, 1, 7])
@pytest.mark.parametrize("perpage", [1, 3, 4, 50])
def test_pages_span_the_lists_and_leave_nothing_out(moving: int, perpage: int) -> None:
    api = FakeNodeApi().start()
    names = needing(api, 20)
    api.folders.photos.moving = PullProgress(
        in_progress=frozenset(map(name, names[5 : 5 + moving])),
        queued=tuple(map(name, names[12 : 12 + moving])),
    )
    seen: list[str] = []
    page = 1
    while part := [
        one
        for some in listed(api.get(f"/rest/db/need?folder=photos&page={page}&perpage={perpage}"))
        for one in some
    ]:
        assert len(part) <= perpage
        seen += part
        page += 1
    assert sorted(seen) == names
    assert len(seen) == len(set(seen))


def test_a_later_page_does_not_read_the_ones_before() -> None:
    api = FakeNodeApi().start()
    needing(api, 100)
    api.get("/rest/db/need?folder=photos&page=10&perpage=5")
    assert api.folders.photos.index.asked == [(45, 5)]


def test_a_page_is_passed_on_as_the_index_gave_it() -> None:
    """Tens of thousands of records may be in it, and the reactor has no time to touch each."""
    api = FakeNodeApi().start()
    needing(api, 10)
    index = api.folders.photos.index
    page = [one._replace(hashes=b"") for one in index.needed]
    index.need_queue = lambda order, offset, limit: succeed(page)  # type: ignore[method-assign]
    found: list[NeedPage] = []
    asked = Deferred.fromCoroutine(need_page(api.folders.photos, 1, 10))
    asked.addCallback(found.append)
    assert [id(one) for one in found[0].rest] == [id(one) for one in page]


def test_a_page_that_became_json_holds_nothing_any_more() -> None:
    """To drop a page of 65536 records took the reactor 60 ms: the worker does it, some at a time."""
    api = FakeNodeApi().start()
    needing(api, 10)
    page = NeedPage(1, 50, *(list(api.folders.photos.index.needed) for _ in range(3)))
    assert b"".join(need_body(page)).count(b'"name"') == 30
    assert page[2:] == ([], [], [])


def test_an_empty_need_is_empty_lists() -> None:
    assert FakeNodeApi().start().ask("GET", "/rest/db/need?folder=photos").text == (
        '{\n  "page": 1,\n  "perpage": 65536,\n  "progress": [],\n  "queued": [],\n  "rest": []\n}\n'
    )


def test_a_file_can_be_brought_to_the_front() -> None:
    api = FakeNodeApi().start()
    needing(api, 1)
    document = api.ask("POST", "/rest/db/prio?folder=photos&file=a/b").json()
    assert listed(document) == [[], [], ["000"]]
    assert api.folders.photos.fronts == ["a/b"]


def test_errors_are_paged_and_null_when_there_are_none() -> None:
    api = FakeNodeApi().start()
    assert api.get("/rest/folder/errors?folder=photos&page=3&perpage=7") == {
        "errors": None,
        "folder": "photos",
        "page": 3,
        "perpage": 7,
    }
    status = api.folders.photos.now
    errors = tuple(ItemError(f"{number}", "x", "full <100%") for number in range(3))
    api.folders.photos.now = replace(status, pull_errors=errors)
    page = api.get("/rest/folder/errors?folder=photos&page=2&perpage=2")
    assert page["errors"] == [{"path": "2", "error": "full <100%"}]
    assert len(api.get("/rest/folder/pullerrors?folder=photos")["errors"]) == 3


def test_ignores_show_what_is_there_also_of_a_paused_folder() -> None:
    api = FakeNodeApi().start()
    for folder in ("photos", "resting"):
        assert api.get(f"/rest/db/ignores?folder={folder}") == {
            "error": None,
            "expanded": None,
            "ignore": None,
        }
    api.folders.lines[PHOTOS] = Ignores(("[a",), (), "invalid pattern")
    assert api.get("/rest/db/ignores?folder=photos") == {
        "error": "invalid pattern",
        "expanded": [],
        "ignore": ["[a"],
    }
    assert api.get("/rest/db/ignores?folder=nope") == {
        "error": "folder nope does not exist",
        "expanded": None,
        "ignore": None,
    }


def test_ignores_are_replaced() -> None:
    api = FakeNodeApi().start()
    reply = api.ask("POST", "/rest/db/ignores?folder=photos", {"ignore": ["*.tmp", "", "// c"]})
    assert reply.status == 200
    assert reply.json()["ignore"] == ["*.tmp", "", "// c"]
    reply = api.ask("POST", "/rest/db/ignores?folder=photos", {"ignore": None})
    assert reply.json() == {"error": None, "expanded": None, "ignore": None}


@pytest.mark.parametrize(
    "body", [b"nonsense", b"", b'{"ignore":3}', b'{"ignore":[3]}', b"[]", b'{"ignore":["a\\nb"]}']
)
def test_what_is_no_list_of_patterns_changes_nothing(body: bytes) -> None:
    api = FakeNodeApi().start()
    assert api.ask("POST", "/rest/db/ignores?folder=photos", body).status == 500
    assert api.folders.lines == {}
    assert api.ask("POST", "/rest/db/ignores?folder=nope", {"ignore": []}).status == 500


def test_ignores_that_cannot_be_written_say_why() -> None:
    api = FakeNodeApi().start()
    api.folders.set_ignores = (  # type: ignore[method-assign]
        lambda id, lines: fail(FolderFailed("no space left"))
    )
    reply = api.ask("POST", "/rest/db/ignores?folder=photos", {"ignore": []})
    assert (reply.status, reply.text) == (500, "no space left\n")


def test_a_reset_rebuilds_the_database_of_the_folder_named_or_of_all() -> None:
    api = FakeNodeApi().start()
    reply = api.ask("POST", "/rest/system/reset?folder=photos")
    assert reply.json() == {"ok": "resetting folder photos"}
    assert api.folders.resets == [PHOTOS]
    assert api.ask("POST", "/rest/system/reset").json() == {"ok": "resetting database"}
    assert set(api.folders.resets) == {folder.id for folder in api.holder.current.folders}
    refused = api.ask("POST", "/rest/system/reset?folder=nope")
    assert (refused.status, refused.text) == (500, "Invalid folder ID\n")


def test_what_systems_say_of_a_file_is_shown_as_the_official_daemon_does() -> None:
    api = FakeNodeApi().start()
    # as 1.29.5 sent it, and 1.29.5 showed it
    raw = bytes.fromhex(
        "0a0a120361646d1889062004120b0a07444f4d5c6a6f6510011a1a0a0b0a06757365722e611201320a0b0a067573"
        "65722e7a12013122120a100a0b636f6d2e6170706c652e781201323200"
    )
    api.folders.photos.index.here[name("a")] = file("a", platform=raw)
    assert api.get("/rest/db/file?folder=photos&file=a")["local"]["platform"] == {
        "Unix": {"OwnerName": "", "GroupName": "adm", "UID": 777, "GID": 4},
        "Windows": {"owner_name": "DOM\\joe", "owner_is_group": True},
        "Linux": {
            "Xattrs": [{"Name": "user.a", "Value": "Mg=="}, {"Name": "user.z", "Value": "MQ=="}]
        },
        "Darwin": {"Xattrs": [{"Name": "com.apple.x", "Value": "Mg=="}]},
        "FreeBSD": None,
        "NetBSD": {"Xattrs": []},
    }


def test_very_many_failed_items_are_neither_sorted_nor_shown_by_the_reactor() -> None:
    class Errors(tuple[ItemError, ...]):
        def __iter__(self) -> Iterator[ItemError]:
            raise AssertionError("looked through")

    api = FakeNodeApi().start()
    errors = Errors([ItemError("f", "no-space", "full")] * 100_000)
    api.folders.photos.now = FolderStatus(
        PHOTOS, FolderState.IDLE, START, scan_errors=errors, pull_errors=errors
    )
    status = api.get("/rest/db/status?folder=photos")
    assert (status["errors"], status["pullErrors"]) == (200_000, 200_000)
