"""``/rest/x/explain`` and ``/rest/x/errors`` over a real folder."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, TypeVar

import pytest
from twisted.internet.defer import Deferred, fail

from tests.api.fakes import ME, PEER, PHOTOS, RESTING, START, STRANGER, FakeIndex, FakeNodeApi
from tests.api.test_guard_resource import SHORT, Scene
from tests.pull.folder import answer, file
from txsyncthing.cluster.status import Bytes, ConnectionStatus, DeviceStatus, Statistics
from txsyncthing.connections.score import ConnectionInfo
from txsyncthing.connections.service import DialStatus
from txsyncthing.folder.status import FolderStatus
from txsyncthing.index.values import IndexFailed
from txsyncthing.vocabulary.folder import FolderState, RemoteState

T = TypeVar("T")
MAKER = {"short": SHORT, "name": "theirs", "device": str(PEER)}


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    scene.api.cluster.states[PEER] = RemoteState.VALID
    yield scene
    answer(scene.folder.stopService())


def of(api: FakeNodeApi, path: str = "", folder: str = PHOTOS) -> dict[str, object]:
    query = f"&file={path}" if path else ""
    document: dict[str, object] = api.get(f"/rest/x/explain?folder={folder}{query}")
    return document


def test_a_folder_that_is_up_to_date(scene: Scene) -> None:
    document = of(scene.api)
    assert str(document.pop("since")).startswith("2023-11-1")
    assert str(document.pop("nextScan")).startswith("2023-11-1")
    assert document == {
        "folder": "photos",
        "label": "Photos",
        "type": "sendreceive",
        "state": "idle",
        "complete": True,
        "sentence": "Up to date.",
        "reasons": [],
        "failed": {"items": 0, "causes": {}},
        "devices": [
            {
                "device": str(PEER),
                "name": f"theirs ({SHORT})",
                "connected": False,
                "sentence": "It is not connected (never seen).",
                "reasons": document["devices"][0]["reasons"],  # type: ignore[index]
                "folders": {"photos": "valid"},
            }
        ],
    }


def about(api: FakeNodeApi) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/rest/x/explain?device={PEER}")
    return found


def test_a_device_that_hangs_up_has_not_added_us() -> None:
    api = FakeNodeApi().start()
    api.cluster.known[PEER] = DeviceStatus(False, strange=True)
    document = about(api)
    assert document["sentence"].startswith("It hangs up on us: it has not (yet) added this device")
    (reason,) = document["reasons"]
    assert reason["code"] == "not-added"
    assert str(ME) in reason["remedy"]
    (device,) = of(api)["devices"]  # type: ignore[misc]
    assert device["reasons"] == [reason]  # type: ignore[has-type]


def test_a_device_that_cannot_be_reached_says_what_dialling_met() -> None:
    api = FakeNodeApi().start()
    address = "tcp://192.0.2.1:22000"
    api.holder.modify(
        lambda now: replace(
            now, devices=tuple(replace(one, addresses=(address,)) for one in now.devices)
        )
    )
    api.connections.dialled[address] = DialStatus(START, "Connection refused.")
    (reason,) = about(api)["reasons"]
    assert reason["sentence"] == f"It is not connected (never seen). {address}: Connection refused."
    assert reason["data"] == {"addresses": {address: "Connection refused."}}


def test_a_device_that_shares_nothing_with_us_is_told_by_folder() -> None:
    api = FakeNodeApi().start()
    info = ConnectionInfo("tcp-client", "192.0.2.1:1", True, "TLS", START, 10)
    api.cluster.known[PEER] = DeviceStatus(False, connections=(ConnectionStatus(info, Bytes()),))
    api.cluster.states[PEER] = RemoteState.NOT_SHARING
    document = about(api)
    assert document["sentence"] == "It does not share photos with us (yet)."
    assert document["folders"] == {"photos": "notSharing"}
    api.cluster.states[PEER] = RemoteState.PAUSED
    assert about(api)["reasons"][0]["code"] == "folder-paused-there"
    api.cluster.states[PEER] = RemoteState.VALID
    assert about(api)["reasons"] == []


def test_a_device_that_is_not_configured() -> None:
    assert FakeNodeApi().start().ask("GET", f"/rest/x/explain?device={STRANGER}").status == 404


def test_a_paused_folder(scene: Scene) -> None:
    document = of(scene.api, folder=RESTING)
    assert (document["state"], document["complete"]) == ("paused", False)
    (reason,) = document["reasons"]  # type: ignore[misc]
    assert reason == {  # type: ignore[has-type]
        "code": "paused",
        "sentence": "The folder is paused.",
        "since": "2023-11-14T22:13:20Z",
        "remedy": "Resume it: txsyncthing cli config folders resting paused set false",
        "next": {
            "at": None,
            "sentence": "a scan, and a pull of what is needed, when it is resumed",
        },
        "data": {},
    }


def test_a_folder_whose_peer_is_away(scene: Scene) -> None:
    scene.api.cluster.states.clear()
    scene.api.cluster.known[PEER] = DeviceStatus(False, statistics=Statistics(1_699_999_000.0, 5))
    scene.world.peers.data.clear()
    answer(
        scene.folder.index.update_remote(PEER, [file("new", b"12345", by=PEER.short, version=40)])
    )
    scene.world.clock.advance(1)
    document = of(scene.api)
    (reason,) = document["reasons"]  # type: ignore[misc]
    away = "is not connected (last seen 2023-11-14T21:56:40Z)"
    assert reason == {  # type: ignore[has-type]
        "code": "waiting-for-peers",
        "sentence": f"1 item is on no device that is connected: theirs ({SHORT}) has 1 and {away}.",
        "since": "2023-11-14T21:56:40Z",
        "remedy": "Connect a device which has them.",
        "next": {"at": None, "sentence": "pulled when such a device connects"},
        "data": {
            "items": 1,
            "bytes": 5,
            "devices": [
                {
                    "device": str(PEER),
                    "name": f"theirs ({SHORT})",
                    "items": 1,
                    "bytes": 5,
                    "why": away,
                }
            ],
            "sample": ["new"],
        },
    }
    assert document["failed"] == {"items": 1, "causes": {"no-peer": 1}}
    item = of(scene.api, "new")
    assert (item["state"], item["wanted"], item["local"]) == ("blocked", True, None)
    assert item["reasons"][0]["code"] == "no-peer"  # type: ignore[index]


def test_an_item_in_sync(scene: Scene) -> None:
    document = of(scene.api, "f07")
    version = {
        "type": "file",
        "version": [f"{SHORT}:1"],
        "deleted": False,
        "invalid": False,
        "size": 9,
        "modified": "2020-09-13T12:26:40.000000001Z",
        "modifiedBy": MAKER,
        "localFlags": 0,
    }
    assert document == {
        "folder": "photos",
        "file": "f07",
        "state": "in-sync",
        "sentence": f"We have the newest version, by theirs ({SHORT}).",
        "wanted": True,
        "whyNot": "",
        "reasons": [],
        "next": None,
        "local": {**version, "sequence": document["local"]["sequence"]},  # type: ignore[index]
        "global": {**version, "sequence": document["global"]["sequence"]},  # type: ignore[index]
        "devices": [
            {
                "device": str(PEER),
                "name": f"theirs ({SHORT})",
                "connected": True,
                "has": "newest",
                "version": {**version, "sequence": 8},
            }
        ],
        "disk": {
            "exists": True,
            "type": "file",
            "size": 9,
            "modified": "2020-09-13T12:26:40.000000001Z",
            "changed": "",
            "error": "",
        },
        "ignore": None,
        "temporary": None,
    }


def test_an_item_that_is_held(scene: Scene) -> None:
    scene.delete(20)
    held, other = of(scene.api, "f00"), of(scene.api, "f25")
    assert held["state"] == "blocked"
    assert [one["code"] for one in held["reasons"]] == ["held"]  # type: ignore[attr-defined]
    assert other["state"] == "in-sync"


def test_an_item_that_is_ignored(scene: Scene) -> None:
    scene.world.write(".stignore", b"// mine\n#include more\n")
    scene.world.write("more", b"f0*\n")
    answer(scene.folder.scan())
    document = of(scene.api, "f01")
    assert document["state"] == "ignored"
    assert document["ignore"] == {"file": "more", "line": 1, "pattern": "f0*", "ignored": True}


def test_an_item_that_is_only_on_the_disk(scene: Scene) -> None:
    scene.world.disk.put("d/here", b"1")
    document = of(scene.api, "d/here")
    assert document["state"] == "not-scanned"
    assert document["devices"][0]["has"] == "nothing"  # type: ignore[index]


@pytest.mark.parametrize("name", ["nowhere", "f07/below", "../up", "a//b", "%00"])
def test_an_item_that_is_nowhere(scene: Scene, name: str) -> None:
    reply = scene.api.ask("GET", f"/rest/x/explain?folder=photos&file={name}")
    assert reply.status == 404
    assert len(reply.text.split()) > 3


def test_folders_that_are_unknown_or_paused(scene: Scene) -> None:
    assert scene.api.ask("GET", "/rest/x/explain?folder=no").status == 404
    assert scene.api.ask("GET", "/rest/x/errors?folder=resting").status == 404


def test_an_item_of_a_paused_folder(scene: Scene) -> None:
    disk = scene.api.folders.resting
    disk.put("here", b"12345")
    disk.put(".stignore", b"*.tmp\n")
    document = of(scene.api, "here", RESTING)
    assert document["state"] == "paused"
    assert str(document["sentence"]).startswith("The folder is paused")
    (reason,) = document["reasons"]  # type: ignore[misc]
    assert (reason["code"], reason["since"]) == ("paused", "2023-11-14T22:13:20Z")  # type: ignore[has-type]
    assert document["next"] == reason["next"]  # type: ignore[has-type]
    assert (document["local"], document["wanted"]) == (None, False)
    assert document["devices"][0]["has"] == "unknown"  # type: ignore[index]
    assert document["disk"]["size"] == 5  # type: ignore[index]
    assert of(scene.api, "x.tmp", RESTING)["state"] == "ignored"


class ClosedIndex(FakeIndex):
    """An index that a folder which could not start never opened."""

    def ask(self, question: Callable[..., T], *args: object, **kwargs: object) -> Deferred[T]:
        return fail(IndexFailed("/home/index/folder.db: not open"))


def test_an_item_of_a_folder_that_could_not_start() -> None:
    api = FakeNodeApi().start()
    api.folders.photos.index = ClosedIndex()
    why = "versioning/param[keep]: '0' is not valid"
    api.folders.photos.now = FolderStatus(PHOTOS, FolderState.ERROR, 0.0, why)
    document = of(api, "f")
    assert document["state"] == "stopped"
    assert str(document["sentence"]).startswith(f"The folder is stopped: {why}. ")
    (reason,) = document["reasons"]  # type: ignore[misc]
    assert reason["code"] == "versioning"  # type: ignore[has-type]
    assert "setting" in reason["remedy"]  # type: ignore[has-type]


def test_errors_have_cause_and_remedy_here_and_nowhere_else(scene: Scene) -> None:
    full = OSError(errno.ENOSPC, "No space left on device")
    scene.world.disk.fail("create", "*", full, -1)
    for name in ("new", "old"):
        scene.tell(file(name, b"", by=PEER.short))
    scene.world.clock.advance(1)
    document = scene.api.get("/rest/x/errors?folder=photos&page=2&perpage=1")
    assert document == {
        "folder": "photos",
        "errors": [
            {
                "path": "old",
                "phase": "pull",
                "cause": "no-space",
                "error": "syncing: no space left on device",
                "remedy": "free some room or lower minDiskFree",
            }
        ],
        "page": 2,
        "perpage": 1,
        "total": 2,
    }
    official = scene.api.get("/rest/folder/errors?folder=photos")
    assert official["errors"] == [
        {"path": name, "error": "syncing: no space left on device"} for name in ("new", "old")
    ]
    (reason,) = of(scene.api)["reasons"]  # type: ignore[misc]
    assert reason["data"]["items"] == 2  # type: ignore[has-type]


def test_our_own_changes_are_told_as_ours(scene: Scene) -> None:
    scene.world.write("mine", b"1")
    answer(scene.folder.scan())
    document = of(scene.api, "mine")
    assert document["state"] == "in-sync"
    assert document["local"]["modifiedBy"]["device"] is None  # type: ignore[index]
