"""
The connections that stand: who is connected how, and who is only shaking hands.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from txsyncthing.bep.messages import Compression
from txsyncthing.connections.score import ConnectionInfo
from txsyncthing.connections.upgrade import Existing
from txsyncthing.vocabulary.device import DeviceID


class Held(Protocol):
    """A connection (bep/protocol.py)."""

    device: DeviceID

    def close(self, reason: str) -> None: ...

    def compress(self, compression: Compression) -> None: ...


@dataclass(frozen=True, slots=True)
class Standing:
    """One accepted connection."""

    protocol: Held
    info: ConnectionInfo
    began: float  # seconds of the clock
    wished: int  # num_connections of the peer's Hello


class ConnectionTable:
    """The accepted connections, by device."""

    def __init__(self) -> None:
        self._devices: dict[DeviceID, list[Standing]] = {}

    def add(self, standing: Standing) -> None:
        self._devices.setdefault(standing.protocol.device, []).append(standing)

    def remove(self, protocol: Held) -> Standing | None:
        """:returns: what it was; None: it was never accepted."""
        standings = self._devices.get(protocol.device, [])
        for standing in standings:
            if standing.protocol is protocol:
                standings.remove(standing)
                if not standings:
                    del self._devices[protocol.device]
                return standing
        return None

    def of(self, device: DeviceID) -> tuple[Standing, ...]:
        """The device's connections, oldest first."""
        return tuple(self._devices.get(device, ()))

    def protocols(self, device: DeviceID) -> tuple[Held, ...]:
        return tuple(standing.protocol for standing in self.of(device))

    def existing(self, device: DeviceID, now: float) -> list[Existing]:
        """The same as numbers."""
        return [Existing(one.info.priority, now - one.began, one.wished) for one in self.of(device)]

    @property
    def devices(self) -> int:
        """How many are connected."""
        return len(self._devices)

    def __iter__(self) -> Iterator[Standing]:
        for standings in list(self._devices.values()):
            yield from list(standings)
