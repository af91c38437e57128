"""
Watching disks in memory, for nodes on one ``Clock``.

Says what inotify would say, a moment later: also of what the node itself does, since a watch cannot know
whose hand it was.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed

from txsyncthing.clock import Clock
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.memory_file import MemoryFile
from txsyncthing.ignore.matcher import EMPTY, Matcher
from txsyncthing.vocabulary.name import is_internal, is_temporary, temporary_name
from txsyncthing.watch.told import NO_SHORTAGE, Change, Shortage, Told

LATENCY = 0.001  # seconds until a change is told


class WatchedDisk(MemoryFilesystem):
    """A disk in memory that tells its watches of each change."""

    def __init__(self, unix: Callable[[], float], total: int | None = None) -> None:
        self.watches: list[MemoryWatch] = []
        super().__init__(unix, total)

    def _tell(self, name: str, change: Change) -> None:
        for watch in tuple(self.watches):
            watch.changed(name, change)

    def _move(self, old: str, new: str) -> None:
        for watch in tuple(self.watches):
            watch.moved(old, new)

    def create(self, name: str, mode: int) -> MemoryFile:
        opened = super().create(name, mode)
        self._tell(name, Change.WRITTEN)
        return opened

    def make_directory(self, name: str, mode: int) -> None:
        super().make_directory(name, mode)
        if name:
            self._tell(name, Change.WRITTEN)

    def remove_directory(self, name: str) -> None:
        super().remove_directory(name)
        self._tell(name, Change.REMOVED)

    def remove(self, name: str) -> None:
        super().remove(name)
        self._tell(name, Change.REMOVED)

    def rename(self, old: str, new: str) -> None:
        super().rename(old, new)
        self._move(old, new)

    def exchange(self, a: str, b: str) -> bool:
        done = super().exchange(a, b)
        self._move(a, b)
        self._move(b, a)
        return done

    def link(self, old: str, new: str) -> None:
        super().link(old, new)
        self._tell(old, Change.TOUCHED)
        self._tell(new, Change.WRITTEN)

    def symlink(self, target: bytes, name: str) -> None:
        super().symlink(target, name)
        self._tell(name, Change.WRITTEN)

    def chmod(self, name: str, mode: int) -> None:
        super().chmod(name, mode)
        self._tell(name, Change.TOUCHED)

    def utime(self, name: str, modified: int) -> None:
        super().utime(name, modified)
        self._tell(name, Change.TOUCHED)


class MemoryWatch:
    """One watched disk; satisfies ``watch.seams_service.Watch``."""

    def __init__(self, disk: WatchedDisk, clock: Clock, told: Told) -> None:
        self._disk = disk
        self._clock = clock
        self._told = told
        self._matcher: Matcher = EMPTY
        disk.watches.append(self)

    @property
    def shortage(self) -> Shortage:
        return NO_SHORTAGE

    def follow(self, matcher: Matcher) -> Deferred[None]:
        self._matcher = matcher
        return succeed(None)

    def is_there(self) -> Deferred[bool]:
        return succeed(True)

    def close(self) -> Deferred[None]:
        if self in self._disk.watches:
            self._disk.watches.remove(self)
        return succeed(None)

    # What the disk tells.

    def changed(self, name: str, change: Change) -> None:
        """Something happened to an item."""
        if name == ".stignore" or not self._skips(name):
            self._later(self._told.changed, name, change)

    def moved(self, old: str, new: str) -> None:
        """An item has another name."""
        if old == temporary_name(new) or new == temporary_name(old):
            name = new if is_temporary(old) else old
            if not self._skips(name) or name == ".stignore":
                self._later(self._told.put, name)
        elif self._skips(new):
            self.changed(old, Change.REMOVED)
        elif self._skips(old):
            self.changed(new, Change.WRITTEN)
        else:
            self._later(self._told.renamed, old, new)

    def _skips(self, name: str) -> bool:
        if is_internal(name) or is_temporary(name):
            return True
        return self._matcher.match(name).ignored

    def _later(self, tell: Callable[..., object], *news: object) -> None:
        self._clock.callLater(LATENCY, self._now, tell, news)

    def _now(self, tell: Callable[..., object], news: tuple[object, ...]) -> None:
        if self in self._disk.watches:
            tell(*news)
