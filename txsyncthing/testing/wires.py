"""
Wires in memory: a network on which whole nodes meet, on one ``Clock`` and without TLS.

A wire has delay, a window and back-pressure; it can be slow, stand still, break in the middle of a message,
be cut, or lead to a machine that is no more. All that is random comes from a seed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from random import Random

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone, ConnectionLost, ConnectionRefusedError
from twisted.internet.interfaces import IProtocol, IProtocolFactory
from twisted.python.failure import Failure

from txsyncthing.clock import Clock
from txsyncthing.vocabulary.device import DeviceID

WINDOW = 1024 * 1024  # bytes on their way, above which the writer is paused
PIECE = 256 * 1024  # bytes delivered at once, at most


class MemoryTransport:
    """One end of a wire. It knows the device at the other end."""

    crypto = "memory"

    def __init__(
        self, network: MemoryNetwork, me: DeviceID, device: DeviceID, host: str, peer: str
    ) -> None:
        self.me = me
        self.device = device
        self._network = network
        self._host, self._peer = host, peer
        self._other: MemoryTransport | None = None
        self._protocol: IProtocol | None = None
        self._out: deque[bytes] = deque()
        self._out_size = 0
        self._sending = False  # a delivery is scheduled
        self._reading = True
        self._closing = False
        self.lost = False
        self.orphan = False  # the other end is gone without a word
        self._producer: object | None = None
        self._producer_paused = False

    def join(self, other: MemoryTransport, protocol: IProtocol) -> None:
        """Both ends of the wire are there: remember the other, and who talks at this one."""
        self._other = other
        self._protocol = protocol

    def begin(self) -> None:
        assert self._protocol is not None
        if not self.lost:
            self._protocol.makeConnection(self)  # type: ignore[arg-type]

    def proves_name(self, name: str) -> bool:
        return name == "syncthing"

    def getPeer(self) -> IPv4Address:
        return _address(self._peer)

    def getHost(self) -> IPv4Address:
        return _address(self._host)

    # Writing.

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._closing or self.lost or not len(data):
            return
        if self.orphan:
            self._network.unanswered(self)
            return
        self._out.append(bytes(data))
        self._out_size += len(data)
        if self._producer is not None and not self._producer_paused and self._out_size >= WINDOW:
            self._producer_paused = True
            self._producer.pauseProducing()  # type: ignore[attr-defined]
        self._schedule()

    def writeSequence(self, data: list[bytes]) -> None:
        for piece in data:
            self.write(piece)

    def registerProducer(self, producer: object, streaming: bool) -> None:
        assert streaming, "only streaming producers"
        self._producer = producer

    def unregisterProducer(self) -> None:
        self._producer = None

    def loseConnection(self) -> None:
        """Close when all is delivered."""
        self._closing = True
        self._schedule()

    def abortConnection(self) -> None:
        """Close now; what is on its way is lost."""
        if not self.lost:
            self._out.clear()
            self._out_size = 0
            self._closing = True
            self._network.later(0.0, self._end, ConnectionLost("aborted"))

    # Reading.

    def pauseProducing(self) -> None:
        self._reading = False

    def resumeProducing(self) -> None:
        if not self._reading:
            self._reading = True
            if self._other is not None:
                self._other._schedule()

    def stopProducing(self) -> None:
        self.loseConnection()

    # Moving.

    def _schedule(self) -> None:
        if not self._sending and (self._out or self._closing) and not self.lost:
            self._sending = True
            self._network.later(self._network.travel(self.me, self.device), self._deliver)

    def _deliver(self) -> None:
        self._sending = False
        other = self._other
        if self.lost or other is None or other.lost:
            return
        if self._out and not other._reading:
            return  # resumeProducing schedules again
        if self._out:
            data = self._take()
            breaks = self._network.breaks()
            if other._protocol is not None:  # else nobody is there to read
                other._protocol.dataReceived(data[: len(data) // 2] if breaks else data)
            if breaks:
                self.fall(ConnectionLost("the wire broke"))
                other.fall(ConnectionLost("the wire broke"))
                return
            self._refill()
        if self._out:
            self._schedule()
        elif self._closing and not self.lost:
            self._end(ConnectionDone())

    def _take(self) -> bytes:
        pieces, size = [], 0
        while self._out and size < PIECE:
            piece = self._out.popleft()
            if size + len(piece) > PIECE:
                cut = PIECE - size
                self._out.appendleft(piece[cut:])
                piece = piece[:cut]
            pieces.append(piece)
            size += len(piece)
        self._out_size -= size
        return b"".join(pieces)

    def _refill(self) -> None:
        if self._producer is not None and self._producer_paused and self._out_size < WINDOW // 2:
            self._producer_paused = False
            self._producer.resumeProducing()  # type: ignore[attr-defined]

    def _end(self, error: Exception) -> None:
        """The wire is gone at this end now, at the other after the delay."""
        other = self._other
        self.fall(error)
        if other is not None and not other.lost:
            self._network.later(self._network.delay(), other.fall, error)

    def fall(self, error: Exception) -> None:
        """Tell this end's protocol that the wire is gone."""
        if self.lost:
            return
        self.lost = True
        self._out.clear()
        self._out_size = 0
        self._network.forget(self)
        if self._protocol is not None:
            self._protocol.connectionLost(Failure(error))

    def die(self, silent: bool) -> None:
        """
        This end's machine or process is no more: its protocol hears nothing.

        :param silent: nor does the other end; else the system sends what was written, and ends the wire.
        """
        self._protocol = self._producer = None
        if not silent:
            self.loseConnection()
            return
        self.lost = True
        self._network.forget(self)
        if self._other is not None and not self._other.lost:
            self._other.orphan = True


