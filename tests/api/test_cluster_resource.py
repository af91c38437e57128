from __future__ import annotations

from dataclasses import replace

from tests.api.fakes import ME, PEER, START, STRANGER, FakeNodeApi
from txsyncthing.api.encoding import seconds_text
from txsyncthing.cluster.pending import PendingDevice, PendingFolder
from txsyncthing.cluster.status import DeviceStatus, Statistics
from txsyncthing.folder.status import LastFile
from txsyncthing.vocabulary.folder import FolderID


def test_devices_that_knocked_are_listed_until_dismissed() -> None:
    api = FakeNodeApi().start()
    assert api.ask("GET", "/rest/cluster/pending/devices").text == "{}\n"
    api.cluster.knocking[STRANGER] = PendingDevice(START, "new", "10.0.0.9:22000")
    assert api.get("/rest/cluster/pending/devices") == {
        str(STRANGER): {"time": seconds_text(START), "name": "new", "address": "10.0.0.9:22000"}
    }
    path = f"/rest/cluster/pending/devices?device={STRANGER}"
    assert api.ask("DELETE", path).status == 200
    assert api.ask("DELETE", path).status == 200
    assert api.cluster.knocking == {}
    bad = api.ask("DELETE", "/rest/cluster/pending/devices?device=x")
    assert (bad.status, bad.text) == (400, '"x": device ID invalid: incorrect length\n')


def test_folders_that_were_offered_are_listed_until_dismissed() -> None:
    api = FakeNodeApi().start()
    offer = PendingFolder(START, "Docs", False, True)
    api.cluster.offered[FolderID("docs")] = {PEER: offer}
    assert api.get("/rest/cluster/pending/folders") == {
        "docs": {
            "offeredBy": {
                str(PEER): {
                    "time": seconds_text(START),
                    "label": "Docs",
                    "receiveEncrypted": False,
                    "remoteEncrypted": True,
                }
            }
        }
    }
    assert api.ask("GET", "/rest/cluster/pending/folders?device=x").status == 400
    assert (
        api.ask("DELETE", f"/rest/cluster/pending/folders?folder=docs&device={PEER}").status == 200
    )
    assert api.ask("DELETE", "/rest/cluster/pending/folders?folder=docs").status == 200
    assert api.get("/rest/cluster/pending/folders") == {}


def test_devices_were_last_seen_now_once_or_never() -> None:
    api = FakeNodeApi().start()
    never = {"lastSeen": "1970-01-01T00:00:00Z", "lastConnectionDurationS": 0}
    assert api.get("/rest/stats/device") == {str(ME): never, str(PEER): never}
    api.cluster.known[PEER] = DeviceStatus(False, statistics=Statistics(START - 5, 1.5))
    assert api.get("/rest/stats/device")[str(PEER)] == {
        "lastSeen": seconds_text(START - 5),
        "lastConnectionDurationS": 1.5,
    }


def test_folders_tell_of_their_last_scan_and_file_if_they_run() -> None:
    api = FakeNodeApi().start()
    never = {"at": "0001-01-01T00:00:00Z", "filename": "", "deleted": False}
    assert api.get("/rest/stats/folder") == {
        "photos": {"lastFile": never, "lastScan": "0001-01-01T00:00:00Z"}
    }
    last = LastFile("a", START, True)
    api.folders.photos.now = replace(api.folders.photos.now, last_scan=START, last_file=last)
    assert api.get("/rest/stats/folder")["photos"] == {
        "lastFile": {"at": seconds_text(START), "filename": "a", "deleted": True},
        "lastScan": seconds_text(START),
    }
