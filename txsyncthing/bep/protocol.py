"""
One connection to a peer: bytes, timers and back-pressure around the pure parts.

Source: reference 2.1 to 2.4, 2.7, 2.9.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from twisted.internet import protocol
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.interfaces import IAddress, IProtocolFactory
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from txsyncthing.bep.check import BadMessage, body_limit
from txsyncthing.bep.codec import decode, encode, encode_spliced
from txsyncthing.bep.exchange import (
    TICK,
    Due,
    Outbox,
    Parcel,
    RequestDesk,
    RequestTable,
    Silence,
    TooManyRequests,
)
from txsyncthing.bep.framing import BadFrame, FrameDecoder
from txsyncthing.bep.hello import BadHello, HelloDecoder, encode_hello
from txsyncthing.bep.lifecycle import Connection, new_connection
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

INDEX_BYTES = 8 * 1024 * 1024  # of files not stored yet; above it we stop reading


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
        self._frames = FrameDecoder(body_limit)
        self._early = b""  # what followed the Hello
        self._receiver: Receiver | None = None
        self._compression = Compression.NEVER
        self._over: str | None = None  # the reason, once there is one
        self._requests: RequestTable[Deferred[Block]] = RequestTable()
        self._desk = RequestDesk()
        self._serving: dict[int, Deferred[None]] = {}
        self._served = 0  # counts them, as ids of peers may repeat
        self._beginning = False
        self._outbox = Outbox()
        self._flowing = True  # the transport takes more
        self._pumping = False
        self._thirsty: deque[Deferred[None]] = deque()
        self._indexing = 0  # bytes of index messages not yet stored
        self._holding = False  # we have paused reading for them
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
        self._life.accepted()

    def refuse(self, reason: str) -> None:
        """Hang up instead."""
        self._life.broken(reason)

    def configure(self, config: ClusterConfig) -> None:
        """Send a Cluster Config: first of all, and after each change."""
        if self._tick is None and self._over is None:  # no Ping may come before it
            self._tick = self._clock.callLater(TICK, self._look)
        self._queue(config)

    def send(self, message: Index | IndexUpdate | DownloadProgress) -> None:
        """
        Queue a message, in order. Look at ``writable`` before each large one.

        After the end of the connection it is dropped.
        """
        self._queue(message)

    def send_spliced(
        self,
        folder: FolderID,
        files: Sequence[bytes],
        last_sequence: int,
        prev_sequence: int | None,
    ) -> None:
        """Queue an IndexUpdate (``prev_sequence`` None: an Index) of files from ``encode_file``."""
        pieces = encode_spliced(folder, files, last_sequence, prev_sequence, self._compression)
        self._post(pieces, None)

    @property
    def writable(self) -> bool:
        """Whether the outbox has room."""
        return self._over is None and self._outbox.writable

    def when_writable(self) -> Deferred[None]:
        """Fires as soon as the outbox has room; fails with ``PeerLost``."""
        if self._over is not None:
            return fail(PeerLost(self._over))
        if self._outbox.writable and not self._thirsty:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._thirsty.remove)
        self._thirsty.append(waiting)
        return waiting

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
        self._flowing = False
        self._life.lost(reason.getErrorMessage())

    def pauseProducing(self) -> None:
        """The transport is full."""
        self._flowing = False

    def resumeProducing(self) -> None:
        """The transport has room again."""
        self._flowing = True
        self._pump()

    def stopProducing(self) -> None:
        """The transport is closing; ``connectionLost`` follows."""
        self._flowing = False

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
        self._read = self._read_frames
        self.wire.resumeProducing()
        self._read(early)

    def deliver(self, message: Message) -> None:
        receiver = self._receiver
        assert receiver is not None
        if isinstance(message, Response):
            self._answered(message)
        elif isinstance(message, Request):
            self._desk.offer(message)
            self._serve()
        elif isinstance(message, Index | IndexUpdate):
            self._store(receiver.index(self, message), message)
        elif isinstance(message, ClusterConfig):
            receiver.cluster_config(self, message)
        elif isinstance(message, DownloadProgress):
            receiver.download_progress(self, message)

    def over(self, reason: str) -> None:
        self._over = reason
        self._read = self._ignore
        if self._tick is not None and self._tick.active():
            self._tick.cancel()
        self._desk.clear()
        self._outbox.clear()
        for serving in list(self._serving.values()):
            serving.cancel()
        lost = PeerLost(reason)
        for asked in self._requests.take_all():
            if not asked.called:  # who lost one Request may have cancelled the others
                asked.errback(lost)
        while self._thirsty:
            self._thirsty.popleft().errback(lost)
        if self._receiver is not None:
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

    def _read_frames(self, data: bytes | memoryview) -> None:
        try:
            for frame in self._frames.feed(data):
                message = decode(frame)
                if message is not None:
                    self._life.message(message)
                    if self._over is not None:
                        return
        except (BadFrame, BadMessage, TooManyRequests) as error:
            self._life.broken(str(error))

    def _ignore(self, data: bytes | memoryview) -> None:
        pass

    # Index messages: reading pauses while too much of them is not stored yet.

    def _store(self, stored: Deferred[None] | None, message: Index | IndexUpdate) -> None:
        if stored is None:
            return
        weight = sum(200 + len(file.name) + len(file.hashes) for file in message.files)
        self._indexing += weight
        if self._indexing > INDEX_BYTES and not self._holding:
            self._holding = True
            self.wire.pauseProducing()
        stored.addCallbacks(self._stored, self._not_stored, callbackArgs=(weight,))

    def _stored(self, result: None, weight: int) -> None:
        self._indexing -= weight
        if self._holding and self._indexing <= INDEX_BYTES and self._over is None:
            self._holding = False
            self.wire.resumeProducing()

    def _not_stored(self, failure: Failure) -> None:
        self._life.broken(failure.getErrorMessage())

    # Requests, theirs and ours.

    def _serve(self) -> None:
        """Begin as many of the peer's Requests as there is room for."""
        if self._beginning:
            return  # the loop below goes on
        self._beginning = True
        try:
            while self._over is None and (request := self._desk.next()) is not None:
                self._begin(request)
        finally:
            self._beginning = False

    def _begin(self, request: Request) -> None:
        assert self._receiver is not None
        number = self._served = self._served + 1
        reading = self._receiver.serve(self, request)
        serving = reading.addCallbacks(
            self._send_data,
            self._send_error,
            callbackArgs=(request,),
            errbackArgs=(request,),
        )
        if not serving.called:
            self._serving[number] = serving
            serving.addBoth(self._forget, number)

    def _forget(self, result: None, number: int) -> None:
        del self._serving[number]

    def _send_data(self, data: Block, request: Request) -> None:
        self._answer(Response(request.id, data), request)

    def _send_error(self, failure: Failure, request: Request) -> None:
        error = failure.value
        code = error.code if isinstance(error, Refused) else ErrorCode.GENERIC
        self._answer(Response(request.id, b"", code), request)

    def _answer(self, response: Response, request: Request) -> None:
        if self._over is None:
            self._post(encode(response, self._compression), request.size)

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
            self._post(encode(message, self._compression), None)

    def _post(self, pieces: list[Block], answers: int | None) -> None:
        if self._over is not None:
            return
        self._outbox.put(Parcel(pieces, sum(map(len, pieces)), answers))
        self._pump()

    def _pump(self) -> None:
        """Give the transport what it takes; then there is room for more."""
        if self._pumping:
            return  # the loop below goes on
        self._pumping = True
        try:
            while True:
                if self._flowing and self._outbox:
                    parcel = self._outbox.take()
                    self._write(parcel.pieces)
                    if parcel.answers is not None:
                        self._desk.done(parcel.answers)
                elif self._thirsty and self.writable:
                    self._thirsty.popleft().callback(None)
                else:
                    break
        finally:
            self._pumping = False
        self._serve()

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
