"""
How a process ends: for good, or to come back.

Source: reference 6.5 "Exit codes", 7.2 (restart, shutdown).
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

FAILURE = 1  # exit codes
RESTART = 3  # whoever supervises us starts us again


class Ending:
    """
    Ends the reactor, and the process as it was asked to.

    A restart replaces the process by a new one of the same command line (same process ID, so that
    systemd and shells do not notice); with ``--no-restart`` it exits with code 3 instead.

    :param pidfile: twistd's, removed before the process is replaced; empty for none.
    :param exit: ends the process at once.
    :param execute: replaces it.
    """

    def __init__(
        self,
        reactor: Any,
        *,
        replace: bool,
        pidfile: str = "",
        exit: Callable[[int], object] = os._exit,
        execute: Callable[[str, list[str]], object] = os.execv,
    ) -> None:
        self._reactor = reactor
        self._replace = replace
        self._pidfile = pidfile
        self._exit = exit
        self._execute = execute
        self._asked = False

    def shutdown(self) -> None:
        """Stop for good; exit code 0."""
        self._stop()

    def fail(self) -> None:
        """Stop since the node cannot do its work; exit code 1. Also before the reactor runs."""
        if not self._asked:
            self._reactor.addSystemEventTrigger("after", "shutdown", self._exit, FAILURE)
            self._reactor.callWhenRunning(self._stop)

    def restart(self) -> None:
        """Stop, and come back."""
        if not self._asked:
            self._reactor.addSystemEventTrigger("after", "shutdown", self._come_back)
        self._stop()

    def follow_signals(self) -> None:
        """
        TERM and INT end the process in order, with code 0 (twistd's own would kill it after all is
        done); HUP restarts it. Call it when the reactor runs.
        """
        for number, end in (
            (signal.SIGTERM, self.shutdown),
            (signal.SIGINT, self.shutdown),
            (signal.SIGHUP, self.restart),
        ):
            signal.signal(number, partial(self._signalled, end))

    def _signalled(self, end: Callable[[], None], number: int, frame: object) -> None:
        self._reactor.callFromThread(end)

    def _stop(self) -> None:
        if not self._asked:
            self._asked = True
            self._reactor.stop()

    def _come_back(self) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        if self._pidfile:
            with suppress(OSError):
                os.remove(self._pidfile)
        if self._replace:
            self._execute(sys.executable, [sys.executable, *sys.orig_argv[1:]])
        else:
            self._exit(RESTART)
