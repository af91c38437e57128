"""A directory under a real inotify, read when a test says so."""

from __future__ import annotations

import os
import select
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred, execute, succeed
from twisted.internet.interfaces import IReadDescriptor
from twisted.internet.task import Clock
from twisted.python.failure import Failure

from txsyncthing.ignore.lines import Loader
from txsyncthing.ignore.matcher import EMPTY, Matcher
from txsyncthing.runtime.worker_service import Lane, Workers
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.watch.inotify_service import InotifyWatches, lowest, new_descriptor
from txsyncthing.watch.instance_service import Instance
from txsyncthing.watch.limits import Limit
from txsyncthing.watch.seams_service import Watch
from txsyncthing.watch.told import Change
from txsyncthing.watch.tree import Tree
from txsyncthing.watch.walk_service import Descriptor

P = ParamSpec("P")
T = TypeVar("T")


class Reactor(Clock):
    """A clock that knows readers, and reads them when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: list[IReadDescriptor] = []

    def addReader(self, reader: IReadDescriptor) -> None:
        self.readers.append(reader)

    def removeReader(self, reader: IReadDescriptor) -> None:
        self.readers.remove(reader)

    def read_all(self) -> None:
        """Read all that the kernel has, and do what is due now."""
        while True:
            ready = [one for one in self.readers if select.select([one.fileno()], [], [], 0)[0]]
            for reader in ready:
                reader.doRead()
            calls = self.getDelayedCalls()
            due = bool(calls) and calls[0].getTime() <= self.seconds()
            self.advance(0.0)
            if not ready and not due:
                return


class SlowLane:
    """Jobs wait for their turn, and so do their answers."""

    def __init__(self) -> None:
        self._due: list[Callable[[], object]] = []
        self._done: list[Callable[[], object]] = []

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        answer: Deferred[T] = Deferred()

        def do() -> None:
            result = execute(job, *args, **kwargs)
            self._done.append(lambda: result.chainDeferred(answer))

        self._due.append(do)
        return answer

    @property
    def busy(self) -> bool:
        return bool(self._due or self._done)

    def step(self) -> None:
        """Let one answer come, or one job be done."""
        if self._done:
            self._done.pop(0)()
        elif self._due:
            self._due.pop(0)()

    def close(self) -> Deferred[None]:
        return succeed(None)


class SlowWorkers(InlineWorkers):
    """All jobs on one slow lane."""

    def __init__(self) -> None:
        super().__init__()
        self.slow = SlowLane()

    @property
    def disk(self) -> Lane:
        return self.slow


class Recorder:
    """Hears what a watch tells."""

    def __init__(self) -> None:
        self.changes: list[tuple[str, Change]] = []
        self.renames: list[tuple[str, str]] = []
        self.puts: list[str] = []
        self.new: list[tuple[str, Sequence[str] | None]] = []
        self.own: set[str] = set()
        self.overflows = 0
        self.reasons: list[str] = []
        self.shortages = 0

    def changed(self, name: str, change: Change) -> None:
        if (name, change) not in self.changes[-1:]:
            self.changes.append((name, change))

    def renamed(self, old: str, new: str) -> None:
        self.renames.append((old, new))

    def put(self, name: str) -> None:
        self.puts.append(name)

    def is_own(self, name: str) -> bool:
        return name in self.own

    def appeared(self, directory: str, bases: Sequence[str] | None) -> None:
        self.new.append((directory, bases))

    def overflowed(self) -> None:
        self.overflows += 1

    def lost(self, reason: str) -> None:
        self.reasons.append(reason)

    def short(self) -> None:
        self.shortages += 1

    def names(self) -> set[str]:
        """All that a scan would look at."""
        found = {name for name, _ in self.changes} | {name for name, _ in self.new}
        return found | {name for pair in self.renames for name in pair} | set(self.puts)

    def clear(self) -> None:
        self.__init__()  # type: ignore[misc]


class Scarce:
    """A kernel that allows only so many watches."""

    def __init__(self, most: int) -> None:
        self.most = most
        self.watches: set[int] = set()
        self._descriptor = new_descriptor()

    def fileno(self) -> int:
        return self._descriptor.fileno()

    def add_watch(self, path: str, mask: int) -> int:
        watch = self._descriptor.add_watch(path, mask)
        if watch not in self.watches and len(self.watches) >= self.most:
            self._descriptor.rm_watch(watch)
            raise OSError(28, "No space left on device")
        self.watches.add(watch)
        return watch

    def rm_watch(self, wd: int) -> None:
        self._descriptor.rm_watch(wd)
        self.watches.discard(wd)

    def close(self) -> None:
        self._descriptor.close()


def answer(deferred: Deferred[None]) -> None:
    """:raises Exception: what the Deferred failed with; or AssertionError, if it has not fired."""
    results: list[object] = []
    failures: list[Failure] = []
    deferred.addCallbacks(results.append, failures.append)
    for failure in failures:
        failure.raiseException()
    assert results, "not fired"


class Bench:
    """
    One folder under watch.

    :param new: makes inotify instances.
    """

    def __init__(
        self,
        root: Path,
        new: Callable[[], Descriptor] = new_descriptor,
        workers: Workers | None = None,
        limit: Callable[[Sequence[str]], Limit] = lowest,
    ) -> None:
        self.root = root
        self.slow = workers.slow if isinstance(workers, SlowWorkers) else SlowLane()
        self.reactor = Reactor()
        self.workers = workers or InlineWorkers()
        self.watches = InotifyWatches(self.reactor, self.workers, new, limit)
        self.told = Recorder()
        self.watch: Watch = self.watches.open(str(root), self.told)

    def follow(self, *patterns: str) -> None:
        matcher = Matcher.parse(patterns, no_files) if patterns else EMPTY
        following = self.watch.follow(matcher)
        self.settle()
        answer(following)

    def settle(self) -> None:
        """Read what the kernel has, and let all jobs be done."""
        self.reactor.read_all()
        while self.slow.busy:
            self.slow.step()
            self.reactor.read_all()

    def pump(self) -> None:
        """Read what happened; renames without another half are over as well."""
        self.settle()
        self.reactor.advance(0.2)
        self.settle()

    def close(self) -> None:
        closing = self.watch.close()
        self.settle()
        answer(closing)
        assert self.reactor.readers == []
        assert self.reactor.getDelayedCalls() == []

    @property
    def instance(self) -> Instance:
        (reader,) = self.reactor.readers
        assert isinstance(reader, Instance)
        return reader

    @property
    def tree(self) -> Tree:
        (tree,) = self.instance.trees
        return tree

    def watched(self) -> set[str]:
        """The directories that are watched, by the names that we have for them."""
        places = self.instance.places
        found = set()
        for watch in list(places._first):
            for place in places.of(watch):
                where = places.where(place)
                if where is not None and where[0] is self.tree:
                    found.add(where[1].rstrip("/"))
        return found

    def kernel(self) -> int:
        """How many watches the kernel has for us."""
        path = f"/proc/self/fdinfo/{self.instance.fileno()}"
        with open(path, encoding="ascii") as file:
            return sum(line.startswith("inotify") for line in file)


no_files: Loader = None  # type: ignore[assignment]


def directories(root: Path) -> set[str]:
    """All that are below, and the root itself as an empty name."""
    found = set()
    for at, _, _ in os.walk(root):
        name = os.path.relpath(at, root)
        found.add("" if name == "." else name)
    return found
