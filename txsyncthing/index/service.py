"""
One folder's index for the rest of the node: Deferreds over one writing and one reading thread.

A change is answered when it is committed; a question asked after that answer sees it. All Deferreds may
fail with ``DatabaseDamaged`` (which is also told once to ``on_damaged``) or ``IndexFailed``.

Source: reference 2.5, 2.6, 5.10; docs/house.md ("A local change, disk to peers").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger
from twisted.python.failure import Failure

from txsyncthing.index.connection import MEMORY, delete, guarded, move_aside
from txsyncthing.index.maintenance import Maintenance
from txsyncthing.index.numbered import Numbered
from txsyncthing.index.reader import FolderReader
from txsyncthing.index.store import FolderStore
from txsyncthing.index.values import Counts, DatabaseDamaged, IndexFailed, Need, Row
from txsyncthing.runtime.worker_service import OwnLane, Workers
from txsyncthing.vocabulary.device import DeviceID, ShortID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import PullOrder
from txsyncthing.vocabulary.name import WireName

P = ParamSpec("P")
T = TypeVar("T")

LocalListener = Callable[[int, Sequence[FileInfo]], object]
RemoteListener = Callable[[DeviceID, int], object]


class FolderIndex:
    """
    The index database of one folder.

    :param path: of the database file, whose directory exists; ``:memory:`` for none.
    :param local_short: our own short ID.
    :param random: gives so many random bytes (for index IDs).
    :param on_damaged: called once, when the database turns out to be broken while in use.
    """

    _log = Logger()

    def __init__(
        self,
        workers: Workers,
        path: str,
        local_short: ShortID,
        random: Callable[[int], bytes],
        on_damaged: Callable[[DatabaseDamaged], object] = lambda error: None,
    ) -> None:
        self.path = path
        self.local_short = local_short
        self._workers = workers
        self._random = random
        self._on_damaged = on_damaged
        self._local_listeners: list[LocalListener] = []
        self._remote_listeners: list[RemoteListener] = []
        self._lanes: list[OwnLane] = []
        self._store: FolderStore | None = None
        self._reader: FolderReader | None = None
        self._counts = Counts()
        self._index_id = 0
        self._damaged = False

    # -- life

    def open(self) -> Deferred[None]:
        """
        Open or create the database.

        :raises DatabaseDamaged: it is broken, no database, or of another layout.
        :raises IndexFailed: it cannot be opened now.
        """
        return Deferred.fromCoroutine(self._open())

    async def _open(self) -> None:
        self._damaged = False
        name, single = Path(self.path).name, self.path == MEMORY
        self._lanes = [self._workers.lane(f"index {name}")]
        if not single:
            self._lanes.append(self._workers.lane(f"index reader {name}"))
        try:
            store = await self._lanes[0].run(
                guarded, self.path, FolderStore, self.path, self._random
            )
            self._store = store
            self._index_id = store.index_id
            self._counts = store.counts()
            if single:
                self._reader = FolderReader(store.connection)
            else:
                self._reader = await self._lanes[1].run(
                    guarded, self.path, FolderReader.open, self.path
                )
        except BaseException:
            await self._close()
            raise

    def close(self) -> Deferred[None]:
        """Fires when all that was asked before is done and the threads are gone."""
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        lanes, self._lanes = self._lanes, []
        reader, self._reader = self._reader, None
        store, self._store = self._store, None
        jobs: list[tuple[OwnLane, Callable[[], None]]] = []
        if reader is not None and len(lanes) > 1:
            jobs.append((lanes[1], reader.close))  # the writer last: it empties the WAL
        if store is not None:
            jobs.append((lanes[0], store.close))
        for lane, job in jobs:
            try:
                await lane.run(guarded, self.path, job)
            except IndexFailed as error:
                self._log.warn("closing the index failed: {error}", error=error)
        for lane in reversed(lanes):
            await lane.close()

    def rebuild(self, keep: bool = True) -> Deferred[None]:
        """
        Start an empty database, with a new index ID. May be called open or closed; leaves the index open.

        :param keep: move the old one aside (``<path>.damaged-<n>``); else it is deleted.
        """
        return Deferred.fromCoroutine(self._rebuild(keep))

    async def _rebuild(self, keep: bool) -> None:
        await self._close()
        if self.path != MEMORY:
            fate = await self._workers.disk.run(move_aside if keep else delete, self.path)
            self._log.warn("a new database; the old {path} is {fate}", path=self.path, fate=fate)
        await self._open()

    # -- what stands, without waiting

    @property
    def index_id(self) -> int:
        """Ours: random, never 0, the same as long as our sequence numbers go on."""
        return self._index_id

    @property
    def sequence(self) -> int:
        """Our last sequence number."""
        return self._counts.sequence

    def counts(self) -> Counts:
        """All totals, as of the last transaction that was answered."""
        return self._counts

    # -- changes

    def on_local_change(self, listener: LocalListener) -> Callable[[], None]:
        """
        Call ``listener(last sequence, files)`` after each local change; the files have their sequences.

        :returns: ends it.
        """
        self._local_listeners.append(listener)
        return lambda: self._local_listeners.remove(listener)

    def on_remote_change(self, listener: RemoteListener) -> Callable[[], None]:
        """Call ``listener(device, count of files)`` after each change of a peer's records."""
        self._remote_listeners.append(listener)
        return lambda: self._remote_listeners.remove(listener)

    def update_local(self, files: Sequence[FileInfo]) -> Deferred[int]:
        """
        Store local records in this order; each gets the next sequence number, its own is ignored.

        One transaction: give at most about 1000. Of two records with one name the last stays.

        :returns: the last sequence.
        """
        return Deferred.fromCoroutine(self._update_local(files))

    async def _update_local(self, files: Sequence[FileInfo]) -> int:
        counts = await self._write(FolderStore.update_local, files)
        last = counts.sequence
        if files:
            self._tell(self._local_listeners, last, Numbered(files, last - len(files) + 1))
        return last

    def update_remote(
        self, device: DeviceID, files: Sequence[FileInfo], replace: bool = False
    ) -> Deferred[None]:
        """
        Store what a peer told, each file under its own sequence.

        :param replace: drop all that it told before (message Index), in the same transaction unless
            that is thousands of records; never lets a crash leave old and new mixed unnoticed.
        """
        return Deferred.fromCoroutine(self._update_remote(device, files, replace))

    async def _update_remote(
        self, device: DeviceID, files: Sequence[FileInfo], replace: bool
    ) -> None:
        await self._write(FolderStore.update_remote, device, files, replace)
        self._tell(self._remote_listeners, device, len(files))

    def forget_local(self, names: Sequence[WireName]) -> Deferred[Counts]:
        """Drop our records of items that nobody else ever had; peers are not told."""
        return Deferred.fromCoroutine(self._write(FolderStore.forget_local, names))

    def drop_remote(self, device: DeviceID) -> Deferred[None]:
        """Forget all records of a peer; its index ID stays, its sequence becomes 0."""
        return Deferred.fromCoroutine(self._drop(FolderStore.drop_remote, device))

    def forget_remote(self, device: DeviceID) -> Deferred[None]:
        """Forget a peer that no longer shares the folder: records and index ID."""
        return Deferred.fromCoroutine(self._drop(FolderStore.forget_remote, device))

    async def _drop(self, job: Callable[[FolderStore, DeviceID], Counts], device: DeviceID) -> None:
        await self._write(job, device)
        self._tell(self._remote_listeners, device, 0)

    def set_remote_index_id(self, device: DeviceID, index_id: int) -> Deferred[None]:
        """Note the ID under which a peer's records stand; a different one drops those we have."""
        return Deferred.fromCoroutine(self._set_remote_index_id(device, index_id))

    async def _set_remote_index_id(self, device: DeviceID, index_id: int) -> None:
        await self._write(FolderStore.set_remote_index_id, device, index_id)

    def set_fact(self, key: str, value: bytes | None) -> Deferred[None]:
        """Keep a small fact of the folder; None forgets it."""
        return self._job(FolderStore.set_fact, key, value)

    def maintain(self, forget_before: int | None = None) -> Deferred[None]:
        """
        Tidy, in short steps; due every few hours.

        :param forget_before: ns since 1970; deletions older than this, which all who knew the item have
            made, are forgotten (reference 5.10, "Delete retention"). None keeps them.
        """
        return Deferred.fromCoroutine(self._maintain(forget_before))

    async def _maintain(self, forget_before: int | None) -> None:
        after: str | None = None if forget_before is None else ""
        while forget_before is not None and after is not None:
            after = await self._job(FolderStore.forget_deletions, forget_before, after)
        self._counts = await self._job(FolderStore.counts)
        state: Maintenance | None = Maintenance()
        while state is not None:
            state = await self._job(FolderStore.maintain, state)

    # -- questions: the index exchange

    def remote_index_id(self, device: DeviceID) -> Deferred[int]:
        """The ID under which we hold a peer's records; 0: none."""
        return self._job(FolderStore.remote_index_id, device)

    def remote_sequence(self, device: DeviceID) -> Deferred[int]:
        """The greatest sequence number a peer told; 0: none."""
        counts = self._job(FolderStore.counts)
        return counts.addCallback(lambda counts: counts.remote_sequence.get(device, 0))

    def local_after(
        self, sequence: int, max_files: int = 1000, max_blocks: int = 5000
    ) -> Deferred[list[FileInfo]]:
        """
        Local records behind a sequence, ascending, with hashes: what one Index message carries.

        One more than ``max_files`` when the last is a deletion behind a record that is none, so that both
        halves of a rename stay together.
        """
        return self._ask(FolderReader.local_after, sequence, max_files, max_blocks)

    # -- questions: records

    def local(self, names: Sequence[WireName]) -> Deferred[dict[WireName, FileInfo]]:
        """Our records of these names, with hashes; unknown names are left out."""
        return self._ask(FolderReader.local, names)

    def global_(self, names: Sequence[WireName]) -> Deferred[dict[WireName, FileInfo]]:
        """The global versions of these names, with hashes; unknown names are left out."""
        return self._ask(FolderReader.global_, names)

    def versions(self, name: WireName) -> Deferred[dict[DeviceID, FileInfo]]:
        """What each device says of an item; LOCAL_DEVICE for us."""
        return self._ask(FolderReader.versions, name)

    def devices_with_global(self, name: WireName) -> Deferred[list[DeviceID]]:
        """Which peers have the global version of an item, and valid."""
        return self._ask(FolderReader.devices_with_global, name)

    def fact(self, key: str) -> Deferred[bytes | None]:
        return self._ask(FolderReader.fact, key)

    # -- questions: scanning and pulling

    def rows(self, after: str = "", prefix: str = "", limit: int = 1000) -> Deferred[list[Row]]:
        """
        Local records without hashes, deleted ones too, by name in the order of code points.

        :param after: names greater than this.
        :param prefix: only this item and what lies below; empty: all.
        """
        return self._ask(FolderReader.rows, after, prefix, limit)

    def need(self, after: str = "", limit: int = 1000) -> Deferred[list[Need]]:
        """Needed items by name behind ``after``: fewer than ``limit`` if they are huge, none at the end."""
        return self._ask(FolderReader.need, after, limit)

    def need_queue(
        self, order: PullOrder = PullOrder.ALPHABETIC, offset: int = 0, limit: int = 1000
    ) -> Deferred[list[FileInfo]]:
        """The global versions of needed items without hashes, a page of a list that people read."""
        return self._ask(FolderReader.need_queue, order, offset, limit)

    def find_blocks(
        self, hashes: Sequence[bytes]
    ) -> Deferred[dict[bytes, list[tuple[WireName, int]]]]:
        """
        Which local, valid files hold blocks with these hashes: up to 4 (name, block number) for each.

        Ask for many at once. The first question after local changes brings the lookup up to date.
        """
        return Deferred.fromCoroutine(self._look_up(FolderReader.find_blocks, hashes))

    def find_contents(self, contents: Sequence[bytes]) -> Deferred[dict[bytes, list[FileInfo]]]:
        """Local files by the hash of their block list (``blocks_hash``): up to 16 for each."""
        return Deferred.fromCoroutine(self._look_up(FolderReader.find_content, contents))

    def find_content(self, blocks_hash: bytes, size: int) -> Deferred[list[FileInfo]]:
        """Local files of this content; ``find_contents`` asks for many at once."""
        return self.find_contents([blocks_hash]).addCallback(
            lambda found: [file for file in found.get(blocks_hash, []) if file.size == size]
        )

    async def _look_up(
        self,
        question: Callable[[FolderReader, Sequence[bytes]], T],
        hashes: Sequence[bytes],
    ) -> T:
        store = self._store
        while store is not None and store.blocks.done < self.sequence:
            await self._job(FolderStore.advance_blocks)
        return await self._ask(question, hashes)

    # -- inside

    async def _write(
        self,
        job: Callable[Concatenate[FolderStore, P], Counts],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Counts:
        self._counts = counts = await self._job(job, *args, **kwargs)
        return counts

    def _job(
        self,
        job: Callable[Concatenate[FolderStore, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Deferred[T]:
        if self._store is None:
            return fail(IndexFailed(f"{self.path}: not open"))
        bound = partial(job, self._store, *args, **kwargs)
        return self._lanes[0].run(guarded, self.path, bound).addErrback(self._failed)

    def _ask(
        self,
        question: Callable[Concatenate[FolderReader, P], T],
        *args: P.args,
        **kwargs: P.kwargs,
    ) -> Deferred[T]:
        if self._reader is None:
            return fail(IndexFailed(f"{self.path}: not open"))
        bound = partial(question, self._reader, *args, **kwargs)
        return self._lanes[-1].run(guarded, self.path, bound).addErrback(self._failed)

    ask = _ask  # for questions that have a file of their own

    def _failed(self, failure: Failure) -> Failure:
        if isinstance(failure.value, DatabaseDamaged) and not self._damaged:
            self._damaged = True
            self._on_damaged(failure.value)
        return failure

    def _tell(
        self, listeners: Sequence[Callable[P, object]], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        for listener in tuple(listeners):
            try:
                listener(*args, **kwargs)
            except Exception:  # the change stands, whatever a listener makes of it
                self._log.failure("a listener of the index failed")
