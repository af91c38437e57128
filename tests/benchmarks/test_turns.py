"""What the benchmarks say of the reactor holds on a busy machine too."""

from __future__ import annotations

from pytest import approx

from benchmarks.heartbeat import PERIOD, Beats
from benchmarks.threads import Spent, others, parse
from benchmarks.turns import KEPT, Figures, Turns, measured


def test_the_machines_own_delays_are_not_ours() -> None:
    turn = measured(wall=0.200, spent=Spent(cpu=0.030, delay=0.150))
    assert turn.kept == approx(0.020)
    assert turn.ours == approx(0.050)


def test_who_keeps_the_lock_and_is_not_run_is_not_blamed_for_it() -> None:
    assert measured(0.2, Spent(0.030, 0.0), Spent(cpu=0.0, delay=0.150)).ours == approx(0.050)
    assert measured(0.2, Spent(0.030, 0.0), Spent(cpu=0.0, delay=0.900)).ours == approx(0.030)


def test_who_computes_while_the_reactor_waits_for_the_lock_is_blamed() -> None:
    assert measured(0.2, Spent(0.030, 0.0), Spent(cpu=0.080, delay=0.900)).ours == approx(0.110)
    assert measured(0.2, Spent(0.030, 0.0), Spent(cpu=0.700, delay=0.900)).ours == approx(0.200)


def test_long_turns_are_counted_and_the_worst_are_kept() -> None:
    figures = Figures()
    for number in range(100):
        figures.note(measured(number / 1000, Spent(number / 1000)))
    assert figures.cpu == approx(0.099)
    assert figures.long_cpu == 49
    assert [turn.cpu for turn in figures.worst] == approx(
        [(99 - place) / 1000 for place in range(KEPT)]
    )


def test_a_turn_that_was_kept_waiting_is_told_though_it_computed_little() -> None:
    figures = Figures()
    figures.note(measured(0.080, Spent(0.001)))
    assert (figures.long_cpu, figures.long_ours) == (0, 1)
    assert figures.worst == []
    assert len(figures.kept) == 1


def test_a_turn_is_from_one_wait_for_events_to_the_next() -> None:
    class Machine:
        """A poller, a wall clock and what the thread has spent."""

        now, spent = 100.0, Spent(1.0, 0.0)

        def read(self) -> Spent:
            return self.spent

        def poll(self, timeout: float) -> list[int]:
            self.now += timeout
            return [3]

    machine = Machine()
    turns = Turns(machine, machine, lambda: machine.now)
    assert turns.poll(5.0) == [3]
    machine.now, machine.spent = machine.now + 0.070, Spent(1.040, 0.010)
    turns.poll(5.0)
    assert turns.figures.turns == 2
    (turn,) = turns.figures.worst
    assert (turn.wall, turn.cpu, turn.delay, turn.kept) == approx((0.070, 0.040, 0.010, 0.020))


def test_a_late_beat_is_ours_only_as_far_as_the_node_computed_or_waited_for_itself() -> None:
    beats = Beats()
    beats.note(measured(PERIOD + 0.120, Spent(cpu=0.010, delay=0.100)))
    assert beats.longest == approx(0.120)
    assert beats.ours < 0.030
    assert (beats.long, beats.long_ours) == (1, 0)


def test_what_other_threads_spent_is_added_up() -> None:
    assert parse(b"1500000000 250000000 7\n") == Spent(1.5, 0.25)
    before = {1: Spent(5.0, 1.0), 2: Spent(1.0, 0.5)}
    after = {1: Spent(9.0, 3.0), 2: Spent(2.0, 0.75), 3: Spent(0.1, 0.125)}
    assert others(before, after, but=1) == approx((1.1, 0.375))
