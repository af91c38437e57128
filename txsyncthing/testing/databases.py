"""
Databases that a killed process leaves as they are, and from which a power cut takes the last commits.

SQLite's log is cut behind a commit that was synced or comes later: that is what a WAL with synchronous=NORMAL
promises. A VFS of our own notes what was synced, and can make the disk below fail.
"""

from __future__ import annotations

import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from txsyncthing.node.world import DatabaseDirectory

_HEADER = 32  # bytes of a log's header
_FRAME = 24  # bytes of a frame's header, before its page


class _Log:
    """What is known of one log: how many frames of which generation are on the disk."""

    def __init__(self) -> None:
        self.salts = b""
        self.frames = 0


class _File(apsw.VFSFile):
    """A file of a database."""

    def __init__(self, disk: DatabaseDisk, name: str | apsw.URIFilename | None, flags: list[int]):
        super().__init__("unix", name, flags)
        self._disk = disk
        self._path = name.filename() if isinstance(name, apsw.URIFilename) else name or ""

    def xSync(self, flags: int) -> None:
        super().xSync(flags)
        if self._path.endswith("-wal"):
            self._disk.synced(Path(self._path))

    def xWrite(self, data: bytes, offset: int) -> None:
        if self._disk.full:
            self._disk.spring(self._path)
        super().xWrite(data, offset)


class DatabaseDisk(apsw.VFS):
    """
    The disk below the databases of a cluster: SQLite's default while ``installed``.

    :ivar full: directories whose databases cannot grow.
    :ivar refused: how many writes were refused so.
    """

    def __init__(self) -> None:
        super().__init__("txsyncthing-testing", base="unix", makedefault=True)
        self._logs: dict[Path, _Log] = {}
        self.full: list[Path] = []
        self.refused = 0

    def xOpen(self, name: str | apsw.URIFilename | None, flags: list[int]) -> apsw.VFSFile:
        return _File(self, name, flags)

    def spring(self, path: str) -> None:
        """:raises apsw.FullError: the database's disk is full."""
        if any(Path(path).is_relative_to(directory) for directory in self.full):
            self.refused += 1
            raise apsw.FullError("database or disk is full")

    def synced(self, path: Path) -> None:
        """A log is on the disk as it stands."""
        log = self._logs.setdefault(path, _Log())
        log.salts, ends = _commits(path.read_bytes())
        log.frames = ends[-1] if ends else 0

    def moved(self, old: Path, new: Path) -> None:
        """A log has another name, and stays as far on the disk as it was."""
        if old in self._logs:
            self._logs[new] = self._logs.pop(old)

    def cut(self, path: Path, survives: Callable[[], bool]) -> tuple[bytes, int]:
        """
        What a power cut leaves of a log.

        :param survives: asked of each commit that was not synced, oldest first, until it says no.
        :returns: its bytes, and how many commits are lost.
        """
        data = path.read_bytes()
        salts, ends = _commits(data)
        log = self._logs.get(path, _Log())
        kept = log.frames if log.salts == salts else 0
        later = [end for end in ends if end > kept]
        lost = len(later)
        for end in later:
            if not survives():
                break
            kept, lost = end, lost - 1
        return data[: _HEADER + kept * _frame_size(data)] if salts else b"", lost


@contextmanager
def installed() -> Iterator[DatabaseDisk]:
    """Let all databases that are opened inside stand on a disk that can lose power."""
    disk = DatabaseDisk()
    try:
        yield disk
    finally:
        disk.unregister()


def _frame_size(log: bytes) -> int:
    return _FRAME + int(struct.unpack_from(">I", log, 8)[0])


def _commits(log: bytes) -> tuple[bytes, list[int]]:
    """The generation of a log, and after which frames a transaction ends."""
    if len(log) < _HEADER:
        return b"", []
    salts, size = log[16:24], _frame_size(log)
    ends = []
    for number, start in enumerate(range(_HEADER, len(log) - size + 1, size), 1):
        if log[start + 8 : start + 16] != salts:
            break
        if log[start + 4 : start + 8] != b"\0\0\0\0":
            ends.append(number)
    return salts, ends


class CrashingDatabases:
    """
    The databases of one machine; satisfies ``Databases``. Each process has a directory of its own, which is
    made from what the last one left.
    """

    def __init__(self, disk: DatabaseDisk, directory: Path) -> None:
        self._disk = disk
        self.directory = directory
        self._life = 0
        self._now = DatabaseDirectory(directory / "0")
        self.lost = 0  # commits

    def path(self, name: str) -> str:
        return self._now.path(name)

    def names(self) -> list[str]:
        return self._now.names()

    def remove(self, name: str) -> None:
        self._now.remove(name)

    def put_aside(self, name: str) -> None:
        self._now.put_aside(name)

    def die(self) -> None:
        """The process is killed: what was committed stays."""
        self._die(lambda: True, cut=False)

    def lose(self, survives: Callable[[], bool]) -> None:
        """The power goes: see ``DatabaseDisk.cut``."""
        self._die(survives, cut=True)

    def _die(self, survives: Callable[[], bool], cut: bool) -> None:
        old = self.directory / str(self._life)
        self._life += 1
        new = self.directory / str(self._life)
        self._now = DatabaseDirectory(new)
        for path in sorted(old.iterdir()):
            if path.name.endswith("-wal"):
                left, lost = self._disk.cut(path, survives)
                (new / path.name).write_bytes(left)
                self.lost += lost
                if cut:  # what is left is on the disk
                    self._disk.synced(new / path.name)
                else:
                    self._disk.moved(path, new / path.name)
            elif not path.name.endswith("-shm"):
                shutil.copyfile(path, new / path.name)
        shutil.rmtree(old)  # whoever has files of it open writes to nobody
