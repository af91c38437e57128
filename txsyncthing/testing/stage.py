"""
One machine of a simulation: a member of a cluster whose jobs take time, with its user and what may befall it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from random import Random
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import TypeVar
from zlib import crc32

from twisted.internet.defer import Deferred

from txsyncthing.cluster.tables import SharedFolder
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.folder.service import FolderService
from txsyncthing.index.connection import connect
from txsyncthing.index.devices import DeviceTable
from txsyncthing.index.need import LOCAL
from txsyncthing.index.reader import CACHE, FolderReader
from txsyncthing.node.world import database_name
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.testing.databases import CrashingDatabases
from txsyncthing.testing.jobs import Pace, PacedWorkers, Tempo
from txsyncthing.testing.ledger import Ledger
from txsyncthing.testing.process import Process
from txsyncthing.testing.users import User
from txsyncthing.vocabulary.device import LOCAL_DEVICE
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName

DOCS = FolderID("docs")
SETTERS = frozenset({"chmod", "exchange", "link", "place", "remove", "rename", "utime"})
"""Operations that set the time of the change themselves."""

T = TypeVar("T")

MakesDisk = Callable[[Callable[[], float]], MemoryFilesystem]


class Diary:
    """
    What has happened, for people and for comparison.

    :ivar trace: a checksum of each single operation, when and where it happened.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self.lines: list[str] = []
        self.counts: Counter[str] = Counter()
        self.trace = 0

    def note(self, text: str) -> None:
        self.lines.append(f"{self._seconds():10.3f}  {text}")

    def count(self, what: str, by: int = 1) -> None:
        self.counts[what] += by

    def stamp(self, what: str) -> None:
        self.trace = crc32(f"{self._seconds():.9f} {what}".encode(), self.trace)


