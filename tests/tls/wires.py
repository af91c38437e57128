"""Two TLS nodes on a pair of connected sockets, and protocols which write down what comes."""

from __future__ import annotations

import os
import socket

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from tests.tls.pump import PumpReactor
from txsyncthing.tls.certificate import make_identity
from txsyncthing.tls.endpoint import TlsNode
from txsyncthing.tls.transport_protocol import TlsTransport

UNIX = 1_700_000_000.0
ALICE = make_identity(os.urandom, UNIX)
BOB = make_identity(os.urandom, UNIX)


class Listener(Protocol):
    """Keeps what comes; also a producer, which counts."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.pieces: list[int] = []
        self.lost: list[Failure] = []
        self.told: list[str] = []  # by the transport, as its producer

    @property
    def wire(self) -> TlsTransport:
        transport: object = self.transport
        assert isinstance(transport, TlsTransport)
        return transport

    def dataReceived(self, data: bytes) -> None:
        self.heard += data
        self.pieces.append(len(data))

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost.append(reason)

    def pauseProducing(self) -> None:
        self.told.append("pause")

    def resumeProducing(self) -> None:
        self.told.append("resume")


class Fixed(Factory):
    """Gives out one protocol."""

    def __init__(self, protocol: Protocol | None) -> None:
        self.protocol_made = protocol

    def buildProtocol(self, addr: object) -> Protocol | None:
        return self.protocol_made


class Ends:
    """Alice is the client, Bob the server."""

    def __init__(self) -> None:
        self.reactor = PumpReactor()
        self.alices, self.bobs = socket.socketpair()
        self.alices.setblocking(False)
        self.bobs.setblocking(False)
        self.alice, self.bob = Listener(), Listener()
        resolver = NoResolver()
        self.client = TlsNode(self.reactor, resolver, ALICE)  # type: ignore[arg-type]
        self.server = TlsNode(self.reactor, resolver, BOB)  # type: ignore[arg-type]

    def shake(self) -> tuple[Deferred[IProtocol], Deferred[IProtocol]]:
        """Begin the handshake at both ends."""
        return (
            self.client.secure(self.alices, False, Fixed(self.alice)),
            self.server.secure(self.bobs, True, Fixed(self.bob)),
        )

    def open(self) -> None:
        self.shake()
        self.reactor.run_ready()
        assert self.alice.transport is not None and self.bob.transport is not None


class NoResolver:
    """There are no host names here."""
