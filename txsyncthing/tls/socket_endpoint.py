"""
Connected sockets: dialled and accepted, without a protocol on them yet.

Source: reference 3.1 (lib/dialer/public.go, lib/connections/tcp_listen.go).
"""

from __future__ import annotations

import errno
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from enum import Enum
from struct import pack

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectError, DNSLookupError, TimeoutError
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IHostResolution,
    IReadDescriptor,
    IResolutionReceiver,
    IWriteDescriptor,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from txsyncthing.clock import Timer
from txsyncthing.tls.transport_protocol import Reactor

STAGGER = 0.3  # seconds after which the next address of a host is tried as well
KEEPALIVE = 60  # seconds
BACKLOG = 128
ACCEPT_TURN = 32  # connections accepted before other sockets have their turn
ACCEPT_REST = 1.0  # seconds without accepting when the machine has no more sockets
_NO_LINGER = pack("ii", 1, 0)
_EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class Family(Enum):
    """Which kind of IP a scheme speaks."""

    BOTH = socket.AF_UNSPEC
    IPV4 = socket.AF_INET
    IPV6 = socket.AF_INET6


def set_options(sock: socket.socket) -> None:
    """What the official daemon sets: no linger, Nagle on, keep-alive each minute."""
    sock.setblocking(False)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
    for name in ("TCP_KEEPIDLE", "TCP_KEEPINTVL"):
        if hasattr(socket, name):
            sock.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), KEEPALIVE)


def address_of(name: tuple[str, int] | tuple[str, int, int, int] | str) -> IAddress:
    """A socket's address; IPv4 in the clothes of IPv6 is undressed."""
    if isinstance(name, str) or len(name) < 2:  # a pair of sockets, in tests
        return IPv4Address("TCP", "127.0.0.1", 0)
    host, port = name[0], name[1]
    if host.startswith("::ffff:") and "." in host:
        return IPv4Address("TCP", host[7:], port)
    if len(name) == 4:
        return IPv6Address("TCP", host, port, name[2], name[3])
    return IPv4Address("TCP", host, port)


@implementer(IWriteDescriptor)
class _Attempt:
    """One connect() on its way."""

    def __init__(
        self,
        reactor: Reactor,
        family: int,
        address: Sequence[object],
        ended: Callable[[_Attempt, OSError | None], None],
    ) -> None:
        self._reactor = reactor
        self._ended = ended
        self.socket = socket.socket(family, socket.SOCK_STREAM)
        set_options(self.socket)
        code = self.socket.connect_ex(address)  # type: ignore[arg-type]
        if code not in (0, errno.EINPROGRESS):
            self.socket.close()
            raise OSError(code, os.strerror(code))
        reactor.addWriter(self)

    def fileno(self) -> int:
        return self.socket.fileno()

    def logPrefix(self) -> str:
        return "dial"

    def doWrite(self) -> None:
        self._reactor.removeWriter(self)
        code = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            self.socket.close()
        self._ended(self, OSError(code, os.strerror(code)) if code else None)

    def connectionLost(self, reason: Failure) -> None:
        """The reactor saw an error before we did."""
        if self.socket.fileno() >= 0:
            self.doWrite()

    def drop(self) -> None:
        self._reactor.removeWriter(self)
        self.socket.close()


