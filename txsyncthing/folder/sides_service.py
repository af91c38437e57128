"""
Override, revert, and what send-only folders take from the cluster: walks over the index, page by page.

Nothing of it is cancelled in the middle of a step: ``stop`` lets the page that is worked on end.

Source: reference 5.9 (lib/model/folder_sendonly.go, folder_recvonly.go).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from txsyncthing.clock import Clock, Timer
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.folder.requests import Chore
from txsyncthing.folder.sides import Author, adopted, doomed, ignored, overriding, reverted
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.index.lists import changed, changed_directories, needed_names
from txsyncthing.index.service import FolderIndex
from txsyncthing.index.values import IndexFailed
from txsyncthing.pull.finish import Outcome
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.tree import Item, Rules, delete_directories, delete_files, list_doomed
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.scan.compare import only_here
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName

PAGE = 250  # items of one step
NAMES = 2000  # of needed items that are looked at in one step
RARE = 10  # times as long as a look at all needs takes, until the next may begin


class Undone:
    """What a revert could not undo, and what it did not expect to see."""

    def __init__(self) -> None:
        self.errors: list[ItemError] = []
        self.rescan: list[str] = []


class Sides:
    """
    One folder's.

    :param unix: wall-clock seconds.
    """

    _log = Logger()

    def __init__(
        self,
        workers: Workers,
        clock: Clock,
        unix: Callable[[], float],
        filesystem: Filesystem,
        index: FolderIndex,
        options: PullOptions,
    ) -> None:
        self._workers = workers
        self._clock = clock
        self._unix = unix
        self._filesystem = filesystem
        self._index = index
        self._options = options
        self._stopped = False
        self._looking: Deferred[None] | None = None
        self._again = False
        self._not_before = 0.0
        self._timer: Timer | None = None
        self.found = False  # whether there is something to adopt

    def stop(self) -> None:
        """Begin no further page."""
        self._stopped = True
        if self._timer is not None and self._timer.active():
            self._timer.cancel()

    def quiet(self) -> Deferred[None]:
        """Fires when no look is under way any more; for after ``stop``."""
        quiet: Deferred[None] = Deferred()
        if self._looking is None:
            quiet.callback(None)
        else:
            self._looking.addBoth(lambda _: quiet.callback(None))
        return quiet

    # Send-only folders.

    def look(self, matcher: Matcher, found: Callable[[], object]) -> None:
        """
        See whether something of what is needed can be adopted; ``found`` is called if so.

        That takes a while where much is needed, so it is not done again right away.
        """
        if self._stopped or self._timer is not None:
            return
        if self._looking is not None:
            self._again = True
            return
        wait = self._not_before - self._clock.seconds()
        if wait > 0:
            self._timer = self._clock.callLater(wait, self._look_now, matcher, found)
        else:
            self._look_now(matcher, found)

    def _look_now(self, matcher: Matcher, found: Callable[[], object]) -> None:
        self._timer = None
        self._again = False
        self._looking = looking = Deferred.fromCoroutine(self._look(matcher, found))

        def over(result: object) -> None:
            if self._looking is looking:
                self._looking = None
            if self._again:
                self.look(matcher, found)

        looking.addErrback(lambda failure: self._log.failure("looking at needs failed", failure))
        looking.addBoth(over)

    async def _look(self, matcher: Matcher, found: Callable[[], object]) -> None:
        begun = self._clock.seconds()
        try:
            async for _ in self._adoptions(matcher):
                self.found = True
                break
        except IndexFailed:
            return  # the folder hears of it by itself
        now = self._clock.seconds()
        self._not_before = now + RARE * (now - begun)
        if self.found and not self._stopped:
            found()

    async def adopt(self, matcher: Matcher) -> None:
        """
        Take the cluster's versions of what is the same here, and of what is ignored.

        :raises IndexFailed: the index could not be read or written.
        """
        self.found = False
        async for records in self._adoptions(matcher):
            await self._index.update_local(records)

    async def _adoptions(self, matcher: Matcher) -> AsyncIterator[list[FileInfo]]:
        author, after = self._author(), ""
        while not self._stopped:
            page = await self._index.ask(needed_names, after, NAMES)
            if not page:
                return
            after = page[-1].name
            skip = await self._ignored(matcher, [one.name for one in page])
            names = [one.name for one in page if one.alike or one.name in skip]
            for start in range(0, len(names), PAGE):
                some = names[start : start + PAGE]
                world = await self._index.global_(some)
                ours = await self._index.local(some)
                records = []
                for name, wanted in world.items():
                    have = ours.get(name)
                    if name in skip:
                        records.append(ignored(wanted))
                    elif have is not None and (record := adopted(have, wanted, author)):
                        records.append(record)
                if records:
                    yield records

    async def _ignored(self, matcher: Matcher, names: Sequence[WireName]) -> frozenset[WireName]:
        if matcher.empty:
            return frozenset()
        return await self._workers.disk.run(_matching, matcher, names)

    # What users ask for.

    async def do(self, chore: Chore, matcher: Matcher) -> Undone:
        """
        :raises IndexFailed: the index could not be read or written; what was done stands.
        """
        undone = Undone()
        if chore is Chore.OVERRIDE:
            await self._override()
        else:
            await self._revert_files(undone)
            await self._revert_directories(matcher, undone)
        return undone

    async def _override(self) -> None:
        author, after = self._author(), ""
        while not self._stopped:
            needs = await self._index.need(after, PAGE)
            if not needs:
                return
            after = needs[-1].wanted.name
            await self._index.update_local([overriding(need, author) for need in needs])

    async def _revert_files(self, undone: Undone) -> None:
        author, after = self._author(), ""
        while not self._stopped:
            files = await self._index.ask(changed, after, PAGE)
            if not files:
                return
            after = files[-1].name
            world = await self._index.global_([file.name for file in files])
            result = reverted(files, world, author)
            if result.doomed:
                items = [Item(one.gone, one.have) for one in result.doomed]
                outcomes = await self._workers.disk.run(
                    delete_files, self._filesystem, items, self._options, self._unix()
                )
                result.records += _closed(outcomes, undone)
            await self._index.update_local(result.records)

    async def _revert_directories(self, matcher: Matcher, undone: Undone) -> None:
        """The deepest first; what is in them goes or stays as when the cluster deletes them."""
        author = self._author()
        before: str | None = None
        while not self._stopped:
            page = await self._index.ask(changed_directories, before, PAGE)
            if not page:
                return
            before = page[-1].name
            world = await self._index.global_([file.name for file in page])
            ends = [doomed(one, author) for one in page if only_here(one, world.get(one.name))]
            items = [Item(end.gone, end.have) for end in ends]
            listed = await self._workers.disk.run(list_doomed, self._filesystem, items)
            names = list({child.name for one in listed for child in one.children})
            known: dict[WireName, FileInfo] = {}
            for start in range(0, len(names), PAGE):
                known.update(await self._index.local(names[start : start + PAGE]))
            outcomes = await self._workers.disk.run(
                delete_directories,
                self._filesystem,
                listed,
                Rules(
                    lambda name: matcher.match(name).ignored,
                    lambda name: matcher.match(name).deletable,
                    known,
                ),
                self._options,
                self._unix(),
            )
            await self._index.update_local(_closed(outcomes, undone))

    def _author(self) -> Author:
        options = self._options
        return Author(
            options.me,
            self._unix(),
            options.ignore_permissions,
            options.time_window,
            options.attributes,
        )


def _matching(matcher: Matcher, names: Sequence[WireName]) -> frozenset[WireName]:
    """A worker's job: which names are ignored."""
    return frozenset(name for name in names if matcher.match(name).ignored)


def _closed(outcomes: Sequence[Outcome], undone: Undone) -> list[FileInfo]:
    """The records of what is done; what is not goes to the list."""
    records: list[FileInfo] = []
    for outcome in outcomes:
        records += outcome.done
        undone.rescan += outcome.rescan
        if outcome.error is not None:
            undone.errors.append(outcome.error)
    return records
