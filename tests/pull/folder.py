"""One folder that pulls from peers which hold their files in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import sha256
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.ignore.matcher import EMPTY, Matcher
from txsyncthing.index.service import FolderIndex
from txsyncthing.pull.finish import Change
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.plan import Plan
from txsyncthing.pull.seams_service import Free, Seams
from txsyncthing.pull.service import FolderPuller, PullResult
from txsyncthing.pull.sources import BlockRequest, SourceRefused
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.block import block_size, blocks_hash
from txsyncthing.vocabulary.device import DeviceID, ShortID
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import FileInfo, FileType
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

T = TypeVar("T")

ME = ShortID(1)
ANN = DeviceID(b"\x0a" * 32)
BOB = DeviceID(b"\x0b" * 32)
NOW = 1_700_000_000.0
FOLDER = FolderID("default")


def hashes(data: bytes, cut: int) -> bytes:
    starts = range(0, len(data), cut) or [0]
    return b"".join(sha256(data[start : start + cut]).digest() for start in starts)


def file(
    name: str, data: bytes, version: int = 1, by: int = 10, knows: int = 0, **fields: object
) -> FileInfo:
    """
    A file as a peer tells of it.

    :param version: and ``by`` make its vector, and its sequence.
    :param knows: our own counter in it.
    """
    cut = block_size(len(data))
    told = hashes(data, cut)
    info = FileInfo(
        WireName(name),
        size=len(data),
        modified=1_600_000_000_000_000_000 + version,
        modified_by=ShortID(by),
        permissions=0o644,
        version=Vector.of([(by, version)] + ([(ME, knows)] if knows else [])),
        sequence=version,
        block_size=cut,
        hashes=told,
        blocks_hash=blocks_hash(told),
    )
    return info._replace(**fields)  # type: ignore[arg-type]


def directory(name: str, version: int = 1, by: int = 10, mode: int = 0o755) -> FileInfo:
    return FileInfo(
        WireName(name),
        FileType.DIRECTORY,
        permissions=mode,
        modified_by=ShortID(by),
        version=Vector.of([(by, version)]),
        sequence=version,
    )


def symlink(name: str, target: bytes, version: int = 1, by: int = 10) -> FileInfo:
    return FileInfo(
        WireName(name),
        FileType.SYMLINK,
        no_permissions=True,
        symlink_target=target,
        modified_by=ShortID(by),
        version=Vector.of([(by, version)]),
        sequence=version,
    )


def gone(item: FileInfo, by: int = 10) -> FileInfo:
    """The deletion of an item."""
    value = max(counter.value for counter in item.version.counters) + 1
    version = item.version.bump(ShortID(by), value)
    return item.as_deleted(ShortID(by), 1_600_000_000_000_000_000, version)._replace(sequence=value)


class Peers:
    """``Sources``: devices which answer from a dictionary, at once or when told."""

    def __init__(self) -> None:
        self.data: dict[DeviceID, dict[str, bytes]] = {ANN: {}}
        self.asked: list[tuple[DeviceID, BlockRequest]] = []
        self.waiting: list[tuple[Deferred[bytes | memoryview], bytes | Exception]] = []
        self.slow = False
        self.answer: Callable[[DeviceID, BlockRequest, bytes], bytes | Exception] = (
            lambda device, block, data: data
        )

    def connected(self) -> frozenset[DeviceID]:
        return frozenset(self.data)

    def active(self, device: DeviceID) -> int:
        return sum(1 for d, _ in self.asked if d == device)

    def temporary(self, device: DeviceID, name: WireName, version: Vector) -> frozenset[int]:
        return frozenset()

    def request(self, device: DeviceID, block: BlockRequest) -> Deferred[bytes | memoryview]:
        self.asked.append((device, block))
        data = self.data.get(device, {}).get(block.name)
        answer: bytes | Exception = (
            SourceRefused(2) if data is None else data[block.offset : block.offset + block.size]
        )
        if isinstance(answer, bytes):
            answer = self.answer(device, block, answer)
        given: Deferred[bytes | memoryview] = Deferred()
        if self.slow:
            self.waiting.append((given, answer))
        else:
            self._give(given, answer)
        return given

    def go_on(self, count: int = -1) -> None:
        """Give so many of the answers that wait."""
        waiting, self.waiting = self.waiting, []
        many = len(waiting) if count < 0 else count
        self.waiting = waiting[many:]
        for given, answer in waiting[:many]:
            if not given.called:
                self._give(given, answer)

    def _give(self, given: Deferred[bytes | memoryview], answer: bytes | Exception) -> None:
        if isinstance(answer, Exception):
            given.errback(answer)
        else:
            given.callback(answer)


class Heard:
    """``Told``: remembers."""

    def __init__(self) -> None:
        self.items: list[tuple[str, str, str]] = []
        self.stored: list[FileInfo] = []
        self.changes: list[Change] = []

    def started(self, file: FileInfo, action: str) -> None:
        self.items.append(("started", file.name, action))

    def finished(self, file: FileInfo, action: str, error: ItemError | None) -> None:
        self.items.append(("failed" if error else "finished", file.name, action))

    def recorded(self, files: Sequence[FileInfo]) -> None:
        self.stored.extend(files)

    def changed(self, changes: Sequence[tuple[FileInfo, Change]]) -> None:
        self.changes.extend(change for _, change in changes)


class Holding(Free):
    """``Hold``: remembers the batches, and lets all go or none."""

    def __init__(self) -> None:
        self.held: list[Plan] = []
        self.goes_on = True

    async def goes(self, batch: Plan) -> bool:
        self.held.append(batch)
        return self.goes_on


class Folder:
    """A puller with everything real but the network and the disk."""

    def __init__(
        self,
        filesystem: Filesystem | None = None,
        options: PullOptions | None = None,
        matcher: Matcher = EMPTY,
    ) -> None:
        self.clock = Clock()
        self.memory = MemoryFilesystem(lambda: NOW)
        self.disk = filesystem or self.memory
        self.index = FolderIndex(InlineWorkers(), ":memory:", ME, lambda n: b"\x01" * n)
        self.index.open()
        self.peers = Peers()
        self.heard = Heard()
        self.matcher = matcher
        self.hold = Holding()
        self.seams = Seams(
            InlineWorkers(),
            self.clock,
            lambda: NOW,
            lambda: 0.5,
            self.disk,
            self.index,
            self.peers,
            self.heard,
            self.hold,
        )
        self.puller = FolderPuller(self.seams, options or PullOptions(FOLDER))
        self.syncing = 0

    def tell(self, *files: FileInfo, device: DeviceID = ANN) -> None:
        """The peer sends an Index Update."""
        answer(self.index.update_remote(device, files))

    def offer(self, *files: tuple[FileInfo, bytes], device: DeviceID = ANN) -> None:
        """The peer has these files, and tells."""
        for info, data in files:
            self.peers.data.setdefault(device, {})[info.name] = data
        self.tell(*(info for info, _ in files), device=device)

    def start(self) -> Deferred[PullResult]:
        def syncing() -> None:
            self.syncing += 1

        return self.puller.pull(self.matcher, syncing)

    def pull(self) -> PullResult:
        return answer(self.start())

    def local(self, name: str) -> FileInfo:
        return answer(self.index.local([WireName(name)]))[WireName(name)]

    def write(self, name: str, data: bytes) -> None:
        """A user writes a file; the index does not know yet."""
        opened = self.disk.create(name, 0o644)
        opened.truncate(0)
        opened.write(data, 0)
        opened.close()

    def save(self, name: str, data: bytes, way: str) -> None:
        """:param way: "in place", or "renamed over", as editors do it."""
        if way == "in place":
            self.write(name, data)
        else:
            self.write(name + ".new", data)
            self.memory.rename(name + ".new", name)

    def scan(self, name: str, data: bytes, version: int = 1, by: int = 1) -> FileInfo:
        """A file that is there, and known to the index."""
        self.write(name, data)
        stat = self.disk.lstat(name)
        info = file(name, data, version, by)._replace(
            modified=stat.modified, permissions=stat.mode & 0o777, inode_change=stat.changed
        )
        answer(self.index.update_local([info]))
        return info

    def read(self, name: str) -> bytes:
        opened = self.disk.open(name)
        try:
            return opened.read(1 << 30, 0)
        finally:
            opened.close()

    def names(self) -> list[str]:
        return [entry.base for entry in self.disk.list("")]

    def close(self) -> None:
        answer(self.index.close())
        assert self.clock.getDelayedCalls() == []


def answer(given: Deferred[T]) -> T:
    """What a Deferred that has fired says."""
    results: list[T] = []
    failures: list[BaseException] = []
    given.addCallbacks(results.append, lambda failure: failures.append(failure.value))
    if failures:
        raise failures[0]
    assert results, "no answer yet"
    return results[0]
