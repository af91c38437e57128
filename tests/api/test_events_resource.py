from __future__ import annotations

import json
from typing import Any

from tests.api.fakes import START, FakeNodeApi, Reply
from txsyncthing.api.events_resource import MAX_WAITING, TIMEOUT
from txsyncthing.events.types import EventType

KEY = {"X-API-Key": "k"}


def ids(reply: Reply) -> list[int]:
    return [event["id"] for event in reply.json()]


def test_what_is_kept_comes_at_once_in_the_official_shape() -> None:
    api = FakeNodeApi().start()
    api.events.emit(EventType.LOCAL_CHANGE_DETECTED, {})
    api.events.emit(EventType.STATE_CHANGED, {"to": "idle", "folder": "a<b", "duration": 2.0})
    reply = api.ask("GET", "/rest/events?since=0")
    assert reply.headers["content-type"] == "application/json; charset=utf-8"
    assert reply.headers["transfer-encoding"] == "chunked"
    assert reply.text == (
        "[\n"
        "  {\n"
        '    "id": 1,\n'
        '    "globalID": 2,\n'
        f'    "time": "{reply.json()[0]["time"]}",\n'
        '    "type": "StateChanged",\n'
        '    "data": {\n'
        '      "duration": 2,\n'
        '      "folder": "a\\u003cb",\n'
        '      "to": "idle"\n'
        "    }\n"
        "  }\n"
        "]\n"
    )


def test_the_headers_come_before_the_wait_and_the_body_in_chunks() -> None:
    api = FakeNodeApi().start()
    client = api.browser()
    head = client.ask("GET", "/rest/events?since=0", **KEY)
    assert head.status == 200
    assert head.headers["transfer-encoding"] == "chunked"
    assert head.headers["content-type"] == "application/json; charset=utf-8"
    assert "connection" not in head.headers
    assert head.rest == b""
    api.events.emit(EventType.STARTING, {"myID": "x"})
    api.events.emit(EventType.STARTUP_COMPLETE, {"myID": "x"})
    assert client.transport.value() == b""
    api.clock.advance(0)
    assert ids(Reply(head.raw + client.reply().raw)) == [
        1,
        2,
    ]  # what happens together comes together
    assert not client.transport.disconnecting
    assert client.ask("GET", "/rest/system/ping", **KEY).status == 200


def test_the_time_runs_out_with_an_empty_list() -> None:
    api = FakeNodeApi().start()
    client = api.browser()
    head = client.ask("GET", "/rest/events?since=7&timeout=3", **KEY)
    api.clock.advance(2)
    api.events.emit(EventType.STARTING, {})  # number 1, which the client thinks it has
    api.clock.advance(0)
    assert client.transport.value() == b""
    api.clock.advance(1)
    assert Reply(head.raw + client.reply().raw).body == b"[]\n"
    assert api.clock.getDelayedCalls() != []  # the connection's own timer
    client.hang_up()
    assert api.clock.getDelayedCalls() == []


def test_a_timeout_of_zero_answers_at_once_and_nonsense_means_a_minute() -> None:
    api = FakeNodeApi().start()
    client = api.browser()
    client.send("GET", "/rest/events?since=0&timeout=0", **KEY)
    api.clock.advance(0)
    assert client.reply().body == b"[]\n"
    for value in ("", "x", "-1"):
        client = api.browser()
        client.ask("GET", f"/rest/events?since=0&timeout={value}", **KEY)
        api.clock.advance(TIMEOUT - 1)
        assert client.transport.value() == b""
        api.clock.advance(1)
        assert b"[]\n" in client.reply().raw


def test_limit_keeps_the_newest_and_since_is_exclusive() -> None:
    api = FakeNodeApi().start()
    for _ in range(5):
        api.events.emit(EventType.STARTING, {})
    assert ids(api.ask("GET", "/rest/events?since=1&limit=2")) == [4, 5]
    assert ids(api.ask("GET", "/rest/events?since=3")) == [4, 5]
    assert ids(api.ask("GET", "/rest/events?since=x&limit=x")) == [1, 2, 3, 4, 5]


def test_each_mask_has_numbers_of_its_own() -> None:
    api = FakeNodeApi().start()
    masked = "/rest/events?events=StateChanged,Nonsense&timeout=0"
    first = api.browser()
    first.send("GET", masked, **KEY)
    api.clock.advance(0)
    assert first.reply().body == b"[]\n"
    api.events.emit(EventType.STARTING, {})
    api.events.emit(EventType.STATE_CHANGED, {})
    (event,) = api.ask("GET", masked).json()
    assert (event["id"], event["globalID"]) == (1, 2)


def test_disk_events_have_a_place_of_their_own() -> None:
    api = FakeNodeApi().start()
    api.events.emit(EventType.LOCAL_CHANGE_DETECTED, {"path": "x"})
    (event,) = api.ask("GET", "/rest/events/disk").json()
    assert (event["id"], event["type"]) == (1, "LocalChangeDetected")


def test_a_client_that_goes_away_leaves_nothing_behind() -> None:
    api = FakeNodeApi().start()
    client = api.browser()
    client.send("GET", "/rest/events?since=0", **KEY)
    assert api.events.subscribe().listeners == 1
    client.hang_up()
    assert api.events.subscribe().listeners == 0
    assert api.clock.getDelayedCalls() == []
    api.events.emit(EventType.STARTING, {})


def test_many_who_wait_delay_nobody_and_too_many_are_refused() -> None:
    api = FakeNodeApi().start()
    clients = [api.browser() for _ in range(MAX_WAITING)]
    for client in clients:
        client.send("GET", "/rest/events?since=0", **KEY)
    assert api.ask("GET", "/rest/system/ping").status == 200
    assert api.ask("GET", "/rest/events?since=0").status == 503
    clients[0].hang_up()
    assert api.ask("GET", "/rest/events?since=0").status == 200
    api.events.emit(EventType.STARTING, {})
    api.clock.advance(0)
    assert all(b'"id": 1' in client.reply().raw for client in clients[1:])


def test_stopping_the_node_answers_who_waits() -> None:
    api = FakeNodeApi().start()
    client = api.browser()
    client.send("GET", "/rest/events?since=0", **KEY)
    api.service.stopService()
    api.clock.advance(0)
    assert b"[]\n" in client.reply().raw
    assert client.transport.disconnecting


def test_the_saved_configuration_keeps_its_order_and_odd_data_is_shown_somehow() -> None:
    api = FakeNodeApi().start()
    api.events.emit(EventType.CONFIG_SAVED, {"version": 37, "folders": []})
    odd: dict[str, Any] = {"error": ValueError("x"), "share": 50.0, "names": ("a", "b\udcff")}
    api.events.emit(EventType.FAILURE, odd)
    saved, failure = api.get("/rest/events?since=0")
    assert list(saved["data"]) == ["version", "folders"]
    assert failure["data"] == {"error": "x", "names": ["a", "b?"], "share": 50}
    assert saved["time"].startswith("2023-11-14T") and START


def test_the_text_of_an_event_is_valid_whatever_its_data_is() -> None:
    api = FakeNodeApi().start()
    data = {
        "text": 'line\nline "quoted" \\ \n  {',
        "nested": {"list": [{"a": 1}, []], "none": None},
    }
    api.events.emit(EventType.FAILURE, data)
    (event,) = json.loads(api.ask("GET", "/rest/events?since=0").body)
    assert event["data"] == data
