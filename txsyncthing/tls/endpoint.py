"""
"bep/1.0" over TCP: dial and listen, TLS 1.3 with certificates on both sides.

Nobody's certificate is verified against anything: its hash is the peer's identity, and whoever uses the
transport decides whether it likes that device.

Source: reference 1.2.
"""

from __future__ import annotations

from collections.abc import Callable
from socket import socket
from typing import Any

from OpenSSL import SSL
from OpenSSL.crypto import FILETYPE_ASN1, dump_certificate
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ConnectionAborted, ConnectionLost
from twisted.internet.interfaces import (
    IAddress,
    IHostnameResolver,
    IProtocol,
    IProtocolFactory,
    IReadWriteDescriptor,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from txsyncthing.tls.certificate import Identity
from txsyncthing.tls.socket_endpoint import Acceptor, Dial, Family, address_of
from txsyncthing.tls.transport_protocol import READ_TURN, Reactor, Secured, TlsTransport
from txsyncthing.vocabulary.device import DeviceID

ALPN = b"bep/1.0"
HANDSHAKE_TIMEOUT = 10.0  # seconds
DIAL_TIMEOUT = 10.0  # seconds, without the handshake
MAX_HANDSHAKES = 256  # of strangers at a time; then the oldest is dropped
_CIPHERS = b"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
_PARTIAL_WRITE = 1  # SSL_MODE_ENABLE_PARTIAL_WRITE: one record for each call


class HandshakeFailed(ConnectionLost):
    """TLS did not come about; the text says why."""

    def __str__(self) -> str:
        return str(self.args[0])


def tls_context(identity: Identity) -> SSL.Context:
    """How we speak TLS, as client and as server."""
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_min_proto_version(SSL.TLS1_3_VERSION)
    context.set_tls13_ciphersuites(
        _CIPHERS
    )  # the first is the fastest; a peer without AES may choose
    context.use_certificate(identity.certificate)
    context.use_privatekey(identity.key)
    context.set_alpn_protos([ALPN])
    context.set_alpn_select_callback(_choose)
    context.set_verify(SSL.VERIFY_PEER, _any_certificate)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    context.set_options(SSL.OP_NO_TICKET)
    context.clear_mode(_PARTIAL_WRITE)  # whole buffers, as many records as the socket takes
    return context


def _choose(connection: SSL.Connection, offered: list[bytes]) -> Any:
    """A peer that does not offer our protocol is served all the same."""
    return ALPN if ALPN in offered else SSL.NO_OVERLAPPING_PROTOCOLS


def _any_certificate(*arguments: object) -> bool:
    """Ask for a certificate, and take any: its hash is what counts."""
    return True


@implementer(IReadWriteDescriptor)
class Handshake:
    """
    The TLS handshake on one connected socket.

    ``done`` fires with Secured, or fails with HandshakeFailed and the socket closed; so does cancelling.
    """

    def __init__(self, reactor: Reactor, context: SSL.Context, sock: socket, server: bool) -> None:
        self._reactor = reactor
        self._socket = sock
        self._server = server
        self._host = address_of(sock.getsockname())
        self._peer = address_of(sock.getpeername())
        self._connection = SSL.Connection(context, sock)
        if server:
            self._connection.set_accept_state()
        else:
            self._connection.set_connect_state()
        self.done: Deferred[Secured] = Deferred(lambda _: self._end())
        self._limit = reactor.callLater(HANDSHAKE_TIMEOUT, self._fail, "no handshake in time")
        self._step()

    def fileno(self) -> int:
        return self._socket.fileno()

    def logPrefix(self) -> str:
        return "tls"

    def doRead(self) -> None:
        self._step()

    def doWrite(self) -> None:
        self._step()

    def connectionLost(self, reason: Failure) -> None:
        """The reactor saw an error before we did."""
        self._fail(reason.getErrorMessage())

    def _step(self) -> None:
        try:
            self._connection.do_handshake()
        except SSL.WantReadError:
            self._reactor.removeWriter(self)
            self._reactor.addReader(self)
        except SSL.WantWriteError:
            self._reactor.removeReader(self)
            self._reactor.addWriter(self)
        except SSL.Error as error:
            self._fail(_text(error))
        else:
            self._finish()

    def _finish(self) -> None:
        connection = self._connection
        leaf = connection.get_peer_certificate()
        chain = connection.get_peer_cert_chain() or []
        count = len(chain) + (1 if self._server else 0)  # a server's chain lacks the leaf
        if leaf is None:
            self._fail("the peer shows no certificate")
            return
        if count != 1:
            self._fail(f"the peer shows {count} certificates instead of one")
            return
        der = dump_certificate(FILETYPE_ASN1, leaf)  # as it came, not parsed
        self._release()
        self.done.callback(
            Secured(
                connection,
                self._socket,
                der,
                DeviceID.of_certificate(der),
                f"TLS1.3-{connection.get_cipher_name()}",
                self._host,
                self._peer,
            )
        )

    def _fail(self, why: str) -> None:
        if self._socket.fileno() < 0:
            return
        self._end()
        self.done.errback(HandshakeFailed(why))

    def _end(self) -> None:
        self._release()
        self._socket.close()

    def _release(self) -> None:
        self._reactor.removeReader(self)
        self._reactor.removeWriter(self)
        if self._limit.active():
            self._limit.cancel()


def _text(error: SSL.Error) -> str:
    if isinstance(error, SSL.SysCallError):
        return str(error.args[-1])
    reasons = error.args[0] if error.args else ()
    return ", ".join(str(each[-1]) for each in reasons) or type(error).__name__


class TlsNode:
    """
    Our end of all TLS connections: dials, listens, and secures sockets that came another way.

    :param resolver: of host names; the reactor's ``nameResolver``.
    """

    def __init__(self, reactor: Reactor, resolver: IHostnameResolver, identity: Identity) -> None:
        self._reactor = reactor
        self._resolver = resolver
        self._context = tls_context(identity)
        self._buffer = bytearray(READ_TURN)

    def connect(
        self,
        host: str,
        port: int,
        factory: IProtocolFactory,
        family: Family = Family.BOTH,
        timeout: float = DIAL_TIMEOUT,
    ) -> Deferred[IProtocol]:
        """
        Dial.

        :returns: the protocol, connected; fails with ConnectError, DNSLookupError, TimeoutError or
            HandshakeFailed. Cancelling gives up.
        """
        dial = Dial(self._reactor, self._resolver, host, port, timeout, family)
        return dial.connected.addCallback(self.secure, False, factory)

    def listen(
        self,
        host: str,
        port: int,
        factory: IProtocolFactory,
        family: Family = Family.BOTH,
        failed: Callable[[IAddress, str], None] | None = None,
    ) -> TlsPort:
        """
        Accept connections; each shakes hands on its own, so that a mute one delays nobody.

        :param failed: is told of peers with which TLS did not come about, and why.
        :raises OSError: the address is taken or not ours.
        """
        return TlsPort(self, self._reactor, host, port, family, factory, failed)

    def secure(self, sock: socket, server: bool, factory: IProtocolFactory) -> Deferred[IProtocol]:
        """
        Speak TLS over a connected socket, which is ours from here on.

        :param server: our role in TLS.
        """
        try:
            handshake = Handshake(self._reactor, self._context, sock, server)
        except OSError as error:  # gone before we could ask its name
            sock.close()
            return fail(HandshakeFailed(str(error)))
        return handshake.done.addCallback(self._begin, factory)

    def _begin(self, secured: Secured, factory: IProtocolFactory) -> IProtocol:
        transport = TlsTransport(self._reactor, secured, self._buffer)
        protocol = factory.buildProtocol(secured.peer)
        if protocol is None:
            transport.abortConnection()
            raise ConnectionAborted()
        transport.begin(protocol)
        return protocol


class TlsPort:
    """A listener."""

    def __init__(
        self,
        node: TlsNode,
        reactor: Reactor,
        host: str,
        port: int,
        family: Family,
        factory: IProtocolFactory,
        failed: Callable[[IAddress, str], None] | None,
    ) -> None:
        self._node = node
        self._factory = factory
        self._failed = failed
        self._shaking: dict[Deferred[IProtocol], None] = {}  # the oldest first
        self._acceptor = Acceptor(reactor, host, port, family, self._accepted)

    def getHost(self) -> IAddress:
        """Where it listens."""
        return self._acceptor.address()

    def stopListening(self) -> Deferred[None]:
        """Accept nobody any more, and drop whoever is still shaking hands."""
        self._acceptor.stop()
        for shaking in list(self._shaking):
            shaking.cancel()
        stopped: Deferred[None] = Deferred()
        stopped.callback(None)
        return stopped

    def _accepted(self, sock: socket, peer: IAddress) -> None:
        if len(self._shaking) >= MAX_HANDSHAKES:
            next(iter(self._shaking)).cancel()  # mute ones must not keep others out
        shaking = self._node.secure(sock, True, self._factory)
        if not shaking.called:
            self._shaking[shaking] = None
        shaking.addBoth(self._shaken, shaking, peer)

    def _shaken(
        self, result: IProtocol | Failure, shaking: Deferred[IProtocol], peer: IAddress
    ) -> None:
        self._shaking.pop(shaking, None)
        if (
            isinstance(result, Failure)
            and self._failed is not None
            and not result.check(CancelledError)
        ):
            self._failed(peer, result.getErrorMessage())
