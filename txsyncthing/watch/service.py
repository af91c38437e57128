"""
The watcher of one folder: what changes on its disk is scanned soon.

Source: reference 5.4, 6.2 (fsWatcher...).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from txsyncthing.clock import Clock, Timer
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import is_internal, is_temporary
from txsyncthing.watch.aggregate import SETTLE, Aggregator
from txsyncthing.watch.names import scannable
from txsyncthing.watch.own import OwnWrites, foreign
from txsyncthing.watch.seams_service import OpenWatch, Watch
from txsyncthing.watch.told import Change, WatchFailed

RETRY = 60.0  # seconds until a failed watch is tried again, doubled each time
RETRY_LONGEST = 3600.0
RETRY_SHORT = 300.0  # the longest while some directories are not watched: the rest costs little
UNWATCHED = 60.0  # seconds between two scans of what is not watched
UNWATCHED_SHARE = 20  # or so many times as long as such a scan takes
DOUBTS = 0.2  # seconds between two looks at what may be our own writes

Scan = Callable[[Sequence[str]], Deferred[None]]
"""Scan these names and all below them, or all; fails where the folder is not well."""


class FolderWatcher:
    """
    Satisfies ``Told``.

    :param open: makes its watch.
    :param aggregator: fresh.
    :param told: gets the old and the new text of what is wrong, empty for nothing.
    """

    _log = Logger()

    def __init__(
        self,
        open: OpenWatch,
        aggregator: Aggregator,
        workers: Workers,
        clock: Clock,
        filesystem: Filesystem,
        scan: Scan,
        told: Callable[[str, str], object],
    ) -> None:
        self._open = open
        self._aggregator = aggregator
        self._workers = workers
        self._clock = clock
        self._filesystem = filesystem
        self._scan = scan
        self._told = told
        self._own = OwnWrites()
        self._watch: Watch | None = None
        self._matcher: Matcher | None = None  # what is followed
        self._bringing = False  # the watch in line
        self._again = False  # once more when that is done
        self._waiting: list[Deferred[None]] = []  # for the end of that
        self._stopped = False
        self._timer: Timer | None = None  # for what is due
        self._due = 0.0  # when it fires
        self._doubts: Timer | None = None
        self._retry: Timer | None = None
        self._pause = RETRY
        self._rounds: Timer | None = None  # of scans of what is not watched
        self._busy = 0  # scans of ours that are under way
        self._well = True  # the folder, so that it can be scanned
        self._missed = False  # a scan of ours could not be made
        self.error = ""

    # Life.

    def prepare(self, matcher: Matcher, whole: bool) -> Deferred[None]:
        """
        Before a scan of a folder that is well: see that the watch stands, with these patterns. What changes
        from then on, behind the scan, is not missed. Never fails.

        :param whole: whether all is to be scanned; only then a watch that was given up is tried again.
        """
        return Deferred.fromCoroutine(self._prepare(matcher, whole))

    async def _prepare(self, matcher: Matcher, whole: bool) -> None:
        if whole:
            self._missed = False
        while self._bringing:
            await self._ended()
        if self._stopped:
            return
        if self._watch is not None:
            followed = self._matcher is not None and self._matcher.expanded == matcher.expanded
            if followed and not whole:
                return
            if whole and not await self._watch.is_there():
                await self._close()
            elif followed:
                return
        elif not whole:
            return
        self._matcher = matcher
        await self._follow()

    def _follow(self) -> Deferred[None]:
        """Bring the watch in line; fires when it is, or cannot be."""
        brought: Deferred[None] = Deferred()
        self._waiting.append(brought)
        if self._bringing:
            self._again = True
        else:
            self._bringing = True
            Deferred.fromCoroutine(self._bring()).addErrback(self._fault).addBoth(self._brought)
        return brought

    def _brought(self, _: object) -> None:
        self._bringing = False
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)

    def _ended(self) -> Deferred[None]:
        """Fires when nothing is being brought in line."""
        ended: Deferred[None] = Deferred()
        if self._bringing:
            self._waiting.append(ended)
        else:
            ended.callback(None)
        return ended

    def _fault(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("watching a folder failed", failure)

    async def _bring(self) -> None:
        self._cancel_retry()
        while not self._stopped and self._matcher is not None:
            self._again = False
            try:
                if self._watch is None:
                    self._watch = self._open(self)
                await self._watch.follow(self._matcher)
            except WatchFailed as error:
                await self._close()
                if not self._stopped:
                    self._failed(str(error))
                return
            if not self._again:
                break
        if not self._stopped:
            self._stands()

    async def _close(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            await watch.close()

    async def stop(self) -> None:
        """Returns when no watch and no timer is left, and nothing is under way."""
        self._stopped = True
        self._cancel_retry()
        for timer in (self._timer, self._doubts, self._rounds):
            if timer is not None and timer.active():
                timer.cancel()
        self._timer = self._doubts = self._rounds = None
        await self._close()
        await self._ended()

    # Whether the watch stands.

    def _stands(self) -> None:
        """All is watched, but for what the watch leaves out."""
        assert self._watch is not None
        shortage = self._watch.shortage
        self._say(shortage.text)
        if shortage.names:
            self._try_later(RETRY_SHORT)
        else:
            self._pause = RETRY
        self._scan_unwatched()

    def _failed(self, reason: str) -> None:
        self._say(reason)
        self._try_later(RETRY_LONGEST)
        self._scan_unwatched()

    def _say(self, error: str) -> None:
        old, self.error = self.error, error
        if old != error:
            self._told(old, error)

    def _try_later(self, longest: float) -> None:
        self._cancel_retry()
        self._retry = self._clock.callLater(min(self._pause, longest), self._try_again)
        self._pause = min(self._pause * 2, RETRY_LONGEST)

    def _try_again(self) -> None:
        self._retry = None
        before = self.error
        self._follow().addCallback(lambda _: self._tried(before))

    def _tried(self, before: str) -> None:
        """What happened while it was not watched is found by a scan, once it is."""
        if not self._stopped and self._watch is not None and self.error != before:
            self._scan_now([])

    def _cancel_retry(self) -> None:
        retry, self._retry = self._retry, None
        if retry is not None:
            retry.cancel()

    @property
    def _unwatched(self) -> Sequence[str]:
        """What is to be scanned more often, since nobody tells us of it."""
        if self._watch is not None:
            return self._watch.shortage.names
        return [""] if self.error else []

    def _scan_unwatched(self, took: float = 0.0) -> None:
        """:param took: seconds that the last such scan took."""
        if self._rounds is not None and self._rounds.active():
            return
        self._rounds = None
        if self._unwatched and not self._stopped:
            pause = max(UNWATCHED, UNWATCHED_SHARE * took)
            self._rounds = self._clock.callLater(pause, self._round)

    def _round(self) -> None:
        self._rounds = None
        names = self._unwatched
        if not names:
            return
        began = self._clock.seconds()

        def done(_: object) -> None:
            self._scan_unwatched(self._clock.seconds() - began)

        self._scan([] if "" in names else names).addBoth(done)

    # What the watch tells (seam.Told).

    def changed(self, name: str, change: Change) -> None:
        if self._own.holds(name):
            self._doubt(name, change)
        else:
            self._add(name, change)

    def renamed(self, old: str, new: str) -> None:
        there, here = scannable(old), scannable(new)
        own = self._own.holds(old) or self._own.holds(new)
        if own or there is None or here is None:
            self.changed(old, Change.REMOVED)
            self.changed(new, Change.WRITTEN)
        elif not self._stopped:
            self._aggregator.renamed(there, here, self._clock.seconds())
            self._soon()

    def put(self, name: str) -> None:
        if not self._own.holds(name):
            self._add(name, Change.WRITTEN)

    def is_own(self, name: str) -> bool:
        return self._own.holds(name)

    def appeared(self, directory: str, bases: Sequence[str] | None) -> None:
        if bases is None:
            self._add(directory, Change.WRITTEN)
            return
        self.changed(directory, Change.TOUCHED)
        for base in bases:
            name = f"{directory}/{base}"
            if not (is_internal(name) or is_temporary(name)) and not self._ignores(name):
                self.changed(name, Change.WRITTEN)

    def _ignores(self, name: str) -> bool:
        return self._matcher is not None and self._matcher.match(name).ignored

    def overflowed(self) -> None:
        if not self._stopped:
            self._follow().addCallback(lambda _: self._add("", Change.WRITTEN))

    def lost(self, reason: str) -> None:
        if self._stopped or self._watch is None:
            return
        Deferred.fromCoroutine(self._close()).addErrback(self._fault)
        self._failed(reason)
        self._scan_now([])  # it finds what is wrong with the folder

    def short(self) -> None:
        if not self._stopped and self._watch is not None:
            self._stands()

    # What waits.

    def _add(self, name: str, change: Change) -> None:
        what = scannable(name)
        if what is not None and not self._stopped:
            self._aggregator.add(what, change, self._clock.seconds())
            self._soon()

    def _soon(self) -> None:
        """See in a moment what is due; at most so often while changes stream in."""
        self._wake(self._clock.seconds() + SETTLE)

    def _wake(self, at: float) -> None:
        if self._busy or self._stopped or not self._well:
            return
        if self._timer is not None and self._timer.active():
            if self._due <= at:
                return
            self._timer.cancel()
        self._due = at
        self._timer = self._clock.callLater(max(0.0, at - self._clock.seconds()), self._look)

    def _look(self) -> None:
        self._timer = None
        if self._busy or not self._well:
            return
        now = self._clock.seconds()
        names = self._aggregator.take(now)
        if names:
            self._scan_now([] if names == [""] else names)
            return
        wake = self._aggregator.wake_at()
        if wake is not None:
            self._wake(max(wake, now + 0.001))

    def _scan_now(self, names: Sequence[str]) -> None:
        self._busy += 1
        began = self._clock.seconds()

        def done(failed: bool) -> None:
            self._busy -= 1
            self._aggregator.took(self._clock.seconds() - began)
            self._missed = self._missed or failed
            self._soon()

        scanning = self._scan(names)
        scanning.addCallbacks(lambda _: done(False), lambda _: done(True))

    # What the folder does.

    def begun(self, file: FileInfo) -> None:
        """The pull begins with an item."""
        self._own.begin(file.name)

    def recorded(self, files: Sequence[FileInfo]) -> None:
        """The index has what was pulled."""
        self._own.record(files, self._clock.seconds())

    def rested(self, well: bool) -> None:
        """
        The folder does nothing now.

        :param well: whether it could be scanned; if not, nothing is, until it can.
        """
        self._own.rest()
        self._well = well
        if not well:
            return
        if self._missed:
            self._missed = False
            self._scan_now([])
        self._soon()

    def _doubt(self, name: str, change: Change) -> None:
        self._own.doubt(name, change)
        if self._doubts is None and not self._stopped:
            self._doubts = self._clock.callLater(DOUBTS, self._settle)

    def _settle(self) -> None:
        self._doubts = None
        Deferred.fromCoroutine(self._look_at_doubts()).addErrback(self._fault)

    async def _look_at_doubts(self) -> None:
        ready, real = self._own.settle(self._clock.seconds())
        if ready:
            found = await self._workers.disk.run(foreign, self._filesystem, ready)
            real += [(doubt.name, doubt.change) for doubt in found]
        for name, change in real:
            self._add(name, change)
        if self._own.doubtful and self._doubts is None and not self._stopped:
            self._doubts = self._clock.callLater(DOUBTS, self._settle)
