"""TLS on a pair of real sockets, with a clock that stands still."""

from __future__ import annotations

import os
import socket
from hashlib import sha256

import pytest
from OpenSSL import SSL
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost

from tests.tls.wires import ALICE, BOB, Ends
from txsyncthing.tls.transport_protocol import CLOSE_TIMEOUT, HIGH, READ_TURN, RECORD

MIB = 1024 * 1024


@pytest.fixture
def ends() -> Ends:
    ends = Ends()
    ends.open()
    return ends


def close(ends: Ends) -> None:
    """No socket outlives its test."""
    for each in (ends.alice, ends.bob):
        if not each.lost and each.transport is not None:
            each.wire.abortConnection()
    ends.reactor.run_ready()


def test_each_end_knows_the_other(ends: Ends) -> None:
    assert ends.alice.wire.device == BOB.device
    assert ends.bob.wire.device == ALICE.device
    assert ends.alice.wire.crypto == ends.bob.wire.crypto == "TLS1.3-TLS_AES_128_GCM_SHA256"
    assert ends.alice.wire.proves_name("syncthing")
    assert not ends.alice.wire.proves_name("somebody")
    close(ends)


def test_bytes_go_both_ways(ends: Ends) -> None:
    ends.alice.wire.write(b"ping")
    ends.bob.wire.writeSequence([b"po", memoryview(b"ng")])
    ends.reactor.run_ready()
    assert bytes(ends.bob.heard) == b"ping"
    assert bytes(ends.alice.heard) == b"pong"
    close(ends)


def test_much_arrives_whole_and_in_order(ends: Ends) -> None:
    data = os.urandom(8 * MIB)
    view = memoryview(data)
    at = 0
    for step in (1, 20, 16 * 1024, 100_000, 5 * MIB):
        ends.alice.wire.write(view[at : at + step])
        at += step
    ends.alice.wire.write(view[at:])
    ends.reactor.run_ready(5000)
    assert sha256(ends.bob.heard).digest() == sha256(data).digest()
    close(ends)


def test_both_ends_may_talk_much_at_once(ends: Ends) -> None:
    data = os.urandom(3 * MIB)
    ends.alice.wire.write(data)
    ends.bob.wire.write(data)
    ends.reactor.run_ready(5000)
    assert ends.alice.heard == ends.bob.heard == data
    close(ends)


def test_what_comes_is_handed_over_in_large_pieces(ends: Ends) -> None:
    ends.bob.wire.pauseProducing()
    ends.alice.wire.write(bytes(100_000))
    ends.reactor.run_ready()
    ends.bob.wire.resumeProducing()
    ends.reactor.run_ready()
    assert ends.bob.pieces[0] > RECORD
    assert max(ends.bob.pieces) <= READ_TURN
    close(ends)


def test_small_writes_share_a_record(ends: Ends) -> None:
    for _ in range(100):
        ends.alice.wire.write(b"0123456789")
    ends.reactor.run_ready()
    assert ends.bob.pieces == [1000]
    close(ends)


def test_a_reader_that_pauses_hears_nothing(ends: Ends) -> None:
    ends.bob.wire.pauseProducing()
    ends.alice.wire.write(b"wait")
    ends.reactor.run_ready()
    assert ends.bob.heard == b""
    ends.bob.wire.resumeProducing()
    ends.reactor.run_ready()
    assert ends.bob.heard == b"wait"
    close(ends)


def test_a_full_queue_pauses_its_producer(ends: Ends) -> None:
    ends.bob.wire.pauseProducing()
    ends.alice.wire.registerProducer(ends.alice, True)
    written = 0
    while ends.alice.told == []:
        ends.alice.wire.write(bytes(64 * 1024))
        written += 64 * 1024
    assert written == HIGH
    ends.bob.wire.resumeProducing()
    ends.reactor.run_ready(1000)
    assert ends.alice.told == ["pause", "resume"]
    assert len(ends.bob.heard) == written
    close(ends)


def test_a_producer_must_stream(ends: Ends) -> None:
    with pytest.raises(ValueError, match="streaming"):
        ends.alice.wire.registerProducer(ends.alice, False)
    close(ends)


# The end.


def test_a_polite_end_delivers_all_and_ends_both(ends: Ends) -> None:
    ends.alice.wire.write(bytes(MIB))
    ends.alice.wire.loseConnection()
    ends.alice.wire.write(b"too late")
    ends.reactor.run_ready(1000)
    assert len(ends.bob.heard) == MIB
    assert ends.bob.lost[0].check(ConnectionDone)
    assert ends.alice.lost[0].check(ConnectionDone, ConnectionLost)
    assert ends.reactor.getDelayedCalls() == []
    assert ends.reactor.readers == ends.reactor.writers == set()


