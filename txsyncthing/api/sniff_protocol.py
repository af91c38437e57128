"""
HTTP and HTTPS on one port: the first byte tells which of the two a client speaks.

Source: reference 7.1 "HTTP/HTTPS on one port" (lib/tlsutil DowngradingListener).
"""

from __future__ import annotations

from twisted.internet.interfaces import IAddress, IProtocol, IProtocolFactory
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure

from txsyncthing.clock import Clock, Timer

TLS_HANDSHAKE = 0x16  # first byte of a TLS connection
PATIENCE = 15.0  # seconds until the first byte must be there


class SniffProtocol(Protocol):
    """Wait for the first byte, then step out of the way."""

    def __init__(
        self,
        clock: Clock,
        plain: IProtocolFactory,
        secure: IProtocolFactory,
        peer: IAddress | None,
    ) -> None:
        self._clock = clock
        self._plain = plain
        self._secure = secure
        self._peer = peer
        self._real: IProtocol | None = None
        self._timer: Timer | None = None

    def connectionMade(self) -> None:
        self._timer = self._clock.callLater(PATIENCE, self._hang_up)

    def _hang_up(self) -> None:
        if self.transport is not None:
            self.transport.loseConnection()

    def dataReceived(self, data: bytes) -> None:
        if self._real is None:
            self._patient()
            factory = self._secure if data[0] == TLS_HANDSHAKE else self._plain
            real: IProtocol | None = factory.buildProtocol(self._peer)  # type: ignore[arg-type]
            if real is None or self.transport is None:
                self._hang_up()
                return
            self._real = real
            real.makeConnection(self.transport)
        self._real.dataReceived(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._patient()
        if self._real is not None:
            self._real.connectionLost(reason)

    def _patient(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()


class SniffFactory(Factory):
    """
    :param plain: for HTTP.
    :param secure: for HTTPS.
    """

    noisy = False

    def __init__(self, clock: Clock, plain: IProtocolFactory, secure: IProtocolFactory) -> None:
        self._clock = clock
        self._plain = plain
        self._secure = secure

    def buildProtocol(self, addr: IAddress | None) -> SniffProtocol:
        return SniffProtocol(self._clock, self._plain, self._secure, addr)
