"""What an open connection keeps count of."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txsyncthing.bep.exchange import (
    MAX_ID,
    SERVED_REQUESTS,
    SILENCE_TIMEOUT,
    TICK,
    WAITING_BYTES,
    Due,
    Outbox,
    Parcel,
    RequestDesk,
    RequestTable,
    Silence,
    TooManyRequests,
)
from txsyncthing.bep.messages import Request
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName


def request(id: int, size: int, name: str = "a") -> Request:
    return Request(id, FolderID("f"), WireName(name), 0, size, b"h")


def test_who_waits_is_found_once() -> None:
    table: RequestTable[str] = RequestTable()
    id = table.add("me")
    assert table.take(id) == "me"
    assert table.take(id) is None


def test_an_unknown_id_finds_nobody() -> None:
    assert RequestTable[str]().take(7) is None


def test_ids_go_round_without_meeting_one_that_waits() -> None:
    table: RequestTable[str] = RequestTable()
    first = table.add("slow")
    table._next = MAX_ID
    assert [table.add("x"), table.add("y")] == [MAX_ID, first + 1]


def test_all_who_wait_are_found() -> None:
    table: RequestTable[str] = RequestTable()
    table.add("a")
    table.add("b")
    assert table.take_all() == ["a", "b"]
    assert len(table) == 0


def test_requests_begin_while_there_is_room() -> None:
    desk = RequestDesk(limit=100)
    for id in range(4):
        desk.offer(request(id, 60))
    begun = [desk.next(), desk.next(), desk.next()]
    assert [each.id if each else None for each in begun] == [0, 1, None]
    desk.done(60)
    after = desk.next()
    assert after is not None and after.id == 2


def test_a_request_larger_than_the_room_begins_alone() -> None:
    desk = RequestDesk(limit=100)
    desk.offer(request(1, 1000))
    desk.offer(request(2, 1000))
    assert desk.next() is not None
    assert desk.next() is None


def test_requests_for_nothing_are_counted_too() -> None:
    desk = RequestDesk()
    for id in range(SERVED_REQUESTS + 1):
        desk.offer(request(id, 0))
    assert sum(desk.next() is not None for _ in range(SERVED_REQUESTS + 1)) == SERVED_REQUESTS


def test_too_many_waiting_are_too_many() -> None:
    desk = RequestDesk(waiting=2)
    desk.offer(request(1, 1))
    desk.offer(request(2, 1))
    with pytest.raises(TooManyRequests, match="2 requests wait"):
        desk.offer(request(3, 1))


def test_names_that_wait_are_bounded() -> None:
    desk = RequestDesk()
    name = "n" * (WAITING_BYTES // 10)
    for id in range(10):
        desk.offer(request(id, 1, name))
    with pytest.raises(TooManyRequests):
        desk.offer(request(11, 1, name))


@given(st.lists(st.integers(0, 300), max_size=30))
@settings(max_examples=50)
def test_the_bytes_in_hand_stay_bounded(sizes: list[int]) -> None:
    desk = RequestDesk(limit=500)
    for id, size in enumerate(sizes):
        desk.offer(request(id, size))
    served = 0
    begun: list[int] = []
    while len(desk) or begun:
        while (one := desk.next()) is not None:
            begun.append(one.size)
        assert desk.bytes == sum(begun) < 500 + 300
        served += 1
        desk.done(begun.pop())
    assert served == len(sizes)
    assert desk.bytes == 0


def test_the_outbox_keeps_the_order() -> None:
    outbox = Outbox()
    outbox.put(Parcel([b"a"], 1, None))
    outbox.put(Parcel([b"b"], 1, 5))
    assert [outbox.take().pieces, outbox.take().pieces] == [[b"a"], [b"b"]]
    assert not outbox


def test_answers_do_not_make_the_outbox_full() -> None:
    outbox = Outbox(limit=10)
    outbox.put(Parcel([b"a"], 100, 5))
    room = [outbox.writable]
    outbox.put(Parcel([b"b"], 10, None))
    room.append(outbox.writable)
    outbox.take()
    outbox.take()
    room.append(outbox.writable)
    assert room == [True, False, True]


@pytest.mark.parametrize(
    ("said", "heard", "due"),
    [
        (1, 1, Due.NOTHING),
        (TICK - 1, 1, Due.NOTHING),
        (TICK, 1, Due.PING),
        (1, SILENCE_TIMEOUT - 1, Due.NOTHING),
        (1, SILENCE_TIMEOUT, Due.HANG_UP),
    ],
)
def test_what_silence_calls_for(said: float, heard: float, due: Due) -> None:
    silence = Silence(1000.0)
    silence.said_at, silence.heard_at = 2000.0 - said, 2000.0 - heard
    assert silence.due(2000.0) is due
