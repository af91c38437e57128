"""
One round of pulling: read what is needed page by page, do the work on disk, fetch files, delete last.

Nothing of it is ever cancelled in the middle of a step: ``stop`` lets the steps that run end, and
their results are recorded.

Source: reference 5.5 (pullerIteration, processNeeded).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from functools import partial

from twisted.internet.defer import Deferred

from txsyncthing.filesystem.case import fold
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.index.values import Need
from txsyncthing.pull.batch_service import SMALL, Copies, SmallFiles
from txsyncthing.pull.failure import no_room
from txsyncthing.pull.fetch_service import Fetcher
from txsyncthing.pull.finish import Outcome
from txsyncthing.pull.large_service import LargeFiles
from txsyncthing.pull.ledger import UPDATE, Ledger
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.order import Queued, Waiting, shuffled, sorting_key
from txsyncthing.pull.plan import Deletions, Plan, plan
from txsyncthing.pull.progress import PullProgress
from txsyncthing.pull.record_service import Recorder
from txsyncthing.pull.seams_service import PullIndex, Seams
from txsyncthing.pull.steps_service import Steps
from txsyncthing.pull.tree import Item
from txsyncthing.pull.watch_service import Watch
from txsyncthing.runtime.pace_service import Pace
from txsyncthing.vocabulary.block import HASH_SIZE
from txsyncthing.vocabulary.folder import PullOrder
from txsyncthing.vocabulary.name import WireName

PAGE = 250  # needed items read at once
DOOMED = 1000  # deletions planned at once
WAITING = 128  # blocks nobody was asked for yet, above which no more files are begun
OPEN_LARGE = 6  # larger files at the same time
OPEN_SMALL = 2000  # small files at the same time


class Round:
    """
    One round.

    :param front: names to be pulled before others; shared with whoever adds to it.
    :param syncing: called once, when the first batch is planned.
    """

    def __init__(
        self,
        seams: Seams,
        options: PullOptions,
        matcher: Matcher,
        front: set[WireName],
        syncing: Callable[[], None],
    ) -> None:
        self._seams = seams
        self._options = options
        self._matcher = matcher
        self._front = front
        self._syncing: Callable[[], None] | None = syncing
        self._watch = look = Watch()
        self._pace = Pace(seams.clock)
        self._stopping = False
        self._deletions = Deletions(renames=options.versioner is None)
        self._queue: list[WireName] = []  # the files that come next
        self._spellings: set[str] = set()  # of the files on their way, folded
        self._first: set[WireName] = set()  # brought to the front and begun
        # Copies from other files are worth a look only where there were any when we began.
        self._cross_copy = options.cross_copy and seams.index.counts().local.files > 0
        self._recorder = Recorder(
            seams.clock,
            seams.index,
            lambda: seams.workers.disk.run(seams.check, seams.filesystem),
            lambda files: self.ledger.recorded(files),
            look.look,
            self.stop,
        )
        self.ledger = Ledger(seams.told, self._recorder.add)
        self._steps = Steps(seams, options, matcher, self.ledger, self._goes_on)
        self._fetcher = Fetcher(seams.clock, seams.sources, options.window, look.look)
        self._small = SmallFiles(seams, options, self._fetcher, self._report)
        self._large = LargeFiles(
            seams, options, self._fetcher, self._report, look.look, self._cross_copy, self._room
        )

    def stop(self) -> None:
        """Begin nothing more; ``run`` ends soon."""
        if self._stopping:
            return
        self._stopping = True
        self._fetcher.stop()
        self._large.stop()
        self._small.stop()
        self._watch.look()

    @property
    def stopped(self) -> bool:
        """Whether the round ended before all was done."""
        return self._stopping

    def progress(self) -> PullProgress:
        """A snapshot."""
        files = tuple(file.progress() for file in self._large.files.values())
        return PullProgress(files, self.ledger.in_progress, tuple(self._queue))

    @property
    def bytes_done(self) -> int:
        """What lies in temporary files already."""
        return sum(file.bytes_done for file in self._large.files.values())

    async def run(self) -> None:
        """
        Do all of it.

        :raises IndexFailed: the index could not be read or written.
        :raises OSError: the storage is not there; so does whatever ``Seams.check`` raises.
        """
        try:
            await self._run()
        except BaseException:
            self.stop()
            raise
        finally:
            await self._quiet()
            self._fetcher.stop()
            self._recorder.flush()
            await self._watch.until(lambda: self._recorder.idle)
        if self._recorder.error is not None:
            raise self._recorder.error

    async def _run(self) -> None:
        options, hold = self._options, self._seams.hold
        await hold.begin(self._ignored)
        if self._seams.index.counts().need.deleted and not options.ignore_delete:
            async for needs in self._pages(hold.doomed):
                self._deletions.add(needs, self._ignored)
        key = sorting_key(options.order)
        waiting = Waiting()
        late: list[WireName] = []
        async for needs in self._pages(hold.need):
            batch = plan(needs, self._deletions, self._ignored)
            if not await self._goes(batch):
                continue
            await self._steps.structure(batch)
            missed = await self._steps.renames(batch, self._deletions)
            files = [*batch.files, *(need for need in needs if need.wanted.name in missed)]
            late += [need.wanted.name for need in batch.late]
            if key is None:
                await self._files(self._ordered(files))
            else:
                waiting.add(
                    Queued(key(need.wanted), need.wanted.name, need.devices) for need in files
                )
        for some in waiting.pages(PAGE):
            await self._files(await self._again(some))
        await self._quiet()
        await self._goes(Plan())  # a round begins, though all that it needed is gone meanwhile
        for doomed in self._deletions.plans(DOOMED):
            if await self._goes(doomed):
                await self._steps.delete(doomed)
        await self._late(late)

    async def _pages(
        self, question: Callable[[PullIndex, str, int], Deferred[list[Need]]]
    ) -> AsyncIterator[list[Need]]:
        """What is needed, page by page in the order of names."""
        after = ""
        while not self._stopping:
            needs = await question(self._seams.index, after, PAGE)
            if not needs:
                return
            after = needs[-1].wanted.name
            yield needs

    async def _goes(self, batch: Plan) -> bool:
        """The point between plan and commit."""
        if self._stopping:
            return False
        if len(batch) and not await self._seams.hold.goes(batch):
            return False
        if self._syncing is not None:
            syncing, self._syncing = self._syncing, None
            syncing()
        return not self._stopping

    async def _again(self, waiting: Sequence[Queued]) -> list[Need]:
        """Read files that waited for their turn; by now they may be other versions, or gone."""
        names = [queued.name for queued in waiting]
        wanted = await self._seams.index.global_(names)
        have = await self._seams.index.local(names)
        return [
            Need(file, have.get(queued.name), queued.devices)
            for queued in waiting
            if (file := wanted.get(queued.name)) is not None
            and file.is_file
            and not file.deleted
            and not file.invalid
        ]

    async def _late(self, names: Sequence[WireName]) -> None:
        """What takes the place of directories which are gone now, or empty."""
        for start in range(0, len(names), PAGE):
            if self._stopping:
                return
            some = names[start : start + PAGE]
            wanted = await self._seams.index.global_(some)
            have = await self._seams.index.local(some)
            needs = []
            for name in some:
                file = wanted.get(name)
                if file is not None and not file.deleted and not file.invalid:
                    devices = tuple(self._seams.sources.connected())
                    needs.append(Need(file, have.get(name), devices))
            batch = plan(needs, Deletions(), self._ignored)
            batch.symlinks += [
                Item(need.wanted, need.have) for need in batch.late if need.wanted.is_symlink
            ]
            batch.files += [need for need in batch.late if need.wanted.is_file]
            if await self._goes(batch):
                await self._steps.structure(batch)
                await self._files(batch.files)

    # Files.

    def _ordered(self, needs: list[Need]) -> list[Need]:
        """A page in the order in which it is to be pulled."""
        if self._options.order is PullOrder.RANDOM:
            by_name = {need.wanted.name: need for need in needs}
            needs = [by_name[name] for name in shuffled(list(by_name), self._seams.random)]
        return needs

    async def _files(self, needs: Sequence[Need]) -> None:
        """Begin with these, as there is room."""
        if not (needs and self._goes_on()):
            return
        copies = await self._copies(needs)
        room = await self._room()
        self._queue = [need.wanted.name for need in reversed(needs)]
        self._pace.begin()
        for need in needs:
            await self._pace.step()
            await self._watch.until(self._may_begin)
            if self._front:
                await self._front_first()
            self._queue.pop()
            if need.wanted.name in self._first:
                continue
            if not self._goes_on():
                break
            room -= await self._begin(need, copies, room)
        self._queue = []

    async def _begin(self, need: Need, copies: Copies, room: int) -> int:
        """
        Begin with a file.

        :param room: bytes that may be promised to small ones; larger files ask once they know what they lack.
        :returns: what was promised.
        """
        wanted = need.wanted
        if not self._options.case_sensitive:
            await self._watch.until(partial(self._may_begin_named, fold(wanted.name)))
        if wanted.size > SMALL:
            await self._watch.until(self._may_begin_large)
        if not self._goes_on():
            return 0
        self.ledger.begin([wanted], UPDATE)
        if wanted.size > SMALL:
            self._large.add(need)
        elif wanted.size > room:
            error = no_room(wanted.name, self._options.place, room, wanted.size)
            self._report(Outcome(wanted.name, error=error))
        else:
            self._small.add(need, copies)
            return wanted.size
        return 0

    async def _front_first(self) -> None:
        """Begin with the files that somebody wants before all others."""
        names = [name for name in self._front if not self._is_under_way(name)]
        self._front.clear()
        devices = [await self._seams.index.devices_with_global(name) for name in names]
        queued = [Queued(0, *one) for one in zip(names, map(tuple, devices), strict=True)]
        needs = [need for need in await self._again(queued) if _is_needed(need)]
        batch = Plan(files=plan(needs, Deletions(), self._ignored).files)
        if not await self._goes(batch):
            return
        copies = await self._copies(batch.files)
        for need in batch.files:
            await self._watch.until(self._may_begin)
            self._first.add(need.wanted.name)
            await self._begin(need, copies, await self._room())

    def _is_under_way(self, name: WireName) -> bool:
        return name in self.ledger.in_progress or self._recorder.holds(name)

    def _ignored(self, name: str) -> bool:
        return self._matcher.match(name).ignored

    def _goes_on(self) -> bool:
        return not self._stopping

    def _may_begin(self) -> bool:
        return self._stopping or (
            self._fetcher.waiting < WAITING and len(self._small.open) < OPEN_SMALL
        )

    def _may_begin_named(self, folded: str) -> bool:
        """
        On some disks two spellings of a name are one, and so are the temporary files of both: no two
        of them may be on their way.
        """
        if folded in self._spellings and not self._stopping:
            return False
        self._spellings.add(folded)
        return True

    def _may_begin_large(self) -> bool:
        return self._stopping or len(self._large.files) < OPEN_LARGE

    async def _copies(self, needs: Sequence[Need]) -> Copies:
        """Where the blocks of small files lie here already."""
        if not self._cross_copy:
            return {}
        hashes = {
            need.wanted.hashes[start : start + HASH_SIZE]
            for need in needs
            if need.wanted.size <= SMALL
            for start in range(0, len(need.wanted.hashes), HASH_SIZE)
        }
        return await self._seams.index.find_blocks(list(hashes)) if hashes else {}

    async def _room(self) -> int:
        """How many bytes may still be promised to new files."""
        space = await self._seams.workers.disk.run(self._seams.filesystem.space)
        promised = sum(small.need.wanted.size for small in self._small.open.values())
        large = (file for file in self._large.files.values() if file.admitted)
        promised += sum(file.missing_bytes for file in large)
        return self._options.min_free.room(space) - promised

    def _report(self, outcome: Outcome) -> None:
        self.ledger.close(outcome)
        if self._spellings:
            self._spellings.discard(fold(outcome.name))
        self._watch.look()

    async def _quiet(self) -> None:
        """All files that were begun are over."""
        await self._watch.until(lambda: self._small.idle and self._large.idle)


def _is_needed(need: Need) -> bool:
    have = need.have
    return have is None or have.invalid or have.version != need.wanted.version
