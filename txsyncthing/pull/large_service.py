"""
Larger files: each is assembled in its temporary file, several at the same time.

Source: reference 5.5 (copierRoutine, pullBlock, performFinish of lib/model/folder_sendrecv.go).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from txsyncthing.filesystem.seam import WriteFile
from txsyncthing.index.values import Need
from txsyncthing.pull.batch_service import Report
from txsyncthing.pull.block_order import in_order
from txsyncthing.pull.blocks import (
    CopyBlock,
    Store,
    chunks,
    copy_blocks,
    foreign_copies,
    open_temporary,
    own_copies,
    reusable,
)
from txsyncthing.pull.failure import Cause, item_error, no_room
from txsyncthing.pull.fetch_service import Fetch, Fetcher
from txsyncthing.pull.file import Core, PulledFile, new_file
from txsyncthing.pull.finish import Outcome, drop_temporary, place_large
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.progress import FileProgress
from txsyncthing.pull.seams_service import Seams
from txsyncthing.pull.sources import BlockRequest
from txsyncthing.pull.watch_service import spread
from txsyncthing.pull.write_service import Writer
from txsyncthing.runtime.narrow_service import NarrowLane
from txsyncthing.vocabulary.block import HASH_SIZE, BlockInfo, block
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.name import WireName

SYNC_EVERY = 128 * 1024 * 1024  # bytes after which the disk is put to work: the end is short then
COPIERS = 2  # jobs at the same time for one file which look at bytes that are here already
LOOKUP = 2000  # blocks asked of the index at once


class LargeFile:
    """One larger file: the work of its machine, and the ``Taker`` of its blocks."""

    _log = Logger()

    def __init__(self, files: LargeFiles, need: Need) -> None:
        self._files = files
        self.need = need
        self.open = True  # the machine still wants answers
        self.busy = 0  # jobs that use the temporary file
        self.admitted = False  # there is room for it
        self._file: WriteFile | None = None
        self._made: tuple[str, ...] = ()
        self._left: dict[int, BlockInfo] = {}  # to be copied or fetched
        self._placed = False
        self._outcome: Outcome | None = None
        self._available: set[int] = set()
        self._reused = self._own = self._foreign = self._pulled = self._pulling = self._unsynced = 0
        self._early: Deferred[None] | None = None  # a sync under way
        self._created = files.seams.clock.seconds()
        self.machine: PulledFile = new_file(Core(self))

    # What the machine asks for.

    def prepare(self, pulled: PulledFile) -> None:
        self._run(self._prepare(), pulled)

    def copy(self, pulled: PulledFile) -> None:
        self._run(self._copy(), pulled)

    def fetch(self, pulled: PulledFile) -> None:
        files, wanted = self._files, self.need.wanted
        self._pulling = len(self._left)
        others = [device.short for device in files.seams.sources.connected()]
        order, me, random = files.options.block_order, files.options.me, files.seams.random
        for one in in_order(list(self._left.values()), order, me, others, random):
            if not self.open:
                return
            request = BlockRequest(
                files.options.folder, wanted.name, one.number, one.offset, one.size, one.hash
            )
            files.fetcher.add(Fetch(self, request, wanted.version, self.need.devices))

    def finish(self, pulled: PulledFile) -> None:
        self._run(self._finish(), pulled)

    def close(self, error: ItemError | None) -> None:
        self.open = False
        self._files.fetcher.forget(self)
        if self._outcome is None and error is not None:
            self._outcome = Outcome(self.need.wanted.name, error=error)
        self._close_if_quiet()

    # The work.

    def _run(self, work: Coroutine[Deferred[Any], Any, None], pulled: PulledFile) -> None:
        self.busy += 1
        running = Deferred.fromCoroutine(work)
        running.addErrback(self._fault, pulled)
        running.addBoth(self._quiet)

    def _fault(self, failure: Failure, pulled: PulledFile) -> None:
        name = self.need.wanted.name
        if isinstance(failure.value, OSError):
            pulled.failed(item_error(name, failure.value))
        else:
            self._log.failure("pulling a file failed", failure)
            pulled.failed(Cause.DISK.of(name, str(failure.value)))

    def _quiet(self, _: None) -> None:
        self.busy -= 1
        self._close_if_quiet()

    def _close_if_quiet(self) -> None:
        if self.open or self.busy:
            return
        file, self._file = self._file, None
        if file is not None and not self._placed:
            file.close()
        outcome, self._outcome = self._outcome, None
        self._files.over(self, outcome)

    async def _prepare(self) -> None:
        files, wanted = self._files, self.need.wanted
        opened = await files.seams.workers.disk.run(
            open_temporary, files.seams.filesystem, wanted, files.options
        )
        self._file = opened.file
        self._made = opened.made
        if not self.open:
            return
        self._left = {
            number: block(number, wanted.hashes, wanted.size, wanted.cut)
            for number in range(len(wanted.hashes) // HASH_SIZE)
        }
        if not opened.fresh:
            jobs = [
                partial(files.copying.run, reusable, opened.file, chunk)
                for chunk in chunks(list(self._left.values()))
            ]
            for found in await spread(jobs, COPIERS, self._wanted):
                self._have(found)
            self._reused = len(self._available)
        if opened.fresh and files.options.sparse:
            self._have(opened.zeros)
        else:
            zeros = [CopyBlock(self._left[n], ()) for n in opened.zeros if n in self._left]
            await self._copy_all(zeros)
        if not self._wanted():
            return
        missing = self.missing_bytes
        room = await files.room() if missing else 0
        if missing > room:
            if opened.fresh:
                await files.seams.workers.disk.run(
                    drop_temporary, files.seams.filesystem, wanted.name
                )
            self.machine.failed(no_room(wanted.name, files.options.place, room, missing))
            return
        self.admitted = True
        self.machine.prepared()

    async def _copy(self) -> None:
        have = self.need.have
        if self._left:
            self._own += await self._copy_all(own_copies(self._left.values(), have))
        if self._left and self._files.cross_copy:
            hashes = list({one.hash for one in self._left.values()})
            for start in range(0, len(hashes), LOOKUP):
                if not self.open:
                    return
                found = await self._files.seams.index.find_blocks(hashes[start : start + LOOKUP])
                copies = foreign_copies(self._left.values(), found, self.need.wanted.cut)
                self._foreign += await self._copy_all(copies)
        if self.open:
            self.machine.copied(len(self._left))

    async def _copy_all(self, copies: Sequence[CopyBlock]) -> int:
        """Copy, several jobs at a time; how many blocks that brought."""
        files, file = self._files, self._file
        assert file is not None
        by_number = {copy.block.number: copy for copy in copies}
        jobs = [
            partial(
                files.copying.run,
                copy_blocks,
                files.seams.filesystem,
                file,
                [by_number[one.number] for one in chunk],
                files.options.copy_methods,
            )
            for chunk in chunks([copy.block for copy in copies])
        ]
        before = len(self._available)
        for done in await spread(jobs, COPIERS, self._wanted):
            self._have(done)
        return len(self._available) - before

    async def _finish(self) -> None:
        files, file = self._files, self._file
        assert file is not None
        if self._early is not None:
            await self._early
        if not self.open:
            return
        self._placed = True  # the job closes it
        outcome = await files.seams.workers.disk.run(
            place_large,
            files.seams.filesystem,
            file,
            self.need.wanted,
            self.need.have,
            files.options,
            files.seams.unix(),
        )
        self._outcome = outcome._replace(rescan=(*outcome.rescan, *self._made))
        if outcome.error is not None:
            self.machine.failed(outcome.error)
        else:
            self.machine.finished()

    def _wanted(self) -> bool:
        return self.open

    def _have(self, numbers: Sequence[int] | frozenset[int]) -> None:
        for number in numbers:
            self._left.pop(number, None)
            self._available.add(number)

    # What comes back.

    def arrived(self, fetch: Fetch, data: bytes | memoryview) -> None:
        if not self.open or self._file is None:
            self._files.fetcher.release(fetch)
            return
        one = self._left[fetch.request.number]
        self._files.writer.write(self, fetch, Store(self._file, one, data))

    def unavailable(self, fetch: Fetch, cause: Cause) -> None:
        self.machine.failed(cause.of(self.need.wanted.name))

    def written(self, fetch: Fetch, result: bool | OSError) -> None:
        """The writer is done with a block."""
        if result is True:
            self._have([fetch.request.number])
            self._unsynced += fetch.request.size
            self._sync_early()
            self._pulled += 1
            self._pulling -= 1
            self.machine.stored(1)
        elif isinstance(result, OSError):
            self.machine.failed(item_error(self.need.wanted.name, result))
        self._close_if_quiet()

    @property
    def missing_bytes(self) -> int:
        """What the file may still take from the disk."""
        return sum(one.size for one in self._left.values())

    def _sync_early(self) -> None:
        if self._unsynced < SYNC_EVERY or self._early is not None or not self._files.options.sync:
            return
        assert self._file is not None
        self._unsynced = 0
        self.busy += 1
        self._early = running = Deferred.fromCoroutine(self._sync(self._file))
        running.addBoth(self._synced)

    async def _sync(self, file: WriteFile) -> None:
        seams, name = self._files.seams, self.need.wanted.name
        try:
            await seams.workers.disk.run(file.sync)
        except OSError as error:  # it will not be told again, see ``Unsynced``
            await seams.workers.disk.run(drop_temporary, seams.filesystem, name)
            self.machine.failed(item_error(name, error))

    def _synced(self, _: object) -> None:
        self._early = None
        self._quiet(None)

    @property
    def bytes_done(self) -> int:
        """What lies in the temporary file already."""
        return min(len(self._available) * self.need.wanted.cut, self.need.wanted.size)

    def progress(self) -> FileProgress:
        """How far it is."""
        wanted = self.need.wanted
        total = len(wanted.hashes) // HASH_SIZE
        return FileProgress(
            wanted.name,
            wanted.version,
            wanted.cut,
            self._created,
            frozenset(self._available),
            total,
            self._reused,
            self._own,
            self._foreign,
            self._pulled,
            self._pulling,
            self.bytes_done,
            wanted.size,
        )


class LargeFiles:
    """All larger files of a folder that are on their way; what they share."""

    def __init__(
        self,
        seams: Seams,
        options: PullOptions,
        fetcher: Fetcher,
        report: Report,
        moved: Callable[[], None],
        cross_copy: bool,
        room: Callable[[], Awaitable[int]],
    ) -> None:
        """:param room: gives the bytes that may still be promised to a file."""
        self.seams = seams
        self.options = options
        self.fetcher = fetcher
        self.report = report
        self.cross_copy = cross_copy
        self.room = room
        hashing = seams.workers.hashing
        self.writer = Writer(hashing, fetcher, options.max_writes)
        self.copying = NarrowLane(hashing, options.copiers)
        self.files: dict[WireName, LargeFile] = {}
        self._moved = moved

    @property
    def idle(self) -> bool:
        return not self.files

    def add(self, need: Need) -> None:
        """Begin with a file."""
        file = LargeFile(self, need)
        self.files[need.wanted.name] = file
        file.machine.start()

    def over(self, file: LargeFile, outcome: Outcome | None) -> None:
        """A file needs nothing more; without an outcome it was stopped."""
        if self.files.get(file.need.wanted.name) is not file:
            return
        del self.files[file.need.wanted.name]
        if outcome is not None:
            self.report(outcome)
        self._moved()

    def stop(self) -> None:
        """Stop all; ``idle`` when no worker has a file any more."""
        for file in list(self.files.values()):
            file.machine.stop()
