"""The outbox in front of a transport that sometimes takes no more."""

from __future__ import annotations

from twisted.internet.defer import CancelledError

from txsyncthing.bep.exchange import OUTBOX_BYTES
from txsyncthing.bep.messages import Block
from txsyncthing.bep.outflow_protocol import Outflow

LARGE: list[Block] = [bytes(OUTBOX_BYTES)]


class Transport:
    """Takes so many messages, then is full."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.written: list[bytes] = []
        self.answered: list[int] = []
        self.outflow = Outflow(self.write, self.answered.append)

    def write(self, pieces: list[Block]) -> None:
        self.written.append(b"".join(pieces))
        self.room -= 1
        if self.room <= 0:
            self.outflow.pause()

    def drain(self, room: int) -> None:
        self.room = room
        self.outflow.resume()


def test_messages_go_through_while_the_transport_flows() -> None:
    transport = Transport(10)
    transport.outflow.post([b"a", b"b"])
    transport.outflow.post([b"c"])
    assert transport.written == [b"ab", b"c"]


def test_messages_wait_in_order_while_it_does_not() -> None:
    transport = Transport(1)
    for text in (b"a", b"b", b"c"):
        transport.outflow.post([text])
    assert transport.written == [b"a"]
    transport.drain(1)
    assert transport.written == [b"a", b"b"]
    transport.drain(5)
    assert transport.written == [b"a", b"b", b"c"]


def test_an_answer_is_told_when_it_is_written() -> None:
    transport = Transport(1)
    transport.outflow.post([b"a"], 7)
    transport.outflow.post([b"b"], 8)
    assert transport.answered == [7]
    transport.drain(1)
    assert transport.answered == [7, 8]


def test_who_waits_for_room_is_served_in_turn() -> None:
    transport = Transport(0)
    outflow = transport.outflow
    outflow.pause()
    outflow.post(LARGE)
    heard: list[str] = []

    def write(_: None, name: str) -> None:
        heard.append(name)
        outflow.post(LARGE)

    for name in ("a", "b"):
        outflow.when_writable().addCallback(write, name)
    transport.drain(1)
    assert heard == ["a"]
    transport.drain(1)
    assert heard == ["a", "b"]


def test_there_is_room_at_once_if_nobody_waits() -> None:
    assert Transport(1).outflow.when_writable().called


def test_waiting_can_be_cancelled() -> None:
    transport = Transport(0)
    transport.outflow.pause()
    transport.outflow.post(LARGE)
    waiting = transport.outflow.when_writable()
    waiting.cancel()
    waiting.addErrback(lambda failure: failure.trap(CancelledError))
    transport.drain(5)
    assert len(transport.written) == 1


def test_the_end_is_told_to_all_who_wait() -> None:
    transport = Transport(0)
    transport.outflow.pause()
    transport.outflow.post(LARGE)
    waiting = [transport.outflow.when_writable() for _ in range(2)]
    transport.outflow.stop(OSError("gone"))
    for each in waiting:
        each.addErrback(lambda failure: failure.trap(OSError))
        assert each.result is OSError
    transport.drain(5)
    assert transport.written == []
