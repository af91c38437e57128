"""A folder in memory with its real index, and a scanner over both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from txsyncthing.filesystem.case import CaseFilesystem
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.metadata import FolderUnhealthy, check_folder
from txsyncthing.ignore.lines import loader
from txsyncthing.ignore.matcher import EMPTY, Matcher
from txsyncthing.index.service import FolderIndex
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.scan.service import FolderScanner
from txsyncthing.scan.values import ScanOptions, ScanProgress, ScanResult
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

ME = ShortID(0x1234)
OTHER = ShortID(0x99)
START = 1_700_000_000.0


T = TypeVar("T")


def result_of(fired: Deferred[T]) -> T:
    """The result of a Deferred that has fired."""
    results: list[T] = []
    failures: list[Failure] = []
    fired.addCallbacks(results.append, failures.append)
    for failure in failures:
        failure.raiseException()
    assert results, "not fired yet"
    return results[0]


class Folder:
    """What one folder needs to be scanned."""

    def __init__(self, workers: Workers | None = None, folded: bool = False) -> None:
        """:param folded: whether case does not matter on the disk, and is checked as folders do."""
        self.time = START
        self.disk = MemoryFilesystem(self.unix, folded=folded)
        self.disk.put_directory(".stfolder")
        self.index = FolderIndex(InlineWorkers(), ":memory:", ME, lambda size: b"\1" * size)
        result_of(self.index.open())
        self.told: list[FileInfo] = []
        self.calls: list[int] = []
        self.index.on_local_change(self._note)
        workers = workers or InlineWorkers()
        storage = CaseFilesystem(self.disk) if folded else self.disk
        self.scanner = FolderScanner(workers, storage, self.index, ME, self.unix)
        self.options = ScanOptions()
        self.matcher = EMPTY
        self.progress: list[ScanProgress] = []

    def close(self) -> None:
        result_of(self.index.close())

    def unix(self) -> float:
        return self.time

    def _note(self, last: int, files: Sequence[FileInfo]) -> None:
        self.calls.append(len(files))
        self.told += files

    def healthy(self) -> bool:
        try:
            check_folder(self.disk, ".stfolder")
        except FolderUnhealthy:
            return False
        return True

    def ignore(self, *lines: str) -> None:
        self.matcher = Matcher.parse(lines, loader(self.disk))

    def start(self, *subs: str) -> Deferred[ScanResult]:
        self.time += 10
        self.told.clear()
        self.calls.clear()
        self.progress.clear()
        return self.scanner.scan(
            subs, self.matcher, self.options, self.healthy, self.progress.append
        )

    def scan(self, *subs: str) -> ScanResult:
        return result_of(self.start(*subs))

    def names(self) -> list[str]:
        """What the last scan recorded, in order."""
        return [file.name for file in self.told]

    def record(self, name: str) -> FileInfo:
        """Our record of an item."""
        return result_of(self.index.local([WireName(name)]))[WireName(name)]

    def rewrite(self, name: str, **changes: Any) -> FileInfo:
        """Change a record as if it had come so."""
        changed = self.record(name)._replace(**changes)
        result_of(self.index.update_local([changed]))
        return changed

    def version(self, name: str) -> dict[int, int]:
        return {counter.id: counter.value for counter in self.record(name).version.counters}

    def seconds(self) -> int:
        return int(self.time)


def vector(*counters: tuple[int, int]) -> Vector:
    return Vector.of(counters)
