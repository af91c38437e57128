"""
Tell systemd that the node is ready, alive, or stopping.

Source: sd_notify(3): datagrams of ``KEY=value`` lines to the socket named in NOTIFY_SOCKET.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping

from twisted.application.service import Service
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall


class SystemdService(Service):
    """
    The last child of a node: it starts when all others have been started.

    Without NOTIFY_SOCKET in the environment it does nothing.
    """

    def __init__(self, clock: IReactorTime, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self._interval = int(environment.get("WATCHDOG_USEC", "0")) / 2 / 1_000_000  # seconds
        self._alive = LoopingCall(self._tell, "WATCHDOG=1")
        self._alive.clock = clock

    def startService(self) -> None:
        self.running = True
        self._tell("READY=1")
        if self._address and self._interval:
            self._alive.start(self._interval)

    def stopService(self) -> None:
        self.running = False
        if self._alive.running:
            self._alive.stop()
        self._tell("STOPPING=1")

    def _tell(self, line: str) -> None:
        if not self._address:
            return
        address = "\0" + self._address[1:] if self._address[0] == "@" else self._address
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as notify:
            try:
                notify.sendto(line.encode(), address)
            except OSError:
                return  # nobody listens: the node works all the same
