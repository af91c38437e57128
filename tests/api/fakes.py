"""A node of fakes behind a real API, and a client which speaks HTTP to it in memory."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from os import urandom
from typing import Any, Concatenate, ParamSpec, TypeVar

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, execute, fail, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from txsyncthing.api.rest_resource import RestSite
from txsyncthing.api.seams import FolderView, Usage, Version
from txsyncthing.api.service import ApiService, Parts
from txsyncthing.cluster.completion import Completion
from txsyncthing.cluster.pending import PendingDevice, PendingFolder
from txsyncthing.cluster.status import Bytes, DeviceStatus
from txsyncthing.config.config import Configuration
from txsyncthing.config.device import DeviceConfig
from txsyncthing.config.folder import FolderConfig, FolderDevice
from txsyncthing.config.gui import GuiConfig
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.config.own_service import OwnSettings
from txsyncthing.connections.service import DialStatus, ListenerStatus
from txsyncthing.events.bus import EventBus
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.folder.guard import Held
from txsyncthing.folder.guard_service import NothingHeld
from txsyncthing.folder.ignores import Ignores
from txsyncthing.folder.requests import Chore
from txsyncthing.folder.status import FolderStatus
from txsyncthing.ignore.matcher import EMPTY, Matcher
from txsyncthing.index.reader import FolderReader
from txsyncthing.index.risk import Marks
from txsyncthing.index.store import FolderStore
from txsyncthing.node.care import CareBook
from txsyncthing.pull.progress import PullProgress
from txsyncthing.runtime.log_service import Logs
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.versions.listing import FileVersions
from txsyncthing.versions.rewind import Report
from txsyncthing.vocabulary.device import LOCAL_DEVICE, DeviceID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID, FolderState, PullOrder, RemoteState
from txsyncthing.vocabulary.name import WireName

P = ParamSpec("P")
T = TypeVar("T")

ME = DeviceID(b"me" * 16)
PEER = DeviceID(b"pe" * 16)
STRANGER = DeviceID(b"st" * 16)
PHOTOS = FolderID("photos")
RESTING = FolderID("resting")  # paused
START = 1_700_000_000.0  # Unix seconds


@dataclass
class FakeIndex:
    """What a folder has, and what it needs."""

    here: dict[WireName, FileInfo] = field(default_factory=dict)
    world: dict[WireName, FileInfo] = field(default_factory=dict)
    needed: list[FileInfo] = field(default_factory=list)
    asked: list[tuple[int, int]] = field(default_factory=list)
    store: FolderStore = field(default_factory=lambda: FolderStore(":memory:", urandom))

    def ask(
        self, question: Callable[Concatenate[FolderReader, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> Deferred[T]:
        return succeed(question(FolderReader(self.store.connection), *args, **kwargs))

    def local(self, names: Sequence[WireName]) -> Deferred[dict[WireName, FileInfo]]:
        return succeed({name: self.here[name] for name in names if name in self.here})

    def global_(self, names: Sequence[WireName]) -> Deferred[dict[WireName, FileInfo]]:
        return succeed({name: self.world[name] for name in names if name in self.world})

    def versions(self, name: WireName) -> Deferred[dict[DeviceID, FileInfo]]:
        return succeed({LOCAL_DEVICE: self.here[name]} if name in self.here else {})

    def need_queue(self, order: PullOrder, offset: int, limit: int) -> Deferred[list[FileInfo]]:
        assert order is PullOrder.ALPHABETIC
        self.asked.append((offset, limit))
        return succeed([one._replace(hashes=b"") for one in self.needed[offset : offset + limit]])


@dataclass
class FakeVersions:
    """What a folder keeps; it notes what it is told to bring back."""

    files: list[FileVersions] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    report: Report = field(default_factory=Report)
    trouble: Exception | None = None
    asked: list[object] = field(default_factory=list)

    def read(self, shape: Callable[[Iterator[FileVersions]], T]) -> Deferred[T]:
        return self._answer(shape, iter(self.files))

    def restore(self, wanted: Mapping[str, float]) -> Deferred[dict[str, str]]:
        self.asked.append(dict(wanted))
        return self._answer(lambda: self.failed)

    def rewind(self, path: str, at: float, *, dry: bool) -> Deferred[Report]:
        self.asked.append((path, at, dry))
        return self._answer(lambda: self.report)

    def _answer(self, answer: Callable[..., T], *arguments: object) -> Deferred[T]:
        return execute(answer, *arguments) if self.trouble is None else fail(self.trouble)


class FakeGuard:
    """A guard and an owner: nothing is held."""

    refusing = False
    trouble = ""
    released: Marks = {}

    def look(self) -> Deferred[Held | None]:
        return succeed(None)

    def release(self, id: str = "") -> Deferred[None]:
        return fail(NothingHeld("nothing is held in this folder"))

    refuse = release

    def reconsider(self) -> None:
        pass

    def of(self, what: str) -> float:
        return 0.0


class FakeFolder:
    """A folder that runs; a scan ends when the test says so."""

    def __init__(self) -> None:
        self.versions = FakeVersions()
        self.index = FakeIndex()
        self.guard = self.owner = self.since = FakeGuard()
        self.filesystem = MemoryFilesystem(lambda: START)
        self.now = FolderStatus(PHOTOS, FolderState.IDLE, START)
        self.moving = PullProgress()
        self.scans: list[tuple[tuple[str, ...], Deferred[None]]] = []
        self.delays: list[float] = []
        self.fronts: list[str] = []
        self.chores: list[Chore] = []

    def status(self) -> FolderStatus:
        return self.now

    def matcher(self) -> Matcher:
        return EMPTY

    def progress(self) -> PullProgress:
        return self.moving

    def scan(self, subs: Sequence[str] = ()) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self.scans.append((tuple(subs), done))
        return done

    def delay_scan(self, seconds: float) -> None:
        self.delays.append(seconds)

    def bring_to_front(self, name: WireName) -> None:
        self.fronts.append(name)

    def do(self, chore: Chore) -> None:
        self.chores.append(chore)


class FakeFolders:
    """All folders; only ``photos`` runs."""

    def __init__(self) -> None:
        self.photos = FakeFolder()
        self.resting = MemoryFilesystem(lambda: START)
        self.real: FolderView | None = None  # in the place of photos
        self.lines: dict[FolderID, Ignores] = {}
        self.resets: list[FolderID] = []

    def get(self, id: FolderID) -> FolderView | None:
        return (self.real or self.photos) if id == PHOTOS else None

    def filesystem(self, id: FolderID) -> MemoryFilesystem:
        return self.resting if id == RESTING else self.photos.filesystem

    def paused_since(self, id: FolderID) -> float:
        return START if id == RESTING else 0.0

    def ignores(self, id: FolderID) -> Deferred[Ignores]:
        return succeed(self.lines.get(id, Ignores((), ())))

    def set_ignores(self, id: FolderID, lines: Sequence[str]) -> Deferred[Ignores]:
        self.lines[id] = Ignores(tuple(lines), tuple(f"**/{line}" for line in lines))
        return succeed(self.lines[id])

    def reset(self, id: FolderID) -> Deferred[None]:
        self.resets.append(id)
        return succeed(None)


class FakeCluster:
    """The other devices."""

    def __init__(self) -> None:
        self.known: dict[DeviceID, DeviceStatus] = {PEER: DeviceStatus(paused=False)}
        self.total = Bytes()
        self.complete = Completion()
        self.gone: set[FolderID] = set()  # folders that the bridge does not have
        self.states: dict[DeviceID, RemoteState] = {}
        self.asked: list[tuple[DeviceID, FolderID | None]] = []
        self.sources: list[tuple[DeviceID, bool]] = []
        self.knocking: dict[DeviceID, PendingDevice] = {}
        self.offered: dict[FolderID, dict[DeviceID, PendingFolder]] = {}

    def devices(self) -> Mapping[DeviceID, DeviceStatus]:
        return self.known

    def total_traffic(self) -> Bytes:
        return self.total

    def completion(self, device: DeviceID, folder: FolderID | None) -> Completion:
        self.asked.append((device, folder))
        if folder in self.gone:
            raise KeyError(folder)
        return self.complete

    def remote_state(self, device: DeviceID, folder: FolderID) -> RemoteState:
        return self.states.get(device, RemoteState.UNKNOWN)

    def availability(
        self, folder: FolderID, name: WireName
    ) -> Deferred[list[tuple[DeviceID, bool]]]:
        return succeed(self.sources)

    def pending_devices(self) -> Mapping[DeviceID, PendingDevice]:
        return self.knocking

    def pending_folders(
        self, device: DeviceID | None = None
    ) -> Mapping[FolderID, Mapping[DeviceID, PendingFolder]]:
        return {
            id: {who: one for who, one in offers.items() if device in (None, who)}
            for id, offers in self.offered.items()
        }

    def dismiss_device(self, device: DeviceID) -> None:
        del self.knocking[device]

    def dismiss_folder(self, folder: FolderID, device: DeviceID | None = None) -> None:
        del self.offered[folder]


class FakeConnections:
    """Listeners and dialling."""

    def __init__(self) -> None:
        self.listening: dict[str, ListenerStatus] = {}
        self.dialled: dict[str, DialStatus] = {}

    def listeners(self) -> Mapping[str, ListenerStatus]:
        return self.listening

    def dial_status(self) -> Mapping[str, DialStatus]:
        return self.dialled


class FakeNode:
    """The node as a whole; it notes what it is told to do."""

    def __init__(self) -> None:
        self.id = ME
        self.version = Version("v0.1.0", "txsyncthing v0.1.0 (python 3.11 linux)")
        self.started = START
        self.home = "/home/user"
        self.done: list[str] = []
        self.saving: Deferred[None] | None = None

    def paths(self) -> Mapping[str, str]:
        return {"keyFile": "/home/user/key.pem", "config": "/home/user/config.xml"}

    def usage(self) -> Usage:
        return Usage(alloc=1000, sys=2000, tasks=3)

    def discovery(self) -> Mapping[str, str | None] | None:
        return None

    def config_saved(self) -> Deferred[None]:
        return self.saving or succeed(None)

    def restart(self) -> None:
        self.done.append("restart")

    def shutdown(self) -> None:
        self.done.append("shutdown")


class Randomness:
    """Bytes that differ each time and are the same in each run."""

    def __init__(self) -> None:
        self._next = 0

    def __call__(self, size: int) -> bytes:
        self._next += 1
        return bytes((self._next * 131 + place * 7) % 256 for place in range(size))


def configuration(gui: GuiConfig | None = None) -> Configuration:
    """Two folders, one paused, shared with one peer."""
    members = (FolderDevice(ME), FolderDevice(PEER))
    return Configuration(
        folders=(
            FolderConfig(id=PHOTOS, label="Photos", path="/photos", devices=members),
            FolderConfig(id=RESTING, path="/resting", devices=members, paused=True),
        ),
        devices=(DeviceConfig(id=ME, name="mine"), DeviceConfig(id=PEER, name="theirs")),
        gui=gui or GuiConfig(address="127.0.0.1:8384", api_key="k"),
    )


class FakeNodeApi:
    """All of the above behind one ApiService; ``ask`` speaks to it."""

    def __init__(self, gui: GuiConfig | None = None, **settings: Any) -> None:
        self.reactor = MemoryReactorClock()
        self.clock: Clock = self.reactor
        self.node = FakeNode()
        self.logs = Logs(self.unix)
        self.holder = ConfigHolder(configuration(gui), ME)
        self.cluster = FakeCluster()
        self.connections = FakeConnections()
        self.folders = FakeFolders()
        self.events = EventBus(self.unix)
        self.own = OwnSettings()
        self.care = CareBook(self.own, self.logs.area("folders"))
        parts = Parts(
            node=self.node,
            log_view=self.logs,
            holder=self.holder,
            cluster=self.cluster,
            connections=self.connections,
            folders=self.folders,
            events=self.events,
            workers=InlineWorkers(),
            care=self.care,
        )
        self.service = ApiService(
            reactor=self.reactor,
            parts=parts,
            unix=self.unix,
            random=Randomness(),
            log=self.logs.area("api"),
            **settings,
        )

    def unix(self) -> float:
        return START + self.clock.seconds()

    def start(self) -> FakeNodeApi:
        self.service.startService()
        return self

    def browser(self) -> Connection:
        return Connection(self.service.site)

    def ask(self, method: str, path: str, body: bytes | object = b"", **headers: str) -> Reply:
        """One request with the API key, on a connection of its own."""
        return self.browser().ask(method, path, body, **{"X-API-Key": "k", **headers})

    def get(self, path: str) -> Any:
        """The document that a GET with the API key gives."""
        reply = self.ask("GET", path)
        assert reply.status == 200, reply
        return reply.json()


class Connection:
    """One TCP connection of a client."""

    def __init__(self, site: RestSite) -> None:
        self.transport = StringTransport(
            IPv4Address("TCP", "127.0.0.1", 8384), IPv4Address("TCP", "127.0.0.1", 50000)
        )
        self.protocol = site.buildProtocol(None)
        self.protocol.makeConnection(self.transport)

    def send(self, method: str, path: str, body: bytes | object = b"", **headers: str) -> None:
        """A request, without looking at the answer."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        lines = [f"{method} {path} HTTP/1.1"]
        all_headers = {"Host": "localhost:8384", **headers}
        if data or method not in ("GET", "HEAD", "OPTIONS"):
            all_headers["Content-Length"] = str(len(data))
        lines += [f"{name}: {value}" for name, value in all_headers.items() if value is not None]
        self.protocol.dataReceived("\r\n".join([*lines, "", ""]).encode() + data)

    def ask(self, method: str, path: str, body: bytes | object = b"", **headers: str) -> Reply:
        """A request and what came back so far."""
        self.send(method, path, body, **headers)
        return self.reply()

    def reply(self) -> Reply:
        """What came since the last look."""
        raw = self.transport.value()
        self.transport.clear()
        return Reply(raw)

    def hang_up(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionDone()))


class Reply:
    """One answer, as far as it came."""

    def __init__(self, raw: bytes) -> None:
        self.raw = raw
        if raw and not raw.startswith(b"HTTP/"):
            raw = b"HTTP/1.1 0\r\n\r\n" + raw  # the rest of an answer whose head was taken
        head, _, self.rest = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split(" ")[1]) if first else 0
        self.headers = {
            name.lower(): value for name, _, value in (line.partition(": ") for line in lines)
        }

    def __repr__(self) -> str:
        return f"<{self.status} {self.rest!r}>"

    @property
    def body(self) -> bytes:
        if self.headers.get("transfer-encoding") != "chunked":
            return self.rest
        parts, rest = b"", self.rest
        while rest:
            size, _, rest = rest.partition(b"\r\n")
            parts, rest = parts + rest[: int(size, 16)], rest[int(size, 16) + 2 :]
        return parts

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)
