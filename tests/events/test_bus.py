from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from txsyncthing.events.bus import HELD, MAX_MASKS, RING, EventBus
from txsyncthing.events.types import (
    DEFAULT_MASK,
    DISK_MASK,
    GUARD_MASK,
    EventType,
    Mask,
    parse_mask,
)

SCAN, IDLE = EventType.FOLDER_SCAN_PROGRESS, EventType.STATE_CHANGED


def test_an_event_has_one_number_in_each_subscription_and_one_over_all() -> None:
    bus = EventBus(Clock().seconds)
    scans = bus.subscribe(frozenset({SCAN}))
    bus.emit(IDLE, {"folder": "a"})
    bus.emit(SCAN, {"folder": "b"})
    (only,) = scans.since(0)
    assert (only.id, only.event.global_id, only.event.data) == (1, 2, {"folder": "b"})
    assert [event.id for event in bus.subscribe().since(0)] == [1, 2]


def test_disk_events_are_not_in_the_default_stream() -> None:
    bus = EventBus(Clock().seconds)
    bus.emit(EventType.LOCAL_CHANGE_DETECTED, {})
    assert bus.subscribe().since(0) == []
    assert len(bus.subscribe(DISK_MASK).since(0)) == 1


def test_since_is_exclusive_and_limit_keeps_the_newest() -> None:
    bus = EventBus(Clock().seconds)
    for number in range(5):
        bus.emit(SCAN, {"number": number})
    stream = bus.subscribe()
    assert [event.id for event in stream.since(2)] == [3, 4, 5]
    assert [event.id for event in stream.since(0, limit=2)] == [4, 5]
    assert [event.event.data["number"] for event in stream.since(0, limit=2)] == [3, 4]
    assert stream.since(5) == []
    assert stream.since(99) == []


def test_a_new_subscription_starts_empty_and_stays() -> None:
    bus = EventBus(Clock().seconds)
    bus.emit(SCAN, {})
    mask = frozenset({SCAN})
    assert bus.subscribe(mask).since(0) == []
    bus.emit(SCAN, {})
    assert len(bus.subscribe(mask).since(0)) == 1


def test_only_the_newest_thousand_are_kept() -> None:
    bus = EventBus(Clock().seconds)
    for _ in range(RING + 10):
        bus.emit(SCAN, {})
    kept = bus.subscribe().since(0)
    assert (len(kept), kept[0].id, kept[-1].id) == (RING, 11, RING + 10)


def test_events_that_list_much_push_out_the_oldest_but_not_themselves() -> None:
    bus = EventBus(Clock().seconds)
    for number in range(6):
        errors = [{"path": str(n), "error": "e"} for n in range(HELD // 4)]
        bus.emit(EventType.FOLDER_ERRORS, {"folder": str(number), "errors": errors})
    assert [event.id for event in bus.subscribe().since(0)] == [3, 4, 5, 6]
    huge = [f"f{n}" for n in range(2 * HELD)]
    bus.emit(EventType.LOCAL_INDEX_UPDATED, {"filenames": huge})
    assert [event.id for event in bus.subscribe().since(0)] == [7]
    bus.emit(SCAN, {})
    assert [event.id for event in bus.subscribe().since(0)] == [8]
    for _ in range(RING):
        bus.emit(SCAN, {})
    assert len(bus.subscribe().since(0)) == RING


def test_a_listener_hears_of_what_its_subscription_wants_until_it_leaves() -> None:
    bus = EventBus(Clock().seconds)
    heard = list[str]()
    stream = bus.subscribe(frozenset({SCAN}))
    leave = stream.listen(lambda: heard.append("scan"))
    bus.emit(SCAN, {})
    bus.emit(IDLE, {})
    leave()
    leave()
    bus.emit(SCAN, {})
    assert heard == ["scan"]
    assert stream.listeners == 0


def test_an_empty_mask_never_gives_anything() -> None:
    bus = EventBus(Clock().seconds)
    nothing = bus.subscribe(parse_mask("Nonsense"))
    bus.emit(SCAN, {})
    assert nothing.since(0) == []


def test_masks_are_read_from_names() -> None:
    assert parse_mask("StateChanged, Nonsense,ItemStarted") == {IDLE, EventType.ITEM_STARTED}
    assert parse_mask("") == frozenset()
    assert frozenset(EventType) == DEFAULT_MASK | DISK_MASK | GUARD_MASK


def test_masks_without_number_do_not_fill_the_memory() -> None:
    bus = EventBus(Clock().seconds)
    waiting = bus.subscribe(frozenset({SCAN}))
    waiting.listen(lambda: None)
    kinds = list(EventType)
    masks: list[Mask] = [frozenset(kinds[a : a + b]) for a in range(20) for b in range(2, 12)]
    for mask in masks:
        bus.subscribe(mask)
    bus.emit(SCAN, {})
    assert len(bus._others) == MAX_MASKS
    assert bus.subscribe(frozenset({SCAN})) is waiting


@settings(max_examples=30)
@given(st.lists(st.sampled_from([SCAN, IDLE])), st.integers(0, 30), st.integers(1, 10))
def test_who_reads_on_from_the_last_number_misses_nothing(
    kinds: list[EventType], start: int, step: int
) -> None:
    bus = EventBus(Clock().seconds)
    stream, got, last = bus.subscribe(frozenset({SCAN})), list[int](), 0
    for number, kind in enumerate(kinds):
        bus.emit(kind, {"number": number})
        if number % step == 0:
            for event in stream.since(last):
                last = event.id
                got.append(event.id)
    got += [event.id for event in stream.since(last)]
    assert got == list(range(1, kinds.count(SCAN) + 1))
