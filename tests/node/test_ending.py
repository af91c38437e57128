from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from txsyncthing.node.ending import FAILURE, RESTART, Ending


class FakeReactor:
    """Notes what it was asked for; ``end`` runs what was to run after the shutdown."""

    def __init__(self) -> None:
        self.stopped = 0
        self.after: list[tuple[Callable[..., object], tuple[object, ...]]] = []
        self.from_threads = 0

    def stop(self) -> None:
        self.stopped += 1

    def addSystemEventTrigger(
        self, phase: str, event: str, call: Callable[..., object], *arguments: object
    ) -> None:
        assert (phase, event) == ("after", "shutdown")
        self.after.append((call, arguments))

    def callWhenRunning(self, call: Callable[[], None]) -> None:
        call()

    def callFromThread(self, call: Callable[[], None]) -> None:
        self.from_threads += 1
        call()

    def end(self) -> None:
        for call, arguments in self.after:
            call(*arguments)


class Process:
    """A process that ends as it is told, in a test."""

    def __init__(self, *, replace: bool = True, pidfile: str = "") -> None:
        self.reactor = FakeReactor()
        self.exits: list[int] = []
        self.replaced: list[tuple[str, list[str]]] = []
        self.ending = Ending(
            self.reactor,
            replace=replace,
            pidfile=pidfile,
            exit=self.exits.append,
            execute=lambda path, arguments: self.replaced.append((path, arguments)),
        )


def test_a_shutdown_stops_the_reactor_and_leaves_the_exit_code_alone() -> None:
    process = Process()
    process.ending.shutdown()
    process.reactor.end()
    assert (process.reactor.stopped, process.exits, process.replaced) == (1, [], [])


def test_a_failure_exits_with_1() -> None:
    process = Process()
    process.ending.fail()
    process.reactor.end()
    assert (process.reactor.stopped, process.exits) == (1, [FAILURE])


def test_a_restart_becomes_a_process_of_the_same_command_line(tmp_path: Path) -> None:
    pidfile = tmp_path / "twistd.pid"
    pidfile.touch()
    process = Process(pidfile=str(pidfile))
    process.ending.restart()
    assert pidfile.exists()
    process.reactor.end()
    assert process.replaced == [(sys.executable, [sys.executable, *sys.orig_argv[1:]])]
    assert not pidfile.exists()


def test_where_nothing_is_replaced_a_restart_exits_with_3() -> None:
    process = Process(replace=False, pidfile="/nonesuch/twistd.pid")
    process.ending.restart()
    process.reactor.end()
    assert (process.exits, process.replaced) == ([RESTART], [])


@pytest.mark.parametrize("first", ["shutdown", "restart", "fail"])
@pytest.mark.parametrize("second", ["shutdown", "restart", "fail"])
def test_the_first_wish_counts(first: str, second: str) -> None:
    once, twice = Process(), Process()
    for process in (once, twice):
        getattr(process.ending, first)()
    getattr(twice.ending, second)()
    for process in (once, twice):
        process.reactor.end()
    assert twice.reactor.stopped == 1
    assert (twice.exits, twice.replaced) == (once.exits, once.replaced)


@pytest.fixture
def handlers() -> Iterator[None]:
    """The handlers of the test's own process, brought back after it."""
    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


@pytest.mark.parametrize(
    ("number", "restarts"), [(signal.SIGTERM, 0), (signal.SIGINT, 0), (signal.SIGHUP, 1)]
)
def test_signals_end_it_in_order(handlers: None, number: int, restarts: int) -> None:
    process = Process()
    process.ending.follow_signals()
    os.kill(os.getpid(), number)
    process.reactor.end()
    assert process.reactor.from_threads == 1
    assert (process.reactor.stopped, len(process.replaced)) == (1, restarts)
