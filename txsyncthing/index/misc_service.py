"""
The node's small facts for the rest of the node: Deferreds over one thread.

Nothing in it is worth stopping for: a damaged database is moved aside and an empty one takes its place.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Concatenate, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from txsyncthing.index.connection import MEMORY, guarded, move_aside
from txsyncthing.index.misc import MiscStore
from txsyncthing.index.values import DatabaseDamaged, IndexFailed
from txsyncthing.runtime.worker_service import OwnLane, Workers

P = ParamSpec("P")
T = TypeVar("T")


class MiscIndex:
    """
    The node-wide database. All Deferreds may fail with ``IndexFailed``.

    :param path: of the file, whose directory exists; ``:memory:`` for none.
    """

    _log = Logger()

    def __init__(self, workers: Workers, path: str) -> None:
        self.path = path
        self._workers = workers
        self._lane: OwnLane | None = None
        self._store: MiscStore | None = None

    def open(self) -> Deferred[None]:
        return Deferred.fromCoroutine(self._open())

    async def _open(self) -> None:
        lane = self._lane = self._workers.lane("misc")
        try:
            try:
                self._store = await lane.run(guarded, self.path, partial(MiscStore, self.path))
            except DatabaseDamaged as error:
                if self.path == MEMORY:
                    raise
                aside = await lane.run(move_aside, self.path)
                self._log.warn("{error} It is now {aside}.", error=error, aside=aside)
                self._store = await lane.run(guarded, self.path, partial(MiscStore, self.path))
        except BaseException:
            await self._close()
            raise

    def close(self) -> Deferred[None]:
        """Fires when all that was asked before is done and the thread is gone."""
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        lane, self._lane = self._lane, None
        store, self._store = self._store, None
        if lane is None:
            return
        if store is not None:
            try:
                await lane.run(guarded, self.path, store.close)
            except IndexFailed as error:
                self._log.warn("closing {path} failed: {error}", path=self.path, error=error)
        await lane.close()

    def fact(self, key: str) -> Deferred[bytes | None]:
        return self._job(MiscStore.fact, key)

    def facts(self, prefix: str) -> Deferred[dict[str, bytes]]:
        """All facts whose keys start so."""
        return self._job(MiscStore.facts, prefix)

    def set_fact(self, key: str, value: bytes | None) -> Deferred[None]:
        """Keep a fact; None forgets it."""
        return self._job(MiscStore.set_fact, key, value)

    def _job(
        self,
        job: Callable[Concatenate[MiscStore, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Deferred[T]:
        if self._lane is None or self._store is None:
            return fail(IndexFailed(f"{self.path}: not open"))
        return self._lane.run(guarded, self.path, partial(job, self._store, *args, **kwargs))
