from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from tests.cli.fakes import FakeNode
from txsyncthing.cli.look import Exit, Verdict
from txsyncthing.cli.seam import NodeError, Refused, Unreachable
from txsyncthing.cli.waiting import BREATH, BRIEF, PATIENCE, Wait, Wanted, timed

ME, PHONE, NAS = "ME-7", "PHONE-7", "NAS-7"
DONE = {"state": "idle", "needTotalItems": 0, "needBytes": 0, "globalBytes": 100}
SYNCING = {"state": "syncing", "needTotalItems": 1, "needBytes": 40, "globalBytes": 100}


class Scene:
    """A node with one folder, whose events come when the test says so."""

    def __init__(self, *devices: str, timeout: float | None = None, scan: bool = True) -> None:
        self.clock = Clock()
        self.status: Any = DONE
        self.completion: dict[str, Any] = {}
        self.paused: dict[str, bool] = {}
        self.polls: list[Deferred[list[dict[str, Any]]]] = []
        self.lines: list[str] = []
        self.away = False
        self.timeouts: list[int] = []
        self.node = FakeNode()
        self.node.on("/rest/events", self._events)
        self.node.on("/rest/config/folders", self._folders)
        self.node.on("/rest/config/devices", self._devices)
        self.node.on("/rest/system/status", {"myID": ME})
        self.node.on("/rest/system/connections", {"connections": {PHONE: {"connected": True}}})
        self.node.on("/rest/db/status", lambda query: self.status)
        self.node.on("/rest/db/completion", self._completion)
        self.node.on("/rest/db/scan", "")
        self.node.on("/rest/x/guard", Refused("", 404, "404 page not found"))
        self.type = "sendreceive"
        self.wait = Wait(self.node, self.clock, "f", devices, scan=scan, show=self.lines.append)
        self._timeout = timeout
        self._results: list[Any] = []

    def start(self) -> Scene:
        ended = Deferred.fromCoroutine(timed(self.wait, self.clock, self._timeout))
        ended.addBoth(self._results.append)
        return self

    def _events(self, query: dict[str, Any]) -> Any:
        if self.away:
            return Unreachable("gone")
        self.timeouts.append(query["timeout"])
        if query["timeout"] == 0:
            return [{"id": 5}]
        self.polls.append(Deferred())
        return self.polls[-1]

    def _folders(self, query: dict[str, Any]) -> Any:
        shared = [{"deviceID": one} for one in (ME, PHONE, NAS)]
        paused = self.paused.get("f", False)
        return [{"id": "f", "paused": paused, "type": self.type, "devices": shared}]

    def _devices(self, query: dict[str, Any]) -> Any:
        names = {ME: "me", PHONE: "phone", NAS: "nas", "TV-7": "tv"}
        return [
            {"deviceID": id, "name": name, "paused": self.paused.get(id, False)}
            for id, name in names.items()
        ]

    def _completion(self, query: dict[str, Any]) -> Any:
        return self.completion.get(query["device"], {"needItems": 0, "globalBytes": 100})

    def event(self, type: str = "StateChanged", **data: Any) -> None:
        """The node tells of something; a breath passes."""
        self.polls[-1].callback([{"id": 6, "type": type, "data": data or {"folder": "f"}}])
        self.clock.advance(BREATH)

    @property
    def verdict(self) -> Verdict | None:
        if not self._results:
            return None
        if isinstance(self._results[0], Failure):
            self._results[0].raiseException()
        assert self.clock.getDelayedCalls() == []
        found: Verdict = self._results[0][0]
        return found

    @property
    def code(self) -> int | None:
        return None if self.verdict is None else int(self.verdict.code)

    def looks(self) -> int:
        return self.node.asked.count("/rest/db/status")


def test_it_scans_looks_and_ends_when_nothing_is_missing() -> None:
    scene = Scene().start()
    assert scene.code == Exit.IN_SYNC
    assert scene.node.told == [("POST", "/rest/db/scan", b"", {"folder": "f"})]


def test_without_a_scan_it_only_looks() -> None:
    assert Scene(scan=False).start().code == Exit.IN_SYNC
    scene = Scene(scan=False).start()
    assert scene.node.told == []


def test_it_looks_again_when_an_event_tells_of_the_folder() -> None:
    scene = Scene()
    scene.status = SYNCING
    scene.start()
    assert (scene.code, scene.looks()) == (None, 1)
    scene.event("StateChanged", folder="other")
    scene.event("FolderScanProgress", folder="f")
    assert scene.looks() == 1
    scene.status = DONE
    scene.event("StateChanged", folder="f")
    assert (scene.code, scene.looks()) == (0, 2)
    assert "60.0 %" in scene.lines[-2]


def test_many_events_do_not_make_many_looks() -> None:
    scene = Scene()
    scene.status = SYNCING
    scene.start()
    scene.polls[-1].callback([{"id": 6, "type": "StateChanged", "data": {"folder": "f"}}])
    assert scene.looks() == 1  # not before a breath is over
    scene.clock.advance(BREATH)
    assert scene.looks() == 2
    scene.status = DONE
    scene.event()
    assert scene.code == 0


def test_it_waits_for_each_device_and_believes_it_a_breath_later() -> None:
    scene = Scene("phone", "nas")
    scene.completion[NAS] = {"needItems": 2, "needBytes": 5, "globalBytes": 100}
    scene.start()
    assert scene.code is None
    assert "not connected: nas" in scene.lines[-1]
    del scene.completion[NAS]
    scene.event("DeviceConnected", id=NAS)
    assert scene.code is None
    scene.clock.advance(BREATH)
    assert scene.code == Exit.IN_SYNC


