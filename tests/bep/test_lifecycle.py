"""The life of a connection, told by what it does to the wire."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from twisted.internet.task import Clock

from txsyncthing.bep.lifecycle import (
    CLOSE_TIMEOUT,
    CONFIG_TIMEOUT,
    HELLO_TIMEOUT,
    HUNG_UP,
    JUDGE_TIMEOUT,
    PARTING_TIMEOUT,
    Connection,
    Lifecycle,
    new_connection,
)
from txsyncthing.bep.messages import Close, ClusterConfig, Hello, Message, Ping


class Recorder:
    """A Wire which writes down what it was told."""

    def __init__(self) -> None:
        self.events: list[object] = []

    def greet(self) -> None:
        self.events.append("greet")

    def introduce(self, hello: Hello) -> None:
        self.events.append(("introduce", hello))

    def open(self) -> None:
        self.events.append("open")

    def deliver(self, message: Message) -> None:
        self.events.append(("deliver", message))

    def over(self, reason: str) -> None:
        self.events.append(("over", reason))

    def farewell(self, reason: str) -> None:
        self.events.append(("farewell", reason))

    def leave(self) -> None:
        self.events.append("leave")

    def hang_up(self) -> None:
        self.events.append("hang up")


HELLO = Hello("laptop")
CONFIG = ClusterConfig()
STATES = ["new", "greeting", "judging", "configuring", "ready", "parting", "closing"]


class Life:
    """A connection brought to a state, and what happens from there."""

    def __init__(self, state: str = "new") -> None:
        self.clock = Clock()
        self.wire = Recorder()
        self.life: Lifecycle = new_connection(Connection(self.wire, self.clock))
        steps: list[Callable[[], None]] = [
            lambda: self.life.connected(),
            lambda: self.life.hello(HELLO),
            lambda: self.life.accepted(),
            lambda: self.life.message(CONFIG),
            lambda: self.life.broken("enough"),
            lambda: self.clock.advance(PARTING_TIMEOUT),
        ]
        for step in steps[: STATES.index(state)]:
            step()
        self.before = list(self.wire.events)

    @property
    def events(self) -> list[object]:
        return self.wire.events[len(self.before) :]


def test_the_way_to_an_open_connection() -> None:
    assert Life("ready").before == [
        "greet",
        ("introduce", HELLO),
        "open",
        ("deliver", CONFIG),
    ]


def test_then_every_message_is_delivered() -> None:
    met = Life("ready")
    met.life.message(Ping())
    met.life.message(CONFIG)
    assert met.events == [("deliver", Ping()), ("deliver", CONFIG)]
    assert met.clock.getDelayedCalls() == []


def test_the_first_message_must_be_a_cluster_config() -> None:
    met = Life("configuring")
    met.life.message(Ping())
    reason = "first message is Ping, not ClusterConfig"
    assert met.events == [("over", reason), ("farewell", reason)]


def test_or_close() -> None:
    met = Life("configuring")
    met.life.message(Close("no room"))
    assert met.events == [("over", "closed by the peer: no room"), "hang up"]
    assert met.clock.getDelayedCalls() == []


def test_a_peers_close_ends_it_without_an_answer() -> None:
    met = Life("ready")
    met.life.message(Close("good night"))
    met.life.message(Ping())
    assert met.events == [("over", "closed by the peer: good night"), "hang up"]


def test_who_is_not_accepted_still_gets_our_hello() -> None:
    met = Life("judging")
    met.life.broken("unknown device")
    assert met.events == [("over", "unknown device"), "leave"]
    met.life.lost("gone")
    assert met.clock.getDelayedCalls() == []


@pytest.mark.parametrize("state", ["new", "greeting"])
def test_who_does_not_greet_hears_no_reason(state: str) -> None:
    met = Life(state)
    met.life.broken("unknown device")
    assert met.events == [("over", "unknown device"), "hang up"]
    assert met.clock.getDelayedCalls() == []


@pytest.mark.parametrize("state", ["configuring", "ready"])
def test_who_was_accepted_hears_the_reason_and_may_hang_up_first(state: str) -> None:
    met = Life(state)
    met.life.broken("unsafe name")
    assert met.events == [("over", "unsafe name"), ("farewell", "unsafe name")]
    met.life.lost("gone")
    assert met.events[2:] == []
    assert met.clock.getDelayedCalls() == []


def test_if_it_does_not_hang_up_we_do() -> None:
    met = Life("parting")
    met.clock.advance(PARTING_TIMEOUT)
    assert met.events == ["leave"]


def test_if_our_close_does_not_leave_it_is_dropped() -> None:
    met = Life("closing")
    met.clock.advance(CLOSE_TIMEOUT)
    assert met.events == ["hang up"]
    assert met.clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("state", "limit"),
    [("greeting", HELLO_TIMEOUT), ("judging", JUDGE_TIMEOUT), ("configuring", CONFIG_TIMEOUT)],
)
def test_each_stage_has_its_time(state: str, limit: float) -> None:
    met = Life(state)
    met.clock.advance(limit - 1)
    assert met.events == []
    met.clock.advance(1)
    assert "over" in dict(each for each in met.events if isinstance(each, tuple))


@pytest.mark.parametrize("state", ["new", "greeting", "judging", "configuring", "ready"])
def test_the_end_of_the_transport_is_told_once(state: str) -> None:
    met = Life(state)
    met.life.lost("cable cut")
    met.life.lost("again")
    met.life.broken("too late")
    said = {
        "greeting": "the peer hung up before its Hello (cable cut): it may have paused or ignored this"
        " device",
        "configuring": f"{HUNG_UP} (cable cut)",
    }
    assert met.events == [("over", said.get(state, "cable cut"))]
    assert met.clock.getDelayedCalls() == []


@pytest.mark.parametrize("state", ["parting", "closing"])
def test_after_our_close_nothing_is_told_any_more(state: str) -> None:
    met = Life(state)
    met.life.message(Ping())
    met.life.broken("again")
    met.life.accepted()
    met.life.lost("gone")
    assert met.events == []
    assert met.clock.getDelayedCalls() == []
