"""A folder's watcher with all around it, on a clock."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.ignore.matcher import EMPTY, Matcher
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.watch.aggregate import Aggregator, timeout
from txsyncthing.watch.service import FolderWatcher
from txsyncthing.watch.told import NO_SHORTAGE, Shortage, Told, WatchFailed

NOW = 1_700_000_000.0


class FakeWatch:
    """Does as it is told; satisfies ``Watch``."""

    def __init__(self, told: Told) -> None:
        self.told = told
        self.followed: list[Matcher] = []
        self.shortage: Shortage = NO_SHORTAGE
        self.trouble = ""  # why following fails
        self.slow: list[Deferred[None]] | None = None  # follow fires when a test says so
        self.there = True
        self.closed = False

    def follow(self, matcher: Matcher) -> Deferred[None]:
        self.followed.append(matcher)
        if self.trouble:
            return fail(WatchFailed(self.trouble))
        if self.slow is None:
            return succeed(None)
        self.slow.append(Deferred())
        return self.slow[-1]

    def is_there(self) -> Deferred[bool]:
        return succeed(self.there)

    def close(self) -> Deferred[None]:
        self.closed = True
        return succeed(None)


class Folder:
    """
    What surrounds a watcher.

    :ivar scans: when what was scanned; an empty list is all.
    :ivar errors: what was told of the watch, old and new.
    """

    def __init__(self, delay: float = 10.0, longest: float = 0.0) -> None:
        self.clock = Clock()
        self.disk = MemoryFilesystem(lambda: NOW + self.clock.seconds())
        self.scans: list[tuple[float, list[str]]] = []
        self.errors: list[tuple[str, str]] = []
        self.watches: list[FakeWatch] = []
        self.trouble = ""  # why watches cannot be opened, or followed
        self.ill = False  # scans fail
        self.slow: list[Deferred[None]] | None = None  # scans last until a test says so
        self.watcher = FolderWatcher(
            self.open,
            Aggregator(delay, timeout(delay, longest)),
            InlineWorkers(),
            self.clock,
            self.disk,
            self.scan,
            lambda old, new: self.errors.append((old, new)),
        )

    def open(self, told: Told) -> FakeWatch:
        watch = FakeWatch(told)
        watch.trouble = self.trouble
        self.watches.append(watch)
        return watch

    def scan(self, names: Sequence[str]) -> Deferred[None]:
        self.scans.append((round(self.clock.seconds(), 3), list(names)))
        if self.ill:
            return fail(OSError("not well"))
        if self.slow is None:
            return succeed(None)
        self.slow.append(Deferred())
        return self.slow[-1]

    def start(self, matcher: Matcher = EMPTY) -> FakeWatch:
        """The first scan begins."""
        self.prepare(matcher)
        return self.watches[-1]

    def prepare(self, matcher: Matcher = EMPTY, whole: bool = True) -> None:
        prepared = self.watcher.prepare(matcher, whole)
        assert prepared.called

    def run(self, seconds: float) -> None:
        """Let time pass, call by call."""
        end = self.clock.seconds() + seconds
        while (calls := self.clock.getDelayedCalls()) and calls[0].getTime() <= end:
            self.clock.advance(max(0.0, calls[0].getTime() - self.clock.seconds()))
        self.clock.advance(max(0.0, end - self.clock.seconds()))

    def stop(self) -> None:
        Deferred.fromCoroutine(self.watcher.stop())
        assert self.clock.getDelayedCalls() == []
        assert all(watch.closed for watch in self.watches)

    def names(self) -> list[list[str]]:
        return [names for _, names in self.scans]