class MemoryPort:
    """A listener on the network."""

    def __init__(
        self, network: MemoryNetwork, address: str, device: DeviceID, factory: IProtocolFactory
    ) -> None:
        self.address = address
        self.device = device
        self.factory = factory
        self._network = network

    def stopListening(self) -> Deferred[None]:
        self._network.close_port(self)
        return succeed(None)


class MemoryNetwork:
    """
    A network of devices.

    :param seed: of all that is random here: how long each piece takes.
    :param delay: seconds that a piece takes at least.
    :param jitter: seconds that it may take longer.
    """

    def __init__(
        self, clock: Clock, seed: int = 0, delay: float = 0.001, jitter: float = 0.0
    ) -> None:
        self._clock = clock
        self._random = Random(seed)
        self._delay = delay
        self._jitter = jitter
        self._ports: dict[str, MemoryPort] = {}
        self._ends: list[MemoryTransport] = []
        self._severed: set[frozenset[DeviceID]] = set()
        self._slowness: dict[frozenset[DeviceID], float] = {}  # seconds more for each piece
        self._stalled: dict[tuple[DeviceID, DeviceID], float] = {}  # from, to: until when
        self._down: set[DeviceID] = set()
        self._limbo: list[Deferred[IProtocol]] = []  # of processes that are dead, see process.py
        self._dialled = 0
        self.fuse = 0  # the piece, counted from now, in which a wire breaks; 0: none
        self.broken = 0  # wires that broke so

    @property
    def wires(self) -> int:
        """How many wires are up."""
        return len(self._ends) // 2

    def listen(self, address: str, device: DeviceID, factory: IProtocolFactory) -> MemoryPort:
        """
        :param address: any text, such as ``tcp://10.0.0.1:22000``.
        :raises OSError: somebody listens there already.
        """
        if address in self._ports:
            raise OSError(f"{address}: address in use")
        port = self._ports[address] = MemoryPort(self, address, device, factory)
        return port

    def connect(
        self,
        address: str,
        device: DeviceID,
        factory: IProtocolFactory,
        alive: Callable[[], bool] = lambda: True,
    ) -> Deferred[IProtocol]:
        """
        Dial.

        :param device: who dials.
        :param alive: whether whoever dials still is there when the answer comes.
        :returns: the dialler's protocol, connected; fails with ConnectionRefusedError.
        """
        connected: Deferred[IProtocol] = Deferred()
        self.later(self.delay(), self._connect, address, device, factory, connected, alive)
        return connected

    def _connect(
        self,
        address: str,
        device: DeviceID,
        factory: IProtocolFactory,
        connected: Deferred[IProtocol],
        alive: Callable[[], bool],
    ) -> None:
        if connected.called:
            return  # cancelled
        if not alive():
            self._limbo.append(connected)
            return
        port = self._ports.get(address)
        if port is None or frozenset((device, port.device)) in self._severed:
            connected.errback(ConnectionRefusedError(address))
            return
        self._dialled += 1
        dialler = f"10.255.0.1:{10000 + self._dialled % 50000}"
        near = MemoryTransport(self, device, port.device, dialler, address)
        far = MemoryTransport(self, port.device, device, address, dialler)
        near_protocol = factory.buildProtocol(near.getPeer())
        far_protocol = port.factory.buildProtocol(far.getPeer())
        if near_protocol is None or far_protocol is None:
            connected.errback(ConnectionRefusedError(address))
            return
        near.join(far, near_protocol)
        far.join(near, far_protocol)
        self._ends += [near, far]
        far.begin()
        near.begin()
        connected.callback(near_protocol)

    def cut(self, a: DeviceID, b: DeviceID) -> None:
        """All wires between two devices end, and no new one can be made until ``heal``."""
        self._severed.add(frozenset((a, b)))
        self.drop(a, b)

    def heal(self, a: DeviceID, b: DeviceID) -> None:
        self._severed.discard(frozenset((a, b)))

    def drop(self, a: DeviceID, b: DeviceID) -> None:
        """All wires between two devices end; they may dial again at once."""
        for end in list(self._ends):
            if {end.me, end.device} == {a, b}:
                end.fall(ConnectionLost("the wire was cut"))

    def set_jitter(self, seconds: float) -> None:
        """How much longer a piece may take, at random."""
        self._jitter = seconds

    def slow(self, a: DeviceID, b: DeviceID, seconds: float) -> None:
        """Each piece between two devices takes so much longer."""
        self._slowness[frozenset((a, b))] = seconds

    def stall(self, sender: DeviceID, receiver: DeviceID, seconds: float) -> None:
        """What one device says to another arrives after that time at the earliest."""
        self._stalled[sender, receiver] = self._clock.seconds() + seconds

    def vanish(self, device: DeviceID, silent: bool = False) -> None:
        """
        A device's process is killed, or its machine loses power: it listens no more and says nothing.

        :param silent: nobody says so to the others; they hear nothing, until they write to the device when
            it is up again.
        """
        if silent:
            self._down.add(device)
        for end in list(self._ends):
            if end.me == device:
                end.die(silent)
        for address in [one for one, port in self._ports.items() if port.device == device]:
            del self._ports[address]

    def revive(self, device: DeviceID) -> None:
        """The machine is up: it knows nothing of old wires and says so."""
        self._down.discard(device)

    def calm(self) -> None:
        """Wires are as good as they were made; what is cut stays so."""
        self._slowness.clear()
        self._stalled.clear()
        self.fuse = 0

    # For the wires.

    def travel(self, sender: DeviceID, receiver: DeviceID) -> float:
        """Seconds until a piece arrives."""
        wait = self._stalled.get((sender, receiver), 0.0) - self._clock.seconds()
        slowness = self._slowness.get(frozenset((sender, receiver)), 0.0)
        return max(wait, 0.0) + slowness + self.delay()

    def breaks(self) -> bool:
        """Whether the wire breaks in this piece."""
        breaks = self.fuse == 1
        self.fuse = max(self.fuse - 1, 0)
        self.broken += breaks
        return breaks

    def unanswered(self, end: MemoryTransport) -> None:
        """Somebody writes to a machine that does not know the wire."""
        if end.device not in self._down:
            self.later(self.delay(), end.fall, ConnectionLost("reset"))

    def delay(self) -> float:
        return self._delay + self._jitter * self._random.random()

    def later(self, seconds: float, call: object, *args: object) -> None:
        self._clock.callLater(seconds, call, *args)  # type: ignore[arg-type]

    def forget(self, end: MemoryTransport) -> None:
        if end in self._ends:
            self._ends.remove(end)

    def close_port(self, port: MemoryPort) -> None:
        if self._ports.get(port.address) is port:
            del self._ports[port.address]


def _address(text: str) -> IPv4Address:
    host, _, port = text.rpartition("/")[2].rpartition(":")
    return IPv4Address("TCP", host or text, int(port) if port.isdigit() else 0)
