from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.vector import Order, Vector

ids = st.integers(1, 4) | st.integers(0, 2**64 - 1)
vectors = st.builds(Vector.of, st.lists(st.tuples(ids, st.integers(0, 3)), max_size=4))
OPPOSITE = {
    Order.EQUAL: Order.EQUAL,
    Order.GREATER: Order.LESSER,
    Order.LESSER: Order.GREATER,
    Order.CONCURRENT_GREATER: Order.CONCURRENT_LESSER,
    Order.CONCURRENT_LESSER: Order.CONCURRENT_GREATER,
}


@given(vectors, vectors)
def test_both_sides_see_the_same_order(a: Vector, b: Vector) -> None:
    assert b.compare(a) is OPPOSITE[a.compare(b)]


@given(vectors, vectors)
def test_a_merge_covers_both_and_nothing_more(a: Vector, b: Vector) -> None:
    merged = a.merge(b)
    assert merged.covers(a)
    assert merged.covers(b)
    assert all(counter.value in (a.value(counter.id), b.value(counter.id)) for counter in merged[0])
    assert a.merge(b) == b.merge(a)


@given(vectors, ids, st.integers(0, 2**40))
def test_a_bump_is_newer_and_not_older_than_the_clock(a: Vector, id: int, now: int) -> None:
    bumped = a.bump(ShortID(id), now)
    assert bumped.compare(a) is Order.GREATER or a.value(ShortID(id)) == 0 == now
    assert bumped.value(ShortID(id)) >= max(now, a.value(ShortID(id)) + 1)
    assert [c for c in bumped.counters if c.id != id] == [c for c in a.counters if c.id != id]


@given(st.lists(st.tuples(ids, st.integers(0, 2**64 - 1)), max_size=6))
def test_counters_are_sorted_and_each_id_stands_once(counters: list[tuple[int, int]]) -> None:
    sorted_ids = [counter.id for counter in Vector.of(counters).counters]
    assert sorted_ids == sorted(set(sorted_ids))


@given(vectors, ids)
def test_a_counter_of_zero_is_no_counter(a: Vector, id: int) -> None:
    if a.value(ShortID(id)) == 0:
        with_zero = Vector.of([*a.counters, (id, 0)])
        assert with_zero.compare(a) is Order.EQUAL


def test_among_concurrent_vectors_the_lowest_id_that_differs_decides() -> None:
    a = Vector.of([(1, 5), (2, 7), (9, 1)])
    b = Vector.of([(1, 5), (2, 6), (9, 100)])
    assert a.compare(b) is Order.CONCURRENT_GREATER
    assert Vector.of([(1, 1)]).compare(Vector.of([(2, 1)])) is Order.CONCURRENT_GREATER


def test_a_bump_stays_within_64_bits() -> None:
    # A hostile peer can send our own counter at its end; an overflow would stop the folder.
    full = Vector.of([(1, 2**64 - 1)])
    assert full.bump(ShortID(1), 1_700_000_000).value(ShortID(1)) <= 2**64 - 1


def test_only_the_own_counter_is_left_after_dropping_the_others() -> None:
    a = Vector.of([(1, 5), (2, 7)])
    assert a.drop_others(ShortID(2)) == Vector.of([(2, 7)])
    assert a.drop_others(ShortID(3)) == Vector()


def test_texts_are_those_of_rest() -> None:
    assert Vector.of([(0, 3)]).texts() == ["AAAAAAA:3"]
