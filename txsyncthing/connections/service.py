"""
Connections to other devices: dial, listen, check who it is, hand over.

Source: reference 3.1 to 3.4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from twisted.application.service import MultiService
from twisted.internet.defer import Deferred

from txsyncthing.bep.messages import Hello
from txsyncthing.bep.protocol import BepFactory, BepProtocol, Receiver
from txsyncthing.clock import Clock
from txsyncthing.connections.score import ConnectionInfo
from txsyncthing.events.types import Emit
from txsyncthing.runtime.log_service import Log
from txsyncthing.vocabulary.address import Address, IPInterface
from txsyncthing.vocabulary.device import DeviceID


class Port(Protocol):
    """A listener that is up."""

    @property
    def address(self) -> Address:
        """Where it listens, with the port that the system chose if none was asked for."""

    def close(self) -> Deferred[None] | None:
        """Fires when the port is free again. Accepted connections go on."""


class Network(Protocol):
    """All transports we can use; joined in node/."""

    def schemes(self) -> frozenset[str]:
        """What can be dialled and listened on; others get a clear status."""

    def dial(self, address: Address, factory: BepFactory) -> Deferred[BepProtocol]:
        """
        Connect, shake TLS hands, build the protocol. Cancelling gives up.

        Fails with an exception whose text tells users what went wrong.
        """

    def listen(self, address: Address, factory: BepFactory) -> Deferred[Port]: ...


class ClusterSeam(Receiver, Protocol):
    """Who takes the connections (cluster/service.py)."""

    def connected(self, protocol: BepProtocol, info: ConnectionInfo) -> None:
        """A configured device is greeted and welcome: accept it."""

    def stranger(self, device: DeviceID, hello: Hello, address: str) -> None:
        """A device that is not configured said Hello; it is closed next."""


@dataclass(frozen=True, slots=True)
class DialStatus:
    """``lastDialStatus``: the last attempt on one address."""

    when: float  # Unix seconds
    error: str | None


@dataclass(frozen=True, slots=True)
class ListenerStatus:
    """``connectionServiceStatus``: one listen address."""

    error: str | None
    lan_addresses: tuple[str, ...]
    wan_addresses: tuple[str, ...]


class ConnectionsService(MultiService):
    """
    :param unix: wall clock, Unix seconds.
    :param random: so many random bytes.
    :param holder: the configuration; its changes are followed.
    :param interfaces: this machine's addresses with their networks; None if they cannot be asked.
    :param client: name and version that our Hello tells.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        unix: Callable[[], float],
        random: Callable[[int], bytes],
        me: DeviceID,
        holder: object,  # config.holder.ConfigHolder
        network: Network,
        cluster: ClusterSeam,
        emit: Emit,
        log: Log,
        client: tuple[str, str],
        interfaces: Callable[[], Sequence[IPInterface] | None],
    ) -> None: ...

    def listeners(self) -> Mapping[str, ListenerStatus]:
        """By listen address as configured."""
        raise NotImplementedError

    def dial_status(self) -> Mapping[str, DialStatus]:
        """By address."""
        raise NotImplementedError

    def dial_now(self, device: DeviceID | None = None) -> None:
        """The device (all) may be reachable now: try at once, within the limits of the guard."""
