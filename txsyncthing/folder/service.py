"""
One folder: its index, its scanner, its puller and the machine that drives them.

Source: reference 5.1, 5.2, 5.5, 7.4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from math import inf

from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from txsyncthing.clock import Clock, Timer
from txsyncthing.config.folder import FolderConfig
from txsyncthing.events.types import Emit
from txsyncthing.filesystem.metadata import check_folder
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.folder.events import FolderEvents
from txsyncthing.folder.ignores import Ignores, load_ignores, store_ignores
from txsyncthing.folder.jobs_service import Jobs
from txsyncthing.folder.opening_service import Ground
from txsyncthing.folder.options import pull_options
from txsyncthing.folder.requests import Chore
from txsyncthing.folder.rules import rules
from txsyncthing.folder.runner import Core, new_runner
from txsyncthing.folder.schedule import pull_delay, scan_delay
from txsyncthing.folder.sides_service import Sides
from txsyncthing.folder.status import FolderStatus, LastFile
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.index.service import FolderIndex
from txsyncthing.index.values import DatabaseDamaged
from txsyncthing.pull.fetch_service import BlockSources
from txsyncthing.pull.progress import FileProgress, PullProgress
from txsyncthing.pull.seams_service import Hold, Seams, go_on
from txsyncthing.pull.service import FolderPuller
from txsyncthing.runtime.limiter import Permits
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.scan.service import FolderScanner
from txsyncthing.scan.tops import clean
from txsyncthing.scan.values import BadSub
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID, FolderState, FolderType
from txsyncthing.vocabulary.name import WireName

__all__ = ["FolderFailed", "FolderService", "Ignores"]


class FolderFailed(Exception):
    """The folder cannot do that now; the text says why."""


class FolderService(Service):
    """
    A folder that is not paused.

    ``start`` opens the index and begins with a scan; ``stopService`` fires when nothing moves any more.

    :param unix: wall-clock seconds.
    :param random: numbers from 0 to below 1.
    :param gate: one slot for each folder that may scan or pull at the same time.
    :param short: our own counter in versions.
    :param hold: looks at what a pull is about to do; see ``pull.seams_service``.
    """

    _log = Logger()

    def __init__(
        self,
        config: FolderConfig,
        workers: Workers,
        clock: Clock,
        unix: Callable[[], float],
        random: Callable[[], float],
        filesystem: Filesystem,
        index: FolderIndex,
        sources: BlockSources,
        emit: Emit,
        gate: Permits,
        short: ShortID,
        hold: Hold = go_on,
    ) -> None:
        self.config = config
        self.filesystem = filesystem
        self.index = index
        self._clock = clock
        self._unix = unix
        self._random = random
        self._workers = workers
        self._events = FolderEvents(emit, config.id, config.label)
        check = partial(check_folder, marker=config.marker_name)
        seams = Seams(workers, clock, unix, random, filesystem, index, sources, self, hold, check)
        options = pull_options(config, short)
        self._puller = FolderPuller(seams, options)
        self._jobs = Jobs(
            config,
            Ground(workers, clock, unix, filesystem, index, gate),
            FolderScanner(workers, filesystem, index, short, unix),
            self._puller,
            Sides(workers, clock, unix, filesystem, index, options),
            self._events,
            self._entered,
            self._scanned,
            self.remote_changed,
        )
        self._runner = new_runner(Core(self._jobs, clock))
        self._state = FolderState.STARTING
        self._state_changed = unix()
        self._error = ""
        self._stopped = False
        self._last_scan = 0.0
        self._last_file: LastFile | None = None
        self._listeners: list[Callable[[FolderState], object]] = []
        self._scan_timer: Timer | None = None
        self._pull_timer: Timer | None = None
        self._last_change = 0.0  # of a peer's index
        self._needed_at = -inf  # when a look for needs last found some
        self._starting: Deferred[None] | None = None
        self._unsubscribe = [
            index.on_local_change(self._local_changed),
            index.on_remote_change(self._remote_changed),
        ]

    @property
    def id(self) -> FolderID:
        return self.config.id

    @property
    def label(self) -> str:
        return self.config.label

    @property
    def type(self) -> FolderType:
        return self.config.type

    def adopt(self, config: FolderConfig) -> None:
        """Go on under other names: only the label, the group and who shares it may differ."""
        self.config = config
        self._events.rename(config.label)

    # Life.

    def start(self) -> Deferred[None]:
        """
        Open the index and begin.

        Fires when the index is open, or when it is known that it cannot be: then ``ready`` is False and
        the state is ``error``.
        """
        self.running = True
        started: Deferred[None] = Deferred()
        self._starting = Deferred.fromCoroutine(self._start())
        self._starting.addErrback(lambda failure: self._log.failure("a folder failed", failure))
        self._starting.addBoth(lambda _: started.callback(None))
        return started

    async def _start(self) -> None:
        trouble = await self._jobs.opening.open()
        if self._stopped:
            return
        if trouble:
            self._runner.failed(trouble)
        else:
            self._runner.start()

    @property
    def ready(self) -> bool:
        """Whether the index is open, so that peers may be served; a listener of states may look."""
        return self._jobs.opening.opened

    def damaged(self, error: DatabaseDamaged) -> None:
        """The index turned out to be broken while in use: this folder alone stops."""
        self._jobs.opening.damage = str(error)
        self._runner.failed(str(error))

    def stopService(self) -> Deferred[None]:
        self.running = False
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        self._stopped = True
        for timer in (self._scan_timer, self._pull_timer):
            if timer is not None and timer.active():
                timer.cancel()
        if self._starting is not None:
            await self._starting
        self._runner.stop()
        await self._jobs.quiet()
        self._jobs.requests.take().tell("the folder is stopped")
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []
        await self.index.close()

    # What others tell the folder.

    def remote_changed(self) -> None:
        """
        A peer's index, a peer that came, or the config changed: see what is needed. Cheap.

        After a quiet time at once; else when a burst of changes is over, see ``schedule.pull_delay``.
        """
        self._last_change = self._clock.seconds()
        if self._pull_timer is None and not self._stopped:
            self._wait_for_more(0.0)

    def rescan(self, names: Sequence[WireName]) -> None:
        """These files are not what the index says: scan them soon."""
        if names and not self._stopped:
            self._jobs.requests.add(names)
            self._runner.scan_wanted()

    def scan(self, subs: Sequence[str] = ()) -> Deferred[None]:
        """
        Scan these names and all below them; everything without one.

        Fires when done, after the first scan at the earliest.

        :raises FolderFailed: the folder is in error or stopped, or a name lies outside.
        """
        if self._stopped:
            return fail(FolderFailed("the folder is stopped"))
        try:
            wanted = clean(subs)
        except BadSub as error:
            return fail(FolderFailed(str(error)))
        answer: Deferred[None] = Deferred(lambda _: None)

        def done(error: str) -> None:
            if answer.called:
                return
            if error:
                answer.errback(FolderFailed(error))
            else:
                answer.callback(None)

        self._jobs.requests.add(wanted, done)
        self._runner.scan_wanted()
        return answer

    def do(self, chore: Chore) -> None:
        """Override or revert soon; nothing where the folder's type has no such thing."""
        own = rules(self.type)
        if not self._stopped and (own.overrides if chore is Chore.OVERRIDE else own.reverts):
            self._jobs.requests.add_chore(chore)
            self._runner.scan_wanted()

    def delay_scan(self, seconds: float) -> None:
        """Put the next periodic scan off (``next`` of ``/rest/db/scan``)."""
        self._schedule_scan(seconds)

    def bring_to_front(self, name: WireName) -> None:
        """Pull this file next."""
        self._puller.bring_to_front(name)

    def on_state(self, listener: Callable[[FolderState], object]) -> Callable[[], None]:
        """
        Call ``listener(state)`` whenever the state word changes.

        :returns: ends it.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # What others may know.

    def status(self) -> FolderStatus:
        """All that ``/rest/db/status`` shows; no question to the database."""
        counts = self.index.counts()
        need = counts.need
        if self.config.ignore_delete:
            need = need._replace(deleted=0)
        return FolderStatus(
            id=self.id,
            state=self._state,
            state_changed=self._state_changed,
            error=self._error,
            scan_errors=self._jobs.scan_errors,
            pull_errors=self._jobs.pull_errors,
            local=counts.local,
            global_=counts.global_,
            need=need,
            receive_only=counts.receive_only,
            need_bytes=max(0, need.bytes - self._puller.bytes_done),
            sequence=counts.sequence,
            remote_sequence=dict(counts.remote_sequence),
            ignore_patterns=not self._jobs.matcher.empty,
            last_scan=self._last_scan,
            last_file=self._last_file,
        )

    def progress(self) -> PullProgress:
        """What is being pulled now and what is queued."""
        return self._puller.progress()

    def unfinished(self) -> Sequence[FileProgress]:
        """The larger files that are being fetched now."""
        return self._puller.progress().files

    def errors(self) -> tuple[ItemError, ...]:
        """Of scanning and pulling, by name."""
        return tuple(sorted((*self._jobs.scan_errors, *self._jobs.pull_errors)))

    def matcher(self) -> Matcher:
        """The ignore patterns in force (of the last scan)."""
        return self._jobs.matcher

    def ignores(self) -> Deferred[Ignores]:
        """The patterns as they stand in the folder now."""
        return self._workers.disk.run(load_ignores, self.filesystem)

    def set_ignores(self, lines: Sequence[str]) -> Deferred[Ignores]:
        """
        Replace the patterns, and scan.

        :raises OSError: the file cannot be written.
        """
        stored = self._workers.disk.run(store_ignores, self.filesystem, tuple(lines))

        def scan(ignores: Ignores) -> Ignores:
            if not self._stopped:
                self._jobs.requests.add(())
                self._runner.scan_wanted()
            return ignores

        return stored.addCallback(scan)

    # What the puller tells (pull.ledger.Told).

    def started(self, file: FileInfo, action: str) -> None:
        self._events.started(file, action)

    def finished(self, file: FileInfo, action: str, error: ItemError | None) -> None:
        self._events.finished(file, action, error)

    def recorded(self, files: Sequence[FileInfo]) -> None:
        self._events.recorded(files)
        last = files[-1]
        self._last_file = LastFile(last.name, self._unix(), last.deleted)

    # Inside.

    def _wait_for_more(self, least: float) -> None:
        """:param least: seconds to wait at least, so that rounding cannot make us wait for nothing."""
        due = pull_delay(self._last_change, self._needed_at, self.config.puller_delay_s)
        wait = max(due - self._clock.seconds(), least)
        self._pull_timer = self._clock.callLater(wait, self._look_for_needs)

    def _look_for_needs(self) -> None:
        self._pull_timer = None
        due = pull_delay(self._last_change, self._needed_at, self.config.puller_delay_s)
        if due - self._clock.seconds() > 0.001:
            self._wait_for_more(0.001)
            return
        if self._jobs.needs():
            self._needed_at = self._clock.seconds()
        self._jobs.soon(self._runner)

    def _remote_changed(self, device: object, count: int) -> None:
        self.remote_changed()

    def _local_changed(self, last: int, files: Sequence[FileInfo]) -> None:
        self._events.local_index(last, files)
        if self._jobs.scanning:
            self._events.scanned(files)

    def _entered(self, state: FolderState, error: str) -> None:
        old, self._state = self._state, state
        now = self._unix()
        self._error = error
        if old is state and not error:
            return
        duration = max(0.0, now - self._state_changed)
        self._state_changed = now
        self._events.state(old, state, duration, error)
        for listener in tuple(self._listeners):
            listener(state)

    def _scanned(self) -> None:
        self._last_scan = self._unix()
        self._schedule_scan(scan_delay(self.config.rescan_interval_s, self._random()))

    def _schedule_scan(self, seconds: float | None) -> None:
        if self._scan_timer is not None and self._scan_timer.active():
            self._scan_timer.cancel()
        self._scan_timer = None
        if seconds is not None and not self._stopped:
            self._scan_timer = self._clock.callLater(seconds, self._scan_all)

    def _scan_all(self) -> None:
        # Also while in error or busy: what comes of it sets the timer again, or this does.
        self._schedule_scan(scan_delay(self.config.rescan_interval_s, self._random()))
        self._jobs.requests.add(())
        self._runner.scan_wanted()
