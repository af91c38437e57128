"""Handshakes: who gets one, who does not, and why."""

from __future__ import annotations

import os
import socket
import ssl
from pathlib import Path

import pytest
from OpenSSL import SSL
from twisted.internet.address import IPv4Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IAddress, IProtocol
from twisted.python.failure import Failure

from tests.tls.pump import PumpReactor
from tests.tls.wires import ALICE, BOB, UNIX, Ends, Fixed, Listener, NoResolver
from txsyncthing.tls.certificate import make_identity
from txsyncthing.tls.endpoint import (
    HANDSHAKE_TIMEOUT,
    MAX_HANDSHAKES,
    HandshakeFailed,
    TlsNode,
    TlsPort,
    tls_context,
)


def outcome(waiting: Deferred[IProtocol]) -> object:
    got: list[object] = []
    waiting.addBoth(got.append)
    return got[0] if got else "waiting"


def why(waiting: Deferred[IProtocol]) -> str:
    failure = outcome(waiting)
    assert isinstance(failure, Failure)
    assert failure.check(HandshakeFailed)
    return failure.getErrorMessage()


def close(*ends: Listener) -> None:
    for each in ends:
        if each.transport is not None and not each.lost:
            each.wire.abortConnection()


def test_a_mute_peer_has_ten_seconds() -> None:
    ends = Ends()
    waiting = ends.server.secure(ends.bobs, True, Fixed(ends.bob))
    ends.reactor.advance(HANDSHAKE_TIMEOUT - 0.1)
    ends.reactor.run_ready()
    assert not waiting.called
    ends.reactor.advance(0.1)
    assert "no handshake in time" in why(waiting)
    assert ends.bobs.fileno() == -1
    assert ends.reactor.readers == ends.reactor.writers == set()
    ends.alices.close()


def test_a_handshake_leaves_no_timer_behind() -> None:
    ends = Ends()
    ends.open()
    assert ends.reactor.getDelayedCalls() == []
    close(ends.alice, ends.bob)
    ends.reactor.run_ready()


def test_a_peer_that_goes_away_is_told_of() -> None:
    ends = Ends()
    waiting = ends.server.secure(ends.bobs, True, Fixed(ends.bob))
    ends.alices.close()
    ends.reactor.run_ready()
    assert "Unexpected EOF" in why(waiting)


def test_a_peer_that_speaks_no_tls_is_told_of() -> None:
    ends = Ends()
    waiting = ends.server.secure(ends.bobs, True, Fixed(ends.bob))
    ends.alices.send(b"GET / HTTP/1.1\r\n\r\n")
    ends.reactor.run_ready()
    assert "http request" in why(waiting)
    ends.alices.close()


def test_giving_up_closes_the_socket() -> None:
    ends = Ends()
    waiting = ends.client.secure(ends.alices, False, Fixed(ends.alice))
    waiting.cancel()
    failure = outcome(waiting)
    assert isinstance(failure, Failure) and failure.check(CancelledError)
    assert ends.alices.fileno() == -1
    assert ends.reactor.getDelayedCalls() == []
    ends.bobs.close()


def test_a_factory_that_wants_nobody_ends_the_connection() -> None:
    ends = Ends()
    ends.client.secure(ends.alices, False, Fixed(ends.alice))
    waiting = ends.server.secure(ends.bobs, True, Fixed(None))
    ends.reactor.run_ready()
    assert isinstance(outcome(waiting), Failure)
    assert ends.bobs.fileno() == -1
    ends.reactor.run_ready()
    assert len(ends.alice.lost) == 1


# Peers of another make: what they show and offer.


class Stranger:
    """A client or server with a context of its own."""

    def __init__(self, ends: Ends, context: SSL.Context, server: bool) -> None:
        self.ends = ends
        self.socket = ends.bobs if server else ends.alices
        self.connection = SSL.Connection(context, self.socket)
        if server:
            self.connection.set_accept_state()
        else:
            self.connection.set_connect_state()

    def shake(self) -> None:
        for _ in range(20):
            try:
                self.connection.do_handshake()
            except SSL.WantReadError:
                self.ends.reactor.run_ready()
            except SSL.Error:
                self.ends.reactor.run_ready()
                return
            else:
                self.ends.reactor.run_ready()
                return


