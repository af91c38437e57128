"""Two ends of one connection, and a node that writes down what it was told."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from txsyncthing.bep.messages import (
    Block,
    ClusterConfig,
    Compression,
    DownloadProgress,
    ErrorCode,
    Hello,
    Index,
    IndexUpdate,
    Request,
)
from txsyncthing.bep.protocol import BepFactory, BepProtocol, Refused, Terms
from txsyncthing.testing.wires import MemoryNetwork
from txsyncthing.vocabulary.device import DeviceID

ALICE = DeviceID(b"a" * 32)
BOB = DeviceID(b"b" * 32)
BOBS_ADDRESS = "tcp://10.0.0.2:22000"


class Desk:
    """A Receiver which writes down what it was told."""

    def __init__(self) -> None:
        self.events: list[tuple[str, object]] = []
        self.requests: list[Request] = []
        self.answer: Callable[[Request], Deferred[Block]] = self.refuse
        self.store: Callable[[Index | IndexUpdate], Deferred[None] | None] = lambda message: None

    def refuse(self, request: Request) -> Deferred[Block]:
        answer: Deferred[Block] = Deferred()
        answer.errback(Refused(ErrorCode.NO_SUCH_FILE))
        return answer

    def cluster_config(self, protocol: BepProtocol, message: ClusterConfig) -> None:
        self.events.append(("config", message))

    def index(self, protocol: BepProtocol, message: Index | IndexUpdate) -> Deferred[None] | None:
        self.events.append(("index", message))
        return self.store(message)

    def serve(self, protocol: BepProtocol, request: Request) -> Deferred[Block]:
        self.requests.append(request)
        return self.answer(request)

    def download_progress(self, protocol: BepProtocol, message: DownloadProgress) -> None:
        self.events.append(("progress", message))

    def lost(self, protocol: BepProtocol, reason: str) -> None:
        self.events.append(("lost", reason))


class Side:
    """One node: accepts everybody (unless told otherwise) and writes down what happens."""

    def __init__(self, clock: Clock, name: str) -> None:
        self.desk = Desk()
        self.ended: list[str] = []
        self.met: list[BepProtocol] = []
        self.admits = True
        self.judge: Callable[[BepProtocol, Hello], None] = self.accept
        self.terms = Terms(
            clock=clock,
            me=lambda device: Hello(name, "txsyncthing", "v0", 1, 1),
            compression=lambda device: Compression.METADATA,
            admit=self.admit,
            greeted=lambda protocol, hello: self.judge(protocol, hello),
            ended=lambda protocol, reason: self.ended.append(reason),
        )
        self.factory = BepFactory(self.terms)

    def admit(self, protocol: BepProtocol) -> bool:
        self.met.append(protocol)
        return self.admits

    def accept(self, protocol: BepProtocol, hello: Hello) -> None:
        protocol.accept(self.desk)
        protocol.configure(ClusterConfig())


class Raw(Protocol):
    """Somebody who says any bytes, and keeps what is heard."""

    def __init__(self) -> None:
        self.heard = b""
        self.lost = False

    def dataReceived(self, data: bytes) -> None:
        self.heard += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = True

    def send(self, *pieces: Block) -> None:
        assert self.transport is not None
        for piece in pieces:
            self.transport.write(bytes(piece))


class Pair:
    """Alice dials Bob."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.network = MemoryNetwork(self.clock)
        self.a = Side(self.clock, "alice")
        self.b = Side(self.clock, "bob")
        self.network.listen(BOBS_ADDRESS, BOB, self.b.factory)

    @property
    def alice(self) -> BepProtocol:
        return self.a.met[-1]

    @property
    def bob(self) -> BepProtocol:
        return self.b.met[-1]

    @property
    def at_alice(self) -> Desk:
        return self.a.desk

    @property
    def at_bob(self) -> Desk:
        return self.b.desk

    def open(self) -> None:
        self.network.connect(BOBS_ADDRESS, ALICE, self.a.factory)
        self.run()

    def raw(self) -> Raw:
        """Alice dials Bob once more, and is somebody else."""
        raw = Raw()
        factory = Factory()
        factory.buildProtocol = lambda address: raw  # type: ignore[method-assign, assignment]
        self.network.connect(BOBS_ADDRESS, ALICE, factory)
        self.run()
        return raw

    def run(self, seconds: float = 0.1) -> None:
        """Let the wires carry what they have."""
        for _ in range(int(seconds / 0.001)):
            self.clock.advance(0.001)

    def result(self, waiting: Deferred[Block]) -> Block:
        got: list[Block] = []
        waiting.addCallback(got.append)
        return got[0]


def done() -> Deferred[None]:
    return succeed(None)
