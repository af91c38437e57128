"""The real network of a node: TLS over TCP; satisfies ``connections.service.Network``."""

from __future__ import annotations

from typing import cast

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, maybeDeferred

from txsyncthing.bep.protocol import BepFactory, BepProtocol
from txsyncthing.connections.listen_service import Port
from txsyncthing.tls.endpoint import TlsNode, TlsPort
from txsyncthing.tls.socket_endpoint import Family
from txsyncthing.vocabulary.address import TCP_SCHEMES, Address

_FAMILIES = {"tcp": Family.BOTH, "tcp4": Family.IPV4, "tcp6": Family.IPV6}


class TcpPort:
    """A listener that is up."""

    def __init__(self, scheme: str, port: TlsPort) -> None:
        self._port = port
        host = cast(IPv4Address | IPv6Address, port.getHost())
        self.address = Address(scheme, host.host, host.port)

    def close(self) -> Deferred[None]:
        return self._port.stopListening()


class TcpNetwork:
    """Dials and listens by TCP."""

    def __init__(self, tls: TlsNode) -> None:
        self._tls = tls

    def schemes(self) -> frozenset[str]:
        return TCP_SCHEMES

    def dial(self, address: Address, factory: BepFactory) -> Deferred[BepProtocol]:
        family = _FAMILIES[address.scheme]
        dialled = self._tls.connect(address.host, address.port, factory, family)
        return cast("Deferred[BepProtocol]", dialled)

    def listen(self, address: Address, factory: BepFactory) -> Deferred[Port]:
        return maybeDeferred(self._listen, address, factory)

    def _listen(self, address: Address, factory: BepFactory) -> Port:
        family = _FAMILIES[address.scheme]
        port = self._tls.listen(address.host, address.port, factory, family)
        return TcpPort(address.scheme, port)
