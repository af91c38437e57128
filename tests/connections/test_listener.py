from __future__ import annotations

from twisted.internet.task import Clock

from txsyncthing.connections.listener import RETRY, Core, Listener, new_listener


class World:
    def __init__(self) -> None:
        self.did: list[str | None] = []

    def open(self) -> None:
        self.did.append("open")

    def shut(self) -> None:
        self.did.append("shut")

    def report(self, error: str | None) -> None:
        self.did.append(error if error is None else f"report {error}")


def new() -> tuple[Clock, World, Listener]:
    clock, world = Clock(), World()
    return clock, world, new_listener(Core(world, clock))


def test_a_listener_that_fails_is_tried_again_a_minute_later() -> None:
    clock, world, listener = new()
    listener.start()
    listener.failed("address in use")
    assert world.did == ["open", "shut", "report address in use"]
    clock.advance(RETRY)
    assert world.did[3:] == ["open"]
    listener.up()
    assert world.did[4:] == [None]
    listener.stop()
    assert world.did[5:] == ["shut", "report "]
    assert clock.getDelayedCalls() == []


def test_a_listener_stopped_while_it_waits_leaves_no_timer() -> None:
    clock, world, listener = new()
    listener.start()
    listener.failed("no")
    listener.stop()
    assert clock.getDelayedCalls() == []
    clock.advance(RETRY)
    assert world.did.count("open") == 1


def test_a_port_that_opens_too_late_is_shut() -> None:
    _, world, listener = new()
    listener.start()
    listener.stop()
    world.did.clear()
    listener.up()
    assert world.did == ["shut"]


def test_every_public_input_is_answered_in_every_state() -> None:
    machine = new_listener.__automat_automaton__
    told = {(state, name) for state, name, *_ in machine.allTransitions()}
    public = [name for name in vars(Listener) if not name.startswith("_")]
    missing = [
        (state.name, name)
        for state in machine.states()
        for name in public
        if (state, name) not in told
    ]
    assert missing == []
