"""Results of workers are told in order, and never so many at once that others wait."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from txsyncthing.runtime.results import TURN, Results


class Reactor:
    """Runs what it is asked to in turns; time goes by only where somebody works."""

    def __init__(self) -> None:
        self.now = 0.0
        self.calls: list[Callable[[], object]] = []

    def seconds(self) -> float:
        return self.now

    def callFromThread(self, call: Callable[[], object]) -> None:
        self.calls.append(call)

    def turn(self) -> None:
        """As Twisted's: what is added meanwhile waits for the next turn."""
        calls, self.calls = self.calls, []
        for call in calls:
            call()


class Desk:
    def __init__(self) -> None:
        self.reactor = Reactor()
        self.results = Results(self.reactor)
        self.told: list[object] = []

    def work(self, seconds: float) -> Callable[[object], None]:
        def follow(result: object) -> None:
            self.reactor.now += seconds
            self.told.append(result)

        return follow


def test_results_that_cost_little_are_told_in_one_turn_and_in_order() -> None:
    desk = Desk()
    for number in range(100):
        desk.results.tell(desk.work(0.0), number)
    assert len(desk.reactor.calls) == 1
    desk.reactor.turn()
    assert desk.told == list(range(100))
    assert desk.reactor.calls == []


def test_what_costs_much_is_spread_over_turns() -> None:
    desk = Desk()
    for number in range(12):
        desk.results.tell(desk.work(TURN / 3.5), number)
    counts = []
    while desk.reactor.calls:
        before, begun = len(desk.told), desk.reactor.now
        desk.reactor.turn()
        counts.append(len(desk.told) - before)
        assert desk.reactor.now - begun < 1.5 * TURN
    assert counts == [4, 4, 4]
    assert desk.told == list(range(12))


def test_what_comes_meanwhile_is_told_too() -> None:
    desk = Desk()
    desk.results.tell(lambda _: desk.results.tell(desk.told.append, "second"), "first")
    desk.reactor.turn()
    desk.reactor.turn()
    assert desk.told == ["second"]
    desk.results.tell(desk.told.append, "third")
    desk.reactor.turn()
    assert desk.told == ["second", "third"]


def test_a_failure_costs_the_others_nothing() -> None:
    desk = Desk()

    def fail(result: object) -> None:
        raise ZeroDivisionError

    desk.results.tell(fail, 1)
    desk.results.tell(desk.told.append, 2)
    with pytest.raises(ZeroDivisionError):
        desk.reactor.turn()
    desk.reactor.turn()
    assert desk.told == [2]
