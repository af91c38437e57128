"""
The life of one connection: greeting, judging, configuring, ready, parting, closing, closed.

Source: reference 2.1, 2.2 "First message" and "Close", 2.4.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from automat import TypeMachineBuilder
from automat._typed import TypedState

from txsyncthing.bep.messages import Close, ClusterConfig, Hello, Message
from txsyncthing.clock import Clock, Timer

HELLO_TIMEOUT = 20.0  # seconds for both Hellos
JUDGE_TIMEOUT = 60.0  # seconds in which our own node must accept or refuse
CONFIG_TIMEOUT = 300.0  # seconds until the peer's Cluster Config; it may take its time
PARTING_TIMEOUT = 0.5  # seconds in which the peer may hang up first, as one does on Close
CLOSE_TIMEOUT = 10.0  # seconds in which our Close must have left
HUNG_UP = "the peer hung up after our Hello"  # begins the reason, where no Cluster Config came


class Wire(Protocol):
    """What a connection does to the world around it."""

    def greet(self) -> None:
        """Send our Hello."""

    def introduce(self, hello: Hello) -> None:
        """Ask our node what it thinks of this peer."""

    def open(self) -> None:
        """Read messages from now on."""

    def deliver(self, message: Message) -> None:
        """A message for our node."""

    def over(self, reason: str) -> None:
        """Tell our node that the connection is of no use any more; comes exactly once."""

    def farewell(self, reason: str) -> None:
        """Send Close, and nothing any more."""

    def leave(self) -> None:
        """End the transport when all is sent."""

    def hang_up(self) -> None:
        """End the transport at once."""


class Lifecycle(Protocol):
    """The inputs: what can happen to a connection."""

    def connected(self) -> None:
        """TLS is up, and our node wants to shake hands with this device."""

    def hello(self, hello: Hello) -> None:
        """The peer's Hello, always its first words."""

    def accepted(self) -> None:
        """Our node likes the peer."""

    def message(self, message: Message) -> None:
        """Any later message; the first must be a Cluster Config (or Close)."""

    def broken(self, reason: str) -> None:
        """The peer broke the protocol or fell silent, or our node has enough; hang up."""

    def lost(self, reason: str) -> None:
        """The transport is gone."""

    def _first(self, config: ClusterConfig) -> None:
        """The first message was a Cluster Config, as it must be."""

    def _closed(self, reason: str) -> None:
        """The peer sent Close."""

    def _waited(self) -> None:
        """The peer did not hang up on our Close (not yet: it may still be on its way)."""

    def _late(self) -> None:
        """Our Close did not leave in time."""


@dataclass
class Connection:
    """The core: what all states share."""

    wire: Wire
    clock: Clock


def until_hello(inputs: Lifecycle, core: Connection) -> Timer:
    return core.clock.callLater(HELLO_TIMEOUT, inputs.broken, "no Hello in time")


def until_judged(inputs: Lifecycle, core: Connection, hello: Hello) -> Timer:
    return core.clock.callLater(JUDGE_TIMEOUT, inputs.broken, "not accepted in time")


def until_config(inputs: Lifecycle, core: Connection) -> Timer:
    return core.clock.callLater(CONFIG_TIMEOUT, inputs.broken, "no Cluster Config in time")


def until_parted(inputs: Lifecycle, core: Connection, reason: str) -> Timer:
    return core.clock.callLater(PARTING_TIMEOUT, inputs._waited)


def until_closed(inputs: Lifecycle, core: Connection, reason: str = "") -> Timer:
    return core.clock.callLater(CLOSE_TIMEOUT, inputs._late)


builder = TypeMachineBuilder(Lifecycle, Connection)
new = builder.state("new")
greeting = builder.state("greeting", until_hello)  # the data of each is its time limit
judging = builder.state("judging", until_judged)
configuring = builder.state("configuring", until_config)
ready = builder.state("ready")  # silence is the exchange's business from here
parting = builder.state("parting", until_parted)
closing = builder.state("closing", until_closed)
closed = builder.state("closed")

State = TypedState[Lifecycle, Connection]


def ignore(state: State, *inputs: Callable[..., None]) -> None:
    """Answer these inputs by doing nothing."""
    for each in inputs:
        state.upon(each).loop().returns(None)


ignore(new, Lifecycle.hello, Lifecycle.accepted, Lifecycle.message)
greeting.upon(Lifecycle.connected).loop().returns(None)
greeting.upon(Lifecycle.accepted).loop().returns(None)
greeting.upon(Lifecycle.message).loop().returns(None)
judging.upon(Lifecycle.connected).loop().returns(None)
judging.upon(Lifecycle.hello).loop().returns(None)
judging.upon(Lifecycle.message).loop().returns(None)
configuring.upon(Lifecycle.connected).loop().returns(None)
configuring.upon(Lifecycle.hello).loop().returns(None)
configuring.upon(Lifecycle.accepted).loop().returns(None)
ignore(ready, Lifecycle.connected, Lifecycle.hello, Lifecycle.accepted)
parting.upon(Lifecycle.connected).loop().returns(None)
parting.upon(Lifecycle.hello).loop().returns(None)
parting.upon(Lifecycle.accepted).loop().returns(None)
parting.upon(Lifecycle.message).loop().returns(None)
parting.upon(Lifecycle.broken).loop().returns(None)
closing.upon(Lifecycle.connected).loop().returns(None)
closing.upon(Lifecycle.hello).loop().returns(None)
closing.upon(Lifecycle.accepted).loop().returns(None)
closing.upon(Lifecycle.message).loop().returns(None)
closing.upon(Lifecycle.broken).loop().returns(None)
ignore(closed, Lifecycle.connected, Lifecycle.hello, Lifecycle.accepted, Lifecycle.message)
ignore(closed, Lifecycle.broken, Lifecycle.lost)