class Machine:
    """
    :ivar ambush: what happens before the operation so many steps ahead.
    """

    def __init__(
        self,
        cluster: Cluster,
        name: str,
        tempo: Tempo,
        random: Random,
        ledger: Ledger,
        diary: Diary,
        makes_disk: MakesDisk,
    ) -> None:
        self.cluster = cluster
        self.name = name
        self.diary = diary
        self.ledger = ledger
        self._random = random
        self._tempo = tempo
        self._makes_disk = makes_disk
        self._pace: Pace | None = None
        self._pauses = 0  # of former processes
        self._told = 0  # the last sequence number of which peers may know
        self.ambush: Callable[[], object] | None = None
        self.ambush_in = 0
        self.power_goes = False  # at the end of the fuse; else the process is killed
        self.member: Member = cluster.member(name)
        self.member.makes_disk = self._disk
        self.member.workers = self._workers
        self.member.at_fuse = self.end
        # Before it starts: where jobs take no time, its folder has scanned when that is done.
        self.member.prepare = lambda node: node.table.on_change(self._listen)
        self.user = User(name, lambda: self.disk, self.record, ledger, self.member.unix)

    # Its parts.

    @property
    def disk(self) -> MemoryFilesystem:
        return self.member.disk(DOCS)

    @property
    def folder(self) -> FolderService | None:
        """The folder if it runs."""
        return self.member.node.folders.get(DOCS) if self.member.up else None

    @property
    def databases(self) -> CrashingDatabases:
        databases = self.member.databases
        assert isinstance(databases, CrashingDatabases)
        return databases

    def _disk(self, unix: Callable[[], float]) -> MemoryFilesystem:
        disk = self._makes_disk(unix)
        disk.observe = self._observe
        return disk

    @property
    def pauses(self) -> int:
        """How often a job stood still."""
        return self._pauses + (0 if self._pace is None else self._pace.pauses)

    def _workers(self, process: Process) -> Workers:
        self._pauses = self.pauses
        self._pace = Pace(process, self._tempo, Random(self._random.randbytes(8)))
        return PacedWorkers(self._pace)

    def _observe(self, operation: str, name: str) -> None:
        assert self._pace is not None
        self.diary.stamp(f"{self.name} {operation} {name}")
        self._pace.step(operation, name)
        if self.ambush_in:
            self.ambush_in -= 1
            if not self.ambush_in and self.ambush is not None:
                self.ambush()

    def calm(self) -> None:
        """Nothing that was planned happens any more."""
        self.ambush_in = 0
        self.member.process.fuse = 0
        self.disk.heal()
        self.disk.resize(None)
        self.disk.plug()

    @property
    def covers_tracks(self) -> bool:
        """Whether the node's next operation may hide that an item was edited: no look lies between."""
        return self._pace is not None and not SETTERS.isdisjoint(self._pace.standing)

    # What it knows.

    def ask(self, question: Callable[[FolderService], Deferred[object]]) -> object:
        """Ask the folder's index, whatever else its workers have to do."""
        folder, pace = self.folder, self._pace
        assert folder is not None and pace is not None
        answers: list[object] = []
        with pace.peeking():
            question(folder).addCallback(answers.append)
        return answers[0]

    def record(self, name: str) -> FileInfo | None:
        """What the node has on record of a name, whether it runs or not."""
        return self.records([name]).get(WireName(name))

    def records(self, names: Iterable[str]) -> dict[WireName, FileInfo]:
        """What the node has on record."""
        folder, asked = self.folder, [WireName(name) for name in names]
        if folder is not None and folder.ready:
            found = self.ask(lambda folder: folder.index.local(asked))  # type: ignore[arg-type, return-value]
            assert isinstance(found, dict)
            return found
        return self._stored(lambda reader: reader.local(asked), {})

    @property
    def knows(self) -> bool:
        """Whether the node has anything on record: else its folder is a new one, wherever it is."""
        folder = self.folder
        if folder is not None and folder.ready:
            return folder.index.sequence > 0
        return self._stored(lambda reader: bool(reader.rows("", "", 1)), False)

    def _stored(self, question: Callable[[FolderReader], T], nothing: T) -> T:
        """Ask a copy of the database, so that the look changes nothing."""
        path = self.databases.path(database_name(DOCS))
        if not Path(path).exists():
            return nothing
        with TemporaryDirectory(dir=self.databases.directory.parent) as directory:
            for suffix in ("", "-wal"):
                if Path(path + suffix).exists():
                    copyfile(path + suffix, f"{directory}/copy{suffix}")
            reader = FolderReader(connect(f"{directory}/copy", cache=CACHE))
            try:
                return question(reader)
            finally:
                reader.close()

    # Its ends.

    def end(self, survives: float | None = None) -> None:
        """
        The process is killed, or the power goes.

        :param survives: the share of what was not synced that is on the disk after a power cut.
        """
        random = self._random
        before = self.databases.lost
        if self.power_goes:
            share = random.choice((0.0, 0.3, 0.7, 1.0)) if survives is None else survives
            self.member.cut_power(lambda: random.random() < share)
            self.diary.count("power cut")
            self.diary.note(
                f"{self.name}: POWER CUT, {share:.0%} survives,"
                f" {self.databases.lost - before} commits are lost"
            )
            self.diary.count("commits lost", self.databases.lost - before)
        else:
            self.member.kill()
            self.diary.count("kill")
            self.diary.note(f"{self.name}: KILLED")
        # After: the databases are those of the next process.
        left = self._stored(_last_sequence, 0)
        self.ledger.died(self.name, self._told, left)
        self.cluster.clock.callLater(random.choice((0.1, 1.0, 10.0, 60.0)), self.begin)

    def begin(self) -> None:
        """Start, if it is down."""
        if not self.member.up:
            self.member.start()
            self.diary.note(f"{self.name}: starts")

    def _listen(self, id: FolderID, folder: SharedFolder | None) -> None:
        if folder is not None:
            folder.index.on_local_change(self._recorded)

    def _recorded(self, last: int, files: Sequence[FileInfo]) -> None:
        self._told = last
        self.ledger.recorded(self.name, self.member.device.short, files)


def _last_sequence(reader: FolderReader) -> int:
    table = DeviceTable(reader.connection)
    return table.sequence(LOCAL) if LOCAL_DEVICE in table.rows else 0
