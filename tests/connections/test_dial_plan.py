from __future__ import annotations

from txsyncthing.connections.dial_plan import (
    EAGER,
    GUARD_LIMIT,
    MAX_SLEEP,
    SHORT,
    DialPlan,
    Target,
    Wanted,
)
from txsyncthing.vocabulary.address import Address
from txsyncthing.vocabulary.device import DeviceID

A, B = DeviceID(b"a" * 32), DeviceID(b"b" * 32)
INTERVAL = 20.0


def target(text: str, priority: int = 10) -> Target:
    return Target(Address.parse(text), text, priority)


def wanted(
    device: DeviceID = A,
    targets: tuple[Target, ...] = (target("tcp://h:1"),),
    connections: tuple[int, ...] = (),
) -> Wanted:
    return Wanted(device, targets, connections, 1)


def new_plan() -> DialPlan:
    return DialPlan(lambda: 0.5)


def dial_times(plan: DialPlan, start: float, until: float) -> list[float]:
    """When a device that is never reached is dialled."""
    times: list[float] = []
    now = start
    while now < until:
        made = plan.plan(now, [wanted()], INTERVAL)
        if made.dials:
            times.append(round(now - start, 3))
            plan.done(A, now)
            made = plan.plan(now, [wanted()], INTERVAL)
        assert made.wake_at > now
        now = made.wake_at
    return times


def test_a_device_is_dialled_at_once() -> None:
    (dial,) = new_plan().plan(0.0, [wanted()], INTERVAL).dials
    assert dial.device == A


def test_a_device_that_does_not_answer_is_tried_often_and_then_at_the_interval() -> None:
    times = dial_times(new_plan(), 0.0, 200.0)
    assert times[:5] == [0.0, 1.0, 3.0, 7.0, 12.0]
    assert times[-1] - times[-2] == INTERVAL


def test_while_a_device_is_dialled_it_is_not_dialled_again() -> None:
    plan = new_plan()
    plan.plan(0.0, [wanted()], INTERVAL)
    assert plan.plan(100.0, [wanted()], INTERVAL).dials == ()
    plan.done(A, 100.0)
    assert plan.plan(100.0, [wanted()], INTERVAL).dials == ()
    assert plan.plan(100.0 + EAGER[0], [wanted()], INTERVAL).dials


def test_better_addresses_come_first_and_equal_ones_together() -> None:
    near, also_near = target("tcp://near:1", 10), target("tcp://near:2", 10)
    far = target("tcp://far:1", 30)
    (dial,) = new_plan().plan(0.0, [wanted(targets=(far, near, also_near))], INTERVAL).dials
    assert dial.buckets == ((near, also_near), (far,))


def test_a_connected_device_is_dialled_only_where_it_is_better() -> None:
    plan = new_plan()
    near, far = target("tcp://near:1", 10), target("tcp://far:1", 30)
    (dial,) = plan.plan(0.0, [wanted(targets=(near, far), connections=(30,))], INTERVAL).dials
    assert dial.buckets == ((near,),)
    assert not new_plan().plan(0.0, [wanted(connections=(10,))], INTERVAL).dials


def test_a_threshold_keeps_what_is_nearly_as_good() -> None:
    one = wanted(targets=(target("tcp://h:1", 28),), connections=(30,))
    assert new_plan().plan(0.0, [one], INTERVAL).dials
    assert not new_plan().plan(0.0, [one], INTERVAL, threshold=5).dials


def test_a_lost_device_is_dialled_within_a_second() -> None:
    plan = new_plan()
    plan.plan(0.0, [wanted()], INTERVAL)
    plan.accepted(A, 0.0, INTERVAL)
    plan.done(A, 0.0)
    plan.ended(A, 60.0, lasted=60.0)
    assert dial_times(plan, 60.0, 75.0)[:3] == [0.1, 1.1, 3.1]


def test_connections_that_keep_ending_are_not_hurried_for() -> None:
    plan = new_plan()
    dialled, now = 0, 0.0
    while now < 300.0:
        made = plan.plan(now, [wanted()], INTERVAL)
        if made.dials:
            dialled += 1
            plan.accepted(A, now, INTERVAL)
            plan.done(A, now)
            plan.ended(A, now, lasted=SHORT / 100)
            made = plan.plan(now, [wanted()], INTERVAL)
        now = made.wake_at
    assert GUARD_LIMIT < dialled <= GUARD_LIMIT + 300 / INTERVAL + 1


def test_hurry_during_a_round_counts_when_it_is_over() -> None:
    plan = new_plan()
    plan.plan(0.0, [wanted()], INTERVAL)
    plan.hurry(A, 1.0)
    plan.done(A, 2.0)
    assert plan.plan(2.0, [wanted()], INTERVAL).dials


def test_the_order_is_recently_seen_then_unknown_then_short_lived() -> None:
    plan = new_plan()
    devices = [DeviceID(bytes([n]) * 32) for n in range(1, 5)]
    plan.plan(0.0, [wanted(device) for device in devices], INTERVAL)
    for device in devices:
        plan.done(device, 0.0)
    plan.ended(devices[0], 10.0, lasted=1.0)
    plan.ended(devices[1], 10.0, lasted=100.0)
    plan.ended(devices[3], 20.0, lasted=100.0)
    made = plan.plan(100.0, [wanted(device) for device in devices], INTERVAL)
    assert [dial.device for dial in made.dials] == [devices[n] for n in (3, 1, 2, 0)]


def test_an_interval_below_five_seconds_counts_as_five() -> None:
    plan = new_plan()
    plan.plan(0.0, [wanted()], 1.0)
    plan.accepted(A, 0.0, 1.0)
    plan.done(A, 0.0)
    assert plan.plan(0.0, [wanted()], 1.0).wake_at == 5.0


def test_a_device_nobody_wants_is_forgotten() -> None:
    plan = new_plan()
    plan.plan(0.0, [wanted()], INTERVAL)
    plan.done(A, 0.0)
    plan.plan(0.1, [wanted(B)], INTERVAL)
    assert {d.device for d in plan.plan(0.2, [wanted(A), wanted(B)], INTERVAL).dials} == {A}


def test_with_nobody_to_dial_it_sleeps() -> None:
    assert new_plan().plan(5.0, [], INTERVAL).wake_at == 5.0 + MAX_SLEEP