@new.upon(Lifecycle.connected).to(greeting)
def greet(inputs: Lifecycle, core: Connection) -> None:
    core.wire.greet()


@greeting.upon(Lifecycle.hello).to(judging)
def introduce(inputs: Lifecycle, core: Connection, limit: Timer, hello: Hello) -> None:
    limit.cancel()
    core.wire.introduce(hello)


@judging.upon(Lifecycle.accepted).to(configuring)
def open_exchange(inputs: Lifecycle, core: Connection, limit: Timer) -> None:
    limit.cancel()
    core.wire.open()


@configuring.upon(Lifecycle.message).loop()
def check_first(inputs: Lifecycle, core: Connection, limit: Timer, message: Message) -> None:
    if isinstance(message, ClusterConfig):
        inputs._first(message)
    elif isinstance(message, Close):
        inputs._closed(message.reason)
    else:
        inputs.broken(f"first message is {type(message).__name__}, not ClusterConfig")


@configuring.upon(Lifecycle._first).to(ready)
def begin(inputs: Lifecycle, core: Connection, limit: Timer, config: ClusterConfig) -> None:
    limit.cancel()
    core.wire.deliver(config)


def shortcut(inputs: Lifecycle, wire: Wire) -> Callable[[Message], None]:
    """
    What takes messages in the state ``ready`` instead of the machine, which would only pass them on, and
    needs more time for it than all else that a message costs.
    """

    def message(message: Message) -> None:
        if isinstance(message, Close):
            inputs.message(message)
        else:
            wire.deliver(message)

    return message


@ready.upon(Lifecycle.message).loop()
def deliver(inputs: Lifecycle, core: Connection, message: Message) -> None:
    if isinstance(message, Close):
        inputs._closed(message.reason)
    else:
        core.wire.deliver(message)


def stop(limit: Timer) -> None:
    if limit.active():  # otherwise it is what ran out
        limit.cancel()


@new.upon(Lifecycle.broken).to(closed)
def drop(inputs: Lifecycle, core: Connection, reason: str) -> None:
    core.wire.over(reason)
    core.wire.hang_up()


@greeting.upon(Lifecycle.broken).to(closed)
def turn_away(inputs: Lifecycle, core: Connection, limit: Timer, reason: str) -> None:
    stop(limit)
    core.wire.over(reason)
    core.wire.hang_up()


@judging.upon(Lifecycle.broken).to(closing)
def see_off(inputs: Lifecycle, core: Connection, limit: Timer, reason: str) -> None:
    """Not at once: our Hello, by which the peer's user sees us, may still be on its way."""
    stop(limit)
    core.wire.over(reason)
    core.wire.leave()


@configuring.upon(Lifecycle.broken).to(parting)
def part_early(inputs: Lifecycle, core: Connection, limit: Timer, reason: str) -> None:
    stop(limit)
    core.wire.over(reason)
    core.wire.farewell(reason)


@ready.upon(Lifecycle.broken).to(parting)
def part(inputs: Lifecycle, core: Connection, reason: str) -> None:
    core.wire.over(reason)
    core.wire.farewell(reason)


@configuring.upon(Lifecycle._closed).to(closed)
def end_early(inputs: Lifecycle, core: Connection, limit: Timer, reason: str) -> None:
    limit.cancel()
    end(inputs, core, reason)


@ready.upon(Lifecycle._closed).to(closed)
def end(inputs: Lifecycle, core: Connection, reason: str) -> None:
    core.wire.over(f"closed by the peer: {reason}")
    core.wire.hang_up()


@new.upon(Lifecycle.lost).to(closed)
@ready.upon(Lifecycle.lost).to(closed)
def tell(inputs: Lifecycle, core: Connection, reason: str) -> None:
    core.wire.over(reason)


@greeting.upon(Lifecycle.lost).to(closed)
def nameless(inputs: Lifecycle, core: Connection, limit: Timer, reason: str) -> None:
    limit.cancel()
    why = "it may have paused or ignored this device"
    core.wire.over(f"the peer hung up before its Hello ({reason.rstrip('.')}): {why}")


@configuring.upon(Lifecycle.lost).to(closed)
def turned_away(inputs: Lifecycle, core: Connection, limit: Timer, reason: str) -> None:
    limit.cancel()
    core.wire.over(f"{HUNG_UP} ({reason.rstrip('.')})")


@judging.upon(Lifecycle.lost).to(closed)
def forget_and_tell(inputs: Lifecycle, core: Connection, limit: Timer, reason: str) -> None:
    limit.cancel()
    core.wire.over(reason)


@parting.upon(Lifecycle._waited).to(closing)
def leave(inputs: Lifecycle, core: Connection, limit: Timer) -> None:
    core.wire.leave()


@parting.upon(Lifecycle.lost).to(closed)
@closing.upon(Lifecycle.lost).to(closed)
def forget(inputs: Lifecycle, core: Connection, limit: Timer, reason: str) -> None:
    limit.cancel()


@closing.upon(Lifecycle._late).to(closed)
def cut(inputs: Lifecycle, core: Connection, limit: Timer) -> None:
    core.wire.hang_up()


new_connection = builder.build()
