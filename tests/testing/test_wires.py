"""Wires in memory behave as wires do."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import IProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from txsyncthing.testing.wires import PIECE, WINDOW, MemoryNetwork, MemoryTransport
from txsyncthing.vocabulary.device import DeviceID

ALICE = DeviceID(b"a" * 32)
BOB = DeviceID(b"b" * 32)
CAROL = DeviceID(b"c" * 32)
ADDRESS = "tcp://10.0.0.2:22000"


class Listener(Protocol):
    """Writes down what happens to it."""

    def __init__(self) -> None:
        self.heard = b""
        self.pieces: list[int] = []
        self.lost: list[Failure] = []
        self.told: list[str] = []

    @property
    def wire(self) -> MemoryTransport:
        transport: object = self.transport
        assert isinstance(transport, MemoryTransport)
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


class Makes:
    """A factory which keeps what it made."""

    def __init__(self) -> None:
        self.made: list[Listener] = []

    def buildProtocol(self, address: object) -> Listener:
        self.made.append(Listener())
        return self.made[-1]


class Town:
    """Alice has dialled Bob."""

    def __init__(self, seed: int = 0, jitter: float = 0.0) -> None:
        self.clock = Clock()
        self.network = MemoryNetwork(self.clock, seed, delay=0.01, jitter=jitter)
        self.alices, self.bobs = Makes(), Makes()
        self.port = self.network.listen(ADDRESS, BOB, self.bobs)  # type: ignore[arg-type]
        self.dial()
        self.run()
        self.alice, self.bob = self.alices.made[0], self.bobs.made[0]

    def dial(self, device: DeviceID = ALICE) -> Deferred[IProtocol]:
        return self.network.connect(ADDRESS, device, self.alices)  # type: ignore[arg-type]

    def run(self, seconds: float = 0.5) -> None:
        for _ in range(int(seconds / 0.005)):
            self.clock.advance(0.005)


def refused(waiting: Deferred[IProtocol]) -> bool:
    got: list[Failure] = []
    waiting.addErrback(got.append)
    return bool(got and got[0].check(ConnectionRefusedError))


def test_both_ends_know_each_other() -> None:
    town = Town()
    assert (town.alice.wire.device, town.bob.wire.device) == (BOB, ALICE)
    assert town.alice.wire.getPeer().port == 22000
    assert town.bob.wire.getHost().host == "10.0.0.2"
    assert town.network.wires == 1


@given(st.lists(st.binary(max_size=200), max_size=20), st.integers(0, 5))
@settings(max_examples=30, deadline=None)
def test_bytes_arrive_whole_and_in_order(pieces: list[bytes], seed: int) -> None:
    town = Town(seed, jitter=0.02)
    for piece in pieces:
        town.alice.wire.write(piece)
    town.run()
    assert town.bob.heard == b"".join(pieces)


def test_bytes_take_their_time() -> None:
    town = Town()
    town.alice.wire.write(b"x")
    town.clock.advance(0.009)
    before = town.bob.heard
    town.clock.advance(0.001)
    assert (before, town.bob.heard) == (b"", b"x")


def test_large_writes_come_in_pieces() -> None:
    town = Town()
    town.alice.wire.write(bytes(3 * PIECE + 1))
    town.run()
    assert town.bob.pieces == [PIECE, PIECE, PIECE, 1]


def test_the_window_holds_the_writer_back() -> None:
    town = Town()
    town.alice.wire.registerProducer(town.alice, True)
    town.bob.wire.pauseProducing()
    town.alice.wire.write(bytes(WINDOW))
    town.run()
    assert (town.alice.told, town.bob.heard) == (["pause"], b"")
    town.bob.wire.resumeProducing()
    town.run()
    assert town.alice.told == ["pause", "resume"]
    assert len(town.bob.heard) == WINDOW


def test_a_polite_end_delivers_first() -> None:
    town = Town()
    town.alice.wire.write(b"good night")
    town.alice.wire.loseConnection()
    town.alice.wire.write(b"too late")
    town.run()
    assert town.bob.heard == b"good night"
    assert town.bob.lost[0].check(ConnectionDone)
    assert len(town.alice.lost) == 1
    assert town.network.wires == 0


def test_an_abort_loses_what_is_on_its_way() -> None:
    town = Town()
    town.alice.wire.write(b"never mind")
    town.alice.wire.abortConnection()
    assert town.alice.lost == []
    town.run()
    assert town.bob.heard == b""
    assert town.bob.lost[0].check(ConnectionLost)


def test_nobody_listens_elsewhere() -> None:
    town = Town()
    waiting = town.network.connect("tcp://10.0.0.3:22000", ALICE, town.alices)  # type: ignore[arg-type]
    town.run()
    assert refused(waiting)


def test_a_stopped_listener_refuses_and_keeps_its_wires() -> None:
    town = Town()
    town.port.stopListening()
    waiting = town.dial()
    town.run()
    assert refused(waiting)
    assert town.network.wires == 1


def test_an_address_has_one_listener() -> None:
    town = Town()
    with pytest.raises(OSError, match="in use"):
        town.network.listen(ADDRESS, CAROL, town.bobs)  # type: ignore[arg-type]


def test_a_cut_ends_wires_and_prevents_new_ones_until_it_is_healed() -> None:
    town = Town()
    town.network.cut(ALICE, BOB)
    assert town.alice.lost[0].check(ConnectionLost) and town.bob.lost[0].check(ConnectionLost)
    waiting = town.dial()
    town.run()
    assert refused(waiting)
    town.network.heal(BOB, ALICE)
    town.dial()
    town.run()
    assert town.network.wires == 1


def test_a_cut_between_two_leaves_others_alone() -> None:
    town = Town()
    town.dial(CAROL)
    town.run()
    town.network.cut(ALICE, BOB)
    assert town.network.wires == 1


def test_a_dropped_wire_can_be_dialled_again_at_once() -> None:
    town = Town()
    town.network.drop(ALICE, BOB)
    town.dial()
    town.run()
    assert town.network.wires == 1


def test_a_seed_decides_all_delays() -> None:
    def arrivals(seed: int) -> list[float]:
        network = MemoryNetwork(Clock(), seed, 0.01, 0.5)
        return [network.delay() for _ in range(5)]

    assert arrivals(1) == arrivals(1) != arrivals(2)