def plain(version: int = SSL.TLS1_3_VERSION) -> SSL.Context:
    context = SSL.Context(SSL.TLS_METHOD)
    context.set_max_proto_version(version)
    context.set_verify(SSL.VERIFY_PEER, lambda *arguments: True)
    return context


def meet(context: SSL.Context, server: bool) -> tuple[Ends, Stranger, Deferred[IProtocol]]:
    """A stranger meets Bob, or as a server Alice."""
    ends = Ends()
    if server:
        waiting = ends.client.secure(ends.alices, False, Fixed(ends.alice))
    else:
        waiting = ends.server.secure(ends.bobs, True, Fixed(ends.bob))
    stranger = Stranger(ends, context, server)
    stranger.shake()
    return ends, stranger, waiting


def test_a_client_without_a_certificate_is_refused() -> None:
    _, stranger, waiting = meet(plain(), False)
    assert "no certificate" in why(waiting)
    stranger.socket.close()


@pytest.mark.parametrize("server", [False, True])
def test_two_certificates_are_one_too_many(server: bool) -> None:
    context = plain()
    context.use_certificate(ALICE.certificate)
    context.use_privatekey(ALICE.key)
    context.add_extra_chain_cert(BOB.certificate)
    _, stranger, waiting = meet(context, server)
    assert "2 certificates instead of one" in why(waiting)
    stranger.socket.close()


@pytest.mark.parametrize("server", [False, True])
def test_an_older_tls_is_refused(server: bool) -> None:
    context = plain(SSL.TLS1_2_VERSION)
    context.use_certificate(ALICE.certificate)
    context.use_privatekey(ALICE.key)
    _, stranger, waiting = meet(context, server)
    assert ("protocol" in why(waiting)) or ("version" in why(waiting))
    stranger.socket.close()


@pytest.mark.parametrize("server", [False, True])
def test_a_peer_without_our_protocol_name_is_served_all_the_same(server: bool) -> None:
    context = plain()
    context.use_certificate(ALICE.certificate)
    context.use_privatekey(ALICE.key)
    if not server:
        context.set_alpn_protos([b"something/else"])
    ends, stranger, waiting = meet(context, server)
    assert outcome(waiting) is (ends.alice if server else ends.bob)
    stranger.socket.close()
    close(ends.alice if server else ends.bob)
    ends.reactor.run_ready()


def test_we_say_our_protocol_name_and_no_host_name() -> None:
    names: list[object] = []
    context = plain()
    context.use_certificate(BOB.certificate)
    context.use_privatekey(BOB.key)
    context.set_tlsext_servername_callback(lambda each: names.append(each.get_servername()))

    def choose(connection: SSL.Connection, offered: list[bytes]) -> bytes:
        names.append(offered)
        return offered[0]

    context.set_alpn_select_callback(choose)
    ends, stranger, _ = meet(context, True)
    assert [each for each in names if each is not None] == [[b"bep/1.0"]]
    assert stranger.connection.get_alpn_proto_negotiated() == b"bep/1.0"
    stranger.socket.close()
    close(ends.alice)
    ends.reactor.run_ready()


def test_no_session_can_be_resumed(tmp_path: Path) -> None:
    """Python's own TLS tells whether it could."""
    pem = tmp_path / "pair.pem"
    pem.write_bytes(ALICE.key_pem() + ALICE.certificate_pem())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(pem)
    session, reused = None, []
    for _ in range(2):
        ends = Ends()
        ends.server.secure(ends.bobs, True, Fixed(ends.bob))
        client = context.wrap_socket(ends.alices, do_handshake_on_connect=False, session=session)
        for _ in range(20):
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                ends.reactor.run_ready()
        ends.reactor.run_ready()
        ends.bob.wire.write(b"x")
        ends.reactor.run_ready()
        assert client.recv(1) == b"x"
        session = client.session
        reused.append(client.session_reused)
        client.close()
        close(ends.bob)
        ends.reactor.run_ready()
    assert reused == [False, False]


