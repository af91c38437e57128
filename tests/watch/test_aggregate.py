"""When what has changed is scanned."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txsyncthing.watch.aggregate import MAX_ALL, MAX_BELOW, SETTLE, Aggregator, timeout
from txsyncthing.watch.told import Change

DELAY = 10.0
WRITTEN, WRITING, TOUCHED, REMOVED = Change


def aggregator(delay: float = DELAY) -> Aggregator:
    return Aggregator(delay, timeout(delay, 0))


def drain(waiting: Aggregator, until: float = 1e9) -> list[tuple[float, list[str]]]:
    """All that becomes due, and when."""
    found = []
    while (wake := waiting.wake_at()) is not None and wake <= until:
        found.append((wake, waiting.take(wake)))
        assert found[-1][1], "woken for nothing"
    return found


@pytest.mark.parametrize(
    ("delay", "configured", "longest"),
    [(1, 0, 6), (9.5, 0, 57), (10, 0, 60), (59, 0, 60), (100, 0, 100), (10, 20, 20)],
)
def test_the_timeout_follows_the_delay_unless_it_is_set(
    delay: float, configured: float, longest: float
) -> None:
    assert timeout(delay, configured) == longest


def test_a_finished_write_after_a_quiet_time_is_due_almost_at_once() -> None:
    waiting = aggregator()
    waiting.add("f", WRITING, 100.0)
    waiting.add("f", WRITTEN, 100.3)
    assert waiting.take(100.3) == []
    assert drain(waiting) == [(100.3 + SETTLE, ["f"])]


def test_what_follows_waits_until_the_delay_since_the_scan_is_over() -> None:
    waiting = aggregator()
    waiting.add("f", WRITTEN, 100.0)
    (first, _), *_ = drain(waiting)
    waiting.add("f", WRITTEN, 103.0)
    assert drain(waiting) == [(first + DELAY, ["f"])]
    waiting.add("f", WRITTEN, 200.0)
    assert drain(waiting) == [(200.0 + SETTLE, ["f"])]


def test_what_is_half_written_waits_until_it_is_finished() -> None:
    waiting = aggregator()
    for tenth in range(200):
        waiting.add("f", WRITING, 100.0 + tenth / 10)
    assert waiting.take(119.9) == []
    waiting.add("f", TOUCHED, 120.0)
    assert waiting.take(121.0) == []
    waiting.add("f", WRITTEN, 121.0)
    assert drain(waiting) == [(121.0 + SETTLE, ["f"])]


def test_what_stays_half_written_is_due_after_a_quiet_delay() -> None:
    waiting = aggregator()
    waiting.add("f", WRITING, 100.0)
    waiting.add("f", WRITING, 104.0)
    assert drain(waiting) == [(104.0 + DELAY, ["f"])]


def test_what_is_written_without_end_is_due_after_the_timeout() -> None:
    waiting = aggregator()
    found = []
    for second in range(130):
        waiting.add("f", WRITING, 100.0 + second)
        found += drain(waiting, 100.0 + second)
    assert found == [(160.0, ["f"]), (221.0, ["f"])]


def test_a_removal_waits_for_a_delay_and_takes_what_is_ready_along() -> None:
    waiting = aggregator()
    waiting.add("f", REMOVED, 100.0)
    assert waiting.wake_at() == 110.0
    waiting.add("g", WRITTEN, 109.99)
    assert drain(waiting) == [(110.0, ["f", "g"])]


def test_what_comes_back_is_no_removal() -> None:
    waiting = aggregator()
    waiting.add("f", REMOVED, 100.0)
    waiting.add("f", WRITING, 100.0)
    waiting.add("f", WRITTEN, 100.1)
    assert drain(waiting) == [(100.1 + SETTLE, ["f"])]


def test_both_names_of_a_rename_are_scanned_together() -> None:
    waiting = aggregator()
    waiting.add("f", WRITTEN, 100.0)
    drain(waiting)
    waiting.renamed("f", "g", 103.0)
    waiting.renamed("g", "h", 103.01)
    assert drain(waiting) == [(103.01 + SETTLE, ["f", "g", "h"])]


def test_scans_of_what_was_quiet_keep_their_distance() -> None:
    waiting = aggregator()
    found = []
    for tenth in range(50):
        waiting.add(f"f{tenth}", WRITTEN, 100.0 + tenth / 10)
        found += drain(waiting, 100.0 + tenth / 10)
    assert [round(when - 100, 2) for when, _ in found] == [0.05, 1.05, 2.05, 3.05, 4.05]


def test_scans_that_take_long_are_further_apart_but_never_more_than_the_delay() -> None:
    waiting = aggregator()
    waiting.add("f", WRITTEN, 100.0)
    drain(waiting)
    waiting.took(0.4)
    waiting.add("g", WRITTEN, 100.5)
    assert drain(waiting) == [(100.0 + SETTLE + 4.0, ["g"])]
    waiting.took(60.0)
    waiting.add("h", WRITTEN, 105.0)
    (due, _), *_ = drain(waiting)
    assert due <= 105.0 + DELAY


def test_many_names_of_a_directory_become_the_directory() -> None:
    waiting = aggregator()
    for number in range(MAX_BELOW):
        waiting.add(f"d/{number}", WRITTEN, 100.0)
    assert len(waiting) == MAX_BELOW
    waiting.add("d/more", WRITTEN, 100.0)
    assert drain(waiting) == [(100.0 + SETTLE, ["d"])]


def test_very_many_names_become_the_folder() -> None:
    waiting = aggregator()
    for number in range(MAX_ALL + 1):
        waiting.add(f"{number % 7}/{number}", WRITTEN, 100.0)
    assert drain(waiting) == [(100.0 + SETTLE, [""])]


def test_many_names_of_the_root_do_not_become_the_folder_so_soon() -> None:
    waiting = aggregator()
    for number in range(MAX_BELOW + 1):
        waiting.add(f"{number}", WRITTEN, 100.0)
    assert len(waiting) == MAX_BELOW + 1


def test_a_directory_full_of_removals_waits_as_they_do() -> None:
    waiting = aggregator()
    for number in range(MAX_BELOW + 1):
        waiting.add(f"d/{number}", REMOVED, 100.0)
    waiting.add("d", REMOVED, 100.0)
    assert drain(waiting) == [(110.0, ["d"])]


def test_a_new_directory_waits_for_what_is_half_written_in_it_for_a_delay() -> None:
    waiting = aggregator()
    waiting.add("d", WRITTEN, 100.0)
    waiting.add("d/f", WRITING, 100.01)
    assert waiting.wake_at() == 110.0
    waiting.add("d/f", WRITTEN, 102.0)
    assert drain(waiting) == [(102.0 + SETTLE, ["d"])]
    waiting.add("e", WRITTEN, 200.0)
    for second in range(30):
        waiting.add("e/f", WRITING, 200.0 + second)
    assert drain(waiting, 215.0) == [(210.0, ["e"])]


def test_what_lies_in_a_directory_that_is_scanned_is_not_scanned_again() -> None:
    waiting = aggregator()
    waiting.add("d/e/f", WRITTEN, 100.0)
    waiting.add("d/e/writing", WRITING, 100.0)
    waiting.add("d", WRITTEN, 100.0)
    assert waiting.take(100.0 + SETTLE) == ["d"] or len(waiting) == 1
    assert drain(waiting, 109.0) == []


NAMES = st.sampled_from(["a", "a/b", "a/c", "a/b/d", "e", "e/f", "g"])
STEPS = st.lists(
    st.tuples(st.floats(0.0, 5.0), NAMES, st.sampled_from([WRITTEN, WRITING, TOUCHED, REMOVED])),
    max_size=60,
)


@given(STEPS, st.sampled_from([0.01, 1.0, 10.0, 100.0]))
def test_no_change_is_lost_and_none_waits_too_long(
    steps: list[tuple[float, str, Change]], delay: float
) -> None:
    waiting = Aggregator(delay, timeout(delay, 0))
    now = 100.0
    changed: dict[str, float] = {}  # since when

    def look() -> None:
        while (wake := waiting.wake_at()) is not None and wake <= now:
            for taken in waiting.take(wake):
                for name in [one for one in changed if f"{one}/".startswith(f"{taken}/")]:
                    assert wake <= changed.pop(name) + timeout(delay, 0) + delay

    for pause, name, change in steps:
        now += pause
        look()
        changed.setdefault(name, now)
        waiting.add(name, change, now)
    now = 1e6
    look()
    assert (changed, len(waiting), waiting.wake_at()) == ({}, 0, None)
