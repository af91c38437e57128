from __future__ import annotations

from dataclasses import replace

import pytest

from txsyncthing.cli.look import (
    GRACE,
    SETTLE,
    DeviceLook,
    Exit,
    Look,
    Rate,
    device_look,
    document,
    folder_look,
    held_sentence,
    judge,
    progress_line,
)

IDLE = Look(state="idle", whole=1000)
PHONE = DeviceLook("ID", "phone", True, False, "valid", 0, 0, 1000)
LACKING = replace(PHONE, need_items=2, need_bytes=250)


def code(look: Look, stuck_for: float = 0.0) -> int | None:
    verdict = judge(look, stuck_for)
    return None if verdict is None else int(verdict.code)


def test_a_folder_is_in_sync_when_it_is_idle_and_needs_nothing() -> None:
    assert code(IDLE) == Exit.IN_SYNC
    assert code(replace(IDLE, state="scanning")) is None
    assert code(replace(IDLE, need_items=1)) is None


def test_devices_are_in_sync_when_each_has_all_whatever_the_folder_needs() -> None:
    assert code(replace(IDLE, need_items=1, devices=(PHONE,))) == Exit.IN_SYNC
    assert code(replace(IDLE, devices=(PHONE, LACKING))) is None


@pytest.mark.parametrize(
    ("look", "said"),
    [
        (replace(IDLE, paused=True), "paused: resume it"),
        (replace(IDLE, state="error", error="folder path missing"), "folder path missing"),
        (replace(IDLE, devices=(replace(LACKING, paused=True),)), "phone is paused here"),
        (replace(IDLE, devices=(replace(LACKING, state="notSharing"),)), "accept it there"),
        (replace(IDLE, devices=(replace(LACKING, state="paused"),)), "resume it there"),
    ],
)
def test_waiting_in_vain_ends_with_4_and_the_remedy(look: Look, said: str) -> None:
    verdict = judge(look, 0)
    assert verdict is not None
    assert int(verdict.code) == 4
    assert said in verdict.sentence


def test_a_device_that_is_away_is_waited_for() -> None:
    away = replace(LACKING, connected=False, state="unknown")
    assert code(replace(IDLE, devices=(away,))) is None
    assert "not connected: phone" in progress_line("f", replace(IDLE, devices=(away,)), 0)


def test_failed_items_are_left_to_the_node_for_a_while() -> None:
    failing = replace(IDLE, need_items=1, failing=1)
    assert failing.stuck
    assert code(failing, GRACE - 1) is None
    assert code(failing, GRACE) == Exit.STOPPED
    assert not replace(failing, state="syncing").stuck
    assert code(replace(failing, alone=True), GRACE) is None  # somebody may come
    assert "no device is connected" in progress_line("f", replace(failing, alone=True), 0)


def test_a_send_only_folder_that_differs_is_waited_for_in_vain() -> None:
    differs = replace(IDLE, need_items=2, only_sends=True)
    assert code(differs, SETTLE - 1) is None
    verdict = judge(differs, SETTLE)
    assert verdict is not None and verdict.code is Exit.STOPPED
    assert (
        verdict.sentence.startswith("the folder only sends, and differs")
        and "override" in verdict.sentence
    )
    assert code(replace(differs, devices=(LACKING,)), SETTLE) is None  # that is about the other one


def test_a_held_batch_ends_the_wait() -> None:
    guard = {"folder": "f", "held": {"sentence": "5 deletions", "refused": False}}
    held = held_sentence(guard)
    assert "5 deletions" in held and "/rest/x/guard/release?folder=f" in held
    verdict = judge(replace(IDLE, need_items=5, held=held), 0)
    assert verdict is not None and verdict.sentence == held
    assert code(replace(IDLE, state="syncing", need_items=5, held=held)) is None
    assert held_sentence({"held": None}) == ""
    assert held_sentence({"held": {"refused": True}}) == ""  # it is on its way


def test_status_of_each_generation_is_understood() -> None:
    new = {
        "state": "syncing",
        "needTotalItems": 3,
        "needBytes": 5,
        "globalBytes": 9,
        "pullErrors": 1,
    }
    assert folder_look(False, new) == Look(False, "syncing", "", 3, 5, 9, 1)
    old = {"state": "idle", "needFiles": 1, "needDeletes": 2, "errors": 0}
    assert folder_look(False, old).need_items == 3


def test_a_device_that_told_of_nothing_has_nothing() -> None:
    silent = {"needItems": 0, "needBytes": 0, "globalItems": 7, "globalBytes": 70, "sequence": 0}
    look = device_look("ID", "phone", True, False, silent)
    assert (look.need_items, look.need_bytes, look.complete) == (7, 70, False)
    empty = {**silent, "globalItems": 0, "globalBytes": 0, "remoteState": "valid"}
    assert device_look("ID", "phone", True, False, empty).complete
    assert not device_look(
        "ID", "phone", False, False, {**empty, "remoteState": "unknown"}
    ).complete
    assert not device_look(
        "ID", "phone", True, False, {**empty, "remoteState": "notSharing"}
    ).complete
    assert device_look("ID", "phone", True, False, {**silent, "sequence": 4}).complete


def test_the_rate_follows_what_becomes_less() -> None:
    rate = Rate()
    rate.saw(0.0, 1000)
    rate.saw(1.0, 900)
    assert rate.speed == 100
    rate.saw(1.05, 0)  # too soon to tell
    assert rate.speed == 100
    rate.saw(6.0, 900)
    assert rate.speed == 0


def test_progress_on_one_line() -> None:
    line = progress_line("f", replace(IDLE, state="syncing", need_items=2, need_bytes=250), 2048)
    assert line == "f: syncing · 75.0 % · 750 B of 1000 B · 2.0 KiB/s · 2 items left"
    assert progress_line("f", replace(IDLE, devices=(PHONE,)), 0) == "f: complete"


def test_the_result_as_json() -> None:
    look = replace(IDLE, devices=(LACKING,))
    verdict = judge(replace(look, paused=True), 0)
    assert verdict is not None
    shown = document("f", look, verdict, 1.23456)
    assert (shown["result"], shown["seconds"]) == ("stopped", 1.235)
    assert shown["devices"]["ID"]["needBytes"] == 250
