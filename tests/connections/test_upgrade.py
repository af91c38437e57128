from __future__ import annotations

import pytest

from txsyncthing.connections.upgrade import (
    Existing,
    desired,
    must_wait,
    redundant,
    replaced,
    welcome,
)

YOUNG, OLD = 1.0, 100.0


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"), [(1, 3, 1), (0, 3, 1), (3, 0, 1), (2, 3, 3), (3, 500, 128)]
)
def test_how_many_connections_two_devices_want(ours: int, theirs: int, wanted: int) -> None:
    assert desired(ours, theirs) == wanted


def test_the_first_connection_is_welcome() -> None:
    assert welcome(50, True, 1, [], 0)


@pytest.mark.parametrize("dialled", [True, False])
def test_a_second_one_of_equal_rank_is_not(dialled: bool) -> None:
    assert not welcome(10, dialled, 1, [Existing(10, YOUNG, 1)], 0)


def test_a_better_one_is_welcome() -> None:
    assert welcome(10, False, 1, [Existing(30, YOUNG, 1)], 0)
    assert not welcome(28, False, 1, [Existing(30, YOUNG, 1)], 5)


def test_a_device_that_knows_several_connections_may_open_some() -> None:
    existing = [Existing(10, YOUNG, 3)]
    assert welcome(10, False, 1, existing, 0)
    assert not welcome(10, True, 1, existing, 0)
    assert not welcome(10, False, 1, existing * 3, 0)


def test_a_device_that_dials_anew_has_lost_its_old_connection() -> None:
    assert welcome(10, False, 1, [Existing(10, OLD, 0)], 0)
    assert replaced(10, False, 0, [Existing(10, OLD, 0)], 0) == [True]
    assert not welcome(10, True, 1, [Existing(10, OLD, 0)], 0)


def test_worse_connections_are_replaced() -> None:
    existing = [Existing(30, YOUNG, 1), Existing(10, YOUNG, 1)]
    assert replaced(10, True, 1, existing, 0) == [True, False]
    assert replaced(10, True, 1, existing, 25) == [False, False]


def test_only_devices_that_know_one_connection_must_wait() -> None:
    assert must_wait(0, [Existing(10, YOUNG, 0)])
    assert not must_wait(1, [Existing(10, YOUNG, 1)])
    assert not must_wait(0, [])


def test_of_two_that_nobody_wanted_both_ends_close_the_same() -> None:
    one = Existing(10, YOUNG, 1)
    # a dialled the first and b the second connection, as each of them sees it
    assert redundant(b"a", b"b", [(one, True), (one, False)]) == [False, True]
    assert redundant(b"b", b"a", [(one, False), (one, True)]) == [False, True]
    assert redundant(b"b", b"a", [(one, True), (one, False)]) == [True, False]


def test_connections_that_were_wanted_stay() -> None:
    one = Existing(10, YOUNG, 1)
    assert redundant(b"a", b"b", [(one, True)]) == [False]
    several = (Existing(10, YOUNG, 3), False)
    assert redundant(b"a", b"b", [several, several]) == [False, False]
