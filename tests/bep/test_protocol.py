"""One connection between two nodes, over a wire in memory."""

from __future__ import annotations

from collections import deque
from struct import pack

import lz4.block
import pytest
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.python.failure import Failure

from tests.bep.peers import ALICE, BOB, Pair
from txsyncthing.bep.check import INDEX, PING, REQUEST
from txsyncthing.bep.codec import encode
from txsyncthing.bep.exchange import SERVED_BYTES, SILENCE_TIMEOUT, TICK, WAITING_REQUESTS
from txsyncthing.bep.framing import frame_head
from txsyncthing.bep.hello import encode_hello
from txsyncthing.bep.inflow import ROOM as INDEX_BYTES
from txsyncthing.bep.lifecycle import CONFIG_TIMEOUT, HELLO_TIMEOUT, JUDGE_TIMEOUT
from txsyncthing.bep.messages import (
    Block,
    Close,
    ClusterConfig,
    Compression,
    DownloadProgress,
    ErrorCode,
    Hello,
    Index,
    IndexUpdate,
    Ping,
    Request,
)
from txsyncthing.bep.protocol import BepProtocol, PeerLost, RequestFailed
from txsyncthing.testing.wires import WINDOW
from txsyncthing.vocabulary.file import FileInfo, FileType
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName

FOLDER = FolderID("f")
NAME = WireName("a")
HASH = b"h" * 32
MIB = 1024 * 1024


@pytest.fixture
def pair() -> Pair:
    pair = Pair()
    pair.open()
    return pair


def ask(protocol: BepProtocol, size: int = 10, offset: int = 0) -> Deferred[Block]:
    return protocol.request(FOLDER, NAME, offset, size, HASH)


def failure(waiting: Deferred[Block]) -> BaseException:
    got: list[Failure] = []
    waiting.addErrback(got.append)
    value = got[0].value
    assert value is not None
    return value


def directories(count: int, sequence: int = 1) -> tuple[FileInfo, ...]:
    return tuple(
        FileInfo(WireName(f"d{number}"), FileType.DIRECTORY, sequence=sequence + number)
        for number in range(count)
    )


# Hello.


def test_two_nodes_greet_and_configure_each_other(pair: Pair) -> None:
    assert (pair.alice.hello.device_name, pair.bob.hello.device_name) == ("bob", "alice")
    assert (pair.alice.device, pair.bob.device) == (BOB, ALICE)
    assert pair.at_alice.events == pair.at_bob.events == [("config", ClusterConfig())]


def test_who_is_not_admitted_hears_nothing() -> None:
    pair = Pair()
    pair.b.admits = False
    pair.open()
    assert pair.b.ended == ["not admitted"]
    assert not hasattr(pair.alice, "hello")
    assert len(pair.a.ended) == 1
    assert pair.network.wires == 0


def test_who_is_refused_has_our_hello_and_no_more() -> None:
    pair = Pair()
    pair.b.judge = lambda protocol, hello: protocol.refuse("unknown device")
    pair.open()
    assert pair.alice.hello.device_name == "bob"
    assert pair.b.ended == ["unknown device"]
    assert pair.at_bob.events == []


def test_a_mute_peer_is_dropped() -> None:
    pair = Pair()
    pair.b.terms.me(ALICE)
    pair.open()
    pair.network.drop(ALICE, BOB)
    mute = pair.raw()
    pair.clock.advance(HELLO_TIMEOUT)
    pair.run()
    assert pair.b.ended[-1] == "no Hello in time"
    assert mute.lost


def test_a_node_that_cannot_make_up_its_mind_drops_the_peer() -> None:
    pair = Pair()
    pair.b.judge = lambda protocol, hello: None
    pair.open()
    pair.clock.advance(JUDGE_TIMEOUT)
    assert pair.b.ended == ["not accepted in time"]


def test_a_late_verdict_does_no_harm() -> None:
    pair = Pair()
    waiting: deque[BepProtocol] = deque()
    pair.b.judge = lambda protocol, hello: waiting.append(protocol)
    pair.open()
    pair.network.drop(ALICE, BOB)
    waiting[0].accept(pair.at_bob)
    waiting[0].configure(ClusterConfig())
    (event,) = pair.at_bob.events
    assert event[0] == "lost"


