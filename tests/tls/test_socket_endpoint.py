"""Dialling with several addresses, and listening, on the loopback interface."""

from __future__ import annotations

import socket

import pytest
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectError, DNSLookupError, TimeoutError
from twisted.internet.interfaces import IAddress, IResolutionReceiver
from twisted.python.failure import Failure

from tests.tls.pump import PumpReactor
from txsyncthing.tls.socket_endpoint import STAGGER, Acceptor, Dial, Family, address_of

BLACK_HOLE = "192.0.2.1"  # reserved for documentation: nobody answers


class Resolver:
    """Knows what it was told; answers at once, or never."""

    def __init__(self, *addresses: IAddress, answers: bool = True) -> None:
        self.addresses = addresses
        self.answers = answers

    def resolveHostName(self, receiver: IResolutionReceiver, host: str, port: int) -> None:
        if self.answers:
            for address in self.addresses:
                receiver.addressResolved(address)
            receiver.resolutionComplete()


class Port:
    """A listening socket which only counts."""

    def __init__(self, reactor: PumpReactor, host: str = "127.0.0.1") -> None:
        self.accepted: list[IAddress] = []
        self.sockets: list[socket.socket] = []
        self.acceptor = Acceptor(reactor, host, 0, Family.BOTH, self.take)
        self.number: int = self.acceptor.address().port  # type: ignore[attr-defined]

    def take(self, sock: socket.socket, address: IAddress) -> None:
        self.sockets.append(sock)
        self.accepted.append(address)

    def stop(self) -> None:
        self.acceptor.stop()
        for each in self.sockets:
            each.close()


def dial(
    reactor: PumpReactor, port: int, *addresses: str, family: Family = Family.BOTH
) -> Deferred[socket.socket]:
    known = [
        IPv6Address("TCP", each, port) if ":" in each else IPv4Address("TCP", each, port)
        for each in addresses
    ]
    resolver = Resolver(*known)
    return Dial(reactor, resolver, "host", port, 10.0, family).connected  # type: ignore[arg-type]


def result(waiting: Deferred[socket.socket]) -> object:
    got: list[object] = []
    waiting.addBoth(got.append)
    return got[0] if got else "waiting"


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        number: int = sock.getsockname()[1]
        return number


def test_a_host_is_dialled() -> None:
    reactor = PumpReactor()
    port = Port(reactor)
    waiting = dial(reactor, port.number, "127.0.0.1")
    reactor.run_ready()
    sock = result(waiting)
    assert isinstance(sock, socket.socket) and sock.getblocking() is False
    assert len(port.accepted) == 1
    assert reactor.getDelayedCalls() == []
    sock.close()
    port.stop()
    assert reactor.readers == reactor.writers == set()


def test_an_address_needs_no_resolver() -> None:
    reactor = PumpReactor()
    port = Port(reactor)
    resolver = Resolver(answers=False)
    waiting = Dial(reactor, resolver, "127.0.0.1", port.number, 10.0).connected  # type: ignore[arg-type]
    reactor.run_ready()
    sock = result(waiting)
    assert isinstance(sock, socket.socket)
    sock.close()
    port.stop()


def test_the_next_address_is_tried_when_one_refuses() -> None:
    reactor = PumpReactor()
    port = Port(reactor)
    waiting = dial(reactor, port.number, "127.0.0.2", "127.0.0.1")
    reactor.run_ready()
    sock = result(waiting)
    assert isinstance(sock, socket.socket)
    sock.close()
    port.stop()


def test_the_next_address_is_tried_when_one_is_slow() -> None:
    reactor = PumpReactor()
    port = Port(reactor)
    waiting = dial(reactor, port.number, BLACK_HOLE, "127.0.0.1")
    if not reactor.writers:
        pytest.skip("this machine has no route to anywhere")
    reactor.advance(STAGGER)
    reactor.run_ready()
    sock = result(waiting)
    assert isinstance(sock, socket.socket)
    assert sock.getpeername() == ("127.0.0.1", port.number)
    assert reactor.writers == set()
    assert reactor.getDelayedCalls() == []
    sock.close()
    port.stop()


def failure(waiting: Deferred[socket.socket]) -> Failure:
    got = result(waiting)
    assert isinstance(got, Failure)
    return got


def test_a_port_where_nobody_listens_refuses() -> None:
    reactor = PumpReactor()
    waiting = dial(reactor, free_port(), "127.0.0.1")
    reactor.run_ready()
    why = failure(waiting)
    assert why.check(ConnectError) and "refused" in why.getErrorMessage()
    assert reactor.getDelayedCalls() == []


def test_a_host_without_addresses_is_not_found() -> None:
    assert failure(dial(PumpReactor(), 1)).check(DNSLookupError)


def test_a_family_has_its_own_addresses() -> None:
    assert failure(dial(PumpReactor(), 1, "127.0.0.1", family=Family.IPV6)).check(DNSLookupError)
    assert failure(dial(PumpReactor(), 1, "::1", family=Family.IPV4)).check(DNSLookupError)


def test_a_dial_has_its_time() -> None:
    reactor = PumpReactor()
    dialling = Dial(reactor, Resolver(answers=False), "host", 1, 10.0)  # type: ignore[arg-type]
    reactor.advance(10.0)
    assert failure(dialling.connected).check(TimeoutError)
    dialling.resolutionComplete()  # a late answer
    assert reactor.getDelayedCalls() == []


def test_a_dial_can_be_cancelled() -> None:
    reactor = PumpReactor()
    waiting = dial(reactor, free_port(), "127.0.0.1")
    waiting.cancel()
    assert failure(waiting).check(CancelledError)
    assert reactor.writers == set()
    assert reactor.getDelayedCalls() == []


@pytest.mark.parametrize("host", ["", "0.0.0.0", "::"])
def test_a_wildcard_listens_on_both_kinds_of_ip(host: str) -> None:
    reactor = PumpReactor()
    port = Port(reactor, host)
    clients = [socket.create_connection(("127.0.0.1", port.number))]
    if socket.has_ipv6:
        try:
            clients.append(socket.create_connection(("::1", port.number)))
        except OSError:
            pytest.skip("this machine has no IPv6")
    reactor.run_ready()
    kinds = {type(each) for each in port.accepted}
    assert kinds == {IPv4Address, IPv6Address}
    for each in clients:
        each.close()
    port.stop()


def test_a_port_in_use_is_an_error() -> None:
    reactor = PumpReactor()
    port = Port(reactor)
    with pytest.raises(OSError, match="in use"):
        Acceptor(reactor, "127.0.0.1", port.number, Family.IPV4, port.take)
    port.stop()


def test_who_listens_no_more_accepts_nobody() -> None:
    reactor = PumpReactor()
    port = Port(reactor)
    port.stop()
    port.stop()
    assert reactor.readers == set()
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port.number))


@pytest.mark.parametrize(
    ("name", "address"),
    [
        (("10.0.0.1", 5), IPv4Address("TCP", "10.0.0.1", 5)),
        (("::ffff:10.0.0.1", 5, 0, 0), IPv4Address("TCP", "10.0.0.1", 5)),
        (("fe80::1", 5, 0, 2), IPv6Address("TCP", "fe80::1", 5, 0, 2)),
    ],
)
def test_addresses_are_what_they_look_like(
    name: tuple[str, int] | tuple[str, int, int, int], address: IAddress
) -> None:
    assert address_of(name) == address
