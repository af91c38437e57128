"""
TLS directly on a non-blocking socket: a reader and writer of the reactor.

The stock TLS of Twisted copies everything through memory BIOs, which costs half as much again of CPU time;
here OpenSSL reads and writes the socket itself, in pieces as large as possible.

Source: reference 1.2; performance.md sections 2, 4.1 and 5.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from socket import SHUT_WR, socket
from typing import NamedTuple, Protocol

from OpenSSL import SSL
from OpenSSL._util import ffi, lib
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import (
    IAddress,
    IProtocol,
    IPushProducer,
    IReadDescriptor,
    IReadWriteDescriptor,
    ITransport,
    IWriteDescriptor,
)
from twisted.python.failure import Failure
from zope.interface import implementer

from txsyncthing.clock import Clock, Timer
from txsyncthing.tls.certificate import carries_name
from txsyncthing.vocabulary.device import DeviceID

HIGH = 1024 * 1024  # bytes queued, at which the producer is paused
LOW = 512 * 1024  # below which it is resumed
RECORD = 16 * 1024  # bytes of the largest TLS record
WRITE_STEP = 1024 * 1024  # bytes given to OpenSSL at once, at most
WRITE_TURN = 4 * 1024 * 1024  # bytes written before other sockets have their turn
READ_TURN = 512 * 1024  # likewise bytes read; the size of the read buffer
CLOSE_TIMEOUT = 0.25  # seconds that a peer has to take note of our end


class Reactor(Clock, Protocol):
    """What a descriptor needs of the reactor."""

    def addReader(self, reader: IReadDescriptor, /) -> None: ...
    def removeReader(self, reader: IReadDescriptor, /) -> None: ...
    def addWriter(self, writer: IWriteDescriptor, /) -> None: ...
    def removeWriter(self, writer: IWriteDescriptor, /) -> None: ...


class Producer(Protocol):
    """Who writes to a transport, and stops when told."""

    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...


class Secured(NamedTuple):
    """What a TLS handshake has proven."""

    connection: SSL.Connection
    socket: socket
    certificate: bytes  # DER, as it came
    device: DeviceID
    crypto: str  # TLS1.3-TLS_AES_128_GCM_SHA256
    host: IAddress
    peer: IAddress


class Needs(Enum):
    """What the socket must become before OpenSSL can go on with a read or a write."""

    READABLE = "readable"
    WRITABLE = "writable"


class Stage(Enum):
    """How far a transport is."""

    OPEN = "open"
    FLUSHING = "flushing"  # loseConnection: the queue goes out first
    ENDED = "ended"  # our end is told; waiting for theirs
    LOST = "lost"


@implementer(IReadWriteDescriptor, ITransport, IPushProducer)
class TlsTransport:
    """
    One secured connection.

    :param buffer: what is read lies here; all transports of a reactor may share it, as protocols do not
        keep what they get. (``dataReceived`` is given a memoryview.)
    """

    disconnecting = False  # Twisted's; the truth is in _stage

    def __init__(self, reactor: Reactor, secured: Secured, buffer: bytearray) -> None:
        self._reactor = reactor
        self._connection = secured.connection
        self._socket = secured.socket
        self._secured = secured
        self._buffer = memoryview(buffer)
        self._read = reader(secured.connection, buffer)
        self._protocol: IProtocol | None = None
        self._stage = Stage.OPEN
        self._reading = True
        self._read_needs = Needs.READABLE
        self._write_needs = Needs.WRITABLE
        self._is_reader = self._is_writer = False
        self._queue: deque[memoryview] = deque()
        self._queued = 0
        self._producer: Producer | None = None
        self._producer_paused = False
        self._limit: Timer | None = None
        self.device = secured.device
        self.crypto = secured.crypto

    def begin(self, protocol: IProtocol) -> None:
        """Hand the transport to its protocol and start reading."""
        self._protocol = protocol
        protocol.makeConnection(self)
        self._update()

    def proves_name(self, name: str) -> bool:
        return carries_name(self._secured.certificate, name)

    def getPeer(self) -> IAddress:
        return self._secured.peer

    def getHost(self) -> IAddress:
        return self._secured.host

    # What the protocol says.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Queue bytes. They are not copied: nobody may change them any more."""
        if self._stage is not Stage.OPEN or not len(data):
            return
        self._queue.append(memoryview(data))
        self._queued += len(data)
        if self._queued >= HIGH and self._producer is not None and not self._producer_paused:
            self._producer_paused = True
            self._producer.pauseProducing()
        self._update()

    def writeSequence(self, data: object) -> None:
        for piece in data:  # type: ignore[attr-defined]
            self.write(piece)

    def registerProducer(self, producer: Producer, streaming: bool) -> None:
        if not streaming:
            raise ValueError("only streaming producers")
        self._producer = producer
        self._producer_paused = False

    def unregisterProducer(self) -> None:
        self._producer = None

    def pauseProducing(self) -> None:
        self._reading = False
        self._update()

    def resumeProducing(self) -> None:
        self._reading = True
        self._update()

    def stopProducing(self) -> None:
        self.loseConnection()

    def loseConnection(self) -> None:
        """Write what is queued, say goodbye, and end; a peer that does not listen has a quarter second."""
        if self._stage is Stage.OPEN:
            self._stage = Stage.FLUSHING
            self.disconnecting = True
            self._update()

    def abortConnection(self) -> None:
        """End now; what is queued is lost."""
        if self._stage is not Stage.LOST:
            self._stage = Stage.ENDED
            self._queue.clear()
            self._queued = 0
            self._reading = False
            self._update()
            self._reactor.callLater(0, self.connectionLost, Failure(ConnectionAborted()))

    # What the reactor says.

    def fileno(self) -> int:
        return self._socket.fileno()

    def logPrefix(self) -> str:
        return "bep"

    def doRead(self) -> Exception | None:  # type: ignore[override]
        if self._is_writing and self._write_needs is Needs.READABLE:
            error = self._send()
            if error is not None:
                return error
        if self._is_reading and self._read_needs is Needs.READABLE:
            return self._receive()
        return None

    def doWrite(self) -> Exception | None:  # type: ignore[override]
        if self._is_reading and self._read_needs is Needs.WRITABLE:
            error = self._receive()
            if error is not None:
                return error
        if self._is_writing and self._write_needs is Needs.WRITABLE:
            return self._send()
        return None

    def connectionLost(self, reason: Failure) -> None:
        if self._stage is Stage.LOST:
            return
        self._stage = Stage.LOST
        self._queue.clear()
        self._queued = 0
        if self._limit is not None and self._limit.active():
            self._limit.cancel()
        self._update()
        self._socket.close()
        self._producer = None
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.connectionLost(reason)

    # Which events are of interest.

    @property
    def _is_reading(self) -> bool:
        """Once our end is told, what comes is read and dropped, to see theirs."""
        return self._reading if self._stage is Stage.OPEN else self._stage is not Stage.LOST

    @property
    def _is_writing(self) -> bool:
        return bool(self._queue) or self._stage is Stage.FLUSHING

    def _update(self) -> None:
        """Tell the reactor which events we wait for."""
        reading, writing = self._is_reading, self._is_writing
        reader = (reading and self._read_needs is Needs.READABLE) or (
            writing and self._write_needs is Needs.READABLE
        )
        writer = (reading and self._read_needs is Needs.WRITABLE) or (
            writing and self._write_needs is Needs.WRITABLE
        )
        if reader != self._is_reader:
            self._is_reader = reader
            (self._reactor.addReader if reader else self._reactor.removeReader)(self)
        if writer != self._is_writer:
            self._is_writer = writer
            (self._reactor.addWriter if writer else self._reactor.removeWriter)(self)

    # Reading.

    def _receive(self) -> Exception | None:
        """Read until the socket is empty or the buffer is full, then hand all of it over."""
        buffer, read = self._buffer, self._read
        at, last = 0, len(buffer) - RECORD
        error: Exception | None = None
        self._read_needs = Needs.READABLE
        try:
            while at <= last:
                at += read(at)
        except SSL.WantReadError:
            pass
        except SSL.WantWriteError:
            self._read_needs = Needs.WRITABLE
        except SSL.Error as problem:
            error = _why(problem)
        if at and self._stage is Stage.OPEN and self._protocol is not None:
            self._protocol.dataReceived(buffer[:at])  # type: ignore[arg-type]
        if error is None:
            self._update()
        return error

    # Writing.

    def _send(self) -> Exception | None:
        """Write until the socket is full, the queue empty, or others should have their turn."""
        queue, connection = self._queue, self._connection
        budget = WRITE_TURN
        self._write_needs = Needs.WRITABLE
        try:
            while queue and budget > 0:
                head = queue[0]
                if len(head) < RECORD and len(queue) > 1:
                    head = self._gather()
                sent = connection.send(head[:WRITE_STEP] if len(head) > WRITE_STEP else head)
                if sent == len(head):
                    queue.popleft()
                else:
                    queue[0] = head[sent:]
                self._queued -= sent
                budget -= sent
                if self._producer_paused and self._queued < LOW:
                    self._resume()
            if not queue and self._stage is Stage.FLUSHING:
                self._say_goodbye()
        except SSL.WantWriteError:
            pass
        except SSL.WantReadError:
            self._write_needs = Needs.READABLE
        except SSL.Error as problem:
            return _why(problem)
        self._update()
        return None

    def _gather(self) -> memoryview:
        """Join small pieces at the head of the queue, so that they share a record and a system call."""
        queue = self._queue
        pieces, size = [], 0
        while queue and size < RECORD:
            piece = queue.popleft()
            room = RECORD - size
            if len(piece) > room:
                queue.appendleft(piece[room:])
                piece = piece[:room]
            pieces.append(piece)
            size += len(piece)
        joined = memoryview(b"".join(pieces))
        queue.appendleft(joined)
        return joined

    def _resume(self) -> None:
        self._producer_paused = False
        if self._producer is not None:
            self._producer.resumeProducing()

    def _say_goodbye(self) -> None:
        """Tell TLS and TCP that nothing follows; raises when the socket is full."""
        self._connection.shutdown()
        self._stage = Stage.ENDED
        with suppress(OSError):  # gone already, as we shall read
            self._socket.shutdown(SHUT_WR)
        self._limit = self._reactor.callLater(
            CLOSE_TIMEOUT, self.connectionLost, Failure(ConnectionDone())
        )