def test_messages_that_follow_the_hello_wait_for_the_verdict() -> None:
    pair = Pair()
    waiting: list[BepProtocol] = []
    pair.b.judge = lambda protocol, hello: waiting.append(protocol)
    pair.open()
    assert pair.at_bob.events == []
    waiting[0].accept(pair.at_bob)
    pair.run()
    assert pair.at_bob.events == [("config", ClusterConfig())]


def test_a_peer_without_a_cluster_config_is_dropped() -> None:
    pair = Pair()
    pair.a.judge = lambda protocol, hello: protocol.accept(pair.at_alice)
    pair.open()
    for _ in range(int(CONFIG_TIMEOUT / TICK) + 1):
        pair.clock.advance(TICK)
    pair.run()
    assert pair.b.ended == ["no Cluster Config in time"]
    assert pair.a.ended == ["closed by the peer: no Cluster Config in time"]


# The end.


def test_the_reason_reaches_the_peer(pair: Pair) -> None:
    pair.alice.close("going to bed")
    pair.run(2.0)
    assert pair.a.ended == ["going to bed"]
    assert pair.b.ended == ["closed by the peer: going to bed"]
    assert pair.at_alice.events[-1] == ("lost", "going to bed")
    assert pair.at_bob.events[-1] == ("lost", "closed by the peer: going to bed")
    assert pair.network.wires == 0


def test_the_end_leaves_no_timer_behind(pair: Pair) -> None:
    pair.alice.close("going to bed")
    pair.run(2.0)
    assert pair.clock.getDelayedCalls() == []


def test_a_cut_wire_fails_what_waits(pair: Pair) -> None:
    pair.at_bob.answer = lambda request: Deferred()
    asked = ask(pair.alice)
    pair.run()
    pair.network.cut(ALICE, BOB)
    assert isinstance(failure(asked), PeerLost)
    assert pair.at_alice.events[-1][0] == "lost"
    assert pair.clock.getDelayedCalls() == []


def test_a_cut_wire_cancels_what_is_being_read(pair: Pair) -> None:
    cancelled: list[object] = []
    pair.at_bob.answer = lambda request: Deferred(cancelled.append)
    ask(pair.alice).addErrback(lambda failure: failure.trap(PeerLost))
    pair.run()
    pair.network.cut(ALICE, BOB)
    assert len(cancelled) == 1


def test_after_the_end_all_is_refused_or_dropped(pair: Pair) -> None:
    pair.network.cut(ALICE, BOB)
    pair.alice.send(Index(FOLDER))
    pair.alice.configure(ClusterConfig())
    assert isinstance(failure(ask(pair.alice)), PeerLost)
    assert not pair.alice.writable
    assert pair.alice.when_writable().addErrback(lambda f: f.trap(PeerLost)).result is PeerLost


def test_closing_twice_is_closing_once(pair: Pair) -> None:
    pair.alice.close("one")
    pair.alice.close("two")
    pair.run(2.0)
    assert pair.a.ended == ["one"]


# Messages.


def test_messages_arrive_in_order(pair: Pair) -> None:
    sent: list[Index | IndexUpdate | DownloadProgress] = [
        Index(FOLDER, directories(1), 1),
        IndexUpdate(FOLDER, directories(2, 2), 3, 1),
        DownloadProgress(FOLDER),
    ]
    for message in sent:
        pair.alice.send(message)
    pair.run()
    assert [each for _, each in pair.at_bob.events[1:]] == sent


def test_a_cluster_config_may_come_again(pair: Pair) -> None:
    pair.alice.configure(ClusterConfig(secondary=True))
    pair.run()
    assert pair.at_bob.events[-1] == ("config", ClusterConfig(secondary=True))