@pytest.mark.parametrize("word", ["phone", PHONE, PHONE.lower(), "phon", "all"])
def test_devices_are_named_in_many_ways(word: str) -> None:
    scene = Scene(word).start()
    scene.clock.advance(BREATH)
    assert scene.code == 0
    ids = {device.id for device in scene.wait.look.devices}
    assert ids == ({PHONE, NAS} if word == "all" else {PHONE})


@pytest.mark.parametrize(
    ("word", "said"), [("xy", "there is no device 'xy'"), ("tv", "is not shared with tv")]
)
def test_a_device_that_is_not_there_is_wrong_usage(word: str, said: str) -> None:
    with pytest.raises(Wanted, match=said) as caught:
        Scene(word).start().verdict
    assert caught.value.exit_code == 2


def test_a_folder_that_is_not_there_is_wrong_usage() -> None:
    scene = Scene()
    scene.node.on("/rest/config/folders", [])
    with pytest.raises(Wanted, match="there is no folder 'f'"):
        scene.start().verdict


def test_a_paused_folder_is_neither_scanned_nor_waited_for() -> None:
    scene = Scene()
    scene.paused["f"] = True
    assert scene.start().code == Exit.STOPPED
    assert scene.node.told == []


def test_a_folder_that_is_paused_meanwhile_ends_it() -> None:
    scene = Scene()
    scene.status = SYNCING
    scene.start()
    scene.paused["f"] = True
    scene.status = Refused("", 404, "folder is paused")
    scene.event("FolderPaused", id="f", label="")
    assert scene.code == Exit.STOPPED


def test_a_scan_that_fails_is_told() -> None:
    scene = Scene()
    scene.node.on("/rest/db/scan", Refused("", 500, "folder path missing"))
    scene.status = {"state": "error", "error": "folder path missing"}
    scene.start()
    assert scene.code == Exit.STOPPED
    scene = Scene()
    scene.node.on("/rest/db/scan", Refused("", 500, "no idea"))
    scene.status = SYNCING
    with pytest.raises(NodeError, match="the scan failed: no idea"):
        scene.start().verdict


def test_the_scan_shows_its_progress() -> None:
    scene = Scene()
    scanned: Deferred[str] = Deferred()
    scene.node.on("/rest/db/scan", scanned)
    scene.start()
    scene.event("FolderScanProgress", folder="f", current=512, total=1024, rate=2048.0)
    assert scene.lines[-1] == "f: scanning · 50.0 % · 512 B of 1.0 KiB · 2.0 KiB/s"
    scanned.callback("")
    assert scene.code == 0


def test_it_ends_when_the_time_is_up() -> None:
    scene = Scene(timeout=5)
    scene.status = SYNCING
    scene.start()
    scene.clock.advance(4.9)
    assert scene.verdict is None
    scene.clock.advance(0.2)
    assert scene.code == 3
    assert scene.wait.look.need_bytes == 40


def test_the_time_counts_during_the_scan_too() -> None:
    scene = Scene(timeout=5)
    scene.node.on("/rest/db/scan", Deferred())
    scene.start()
    scene.clock.advance(5)
    assert scene.code == Exit.TIMED_OUT


def test_a_node_that_restarts_is_waited_for() -> None:
    scene = Scene()
    scene.status = SYNCING
    scene.start()
    scene.away = True
    scene.polls[-1].errback(Unreachable("gone"))
    scene.clock.pump([1.0] * 5)
    assert "does not answer" in scene.lines[-1]
    scene.away, scene.status = False, DONE
    scene.clock.advance(1.0)
    assert scene.code == 0


def test_a_node_that_stays_away_is_an_error() -> None:
    scene = Scene()
    scene.status = SYNCING
    scene.start()
    scene.away = True
    scene.polls[-1].errback(Unreachable("gone"))
    scene.clock.pump([1.0] * (int(PATIENCE) + 1))
    with pytest.raises(Unreachable):
        scene.verdict


def test_items_that_keep_failing_end_it() -> None:
    scene = Scene()
    scene.status = {**SYNCING, "state": "idle", "pullErrors": 1}
    scene.start()
    for _ in range(2):
        assert scene.code is None
        scene.clock.advance(60)
        scene.polls[-1].callback([])  # the minute is over
    verdict = scene.verdict
    assert verdict is not None
    assert (verdict.code, verdict.sentence) == (Exit.STOPPED, "1 item cannot be synced")


def test_a_held_batch_ends_it_with_what_to_do() -> None:
    scene = Scene()
    scene.status = {**SYNCING, "state": "idle", "pullErrors": 1}
    scene.node.on(
        "/rest/x/guard", {"folder": "f", "held": {"sentence": "9 deletions", "refused": False}}
    )
    verdict = scene.start().verdict
    assert verdict is not None and verdict.code is Exit.STOPPED
    assert verdict.sentence.startswith("the guard holds 9 deletions: ")


def test_a_node_without_a_guard_is_asked_for_it_once() -> None:
    scene = Scene()
    scene.status = {**SYNCING, "state": "idle", "pullErrors": 1}
    scene.start()
    scene.event()
    assert scene.looks() == 2
    assert scene.node.asked.count("/rest/x/guard") == 1


def test_a_send_only_folder_that_differs_ends_it_soon() -> None:
    scene = Scene()
    scene.type = "sendonly"
    scene.status = {**SYNCING, "state": "idle"}
    scene.start()
    assert scene.code is None
    assert (scene.timeouts[0], scene.timeouts[-1]) == (0, BRIEF)
    scene.clock.advance(BRIEF)
    scene.polls[-1].callback([])
    verdict = scene.verdict
    assert verdict is not None and verdict.code is Exit.STOPPED
    assert "only sends" in verdict.sentence
