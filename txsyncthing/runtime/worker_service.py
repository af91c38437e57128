"""
The only threads of a node: hash workers, disk workers, and single lanes for databases.

A job is a module-level function of values (or a method of an object that only its lane touches); it never
sees the reactor. A hand-over costs 45 to 104 us, so a job is a directory or a batch, never one file.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, ParamSpec, Protocol, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorThreads
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

from txsyncthing.runtime.results import Results

P = ParamSpec("P")
T = TypeVar("T")

DISK_WORKERS = 8  # so that fsyncs overlap


class Lane(Protocol):
    """Where jobs run."""

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Run the job off the reactor; fires in the reactor. Cancelling drops the result, not the job."""


class OwnLane(Lane, Protocol):
    """One thread for one owner: jobs run one after the other, in order."""

    def close(self) -> Deferred[None]:
        """Fires when the jobs so far are done and the thread is gone; no job may follow."""


class Workers(Protocol):
    """All lanes of a node."""

    @property
    def hashing(self) -> Lane:
        """As many threads as cores."""

    @property
    def disk(self) -> Lane:
        """Threads that may wait for the disk."""

    def lane(self, name: str) -> OwnLane:
        """A new thread for a database."""


class PoolLane:
    """A lane over a Twisted thread pool."""

    def __init__(self, reactor: IReactorThreads, results: Results, name: str, threads: int) -> None:
        self._reactor = reactor
        self._results = results
        self._pool = ThreadPool(minthreads=0, maxthreads=threads, name=name)
        self._pool.start()

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        done: Deferred[T] = Deferred()

        def finished(success: bool, result: object) -> None:
            self._results.tell(done.callback if success else done.errback, result)

        self._pool.callInThreadWithCallback(finished, job, *args, **kwargs)
        return done

    def close(self) -> Deferred[None]:
        # stop() joins the threads, so one of the reactor's own waits for it.
        pool = self._reactor.getThreadPool()
        stopped: Deferred[None] = deferToThreadPool(self._reactor, pool, self._pool.stop)
        return stopped.addCallback(self._all_told)

    def _all_told(self, _: None) -> Deferred[None]:
        """The results of the last jobs come before the end."""
        told: Deferred[None] = Deferred()
        self._results.tell(told.callback, None)
        return told


class WorkerService(Service):
    """The thread pools of a node; satisfies ``Workers``."""

    def __init__(self, reactor: Any, cores: int | None = None) -> None:
        self._reactor = reactor
        self._results = Results(reactor)
        self._cores = cores or os.cpu_count() or 1
        self._lanes: list[PoolLane] = []
        self._hashing: PoolLane | None = None
        self._disk: PoolLane | None = None

    @property
    def hashing(self) -> Lane:
        if self._hashing is None:
            self._hashing = self._pool("hash", self._cores)
        return self._hashing

    @property
    def disk(self) -> Lane:
        if self._disk is None:
            self._disk = self._pool("disk", DISK_WORKERS)
        return self._disk

    def lane(self, name: str) -> OwnLane:
        return PoolLane(self._reactor, self._results, name, 1)

    def _pool(self, name: str, threads: int) -> PoolLane:
        lane = PoolLane(self._reactor, self._results, name, threads)
        self._lanes.append(lane)
        return lane

    async def _close(self) -> None:
        lanes, self._lanes = self._lanes, []
        self._hashing = self._disk = None
        for lane in lanes:
            await lane.close()

    def stopService(self) -> Deferred[None]:
        self.running = False
        return Deferred.fromCoroutine(self._close())