def test_reading_pauses_while_too_much_is_not_stored(pair: Pair) -> None:
    storing: list[Deferred[None]] = []

    def store(message: Index | IndexUpdate) -> Deferred[None]:
        storing.append(Deferred())
        return storing[-1]

    pair.at_bob.store = store
    files = tuple(each._replace(sequence=1) for each in directories(1000))
    size = sum(200 + len(each.name) for each in files)
    for _ in range(3 * INDEX_BYTES // size):
        pair.alice.send(Index(FOLDER, files, 1))
    pair.run(1.0)
    assert INDEX_BYTES < len(storing) * size < 2 * INDEX_BYTES
    while any(not each.called for each in storing):
        for each in storing:
            if not each.called:
                each.callback(None)
        pair.run(0.1)
    assert len(storing) == 3 * INDEX_BYTES // size


def test_an_index_that_cannot_be_stored_ends_the_connection(pair: Pair) -> None:
    storing: Deferred[None] = Deferred()
    pair.at_bob.store = lambda message: storing
    pair.alice.send(Index(FOLDER, directories(1), 1))
    pair.run()
    storing.errback(ValueError("folder is not shared with you"))
    pair.run(2.0)
    assert pair.a.ended == ["closed by the peer: folder is not shared with you"]


# Requests.


def test_a_block_is_asked_for_and_comes(pair: Pair) -> None:
    pair.at_bob.answer = lambda request: succeed(b"x" * request.size)
    asked = pair.alice.request(FOLDER, NAME, 131072, 300_000, HASH, True, 1)
    pair.run()
    assert bytes(pair.result(asked)) == b"x" * 300_000
    assert pair.at_bob.requests == [Request(0, FOLDER, NAME, 131072, 300_000, HASH, True, 1)]
    assert pair.alice.outstanding == 0


def test_a_refused_block_says_why(pair: Pair) -> None:
    asked = ask(pair.alice)
    pair.run()
    error = failure(asked)
    assert isinstance(error, RequestFailed) and error.code is ErrorCode.NO_SUCH_FILE


def test_a_block_that_cannot_be_read_is_a_generic_error(pair: Pair) -> None:
    broken: Deferred[Block] = Deferred()
    broken.errback(OSError("disk on fire"))
    pair.at_bob.answer = lambda request: broken
    asked = ask(pair.alice)
    pair.run()
    error = failure(asked)
    assert isinstance(error, RequestFailed) and error.code is ErrorCode.GENERIC


def test_answers_come_in_any_order(pair: Pair) -> None:
    reading: list[Deferred[Block]] = []

    def read(request: Request) -> Deferred[Block]:
        reading.append(Deferred())
        return reading[-1]

    pair.at_bob.answer = read
    first, second = ask(pair.alice), ask(pair.alice)
    pair.run()
    reading[1].callback(b"second")
    pair.run()
    assert bytes(pair.result(second)) == b"second" and not first.called
    reading[0].callback(b"first")
    pair.run()
    assert bytes(pair.result(first)) == b"first"


def test_a_cancelled_request_is_forgotten(pair: Pair) -> None:
    reading: Deferred[Block] = Deferred()
    pair.at_bob.answer = lambda request: reading
    asked = ask(pair.alice)
    pair.run()
    asked.cancel()
    assert isinstance(failure(asked), CancelledError)
    assert pair.alice.outstanding == 0
    reading.callback(b"late")
    pair.run()
    assert pair.alice.writable


def test_answers_wait_until_the_peer_reads(pair: Pair) -> None:
    """A peer that asks for much and reads nothing costs a bounded number of bytes."""
    pair.at_bob.answer = lambda request: succeed(bytes(request.size))
    pair.alice.wire.pauseProducing()
    asked = [ask(pair.alice, MIB) for _ in range(64)]
    pair.run()
    assert len(pair.at_bob.requests) * MIB <= SERVED_BYTES + WINDOW + 2 * MIB
    pair.alice.wire.resumeProducing()
    pair.run(1.0)
    assert [len(pair.result(each)) for each in asked] == [MIB] * 64


def test_reading_goes_on_while_answers_wait(pair: Pair) -> None:
    pair.at_bob.answer = lambda request: succeed(bytes(request.size))
    pair.alice.wire.pauseProducing()
    asked = [ask(pair.alice, MIB) for _ in range(64)]
    pair.alice.send(Index(FOLDER, directories(1), 1))
    pair.run()
    assert pair.at_bob.events[-1][0] == "index"
    for each in asked:
        each.cancel()
        each.addErrback(lambda failure: failure.trap(CancelledError))


def test_many_small_requests_are_read_at_once(pair: Pair) -> None:
    pair.at_bob.answer = lambda request: Deferred()
    asked = [ask(pair.alice, 100) for _ in range(300)]
    pair.run()
    assert len(pair.at_bob.requests) == 300
    for each in asked:
        each.addErrback(lambda failure: failure.trap(PeerLost))
    pair.network.cut(ALICE, BOB)


def test_a_peer_that_asks_for_too_much_is_dropped(pair: Pair) -> None:
    pair.at_bob.answer = lambda request: Deferred()
    asked = [ask(pair.alice) for _ in range(WAITING_REQUESTS + 1000)]
    for each in asked:
        each.addErrback(lambda failure: failure.trap(PeerLost))
    pair.run(3.0)
    assert pair.b.ended == ["32768 requests wait already"]
    assert pair.a.ended == ["closed by the peer: 32768 requests wait already"]


# Back-pressure on what we send.


def test_the_outbox_fills_while_the_peer_does_not_read(pair: Pair) -> None:
    pair.bob.wire.pauseProducing()
    file = directories(1)[0]
    noise = bytes(range(256)) * 400
    sent = 0
    while pair.alice.writable:
        pair.alice.send(
            Index(FOLDER, (file._replace(encrypted=noise + sent.to_bytes(4, "big")),), 1)
        )
        sent += 1
        assert sent < 5000
    room: list[None] = []
    pair.alice.when_writable().addCallback(room.append)
    pair.run()
    assert room == []
    pair.bob.wire.resumeProducing()
    pair.run(1.0)
    assert room == [None]
    assert len(pair.at_bob.events) == 1 + sent


def test_who_waits_for_room_hears_of_the_end(pair: Pair) -> None:
    pair.bob.wire.pauseProducing()
    noise = bytes((i * i * 7919 >> 5) & 0xFF for i in range(100_000))
    while pair.alice.writable:
        pair.alice.send(Index(FOLDER, (directories(1)[0]._replace(encrypted=noise),), 1))
    waiting = pair.alice.when_writable()
    pair.network.cut(ALICE, BOB)
    waiting.addErrback(lambda failure: failure.trap(PeerLost))
    assert waiting.result is PeerLost


def test_a_hundred_who_wait_for_room_get_it_one_after_the_other(pair: Pair) -> None:
    pair.bob.wire.pauseProducing()
    noise = bytes((i * i * 7919 >> 5) & 0xFF for i in range(100_000))
    message = Index(FOLDER, (directories(1)[0]._replace(encrypted=noise),), 1)
    while pair.alice.writable:
        pair.alice.send(message)
    before = len(pair.at_bob.events)
    for _ in range(1000):
        pair.alice.when_writable().addCallback(lambda _: pair.alice.send(message))
    pair.bob.wire.resumeProducing()
    pair.run(1.0)
    assert len(pair.at_bob.events) - before >= 1000


# Silence.


def test_a_ping_is_sent_when_there_is_nothing_else_to_say(pair: Pair) -> None:
    before = pair.bob.stats()
    for _ in range(20):
        pair.clock.advance(TICK)
        pair.run(0.01)
    assert pair.a.ended == pair.b.ended == []
    assert 10 <= (pair.bob.stats().bytes_in - before.bytes_in) / 8 <= 20  # a Ping has 8 bytes


def test_a_silent_peer_is_dropped() -> None:
    pair = Pair()
    pair.open()
    pair.network.drop(ALICE, BOB)
    silent = pair.raw()
    silent.send(encode_hello(Hello()))
    silent.send(*encode(ClusterConfig(), Compression.NEVER))
    pair.run()
    assert pair.at_bob.events[-1][0] == "config"
    for _ in range(int(SILENCE_TIMEOUT / TICK)):
        pair.clock.advance(TICK)
        pair.run(0.01)
    assert pair.b.ended[-1] != "read timeout"
    pair.clock.advance(TICK)
    pair.run(2.0)
    assert pair.b.ended[-1] == "read timeout"


def test_stats_count_bytes(pair: Pair) -> None:
    before = pair.alice.stats()
    pair.at_bob.answer = lambda request: succeed(bytes(request.size))
    asked = ask(pair.alice, MIB)
    pair.run()
    after = pair.alice.stats()
    assert after.bytes_in - before.bytes_in > MIB > after.bytes_out - before.bytes_out > 50
    assert after.heard_at > before.heard_at
    assert len(pair.result(asked)) == MIB


# Hostile bytes, after a proper start.


def zeros(length: int) -> bytes:
    packed: bytes = lz4.block.compress(bytes(length), store_size=False)
    return pack(">I", length) + packed


HOSTILE = {
    "a length above the limit": frame_head(INDEX, 0, 500_000_001),
    "a header that is no protobuf": b"\x00\x01\xff\x00\x00\x00\x00",
    "a header length above the limit": b"\xff\xff",
    "an unknown compression": frame_head(PING, 3, 0),
    "broken LZ4": frame_head(INDEX, 1, 8) + b"\x00\x00\x00\x50garb",
    "an LZ4 bomb": frame_head(INDEX, 1, len(zeros(64 * MIB))) + zeros(64 * MIB),
    "an impossible claim": frame_head(INDEX, 1, 8) + b"\x1d\xcd\x65\x00abcd",
    "broken protobuf": frame_head(INDEX, 0, 3) + b"\xff\xff\xff",
    "a long request": frame_head(REQUEST, 0, MIB),
    "a hostile name": b"".join(
        bytes(piece)
        for piece in encode(Request(1, FOLDER, WireName("../x"), 0, 1, HASH), Compression.NEVER)
    ),
    "a negative size": b"".join(
        bytes(piece) for piece in encode(Request(1, FOLDER, NAME, 0, -1, HASH), Compression.NEVER)
    ),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_what_no_honest_peer_sends_ends_the_connection_with_a_reason(what: str) -> None:
    pair = Pair()
    pair.open()
    pair.network.drop(ALICE, BOB)
    hostile = pair.raw()
    hostile.send(encode_hello(Hello()))
    hostile.send(*encode(ClusterConfig(), Compression.NEVER))
    hostile.send(HOSTILE[what])
    pair.run(2.0)
    reason = pair.b.ended[-1]
    assert encode(Close(reason), Compression.METADATA)[-1] in hostile.heard
    assert hostile.lost


@pytest.mark.parametrize("first", [Ping(), Index(FOLDER), DownloadProgress(FOLDER)])
def test_another_first_message_ends_the_connection(first: Ping | Index | DownloadProgress) -> None:
    pair = Pair()
    pair.open()
    pair.network.drop(ALICE, BOB)
    hasty = pair.raw()
    hasty.send(encode_hello(Hello()))
    hasty.send(*encode(first, Compression.NEVER))
    pair.run(2.0)
    assert pair.b.ended[-1] == f"first message is {type(first).__name__}, not ClusterConfig"


def test_an_unknown_message_is_read_over() -> None:
    pair = Pair()
    pair.open()
    pair.network.drop(ALICE, BOB)
    newer = pair.raw()
    newer.send(encode_hello(Hello()))
    newer.send(*encode(ClusterConfig(), Compression.NEVER))
    newer.send(frame_head(77, 0, 100_000) + bytes(100_000))
    newer.send(*encode(Index(FOLDER, directories(1), 1), Compression.NEVER))
    pair.run()
    assert pair.at_bob.events[-1][0] == "index"


def test_bytes_one_by_one_are_as_good_as_any() -> None:
    pair = Pair()
    pair.open()
    pair.network.drop(ALICE, BOB)
    slow = pair.raw()
    said = encode_hello(Hello("slow"))
    for piece in encode(ClusterConfig(), Compression.NEVER):
        said += bytes(piece)
    for at in range(len(said)):
        slow.send(said[at : at + 1])
        pair.run(0.002)
    assert pair.bob.hello == Hello("slow")
    assert pair.at_bob.events[-1] == ("config", ClusterConfig())
