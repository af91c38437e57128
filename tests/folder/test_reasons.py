"""A folder that is not idle and complete says why, since when, and what happens next."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.pull.folder import ANN, BOB
from txsyncthing.folder.care import Care
from txsyncthing.folder.flow import MAX_PERCENT, Excess
from txsyncthing.folder.guard import Held
from txsyncthing.folder.reasons import Explanation, FolderFacts, Next, error_code, explain
from txsyncthing.folder.status import FolderStatus
from txsyncthing.index.missing import Amount, Missing
from txsyncthing.index.risk import Lost
from txsyncthing.index.values import Totals
from txsyncthing.pull.failure import Cause
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.folder import FolderID, FolderState, FolderType
from txsyncthing.vocabulary.name import WireName

ID = FolderID("photos")
THEN, NOW = 1_700_000_000.0, 1_700_000_025.0
IDLE = FolderStatus(ID, FolderState.IDLE, THEN, next_scan=NOW + 3600)
FACTS = FolderFacts(
    id=ID,
    type=FolderType.SEND_RECEIVE,
    paused=False,
    status=IDLE,
    now=NOW,
    since=lambda what: THEN + 5,
)


def told(status: FolderStatus = IDLE, **more: object) -> Explanation:
    return explain(FACTS._replace(status=status, **more))  # type: ignore[arg-type]


def test_idle_and_complete_needs_no_reason() -> None:
    assert explain(FACTS) == Explanation(True, "Up to date.", ())


def test_a_paused_folder() -> None:
    (reason,) = explain(FACTS._replace(paused=True, status=None, paused_since=THEN)).reasons
    assert (reason.code, reason.since) == ("paused", THEN)
    assert reason.remedy == "Resume it: txsyncthing cli config folders photos paused set false"
    assert reason.next is not None and reason.next.at is None


def test_a_versioning_setting_that_makes_no_sense_has_a_remedy() -> None:
    error = "versioning/param[keep]: 'many' is not valid; allowed: a whole number from 1 on"
    (reason,) = told(replace(IDLE, state=FolderState.ERROR, error=error)).reasons
    assert reason.code == "versioning"
    assert reason.remedy == "Give that setting another value; then the folder starts."
    assert reason.next == Next(None, "the folder starts when its settings are changed")


def test_a_folder_that_is_being_started() -> None:
    assert explain(FACTS._replace(status=None)).reasons[0].code == "starting"


def test_an_error_says_when_it_is_looked_at_again() -> None:
    status = replace(IDLE, state=FolderState.ERROR, error="folder path missing")
    (reason,) = told(status).reasons
    assert reason.code == "path-missing"
    assert reason.sentence == "Stopped: folder path missing"
    assert "mount its disk" in reason.remedy
    assert reason.next is not None and reason.next.at == THEN + 30  # 10, 20 are past


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("folder marker missing (this indicates potential data loss, ...)", "marker-missing"),
        ("folder root is empty, but 600 items are known to be here; ...", "root-emptied"),
        ("folder root holds none of the 600 items that are known ...", "root-emptied"),
        ("folder root is on another file system than when ...", "root-moved"),
        ("loading ignores: invalid pattern", "ignores"),
        ("/x/folder.db: the database is damaged (...)", "index-damaged"),
        ("the folder's disk failed: Input/output error", "disk"),
        ("folders of type receiveencrypted are not supported yet", "unsupported"),
        ("insufficient space on disk for database", "no-space"),
        ("something new", "error"),
    ],
)
def test_errors_have_codes(text: str, code: str) -> None:
    assert error_code(text)[0] == code


def test_a_marker_may_have_another_name() -> None:
    assert "markerName" in error_code("folder marker missing (...)")[1]


def test_who_has_the_gate_is_named() -> None:
    status = replace(IDLE, state=FolderState.SYNC_WAITING)
    (reason,) = told(status, busy=[FolderID("music"), ID]).reasons
    assert reason.code == "waiting-for-gate"
    assert reason.sentence == "Waits for its turn to pull: folder music at work."
    assert reason.data == {"folders": ["music"]}
    assert reason.since == THEN


def test_pulling_says_how_far_it_is() -> None:
    status = replace(IDLE, state=FolderState.SYNCING, need=Totals(files=7, bytes=70), need_bytes=50)
    (reason,) = told(status, in_progress=2, bytes_done=20, bytes_total=40).reasons
    assert reason.sentence == "Pulling: 7 items needed, 2 in progress."
    assert reason.data["bytesDone"] == 20 and reason.data["bytes"] == 50


def test_failed_items_are_told_by_cause_with_the_next_try() -> None:
    errors = [Cause.NO_SPACE.of(f"f{n}") for n in range(9)] + [Cause.PERMISSION.of("g")]
    status = replace(IDLE, need=Totals(files=10), pull_errors=tuple(errors), next_try=NOW + 60)
    space, permission = told(status).reasons
    assert space.sentence == "9 items could not be pulled: insufficient space on disk."
    assert space.remedy == "Free some room or lower minDiskFree."
    assert space.since == THEN + 5
    assert space.next is not None and space.next.at == NOW + 60
    assert space.data["sample"] == ["f0", "f1", "f2", "f3", "f4"]
    assert permission.data["cause"] == "permission"


def test_items_that_could_not_be_scanned_wait_for_the_next_scan() -> None:
    error = Cause.PERMISSION.of("f")._replace(error="scan: permission denied")
    (reason,) = told(replace(IDLE, scan_errors=(error,))).reasons
    assert reason.sentence == "1 item could not be scanned: permission denied."
    assert reason.next is not None and reason.next.at == NOW + 3600


def test_whose_files_are_waited_for_is_named() -> None:
    missing = Missing(Amount(3, 300), {ANN: Amount(3, 300), BOB: Amount(1, 100)}, (WireName("f"),))
    status = replace(
        IDLE, need=Totals(files=3), pull_errors=tuple(Cause.NO_PEER.of(f"f{n}") for n in range(3))
    )
    (reason,) = told(
        status,
        missing=missing,
        name={ANN: "ann", BOB: "bob"}.__getitem__,
        away={ANN: "is not connected", BOB: "is paused here"}.__getitem__,
        seen={ANN: 50.0, BOB: 40.0}.__getitem__,
    ).reasons
    assert reason.sentence == (
        "3 items are on no device that is connected: ann has 3 and is not connected;"
        " bob has 1 and is paused here."
    )
    assert reason.since == 50.0
    assert reason.data["devices"][0]["bytes"] == 300


def test_a_held_batch_comes_first() -> None:
    held = Held(THEN, Excess(MAX_PERCENT, whole=600), {}, {ShortID(1): Lost(500)})
    status = replace(IDLE, need=Totals(deleted=500), pull_errors=(Cause.HELD.of("f"),))
    (reason,) = told(status, held=held, care=Care()).reasons
    assert reason.code == "held"
    assert "POST /rest/x/guard/release?folder=photos" in reason.remedy
    assert reason.data["deletions"] == 500
    (refused,) = told(status, held=held, refusing=True).reasons
    assert refused.remedy == "" and refused.next is not None


def test_a_folder_that_only_sends_says_what_it_does_not_take() -> None:
    (reason,) = told(replace(IDLE, need=Totals(files=1)), type=FolderType.SEND_ONLY).reasons
    assert reason.code == "send-only"
    assert reason.sentence.startswith("1 item is not as the other devices have it;")


def test_changes_in_a_receive_only_folder() -> None:
    (reason,) = told(replace(IDLE, receive_only=Totals(files=2))).reasons
    assert reason.code == "receive-only-changed" and reason.data == {"items": 2}


def test_what_is_needed_and_not_begun_is_told() -> None:
    (reason,) = told(replace(IDLE, need=Totals(files=2))).reasons
    assert reason.code == "needed" and reason.next is not None


def test_settings_that_are_damaged_are_told_in_any_state() -> None:
    assert told(care_trouble="/x/txsyncthing.json: no JSON").reasons[0].code == "settings"


@pytest.mark.parametrize("state", list(FolderState))
def test_every_state_has_a_reason_but_idle(state: FolderState) -> None:
    if state is FolderState.PAUSED:
        return
    found = told(replace(IDLE, state=state, error="x")).reasons
    assert bool(found) == (state is not FolderState.IDLE)
    assert all(one.code and one.sentence and one.since for one in found)


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_of_a_failed_pull_has_a_remedy(cause: Cause) -> None:
    error = cause.of("f")
    assert error.cause and error.error.startswith("syncing: ") and error.remedy
