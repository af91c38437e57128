"""
Keep one listener up: try again a minute after it failed.

Source: reference 3.1 ("Listener restart").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from automat import TypeMachineBuilder

from txsyncthing.clock import Clock, Timer

RETRY = 60.0  # seconds


class ListenerWorld(Protocol):
    """What a listener does to the world. Nothing here may raise."""

    def open(self) -> None:
        """Begin to listen; ``up`` or ``failed`` follows, unless ``shut`` comes first."""

    def shut(self) -> None:
        """Listen no more, or give up beginning to."""

    def report(self, error: str | None) -> None:
        """It listens (None), or why it does not; empty: nobody wants it to."""


class Listener(Protocol):
    """What can happen to a listener."""

    def start(self) -> None:
        """We want it."""

    def stop(self) -> None:
        """We do not want it."""

    def up(self) -> None:
        """It listens."""

    def failed(self, error: str) -> None:
        """It does not, or no longer."""

    def _due(self) -> None:
        """Try again."""


@dataclass
class Core:
    """What all states share."""

    world: ListenerWorld
    clock: Clock


def until_retry(inputs: Listener, core: Core, error: str) -> Timer:
    return core.clock.callLater(RETRY, inputs._due)


builder = TypeMachineBuilder(Listener, Core)
stopped = builder.state("stopped")
starting = builder.state("starting")
listening = builder.state("listening")
waiting = builder.state("waiting", until_retry)  # data: the timer

stopped.upon(Listener.stop).loop().returns(None)
stopped.upon(Listener.failed).loop().returns(None)
starting.upon(Listener.start).loop().returns(None)
listening.upon(Listener.start).loop().returns(None)
listening.upon(Listener.up).loop().returns(None)
waiting.upon(Listener.start).loop().returns(None)
waiting.upon(Listener.failed).loop().returns(None)


@stopped.upon(Listener.start).to(starting)
def open(inputs: Listener, core: Core) -> None:
    core.world.open()


@waiting.upon(Listener._due).to(starting)
def open_again(inputs: Listener, core: Core, timer: Timer) -> None:
    core.world.open()


@starting.upon(Listener.up).to(listening)
def report_up(inputs: Listener, core: Core) -> None:
    core.world.report(None)


@starting.upon(Listener.failed).to(waiting)
@listening.upon(Listener.failed).to(waiting)
def report_failure(inputs: Listener, core: Core, error: str) -> None:
    core.world.shut()
    core.world.report(error)


@stopped.upon(Listener.up).loop()
def too_late(inputs: Listener, core: Core) -> None:
    core.world.shut()


@waiting.upon(Listener.up).loop()
def late(inputs: Listener, core: Core, timer: Timer) -> None:
    core.world.shut()


@starting.upon(Listener.stop).to(stopped)
@listening.upon(Listener.stop).to(stopped)
def shut(inputs: Listener, core: Core) -> None:
    core.world.shut()
    core.world.report("")


@waiting.upon(Listener.stop).to(stopped)
def forget(inputs: Listener, core: Core, timer: Timer) -> None:
    timer.cancel()
    core.world.report("")


new_listener = builder.build()
