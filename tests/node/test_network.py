from __future__ import annotations

import os

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import maybeDeferred

from txsyncthing.bep.messages import Compression, Hello
from txsyncthing.bep.protocol import BepFactory, BepProtocol, Terms
from txsyncthing.node.network import TcpNetwork
from txsyncthing.tls.certificate import Identity, make_identity
from txsyncthing.tls.endpoint import TlsNode
from txsyncthing.vocabulary.address import Address


class End:
    """A node's network, and what it met there."""

    def __init__(self) -> None:
        self.identity: Identity = make_identity(os.urandom, 1_767_225_600.0)
        resolver = reactor.nameResolver  # type: ignore[attr-defined]
        self.network = TcpNetwork(TlsNode(reactor, resolver, self.identity))
        self.met: list[BepProtocol] = []
        self.factory = BepFactory(
            Terms(
                clock=reactor,
                me=lambda device: Hello("me"),
                compression=lambda device: Compression.NEVER,
                admit=lambda protocol: True,
                greeted=lambda protocol, hello: self.met.append(protocol),
                ended=lambda protocol, reason: None,
            )
        )


@pytest.mark.parametrize("scheme", ["tcp", "tcp4"])
@pytest_twisted.ensureDeferred  # type: ignore[untyped-decorator]
async def test_a_dialled_device_is_the_one_that_listens(scheme: str) -> None:
    alice, bob = End(), End()
    port = await alice.network.listen(Address(scheme, "127.0.0.1", 0), alice.factory)
    assert (port.address.scheme, port.address.host) == (scheme, "127.0.0.1")
    assert port.address.port > 0
    protocol = await bob.network.dial(port.address, bob.factory)
    assert protocol.device == alice.identity.device
    protocol.refuse("that was all")
    await maybeDeferred(port.close)
    with pytest.raises(Exception, match="refused"):
        await bob.network.dial(port.address, bob.factory)


@pytest_twisted.ensureDeferred  # type: ignore[untyped-decorator]
async def test_a_taken_address_cannot_be_listened_on() -> None:
    alice, bob = End(), End()
    port = await alice.network.listen(Address("tcp", "127.0.0.1", 0), alice.factory)
    with pytest.raises(Exception, match="in use"):
        await bob.network.listen(port.address, bob.factory)
    await maybeDeferred(port.close)


def test_it_is_tcp_of_both_families() -> None:
    assert End().network.schemes() == {"tcp", "tcp4", "tcp6"}