def reader(connection: SSL.Connection, buffer: bytearray) -> Callable[[int], int]:
    """
    What reads a record to a place in the buffer, says how long it was, and raises as ``recv_into`` does.

    ``recv_into`` makes and copies a buffer of its own for each record; OpenSSL can write to ours.
    """
    ssl, start = connection._ssl, ffi.from_buffer(buffer)
    ssl_read, check = lib.SSL_read, connection._raise_ssl_error

    def read(at: int) -> int:
        length: int = ssl_read(ssl, start + at, RECORD)
        if length <= 0:
            check(ssl, length)
        return length

    return read


class TlsLost(ConnectionLost):
    """A connection that did not end as TLS should; the text says how."""

    def __str__(self) -> str:
        return f"connection lost: {self.args[0]}"


def _why(error: SSL.Error) -> Exception:
    """What Twisted calls an error of OpenSSL."""
    if isinstance(error, SSL.ZeroReturnError):
        return ConnectionDone()
    if isinstance(error, SSL.SysCallError):
        return TlsLost(error.args[1] if len(error.args) > 1 else str(error))
    reasons = error.args[0] if error.args else ()
    text = ", ".join(str(each[-1]) for each in reasons) if isinstance(reasons, list) else str(error)
    return TlsLost(f"TLS: {text}")
