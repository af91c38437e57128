"""When what other devices do is too much: at once, and bit by bit."""

from __future__ import annotations

import pytest

from txsyncthing.folder.care import Care
from txsyncthing.folder.flow import (
    LATELY,
    MAX_ITEMS,
    MAX_PERCENT,
    NONE,
    WINDOW,
    Excess,
    Flow,
    Past,
    Recent,
    excess,
    remembered,
)


@pytest.mark.parametrize(
    ("pending", "taken", "here", "limit"),
    [
        (10_000, 0, 1_000_000, ""),
        (10_001, 0, 1_000_000, MAX_ITEMS),
        (1, 10_000, 1_000_000, MAX_ITEMS),
        (0, 20_000, 10, ""),  # what is done is done
        (19, 0, 19, ""),
        (20, 0, 39, MAX_PERCENT),
        (20, 0, 40, ""),
        (10, 10, 29, MAX_PERCENT),
        (10, 10, 30, ""),
    ],
)
def test_the_limits_at_once(pending: int, taken: int, here: int, limit: str) -> None:
    """All of what is there came lately."""
    found = excess(Care(), pending, 0, Past(Flow(taken, taken)), here)
    assert found == (Excess(limit, False, taken, here + taken) if limit else NONE)


@pytest.mark.parametrize(
    ("pending", "old", "taken", "whole", "here", "limit"),
    [
        (1, 1, 10_000, 1_010_000, 1_000_000, MAX_ITEMS),
        (1, 0, 10_001, 1_010_000, 1_000_000, ""),  # what came since is no part of it
        (1, 1, 300, 600, 301, MAX_PERCENT),
        (1, 1, 299, 600, 301, ""),
        (300, 300, 0, 300, 600, MAX_PERCENT),  # all encrypted under new names
        (151, 151, 0, 300, 450, MAX_PERCENT),  # half of it
        (120, 0, 0, 0, 50_000, ""),  # edits in the middle of a first sync
        (400, 0, 0, 0, 1000, ""),  # right after it
    ],
)
def test_the_limits_bit_by_bit(
    pending: int, old: int, taken: int, whole: int, here: int, limit: str
) -> None:
    found = excess(Care(), pending, old, Past(Flow(), taken, 7, whole), here)
    assert found == (Excess(limit, True, taken, whole) if limit else NONE)


def test_of_a_folder_that_just_came_all_of_it_counts() -> None:
    assert excess(Care(), 100, 0, Past(), 200) == NONE
    assert excess(Care(), 101, 0, Past(), 200) == Excess(MAX_PERCENT, False, 0, 200)


def test_a_limit_of_zero_is_off() -> None:
    care = Care(max_items=0, max_percent=0)
    assert excess(care, 1_000_000, 1_000_000, Past(), 1) == NONE


def test_only_what_was_taken_lately_counts() -> None:
    recent, end = Recent(), int(WINDOW) + 600
    for second in range(end):
        recent.note(float(second), second, 1000 + second)
        recent.add([f"{second}", f"{second} too"], 1, 1)
    past = recent.past(end - 1.0, end, 0)
    assert past.lately.taken == pytest.approx(2 * LATELY, rel=0.05)
    assert past.lately.deleted == pytest.approx(LATELY, rel=0.05)
    assert past.old == pytest.approx(WINDOW, rel=0.01)
    assert past.mark == pytest.approx(600, abs=10)
    assert past.whole == past.mark + 1000
    assert recent.past(end + WINDOW + 1, 7, 8) == Past(Flow(), 0, 7, 8)


def test_the_window_begins_where_nothing_is_taken_yet() -> None:
    recent = Recent()
    recent.note(5.0, 10, 300)
    recent.note(8.0, 20, 300)
    recent.note(50.0, 600, 600)
    assert recent.past(60.0, 600, 600) == Past(Flow(), 0, 10, 300)


def test_what_was_taken_is_remembered() -> None:
    recent = Recent()
    recent.note(5.0, 10, 99)
    recent.add("ab", 1, 1)
    recent.note(400.0, 20, 99)
    recent.add("bcdef", 4, 3)
    again = remembered(recent.encode())
    expected = Past(Flow(5, 4, 3), 4, 10, 99)
    assert again.past(410.0, 30, 1) == recent.past(410.0, 30, 1) == expected
    assert again.taken == 7
    assert list(again.lately(410.0)) == list("bcdef")


@pytest.mark.parametrize(
    "data",
    [
        None,
        b"",
        b"{",
        b"[]",
        b'{"entries": 1, "names": []}',
        b'{"entries": [[1, 2]], "names": 3}',
        b'{"entries": [[1, 2, 3, 4, 5, 6, 7]], "names": []}',
    ],
)
def test_what_is_of_no_use_is_nothing(data: bytes | None) -> None:
    assert remembered(data).past(0.0, 3, 5) == Past(mark=3, whole=5)


def test_with_a_clock_set_back_nothing_is_forgotten() -> None:
    recent = Recent()
    for now in (WINDOW * 9, WINDOW * 9 + 60, 6.0):
        recent.note(now, int(now), 9)
        recent.add([f"{now}"], 1, 1)
        assert recent.past(5.0, 30, 9).old == recent.taken
    assert recent.taken == 3


def test_what_was_taken_lately_counts_once_until_the_minutes_are_over() -> None:
    recent = Recent()
    for now in (5.0, 105.0, 205.0):
        recent.note(now, int(now), 99)
        recent.add(["log", f"{now}"], 0, 0)
    assert recent.past(205.0, 300, 99).lately.taken == 4
    recent.note(306.0, 306, 99)
    recent.add(["log"], 0, 0)
    assert recent.past(306.0, 400, 99).lately.taken == 3
