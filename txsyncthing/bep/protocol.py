"""
One connection to a peer: bytes, timers and back-pressure around the pure parts.

Source: reference 2.1 to 2.4, 2.7, 2.9.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet import protocol
from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from txsyncthing.bep.answers_protocol import Answers
from txsyncthing.bep.codec import encode
from txsyncthing.bep.exchange import (
    TICK,
    Due,
    RequestTable,
    Silence,
    TooManyRequests,
)
from txsyncthing.bep.file_codec import weight
from txsyncthing.bep.hello import BadHello, HelloDecoder, encode_hello
from txsyncthing.bep.inflow import ROOM, Inflow
from txsyncthing.bep.lifecycle import Connection, new_connection, shortcut
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
    Message,
    Ping,
    Request,
    Response,
)
from txsyncthing.bep.outflow_protocol import Outflow
from txsyncthing.bep.seam_protocol import (
    BepTransport,
    PeerLost,
    Receiver,
    Refused,
    RequestFailed,
    Terms,
    Traffic,
)
from txsyncthing.clock import Timer
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName

__all__ = [
    "BepFactory",
    "BepProtocol",
    "BepTransport",
    "PeerLost",
    "Receiver",
    "Refused",
    "RequestFailed",
    "Terms",
    "Traffic",
]

ALONE = ROOM + 1  # the weight of a message after which nothing is read until it is dealt with


class BepProtocol(protocol.Protocol):
    """
    One connection.

    ``Terms.admit`` -> Hello both ways -> ``Terms.greeted`` -> ``accept`` -> messages -> ``Terms.ended``.
    """

    device: DeviceID
    hello: Hello
    wire: BepTransport
    """The transport: addresses, ``crypto``, ``proves_name``."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms
        self._clock = terms.clock
        self._life = new_connection(Connection(self, terms.clock))
        self._read: Callable[[bytes | memoryview], None] = self._read_hello
        self._greeting = HelloDecoder()
        self._inflow: Inflow
        self._early = b""  # what followed the Hello
        self._receiver: Receiver
        self._accepted = False
        self._compression = Compression.NEVER
        self._over: str | None = None  # the reason, once there is one
        self._hear: Callable[[Message], None] = self._life.message
        self._requests: RequestTable[Deferred[Block]] = RequestTable()
        self._answers = Answers(lambda request: self._receiver.serve(self, request), self._answer)
        self._outflow = Outflow(self._write, self._answers.left)
        self._silence = Silence(terms.clock.seconds())
        self._started = terms.clock.seconds()
        self._bytes_in = 0
        self._bytes_out = 0
        self._tick: Timer | None = None

    # What our node says.

    def accept(self, receiver: Receiver) -> None:
        """Begin the exchange; send ``configure`` soon, the peer waits for it."""
        if self._over is not None:
            receiver.lost(self, self._over)
            return
        self._receiver = receiver
        self._accepted = True
        self._life.accepted()

    def refuse(self, reason: str) -> None:
        """Hang up instead."""
        self._life.broken(reason)

    def configure(self, config: ClusterConfig) -> None:
        """Send a Cluster Config: first of all, and after each change."""
        if self._tick is None and self._over is None:  # no Ping may come before it
            self._tick = self._clock.callLater(TICK, self._look)
        self._queue(config)

    def compress(self, compression: Compression) -> None:
        """Which messages are compressed from now on."""
        self._compression = compression

    def send(self, message: Index | IndexUpdate | DownloadProgress) -> None:
        """
        Queue a message, in order. Look at ``writable`` before each large one.

        After the end of the connection it is dropped.
        """
        self._queue(message)

    @property
    def writable(self) -> bool:
        """Whether the outbox has room."""
        return self._over is None and self._outflow.writable

    def when_writable(self) -> Deferred[None]:
        """Fires as soon as the outbox has room; fails with ``PeerLost``."""
        if self._over is not None:
            return fail(PeerLost(self._over))
        return self._outflow.when_writable()

    def request(
        self,
        folder: FolderID,
        name: WireName,
        offset: int,
        size: int,
        hash: bytes,
        from_temporary: bool = False,
        block_no: int = 0,
    ) -> Deferred[Block]:
        """
        Ask for a block. Not checked: compare its SHA-256.

        Cancelling forgets the Request; a late answer is dropped. Fails with ``RequestFailed`` or
        ``PeerLost``. There is no time limit: a silent connection ends by itself.
        """
        if self._over is not None:
            return fail(PeerLost(self._over))

        def forget(asked: Deferred[Block]) -> None:
            self._requests.take(number)

        asked: Deferred[Block] = Deferred(forget)
        number = self._requests.add(asked)
        self._queue(Request(number, folder, name, offset, size, hash, from_temporary, block_no))
        return asked

    def close(self, reason: str) -> None:
        """Tell the peer why, then hang up."""
        self._life.broken(reason)

    def stats(self) -> Traffic:
        return Traffic(self._started, self._bytes_in, self._bytes_out, self._silence.heard_at)

    @property
    def outstanding(self) -> int:
        """How many Requests of ours wait for their answer."""
        return len(self._requests)

    # What the transport says.

    def makeConnection(self, transport: BepTransport) -> None:
        self.connected = 1
        self.transport = transport  # type: ignore[assignment]
        self.wire = transport
        self.device = transport.device
        self._inflow = Inflow(
            self._clock, transport, lambda message: self._hear(message), self._life.broken
        )
        self._compression = self._terms.compression(self.device)
        transport.registerProducer(self, True)
        if self._terms.admit(self):
            self._life.connected()
        else:
            self._life.broken("not admitted")

    def dataReceived(self, data: bytes | memoryview) -> None:
        """:param data: may be a view of a buffer that is used again; nothing here keeps it."""
        self._silence.heard_at = self._clock.seconds()
        self._bytes_in += len(data)
        self._read(data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._read = self._ignore
        self._life.lost(reason.getErrorMessage())

    def pauseProducing(self) -> None:
        """The transport is full."""
        self._outflow.pause()

    def resumeProducing(self) -> None:
        """The transport has room again."""
        self._outflow.resume()

    def stopProducing(self) -> None:
        """The transport is closing; ``connectionLost`` follows."""
        self._outflow.pause()

    # What the lifecycle wants.

    def greet(self) -> None:
        self._write([encode_hello(self._terms.me(self.device))])

    def introduce(self, hello: Hello) -> None:
        self.hello = hello
        self._read = self._keep
        self.wire.pauseProducing()
        self._terms.greeted(self, hello)

    def open(self) -> None:
        early, self._early = self._early, b""
        self._read = self._inflow.feed
        self.wire.resumeProducing()
        self._read(early)

    def deliver(self, message: Message) -> None:
        receiver = self._receiver
        if isinstance(message, Response):
            self._answered(message)
        elif isinstance(message, Request):
            self._serve_soon(message)
        elif isinstance(message, Index | IndexUpdate):
            self._await(receiver.index(self, message), sum(map(weight, message.files)))
        elif isinstance(message, ClusterConfig):
            self._hear = shortcut(self._life, self)
            self._await(receiver.cluster_config(self, message), ALONE)
        elif isinstance(message, DownloadProgress):
            receiver.download_progress(self, message)

    def over(self, reason: str) -> None:
        self._over = reason
        self._read = self._ignore
        self._inflow.stop()
        if self._tick is not None and self._tick.active():
            self._tick.cancel()
        lost = PeerLost(reason)
        self._answers.stop()
        self._outflow.stop(lost)
        for asked in self._requests.take_all():
            if not asked.called:  # who lost one Request may have cancelled the others
                asked.errback(lost)
        if self._accepted:
            self._receiver.lost(self, reason)
        self._terms.ended(self, reason)

    def farewell(self, reason: str) -> None:
        self.wire.resumeProducing()  # so that we see the peer hang up
        self._write(encode(Close(reason), self._compression))
        self.wire.unregisterProducer()

    def leave(self) -> None:
        self.wire.loseConnection()

    def hang_up(self) -> None:
        self.wire.abortConnection()

    # Reading, one function per stage.

    def _read_hello(self, data: bytes | memoryview) -> None:
        try:
            found = self._greeting.feed(data)
        except BadHello as error:
            self._life.broken(str(error))
            return
        if found is not None:
            hello, self._early = found
            self._life.hello(hello)

    def _keep(self, data: bytes | memoryview) -> None:
        self._early += bytes(data)

    def _ignore(self, data: bytes | memoryview) -> None: ...

    # What takes a while: reading pauses when there is too much of it.

    def _await(self, work: Deferred[None] | None, weight: int) -> None:
        if work is None:
            return
        self._inflow.hold(weight)
        work.addCallbacks(self._done, self._failed, callbackArgs=(weight,))

    def _done(self, result: None, weight: int) -> None:
        self._inflow.release(weight)

    def _failed(self, failure: Failure) -> None:
        self._life.broken(failure.getErrorMessage())

    # Requests, theirs and ours.

    def _serve_soon(self, request: Request) -> None:
        try:
            self._answers.offer(request)
        except TooManyRequests as error:
            self._life.broken(str(error))

    def _answer(self, response: Response, size: int) -> None:
        self._outflow.post(encode(response, self._compression), size)

    def _answered(self, response: Response) -> None:
        asked = self._requests.take(response.id)
        if asked is None:
            return
        if response.code is ErrorCode.NO_ERROR:
            asked.callback(response.data)
        else:
            asked.errback(RequestFailed(response.code))

    # Writing.

    def _queue(self, message: Message) -> None:
        if self._over is None:
            self._outflow.post(encode(message, self._compression))

    def _write(self, pieces: list[Block]) -> None:
        self._silence.said_at = self._clock.seconds()
        for piece in pieces:
            self._bytes_out += len(piece)
            self.wire.write(piece)

    def _look(self) -> None:
        """The slow tick."""
        self._tick = self._clock.callLater(TICK, self._look)
        due = self._silence.due(self._clock.seconds())
        if due is Due.HANG_UP:
            self._life.broken("read timeout")
        elif due is Due.PING:
            self._queue(Ping())


@implementer(IProtocolFactory)
class BepFactory:
    """Makes a BepProtocol for every connection, dialled or accepted."""

    def __init__(self, terms: Terms) -> None:
        self._terms = terms

    def buildProtocol(self, addr: IAddress | None) -> BepProtocol:
        return BepProtocol(self._terms)

    def doStart(self) -> None:
        """Nothing to begin."""

    def doStop(self) -> None:
        """Nothing to end."""
