"""What systemd is told."""

from __future__ import annotations

import socket
from pathlib import Path

from twisted.internet.task import Clock

from txsyncthing.node.systemd_service import SystemdService


def test_systemd_hears_ready_alive_and_stopping(tmp_path: Path) -> None:
    path, clock = tmp_path / "notify", Clock()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as listener:
        listener.bind(str(path))
        environment = {"NOTIFY_SOCKET": str(path), "WATCHDOG_USEC": "4000000"}
        service = SystemdService(clock, environment)
        service.startService()
        clock.advance(2.0)
        service.stopService()
        told = [listener.recv(100) for _ in range(4)]
    assert told == [b"READY=1", b"WATCHDOG=1", b"WATCHDOG=1", b"STOPPING=1"]
    assert clock.getDelayedCalls() == []


def test_without_systemd_nothing_is_sent() -> None:
    clock = Clock()
    service = SystemdService(clock, {})
    service.startService()
    service.stopService()
    assert clock.getDelayedCalls() == []