def test_old_kinds_of_keys_shake_hands(tmp_path: Path) -> None:
    from datetime import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.x509.oid import NameOID

    key = ec.generate_private_key(ec.SECP384R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "syncthing")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(5)
        .not_valid_before(datetime(2010, 1, 1))
        .not_valid_after(datetime(2011, 1, 1))  # long ago: nobody looks
        .sign(key, SHA256())
    )
    context = plain()
    context.use_certificate(certificate)
    context.use_privatekey(key)
    ends, stranger, waiting = meet(context, False)
    assert outcome(waiting) is ends.bob
    stranger.socket.close()
    close(ends.bob)
    ends.reactor.run_ready()


# Listening and dialling on the loopback interface.


class Loopback:
    """Bob listens, others dial."""

    def __init__(self) -> None:
        self.reactor = PumpReactor()
        self.bob = Listener()
        self.failed: list[tuple[IAddress, str]] = []
        self.node = TlsNode(self.reactor, NoResolver(), BOB)  # type: ignore[arg-type]
        self.port: TlsPort = self.node.listen(
            "127.0.0.1", 0, Fixed(self.bob), failed=lambda *told: self.failed.append(told)
        )
        host = self.port.getHost()
        assert isinstance(host, IPv4Address)
        self.number = host.port

    def connect(self) -> socket.socket:
        """Somebody who says nothing yet."""
        client = socket.create_connection(("127.0.0.1", self.number))
        self.reactor.run_ready()
        return client

    def stop(self) -> None:
        self.port.stopListening()
        close(self.bob)
        self.reactor.run_ready()
        assert self.reactor.readers == self.reactor.writers == set()


def dial(loop: Loopback, listener: Listener) -> Deferred[IProtocol]:
    identity = make_identity(os.urandom, UNIX)
    node = TlsNode(loop.reactor, NoResolver(), identity)  # type: ignore[arg-type]
    return node.connect("127.0.0.1", loop.number, Fixed(listener))


def test_a_dialled_connection_opens() -> None:
    loop, alice = Loopback(), Listener()
    dialled = dial(loop, alice)
    loop.reactor.run_ready()
    assert outcome(dialled) is alice
    assert alice.wire.device == BOB.device
    peer, host = alice.wire.getPeer(), loop.bob.wire.getHost()
    assert [peer, host] == [IPv4Address("TCP", "127.0.0.1", loop.number)] * 2
    close(alice)
    loop.stop()


def test_mute_clients_delay_nobody() -> None:
    loop, alice = Loopback(), Listener()
    mute = [loop.connect() for _ in range(20)]
    dialled = dial(loop, alice)
    loop.reactor.run_ready()
    assert outcome(dialled) is alice
    close(alice)
    loop.stop()
    for each in mute:
        each.close()


def test_failed_handshakes_are_told() -> None:
    loop = Loopback()
    client = loop.connect()
    client.send(b"garbage that is no TLS at all")
    loop.reactor.run_ready()
    ((address, told),) = loop.failed
    assert isinstance(address, IPv4Address) and address.host == "127.0.0.1"
    assert "TLS" in told or "wrong version" in told or "record" in told
    client.close()
    loop.stop()


def is_cut_off(client: socket.socket) -> bool:
    client.settimeout(2)
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True
    finally:
        client.close()


def test_a_flood_of_mute_clients_cuts_off_the_oldest() -> None:
    loop = Loopback()
    oldest = loop.connect()
    loop.port._shaking.update(dict.fromkeys(Deferred() for _ in range(MAX_HANDSHAKES - 1)))
    newest = loop.connect()
    assert is_cut_off(oldest)
    assert len(loop.port._shaking) == MAX_HANDSHAKES
    shaking = list(loop.port._shaking)[-1]
    loop.port._shaking.clear()
    shaking.cancel()
    assert is_cut_off(newest)
    loop.stop()


def test_stopping_drops_who_is_still_shaking_hands() -> None:
    loop = Loopback()
    client = loop.connect()
    loop.port.stopListening()
    assert is_cut_off(client)
    assert loop.failed == []
    loop.stop()


def test_our_context_loads_for_each_identity() -> None:
    assert tls_context(ALICE) is not tls_context(BOB)
