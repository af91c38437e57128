from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txsyncthing.runtime.limiter import Chain, Limiter, Permit


class Grants:
    """Who was granted, in order."""

    def __init__(self) -> None:
        self.names: list[str] = []

    def named(self, name: str) -> Grant:
        return Grant(self, name)


class Grant:
    def __init__(self, grants: Grants, name: str) -> None:
        self._grants = grants
        self._name = name

    def __call__(self, permit: Permit) -> None:
        self._grants.names.append(self._name)


def test_room_that_is_there_is_granted_at_once() -> None:
    limiter, grants = Limiter(10), Grants()
    permit = limiter.acquire(4, grants.named("a"))
    assert grants.names == ["a"]
    assert permit.held
    assert limiter.used == 4


def test_a_small_one_does_not_pass_a_large_one() -> None:
    limiter, grants = Limiter(10), Grants()
    first = limiter.acquire(6, grants.named("first"))
    limiter.acquire(6, grants.named("large"))
    limiter.acquire(1, grants.named("small"))
    assert grants.names == ["first"]
    first.release()
    assert grants.names == ["first", "large", "small"]


def test_a_permit_goes_back_once_however_often_it_is_released() -> None:
    limiter, grants = Limiter(10), Grants()
    limiter.acquire(3, grants.named("other"))
    permit = limiter.acquire(4, grants.named("a"))
    permit.release()
    permit.release()
    assert not permit.held
    assert limiter.used == 3


def test_who_stops_waiting_is_never_granted_and_lets_others_go() -> None:
    limiter, grants = Limiter(10), Grants()
    limiter.acquire(8, grants.named("first"))
    large = limiter.acquire(9, grants.named("large"))
    limiter.acquire(2, grants.named("small"))
    assert limiter.waiting == 2
    large.release()
    assert grants.names == ["first", "small"]
    assert limiter.waiting == 0


def test_more_than_all_there_is_counts_as_all() -> None:
    limiter, grants = Limiter(10), Grants()
    one = limiter.acquire(1, grants.named("one"))
    huge = limiter.acquire(1000, grants.named("huge"))
    assert grants.names == ["one"]
    one.release()
    assert huge.held
    assert limiter.used == 10
    huge.release()
    assert limiter.used == 0


def test_zero_capacity_is_no_limit() -> None:
    limiter, grants = Limiter(0), Grants()
    limiter.acquire(10**12, grants.named("a"))
    limiter.acquire(10**12, grants.named("b"))
    assert grants.names == ["a", "b"]


def test_more_room_lets_the_queue_go() -> None:
    limiter, grants = Limiter(1), Grants()
    limiter.acquire(1, grants.named("a"))
    limiter.acquire(1, grants.named("b"))
    limiter.resize(2)
    assert grants.names == ["a", "b"]


def test_a_negative_permit_is_refused() -> None:
    with pytest.raises(ValueError):
        Limiter(1).acquire(-1, Grants().named("a"))


def test_a_grant_that_releases_at_once_keeps_the_order() -> None:
    limiter, order = Limiter(1), list[int]()
    first = limiter.acquire(1, lambda permit: None)

    def take(number: int) -> None:
        def taken(permit: Permit) -> None:
            order.append(number)
            permit.release()

        limiter.acquire(1, taken)

    for number in range(2000):  # more than Python's stack would hold
        take(number)
    first.release()
    assert order == list(range(2000))
    assert limiter.used == 0


def test_a_chain_takes_nothing_of_the_second_while_it_waits_for_the_first() -> None:
    device, shared, grants = Limiter(5), Limiter(100), Grants()
    chain = Chain(device, shared)
    first = chain.acquire(5, grants.named("first"))
    second = chain.acquire(5, grants.named("second"))
    assert (shared.used, grants.names) == (5, ["first"])
    first.release()
    assert second.held
    second.release()
    assert (device.used, shared.used) == (0, 0)


def test_a_chain_released_half_way_gives_the_first_part_back() -> None:
    device, shared, grants = Limiter(5), Limiter(10), Grants()
    shared.acquire(10, grants.named("full"))
    permit = Chain(device, shared).acquire(5, grants.named("late"))
    assert (device.used, shared.waiting) == (5, 1)
    permit.release()
    assert (device.used, shared.waiting) == (0, 0)
    assert grants.names == ["full"]


def test_a_chain_whose_grant_releases_at_once_leaves_nothing() -> None:
    device, shared = Limiter(5), Limiter(10)
    permit = Chain(device, shared).acquire(5, lambda permit: permit.release())
    assert (device.used, shared.used) == (0, 0)
    assert not permit.held


@settings(max_examples=50)
@given(
    st.integers(1, 20),
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5)), max_size=30),
)
def test_never_more_than_the_capacity_and_all_are_served_in_order(
    capacity: int, work: list[tuple[int, int]]
) -> None:
    limiter, served, permits = Limiter(capacity), list[int](), list[Permit]()
    for number, (size, release) in enumerate(work):

        def granted(permit: Permit, number: int = number) -> None:
            assert limiter.used <= capacity
            served.append(number)
            permits.append(permit)

        limiter.acquire(size, granted)
        for permit in permits[:release]:
            permit.release()
            permits.remove(permit)
    while permits:
        permits.pop(0).release()
    assert served == list(range(len(work)))
    assert (limiter.used, limiter.waiting) == (0, 0)
