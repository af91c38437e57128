"""
A node over HTTP: TCP, TLS with a known certificate, or a unix socket.

The key goes in a header of each question and nowhere else; redirects are not followed, since they could
carry it away.

Source: reference 7.1.
"""

from __future__ import annotations

import json
import os
from hashlib import sha256
from typing import Any
from urllib.parse import urlencode

import treq
from OpenSSL import SSL, crypto
from treq.client import HTTPClient
from twisted.internet import defer
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.error import (
    ConnectError,
    ConnectingCancelledError,
    ConnectionClosed,
    DNSLookupError,
)
from twisted.internet.interfaces import (
    IConsumer,
    IOpenSSLClientConnectionCreator,
    IProtocol,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.ssl import optionsForClientTLS
from twisted.protocols.tls import TLSMemoryBIOProtocol
from twisted.python.failure import Failure
from twisted.web.client import URI, Agent, HTTPConnectionPool, ResponseFailed
from twisted.web.error import SchemeNotSupported
from twisted.web.http import RESPONSES
from twisted.web.http_headers import Headers
from twisted.web.iweb import IAgentEndpointFactory, IBodyProducer
from zope.interface import implementer

from txsyncthing.cli.seam import ASK, NodeError, Refused, Unreachable
from txsyncthing.cli.target import Target

CONNECT = 10.0  # seconds
PARALLEL = 8  # connections kept


class Client:
    """
    Asks one node.

    :param http: sends what it is told; tests give one that stays in memory.
    """

    def __init__(self, target: Target, http: HTTPClient, clock: IReactorTime) -> None:
        self._target = target
        self._http = http
        self._clock = clock

    @property
    def address(self) -> str:
        return str(self._target)

    async def get(self, path: str, *, patience: float | None = ASK, **query: str | int) -> Any:
        body = (await self._ask("GET", path, b"", patience, query))[1]
        try:
            return json.loads(body)
        except ValueError:
            raise NodeError(
                f"{self.address}{path} answers no JSON: something other than a node listens there"
            ) from None

    async def text(self, path: str, **query: str | int) -> str:
        return (await self._ask("GET", path, b"", ASK, query))[1].decode(errors="replace")

    async def file(self, path: str) -> tuple[str, bytes]:
        response, body = await self._ask("GET", path, b"", ASK, {})
        said = response.headers.getRawHeaders("Content-Disposition", [""])[0]
        return str(said).partition("filename=")[2].strip('" '), body

    async def post(
        self,
        path: str,
        body: bytes = b"",
        *,
        method: str = "POST",
        patience: float | None = ASK,
        **query: str | int,
    ) -> str:
        return (await self._ask(method, path, body, patience, query))[1].decode(errors="replace")

    async def _ask(
        self,
        method: str,
        path: str,
        body: bytes,
        patience: float | None,
        query: dict[str, str | int],
    ) -> tuple[Any, bytes]:
        url = self._target.base + path + ("?" + urlencode(query) if query else "")
        asked = defer.Deferred.fromCoroutine(self._exchange(method, url, body))
        if patience is not None:
            asked.addTimeout(patience, self._clock)
        try:
            response, answer = await asked
        except defer.TimeoutError:
            raise Unreachable(
                f"{self.address} did not answer within {patience:g} s: see its log, or ask again"
            ) from None
        except (ConnectError, DNSLookupError, ConnectionClosed, ResponseFailed) as error:
            raise Unreachable(self._why(error)) from None
        except (SSL.Error, SchemeNotSupported) as error:
            raise NodeError(f"{self.address}: {error}") from None
        if response.code >= 300:
            raise self._refused(response.code, answer.decode(errors="replace").strip())
        return response, answer

    async def _exchange(self, method: str, url: str, body: bytes) -> tuple[Any, bytes]:
        """:raises defer.CancelledError: it was cancelled, which the agent tells in other words."""
        try:
            response = await self._http.request(
                method,
                url,
                headers=Headers({"X-API-Key": [self._target.key]}),
                data=Whole(body) if method != "GET" else None,
                allow_redirects=False,
            )
            return response, await treq.content(response)
        except ConnectingCancelledError:
            raise defer.CancelledError() from None
        except ResponseFailed as error:
            if any(reason.check(defer.CancelledError) for reason in error.reasons):
                raise defer.CancelledError() from None
            raise

    def _why(self, error: Exception) -> str:
        reasons = getattr(error, "reasons", None) or []
        for reason in reasons:
            if reason.check(CertificateUnknown):
                return str(reason.value)
            if reason.check(SSL.Error):
                return self._tls_trouble()
        if isinstance(error, ConnectError):
            number = error.osError
            return self._nobody(os.strerror(number) if isinstance(number, int) else str(error))
        if isinstance(error, DNSLookupError):
            return f"the name {self._target.host!r} is not known: see --gui-address"
        cause = reasons[-1].getErrorMessage() if reasons else str(error)
        remedy = "see the node's log, or ask again"
        if self._target.tls:
            remedy += "; if it speaks plain HTTP, write http:// before the address"
        return f"{self.address} hung up ({cause}): {remedy}"

    def _nobody(self, cause: str) -> str:
        return (
            f"no node answers at {self.address} ({cause}): start it with `txsyncthing serve`, or name"
            " another with --home or --gui-address"
        )

    def _tls_trouble(self) -> str:
        if self._target.pinned:
            return f"{self.address} does not speak TLS as expected: is it http:// instead?"
        return (
            f"{self.address} shows a certificate that no known authority vouches for: give the node's"
            " https-cert.pem with --gui-certificate"
        )

    def _refused(self, status: int, body: str) -> Refused:
        words = RESPONSES.get(status, b"").decode() if isinstance(status, int) else ""
        said = f"unexpected HTTP status returned: {status} {words}".rstrip()
        if body and len(body) < 2000:
            said += f"\n{body}"
        if status == 307:
            said = f"{self.address} wants TLS: write https:// before the address"
        elif status == 403 and body.startswith("Host check"):
            said = (
                f"{self.address} refuses to be called {self._target.host!r} (host check): call it localhost"
                " or 127.0.0.1, or set insecureSkipHostcheck in its configuration"
            )
        elif status == 401 or (status == 403 and body in ("CSRF Error", "Forbidden", "")):
            said = (
                f"{self.address} does not know this API key: give the right one with --gui-apikey, or name"
                " the node's home with --home"
            )
        return Refused(said, status, body)


@implementer(IBodyProducer)
class Whole:
    """A body that is sent in one piece."""

    def __init__(self, body: bytes) -> None:
        self.length = len(body)
        self._body = body

    def startProducing(self, consumer: IConsumer) -> defer.Deferred[None]:
        consumer.write(self._body)
        return defer.succeed(None)

    def pauseProducing(self) -> None:
        """It is all gone already."""

    def resumeProducing(self) -> None:
        """It is all gone already."""

    def stopProducing(self) -> None:
        """It is all gone already."""


class CertificateUnknown(Exception):
    """The node shows another certificate than the one that was expected."""


@implementer(IOpenSSLClientConnectionCreator)
class Pinned:
    """TLS with one certificate and no other; names and authorities do not matter."""

    def __init__(self, pem: bytes, where: str) -> None:
        self._where = where
        try:
            wanted = crypto.load_certificate(crypto.FILETYPE_PEM, pem)
        except crypto.Error:
            raise NodeError("the certificate for the node is no PEM file") from None
        self._wanted = sha256(crypto.dump_certificate(crypto.FILETYPE_ASN1, wanted)).digest()
        self._context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        self._context.set_min_proto_version(SSL.TLS1_2_VERSION)
        self._context.set_verify(SSL.VERIFY_PEER, lambda *_: True)  # looked at below
        self._context.set_info_callback(self._told)

    def clientConnectionForTLS(self, tlsProtocol: IProtocol) -> SSL.Connection:
        connection = SSL.Connection(self._context, None)
        connection.set_app_data(tlsProtocol)
        return connection

    def _told(self, connection: SSL.Connection, where: int, _: int) -> None:
        """Hang up at the end of the handshake, before anything is sent, if it is not the one."""
        if not where & SSL.SSL_CB_HANDSHAKE_DONE:
            return
        shown = connection.get_peer_certificate()
        der = crypto.dump_certificate(crypto.FILETYPE_ASN1, shown) if shown else b""
        if sha256(der).digest() != self._wanted:
            protocol = connection.get_app_data()
            assert isinstance(protocol, TLSMemoryBIOProtocol)
            protocol.failVerification(
                Failure(
                    CertificateUnknown(
                        f"{self._where} shows another certificate than the node's https-cert.pem; the key"
                        " was not sent. If it is the right node, give its certificate with"
                        " --gui-certificate"
                    )
                )
            )


@implementer(IAgentEndpointFactory)
class Ways:
    """The one way to the node, whatever the URL says."""

    def __init__(self, reactor: Any, target: Target) -> None:
        self._reactor = reactor
        self._target = target

    def endpointForURI(self, uri: URI) -> IStreamClientEndpoint:
        address = self._target.address
        way: Any
        if address.path:
            way = UNIXClientEndpoint(self._reactor, address.path, timeout=CONNECT)
        else:
            way = HostnameEndpoint(self._reactor, address.host, address.port, timeout=CONNECT)
        if not self._target.tls:
            return way  # type: ignore[no-any-return]
        creator: Any
        if self._target.pinned:
            creator = Pinned(self._target.pinned, str(self._target))
        else:
            creator = optionsForClientTLS(self._target.host)
        return wrapClientTLS(creator, way)


def connect(reactor: Any, target: Target) -> tuple[Client, HTTPConnectionPool]:
    """A client and its connections, which are to be closed at the end. Nothing is dialled yet."""
    pool = HTTPConnectionPool(reactor)
    pool.maxPersistentPerHost = PARALLEL
    agent = Agent.usingEndpointFactory(reactor, Ways(reactor, target), pool)
    return Client(target, HTTPClient(agent), reactor), pool
