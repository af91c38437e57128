"""
What REST shows of devices and their connections.

Source: reference 7.2 (``/rest/system/connections``), 7.4 (``/rest/stats/device``).
"""

from __future__ import annotations

from dataclasses import dataclass

from txsyncthing.bep.messages import Hello
from txsyncthing.connections.score import ConnectionInfo

OFFICIAL_CLIENT = "syncthing"


@dataclass(frozen=True, slots=True)
class Bytes:
    """Of one connection, or of several together."""

    received: int = 0
    sent: int = 0

    def __add__(self, other: Bytes) -> Bytes:
        return Bytes(self.received + other.received, self.sent + other.sent)


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """One connection."""

    info: ConnectionInfo
    bytes: Bytes


@dataclass(frozen=True, slots=True)
class Statistics:
    """When a device was here."""

    last_seen: float = 0.0  # Unix seconds; 0: never
    last_connection_s: float = 0.0  # how long it stayed


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """
    One configured device.

    :ivar strange: it hung up on our Hello the last time: it has not added us, as it seems.
    """

    paused: bool
    client_version: str = ""  # empty if away
    connections: tuple[ConnectionStatus, ...] = ()  # the first is the primary
    bytes: Bytes = Bytes()  # of the connections that stand now
    statistics: Statistics = Statistics()
    strange: bool = False

    @property
    def connected(self) -> bool:
        return bool(self.connections)

    @property
    def primary(self) -> ConnectionStatus | None:
        return self.connections[0] if self.connections else None


def client_version(hello: Hello) -> str:
    """Plain for the official client, with the name for others."""
    if hello.client_name == OFFICIAL_CLIENT:
        return hello.client_version
    return f"{hello.client_name} {hello.client_version}"
