from __future__ import annotations

from typing import Any

import pytest

from tests.cli.fakes import FakeNode, done
from tests.cli.test_explain import NO_PAGE, REASON
from txsyncthing.cli.seam import Unreachable
from txsyncthing.cli.status import screen
from txsyncthing.cli.survey import survey

ME, PHONE, NAS, TV = "MEMEMEM-7", "PHONEPH-7", "NASNASN-7", "TVTVTVT-7"
STATUS = {
    "state": "idle",
    "needTotalItems": 0,
    "needBytes": 0,
    "globalBytes": 1000,
    "localFiles": 3,
    "localBytes": 1000,
}


def folder(id: str, *devices: str, paused: bool = False) -> dict[str, Any]:
    shares = [{"deviceID": one} for one in (ME, *devices)]
    return {
        "id": id, "label": id.title(), "path": f"/{id}", "type": "sendreceive", "paused": paused,
        "devices": shares,
    }  # fmt: skip


def node(*folders: dict[str, Any]) -> FakeNode:
    names = {ME: "me", PHONE: "phone", NAS: "", TV: "tv"}
    made = FakeNode()
    made.on("/rest/system/version", {"longVersion": "syncthing v9"})
    made.on("/rest/system/status", {"myID": ME, "uptime": 3700})
    made.on(
        "/rest/config/devices",
        [{"deviceID": id, "name": name, "paused": id == TV} for id, name in names.items()],
    )
    made.on("/rest/config/folders", list(folders))
    phone = {"connected": True, "address": "192.0.2.1:22000", "clientVersion": "v1.29.5"}
    made.on("/rest/system/connections", {"connections": {PHONE: phone}})
    made.on("/rest/stats/device", {NAS: {"lastSeen": "1970-01-01T00:00:00Z"}})
    made.on("/rest/system/error", {"errors": None})
    made.on("/rest/cluster/pending/devices", {})
    made.on("/rest/cluster/pending/folders", {})
    made.on("/rest/db/status", STATUS)
    made.on(
        "/rest/db/completion", {"completion": 100, "needItems": 0, "needDeletes": 0, "needBytes": 0}
    )
    made.on("/rest/x/explain", NO_PAGE)
    return made


def shown(from_: FakeNode) -> str:
    return "\n".join(screen(done(survey(from_)), from_.address))


def test_a_quiet_node() -> None:
    text = shown(node(folder("photos", PHONE)))
    assert "me (MEMEMEM) at http://127.0.0.1:8384, up 1 h 1 min\nsyncthing v9\n" in text
    assert "  Photos (photos)  idle  in sync  3 files, 1000 B  /photos" in text
    assert "phone (PHONEPH)  connected, 192.0.2.1:22000  has everything" in text
    assert "NASNASN" in text
    assert "never seen" in text
    assert "tv (TVTVTVT)" in text
    assert "Notices" not in text
    assert "Waiting for an answer" not in text


def test_what_is_missing_failed_or_stopped_is_said() -> None:
    by_folder = {
        "a": {**STATUS, "state": "syncing", "needTotalItems": 2, "needBytes": 250},
        "b": {**STATUS, "state": "error", "error": "folder path missing"},
        "c": {**STATUS, "needTotalItems": 1, "pullErrors": 1, "receiveOnlyTotalItems": 4},
    }
    there = node(folder("a", PHONE), folder("b"), folder("c"), folder("d", paused=True))
    there.on("/rest/db/status", lambda query: by_folder[query["folder"]])
    there.on(
        "/rest/db/completion",
        {"completion": 99.999, "needItems": 1, "needDeletes": 1, "needBytes": 10},
    )
    text = shown(there)
    assert "75.0 %, 2 items and 250 B missing" in text
    assert "folder path missing" in text
    assert "1 item failed, 4 local changes" in text
    assert "D (d)  paused" in text
    assert "99.9 %, 2 items and 10 B missing" in text
    assert (
        there.asked.count("/rest/x/explain") == 1
    )  # once is enough to know that it does not explain


def test_reasons_offers_and_notices() -> None:
    there = node(folder("a"), folder("b", paused=True))
    there.on("/rest/x/explain", {"complete": False, "reasons": [REASON]})
    there.on("/rest/cluster/pending/devices", {"X": {}})
    there.on(
        "/rest/system/error",
        {"errors": [{"when": "2026-11-25T12:00:00Z", "message": str(n)} for n in range(9)]},
    )
    text = shown(there)
    assert "    - No device that has it is connected." in text
    assert "Waiting for an answer: 1 device, 0 folders" in text
    assert "Notices (9, " in text
    assert text.splitlines()[-1].endswith("  8")
    assert len(text.split("Notices")[1].splitlines()) == 6


def test_hundreds_of_folders_keep_their_order() -> None:
    folders = [folder(f"f{number:03}") for number in range(300)]
    there = node(*folders)
    found = done(survey(there))
    assert [one["id"] for one in found["folders"]] == [one["id"] for one in folders]


def test_a_node_that_goes_away_meanwhile_is_an_error() -> None:
    there = node(*(folder(f"f{number}") for number in range(30)))
    there.on(
        "/rest/db/status", lambda query: Unreachable("gone") if query["folder"] == "f9" else STATUS
    )
    with pytest.raises(Unreachable):
        done(survey(there))


def test_an_empty_node() -> None:
    text = shown(node())
    assert "Folders:\n  no folder" in text


def test_what_is_in_the_way_of_a_device_is_said() -> None:
    there = node(folder("a", PHONE))
    reason = {**REASON, "code": "not-added", "sentence": "It hangs up on us."}

    def explained(query: dict[str, Any]) -> Any:
        return {"reasons": [reason] if query.get("device") == PHONE else []}

    there.on("/rest/x/explain", explained)
    text = shown(there)
    assert "  phone:\n    - It hangs up on us." in text
    assert "phone (PHONEPH)  connected, 192.0.2.1:22000  has told nothing yet" in text