@implementer(IResolutionReceiver)
class Dial:
    """
    Connect to a host: its addresses one after the other, each given a head start; the first wins.

    ``connected`` fires with the socket, or fails with ConnectError, DNSLookupError or TimeoutError; it
    can be cancelled.
    """

    def __init__(
        self,
        reactor: Reactor,
        resolver: IHostnameResolver,
        host: str,
        port: int,
        timeout: float,
        family: Family = Family.BOTH,
    ) -> None:
        self._reactor = reactor
        self._host, self._port, self._family = host, port, family
        self._addresses: deque[tuple[int, Sequence[object]]] = deque()
        self._attempts: list[_Attempt] = []
        self._resolving = True
        self._error: Exception | None = None
        self._next: Timer | None = None
        self._seconds = timeout
        self._limit = reactor.callLater(timeout, self._late)
        self.connected: Deferred[socket.socket] = Deferred(lambda _: self._stop())
        literal = _literal(host, port)
        if literal is None:
            resolver.resolveHostName(self, host, port)
        else:
            self.addressResolved(literal)
            self.resolutionComplete()

    # What the resolver says.

    def resolutionBegan(self, resolutionInProgress: IHostResolution) -> None:
        pass

    def addressResolved(self, address: IAddress) -> None:
        if isinstance(address, IPv6Address):
            if self._family is not Family.IPV4:
                name = (address.host, address.port, address.flowInfo, address.scopeID)
                self._addresses.append((socket.AF_INET6, name))
        elif isinstance(address, IPv4Address) and self._family is not Family.IPV6:
            self._addresses.append((socket.AF_INET, (address.host, address.port)))

    def resolutionComplete(self) -> None:
        self._resolving = False
        if not self._addresses:
            self._error = DNSLookupError(f"{self._host}: no address found")
        if not self.connected.called:
            self._try()

    # One attempt after the other.

    def _try(self) -> None:
        self._forget_next()
        while self._addresses:
            family, address = self._addresses.popleft()
            try:
                self._attempts.append(_Attempt(self._reactor, family, address, self._ended))
            except OSError as error:
                self._error = ConnectError(error.errno, error.strerror)
                continue
            if self._addresses:
                self._next = self._reactor.callLater(STAGGER, self._try)
            return
        if not self._attempts:
            self._stop()
            self.connected.errback(self._error or ConnectError())

    def _ended(self, attempt: _Attempt, error: OSError | None) -> None:
        self._attempts.remove(attempt)
        if error is None:
            self._stop()
            self.connected.callback(attempt.socket)
            return
        self._error = ConnectError(error.errno, error.strerror)
        self._try()

    def _late(self) -> None:
        self._stop()
        self.connected.errback(TimeoutError(f"{self._host}: no answer in {self._seconds:g} s"))

    def _forget_next(self) -> None:
        if self._next is not None and self._next.active():
            self._next.cancel()

    def _stop(self) -> None:
        self._forget_next()
        self._addresses.clear()
        if self._limit.active():
            self._limit.cancel()
        for attempt in self._attempts:
            attempt.drop()
        self._attempts.clear()


def _literal(host: str, port: int) -> IAddress | None:
    """A host that is an IP address already; no resolver is needed."""
    with suppress(OSError):
        socket.inet_pton(socket.AF_INET, host)
        return IPv4Address("TCP", host, port)
    with suppress(OSError):
        socket.inet_pton(socket.AF_INET6, host)
        return IPv6Address("TCP", host, port)
    return None


@implementer(IReadDescriptor)
class Acceptor:
    """
    A listening socket.

    :param host: an address of this machine; empty or a wildcard: all of them, of the family's kinds of IP.
    :param accepted: takes each new socket, non-blocking, and the peer's address.
    :raises OSError: the address is taken or not ours.
    """

    def __init__(
        self,
        reactor: Reactor,
        host: str,
        port: int,
        family: Family,
        accepted: Callable[[socket.socket, IAddress], None],
    ) -> None:
        self._reactor = reactor
        self._accepted = accepted
        self._socket = _listening(host, port, family)
        self._rest: Timer | None = None
        reactor.addReader(self)

    def address(self) -> IAddress:
        """Where it listens; tells the port when 0 was asked for."""
        return address_of(self._socket.getsockname())

    def fileno(self) -> int:
        return self._socket.fileno()

    def logPrefix(self) -> str:
        return "listen"

    def doRead(self) -> None:
        for _ in range(ACCEPT_TURN):
            try:
                sock, name = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in _EXHAUSTED:
                    self._reactor.removeReader(self)
                    self._rest = self._reactor.callLater(ACCEPT_REST, self._reactor.addReader, self)
                    return
                continue  # that peer is gone again
            with suppress(OSError):
                set_options(sock)
            self._accepted(sock, address_of(name))

    def connectionLost(self, reason: Failure) -> None:
        self.stop()

    def stop(self) -> None:
        """Accept nobody any more."""
        if self._socket.fileno() >= 0:
            if self._rest is not None and self._rest.active():
                self._rest.cancel()
            self._reactor.removeReader(self)
            self._socket.close()


def _listening(host: str, port: int, family: Family) -> socket.socket:
    anywhere = host in ("", "0.0.0.0", "::")
    if family is Family.BOTH:
        if anywhere:
            with suppress(OSError):  # a machine without IPv6
                return _bound(socket.AF_INET6, "::", port, dual=True)
            return _bound(socket.AF_INET, "0.0.0.0", port)
        kind = socket.AF_INET6 if ":" in host else socket.AF_INET
        return _bound(kind, host, port)
    if family is Family.IPV6:
        return _bound(socket.AF_INET6, "::" if anywhere else host, port)
    return _bound(socket.AF_INET, "0.0.0.0" if anywhere else host, port)


def _bound(family: socket.AddressFamily, host: str, port: int, dual: bool = False) -> socket.socket:
    sock = socket.socket(family, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0 if dual else 1)
        sock.bind((host, port))
        sock.listen(BACKLOG)
    except OSError:
        sock.close()
        raise
    return sock