def test_a_peer_that_does_not_take_note_has_a_quarter_second(ends: Ends) -> None:
    ends.bob.wire.pauseProducing()
    ends.alice.wire.loseConnection()
    ends.reactor.run_ready()
    assert ends.alice.lost == []
    ends.reactor.advance(CLOSE_TIMEOUT)
    assert ends.alice.lost[0].check(ConnectionDone)
    close(ends)


def test_what_comes_after_our_end_is_dropped(ends: Ends) -> None:
    ends.alice.wire.loseConnection()
    ends.bob.wire.write(bytes(MIB))
    ends.reactor.run_ready(1000)
    assert ends.alice.heard == b""
    close(ends)


def test_an_abort_ends_at_once_but_never_in_the_same_call(ends: Ends) -> None:
    ends.alice.wire.write(bytes(MIB))
    ends.alice.wire.abortConnection()
    assert ends.alice.lost == []
    ends.reactor.run_ready()
    assert ends.alice.lost[0].check(ConnectionAborted)
    assert ends.bob.lost[0].check(ConnectionLost)
    assert ends.reactor.readers == ends.reactor.writers == set()


def test_the_end_is_told_once(ends: Ends) -> None:
    ends.alice.wire.abortConnection()
    ends.alice.wire.abortConnection()
    ends.alice.wire.loseConnection()
    ends.reactor.run_ready()
    assert len(ends.alice.lost) == len(ends.bob.lost) == 1


def test_a_peer_that_vanishes_without_goodbye_is_lost_not_done(ends: Ends) -> None:
    ends.bob.wire._socket.shutdown(socket.SHUT_WR)
    ends.reactor.run_ready()
    assert ends.alice.lost[0].check(ConnectionLost)
    close(ends)


def test_bytes_that_are_no_tls_end_the_connection(ends: Ends) -> None:
    ends.bob.wire._socket.send(b"\x17\x03\x03\x00\x20" + bytes(32))
    ends.reactor.run_ready()
    assert ends.alice.lost[0].check(ConnectionLost)
    assert "TLS" in ends.alice.lost[0].getErrorMessage()
    close(ends)


def test_a_peer_that_is_gone_while_we_write_is_noticed(ends: Ends) -> None:
    ends.bob.wire.pauseProducing()
    ends.alice.wire.write(bytes(4 * MIB))
    ends.reactor.run_ready()
    ends.bob.wire.abortConnection()
    ends.reactor.run_ready()
    assert ends.alice.lost[0].check(ConnectionLost)


# What OpenSSL needs is not always what we want to do.


class Moody:
    """An OpenSSL connection which answers as it is told."""

    def __init__(self) -> None:
        self.moods: list[Exception | int] = []
        self.calls: list[str] = []

    def read(self, at: int) -> int:
        return self._answer("read")

    def send(self, data: memoryview) -> int:
        return self._answer("write")

    def _answer(self, call: str) -> int:
        self.calls.append(call)
        mood = self.moods.pop(0) if self.moods else SSL.WantReadError()
        if isinstance(mood, Exception):
            raise mood
        return mood


def test_a_read_that_must_write_waits_for_a_writable_socket(ends: Ends) -> None:
    moody, wire = Moody(), ends.alice.wire
    real, wire._connection = wire._connection, moody  # type: ignore[assignment]
    read, wire._read = wire._read, moody.read
    moody.moods = [SSL.WantWriteError()]
    wire.doRead()
    assert wire not in ends.reactor.readers and wire in ends.reactor.writers
    moody.moods = [SSL.WantReadError()]
    wire.doWrite()
    assert wire in ends.reactor.readers and wire not in ends.reactor.writers
    assert moody.calls == ["read", "read"]
    wire._connection, wire._read = real, read
    close(ends)


def test_a_write_that_must_read_waits_for_a_readable_socket(ends: Ends) -> None:
    moody, wire = Moody(), ends.alice.wire
    real, wire._connection = wire._connection, moody  # type: ignore[assignment]
    read, wire._read = wire._read, moody.read
    wire.pauseProducing()
    wire.write(b"data")
    moody.moods = [SSL.WantReadError()]
    wire.doWrite()
    assert wire in ends.reactor.readers and wire not in ends.reactor.writers
    moody.moods = [4]
    wire.doRead()
    assert moody.calls == ["write", "write"]
    assert wire not in ends.reactor.readers and wire not in ends.reactor.writers
    wire._connection, wire._read = real, read
    close(ends)
