"""Connections of whole nodes on one clock."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.protocol import Factory, Protocol

from tests.cluster.bench import ALICE, BOB, CAROL, Bench, F, address_of
from tests.cluster.conftest import bench as bench  # the fixture
from txsyncthing.bep.protocol import BepFactory, BepProtocol
from txsyncthing.config.device import Compression
from txsyncthing.connections.service import DECISION_TIMEOUT, MAX_STRANGERS
from txsyncthing.events.types import EventType
from txsyncthing.vocabulary.device import DeviceID


def test_we_dial_what_is_configured(bench: Bench) -> None:
    alice, bob = bench.node(ALICE), bench.node(BOB)
    bob.know(ALICE, addresses=("dynamic",))
    alice.know(BOB)
    bench.run(1)
    assert alice.connected_to(BOB) == bob.connected_to(ALICE) == 1
    assert bob.network.dialled == []
    info = alice.cluster.devices()[BOB].connections[0].info
    assert (info.type, info.address) == ("tcp-client", "10.0.0.98:22000")
    info = bob.cluster.devices()[ALICE].connections[0].info
    assert info.type == "tcp-server"
    status = alice.connections.dial_status()[address_of(BOB)]
    assert status.error is None


@pytest.mark.parametrize("seed", range(5))
def test_two_devices_that_dial_at_once_stay_connected(bench: Bench, seed: int) -> None:
    alice, bob = bench.node(ALICE), bench.node(BOB)
    alice.know(BOB)
    bench.run(0.001 * seed)
    bob.know(ALICE)
    bench.run(30)
    assert alice.connected_to(BOB) == bob.connected_to(ALICE) == 1
    for node in (alice, bob):
        assert node.told(EventType.DEVICE_DISCONNECTED) == []


def test_an_address_where_nobody_listens_has_its_error_told(bench: Bench) -> None:
    alice = bench.node(ALICE)
    alice.know(BOB)
    bench.run(1)
    status = alice.connections.dial_status()[address_of(BOB)]
    assert status.error and status.when >= 1_700_000_000


def test_a_device_that_is_another_than_expected_is_dropped(bench: Bench) -> None:
    alice, carol = bench.node(ALICE), bench.node(CAROL)
    alice.know(BOB, addresses=(address_of(CAROL),))
    bench.run(1)
    assert alice.connected_to(BOB) == 0
    status = alice.connections.dial_status()[address_of(CAROL)]
    assert "unexpected device" in str(status.error)
    assert alice.cluster.pending_devices() == {}
    assert carol.cluster.pending_devices() == {}


def test_a_connection_to_ourselves_is_dropped(bench: Bench) -> None:
    alice = bench.node(ALICE)
    alice.know(BOB, addresses=(address_of(ALICE),))
    bench.run(1)
    status = alice.connections.dial_status()[address_of(ALICE)]
    assert status.error == "connected to myself"


def test_addresses_we_cannot_use_say_so(bench: Bench) -> None:
    alice = bench.node(ALICE)
    odd = ("quic://10.0.0.98:22000", "gopher://x", "10.0.0.98")
    alice.know(BOB, addresses=odd)
    bench.run(1)
    statuses = alice.connections.dial_status()
    assert "not supported yet" in str(statuses[odd[0]].error)
    assert "unknown" in str(statuses[odd[1]].error)
    assert "scheme://host:port" in str(statuses[odd[2]].error)


def test_why_a_caller_was_not_let_in_stands_in_the_log(bench: Bench) -> None:
    class Rude(Protocol):
        def connectionMade(self) -> None:
            assert self.transport is not None
            self.transport.write(b"GET / HTTP/1.1")

    alice = bench.node(ALICE)
    alice.know(BOB, addresses=())
    bench.wires.connect(address_of(ALICE), BOB, Factory.forProtocol(Rude))
    bench.run()
    assert any("no connection: unknown magic" in line for line in alice.log.lines)
    assert alice.connected_to(BOB) == 0


def test_networks_that_are_not_allowed_are_neither_dialled_nor_accepted(bench: Bench) -> None:
    alice = bench.node(ALICE)
    alice.know(BOB)
    alice.edit_device(BOB, allowed_networks=("192.168.0.0/16",))
    bob = bench.stranger(BOB)
    bob.listen()
    alice.network.dialled.clear()
    bench.run(5)
    assert alice.network.dialled == []
    assert alice.connections.dial_status()[address_of(BOB)].error == "network not allowed"
    bob.dial(ALICE)
    assert bob.hellos == []


def test_listen_addresses_follow_the_configuration(bench: Bench) -> None:
    alice = bench.node(ALICE)
    bench.run(0.1)
    new = "tcp://10.0.0.97:3333"
    alice.edit_options(listen_addresses=(new, "quic://0.0.0.0:22000", "gopher://x"))
    bench.run(0.1)
    statuses = alice.connections.listeners()
    assert list(statuses) == [new, "quic://0.0.0.0:22000", "gopher://x"]
    assert statuses[new].error is None
    assert statuses[new].lan_addresses == (new,)
    assert "not supported yet" in str(statuses["quic://0.0.0.0:22000"].error)
    assert [str(address) for address in alice.connections.listening()] == [new]
    event = alice.told(EventType.LISTEN_ADDRESSES_CHANGED)[-1]["address"]
    assert isinstance(event, dict) and event["Host"] == "10.0.0.97:3333"
    bob = bench.node(BOB)
    bob.know(ALICE)
    alice.know(BOB, addresses=())
    bench.run(3)
    assert bob.connected_to(ALICE) == 0
    bob.edit_device(ALICE, addresses=(new,))
    bench.run(1)
    assert bob.connected_to(ALICE) == 1


def test_a_taken_address_is_tried_again_each_minute(bench: Bench) -> None:
    taken = bench.wires.listen(address_of(ALICE), CAROL, None)  # type: ignore[arg-type]
    alice = bench.node(ALICE)
    assert "in use" in str(alice.connections.listeners()[address_of(ALICE)].error)
    taken.stopListening()
    bench.run(61)
    assert alice.connections.listeners()[address_of(ALICE)].error is None


def test_a_second_connection_of_an_old_device_waits_for_its_choice(bench: Bench) -> None:
    alice = bench.node(ALICE)
    alice.know(BOB)
    alice.share(BOB)
    bob = bench.stranger(BOB, connections=0)
    # Both dial at the same moment: each end sees two connections begin.
    bob.listen()
    bench.wires.connect(address_of(ALICE), BOB, BepFactory(bob.terms))
    bench.run(0.5)
    assert len(bob.links) == 2
    assert alice.connected_to(BOB) == 1
    configs = [link for link, _ in bob.configs]
    kept = next(link for link in bob.links if link not in configs)
    (told,) = configs
    told.close("replacing connection")  # the old device keeps the second
    bench.run(0.5)
    assert alice.connected_to(BOB) == 1
    assert bob.configs[-1][0] is kept
    assert not bob.configs[-1][1].secondary


def test_a_second_connection_that_an_old_device_does_not_choose_ends(bench: Bench) -> None:
    alice = bench.node(ALICE)
    alice.know(BOB)
    bob = bench.stranger(BOB, connections=0)
    bob.listen()
    bench.wires.connect(address_of(ALICE), BOB, BepFactory(bob.terms))
    bench.run(0.5)
    assert len(bob.links) == 2
    bench.run(DECISION_TIMEOUT)
    assert len(bob.ends) == 1
    assert alice.connected_to(BOB) == 1


def test_a_device_that_dials_again_after_a_while_replaces_its_connection(bench: Bench) -> None:
    alice = bench.node(ALICE)
    alice.know(BOB, addresses=())
    bob = bench.stranger(BOB)
    bob.dial(ALICE)
    bob.offer(ALICE)
    bob.dial(ALICE)
    assert len(bob.links) == 1  # at once: already connected
    bench.run(15)
    bob.dial(ALICE)
    assert len(bob.links) == 2
    assert bob.ends[-1].endswith("replacing connection")
    assert alice.connected_to(BOB) == 1
    assert not bob.configs[-1][1].secondary


def test_a_device_may_open_more_connections_than_we_announce(bench: Bench) -> None:
    alice = bench.node(ALICE)
    alice.know(BOB, addresses=())
    folder = alice.share(BOB)
    folder.add("a", b"x")
    bob = bench.stranger(BOB, connections=3)
    for _ in range(4):
        bob.dial(ALICE)
    assert alice.connected_to(BOB) == len(bob.links) == 3
    first, second, third = bob.links
    assert bob.hellos[0].num_connections == 1
    assert [config.secondary for _, config in bob.configs] == [False, True, True]
    # Bob chooses another primary: there we tell all, and there goes our index.
    bob.links.append(second)
    bob.offer(ALICE, F)
    assert bob.configs[-1][0] is second and not bob.configs[-1][1].secondary
    assert [index.last_sequence for index in bob.indexes] == [1]
    # Our own first is lost: the next one is told all.
    first.close("bye")
    bench.run()
    assert alice.connected_to(BOB) == 2
    folder.add("b", b"x")
    bench.run()
    assert [index.last_sequence for index in bob.indexes] == [1, 2]
    # His primary is lost: no index until he says where.
    second.close("bye")
    bench.run()
    assert bob.configs[-1][0] is third and not bob.configs[-1][1].secondary
    folder.add("c", b"x")
    bench.run()
    assert len(bob.indexes) == 2
    bob.links.append(third)
    bob.offer(ALICE, F, known=(folder.index.index_id, 2))
    assert [index.last_sequence for index in bob.indexes] == [1, 2, 3]


def test_a_certificate_for_another_name_is_refused(bench: Bench) -> None:
    alice = bench.node(ALICE)
    alice.know(BOB, addresses=())
    alice.edit_device(BOB, cert_name="special")
    bob = bench.stranger(BOB)
    bob.dial(ALICE)
    assert alice.connected_to(BOB) == 0
    assert bob.ends


def test_strangers_are_not_told_our_name(bench: Bench) -> None:
    bench.node(ALICE, "alice")
    bob = bench.stranger(BOB)
    bob.dial(ALICE)
    (hello,) = bob.hellos
    assert (hello.device_name, hello.num_connections) == ("", 0)
    assert hello.client_name == "txsyncthing" and hello.timestamp > 0


def test_with_enough_devices_nobody_else_is_dialled(bench: Bench) -> None:
    alice, bob = bench.node(ALICE), bench.node(BOB)
    bob.know(ALICE, addresses=())
    alice.know(BOB)
    bench.run(1)
    alice.edit_options(connection_limit_enough=1)
    alice.know(CAROL)
    bench.run(30)
    assert address_of(CAROL) not in alice.network.dialled


def test_mute_strangers_are_few_at_a_time_and_keep_no_friend_out(bench: Bench) -> None:
    alice = bench.node(ALICE)
    alice.know(BOB, addresses=())
    mute = Factory.forProtocol(Protocol)
    for number in range(MAX_STRANGERS + 6):
        stranger = DeviceID(number.to_bytes(32, "big", signed=False)[::-1])
        bench.wires.connect(address_of(ALICE), stranger, mute)
    bench.run()
    assert bench.wires.wires == MAX_STRANGERS
    bob = bench.stranger(BOB)
    bob.dial(ALICE)
    assert bob.hellos
    bench.run(30)  # longer than we wait for a Hello
    assert bench.wires.wires <= 1


def test_a_new_address_is_dialled_at_once_even_while_an_old_one_is_tried(bench: Bench) -> None:
    alice = bench.node(ALICE)
    bench.node(BOB).know(ALICE, addresses=())
    deaf = Deferred[BepProtocol]()
    dial = alice.network.dial
    alice.network.dial = (  # type: ignore[method-assign]
        lambda address, factory: deaf if address.host == "10.9.9.9" else dial(address, factory)
    )
    alice.know(BOB, addresses=("tcp://10.9.9.9:1",))
    bench.run(1)
    alice.edit_device(BOB, addresses=(address_of(BOB),))
    bench.run(0.1)
    assert alice.connected_to(BOB) == 1
    assert deaf.called


@pytest.mark.parametrize("paused", [True, False])
def test_a_device_is_not_dialled_on_when_it_is_paused_or_removed(
    bench: Bench, paused: bool
) -> None:
    alice = bench.node(ALICE)
    deaf = Deferred[BepProtocol]()
    alice.network.dial = lambda address, factory: deaf  # type: ignore[method-assign]
    alice.know(BOB)
    bench.run(0.1)
    if paused:
        alice.edit_device(BOB, paused=True)
    else:
        alice.change_devices(lambda old: tuple(one for one in old if one.id != BOB))
    assert deaf.called
    bench.run(30)


def test_another_compression_holds_for_the_connections_that_stand(bench: Bench) -> None:
    alice, bob = bench.node(ALICE), bench.node(BOB)
    alice.know(BOB)
    at_alice = alice.share(BOB)
    bob.know(ALICE, addresses=())
    bob.share(ALICE)
    bench.run(3)

    def cost(name: str) -> int:
        before = alice.cluster.total_traffic().sent
        at_alice.add(name * 200)  # a name that LZ4 makes much of
        bench.run(1)
        return alice.cluster.total_traffic().sent - before

    small = cost("a")
    alice.edit_device(BOB, compression=Compression.NEVER)
    assert cost("b") > small + 100
    alice.edit_device(BOB, compression=Compression.METADATA)
    assert cost("c") < small + 50
    assert alice.told(EventType.DEVICE_DISCONNECTED) == []
