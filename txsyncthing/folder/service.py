"""
One folder: its index, its scanner, its puller and the machine that drives them.

Source: reference 5.1, 5.2, 5.5, 7.4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from twisted.application.service import Service
from twisted.internet.defer import Deferred, fail
from twisted.logger import Logger

from txsyncthing.clock import Clock, Timer
from txsyncthing.config.folder import FolderConfig
from txsyncthing.events.types import Emit
from txsyncthing.filesystem.case import CaseFilesystem
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.folder.burst_service import Burst
from txsyncthing.folder.changes_service import ChangeLog
from txsyncthing.folder.events import FolderEvents
from txsyncthing.folder.ground import Ground
from txsyncthing.folder.guard_service import FolderGuard
from txsyncthing.folder.ignores import Ignores, load_ignores, store_ignores
from txsyncthing.folder.jobs_service import Jobs
from txsyncthing.folder.options import pull_options
from txsyncthing.folder.outside import Outside
from txsyncthing.folder.owner_service import FolderOwner
from txsyncthing.folder.requests import Chore
from txsyncthing.folder.root import Root
from txsyncthing.folder.rules import rules
from txsyncthing.folder.runner import Core, new_runner
from txsyncthing.folder.schedule import scan_delay
from txsyncthing.folder.sides_service import Sides
from txsyncthing.folder.since import Since
from txsyncthing.folder.status import FolderStatus, LastFile
from txsyncthing.folder.surroundings import NOWHERE, Surroundings
from txsyncthing.folder.versions_service import FolderVersions
from txsyncthing.folder.watching_service import Means, WatchedScanner, Watching
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.index.service import FolderIndex
from txsyncthing.index.values import DatabaseDamaged
from txsyncthing.pull.fetch_service import BlockSources
from txsyncthing.pull.finish import Change
from txsyncthing.pull.progress import FileProgress, PullProgress
from txsyncthing.pull.seams_service import Seams
from txsyncthing.pull.service import FolderPuller
from txsyncthing.runtime.limiter import Permits
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.scan.tops import clean
from txsyncthing.scan.values import BadSub
from txsyncthing.versions.place import IN_FOLDER, Place
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
    :param surroundings: what the node's options say.
    :param place: where old versions lie.
    :param outside: what else the node gives.
    :param watch: None where nothing can be watched.
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
        surroundings: Surroundings = NOWHERE,
        place: Place = IN_FOLDER,
        outside: Outside | None = None,
        watch: Means | None = None,
    ) -> None:
        outside = outside or Outside()
        self.config = config
        if not config.case_sensitive_fs:
            filesystem = CaseFilesystem(filesystem)
        self.filesystem = filesystem
        self.index = index
        self._clock = clock
        self._unix = unix
        self._random = random
        self._workers = workers
        self._events = FolderEvents(emit, config.id, config.label)
        self.versions = FolderVersions(config, place, workers, unix, filesystem, self.rescan)
        lanes = self.versions.workers
        self.guard = guard = FolderGuard(
            config, index, clock, unix, self._events.tell, short, outside
        )
        root = Root(config, outside.care, guard.known_items)
        self._changes = ChangeLog(config.id, clock, outside)
        here = (lanes, clock, unix, random, filesystem, index, sources, self, guard, root.check)
        options = pull_options(config, short, self.versions.versioner)
        self._puller = FolderPuller(Seams(*here), options)
        ours = (workers, clock, filesystem, self.scan, self._events)
        self._watching = Watching(config, watch, *ours)
        scanner = WatchedScanner(workers, filesystem, index, short, unix)
        scanner.watching = self._watching
        self._jobs = Jobs(
            config,
            Ground(workers, clock, unix, filesystem, index, gate, surroundings),
            scanner,
            self._puller,
            self.versions,
            root,
            guard,
            Sides(lanes, clock, unix, filesystem, index, options),
            self._events,
            self._entered,
            self._scanned,
            self.remote_changed,
        )
        self._runner = new_runner(Core(self._jobs, clock))
        self.owner = FolderOwner(config.type, self._jobs, self._runner, guard)
        self._state = FolderState.STARTING
        self._state_changed = unix()
        self._error = ""
        self._stopped = False
        self._last_scan = 0.0
        self._last_file: LastFile | None = None
        self._listeners: list[Callable[[FolderState], object]] = []
        self._scan_timer: Timer | None = None
        self._next_scan: float | None = None  # unix seconds
        self._burst = Burst(clock, config.puller_delay_s, self._look_for_needs)
        self._starting: Deferred[None] | None = None
        self._unsubscribe = [
            index.on_local_change(self._local_changed),
            index.on_remote_change(self._remote_changed),
        ]
        self.since = Since(self, unix)

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
        self.versions.begin(self._clock, self._runner.clean_wanted)
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
        self.versions.stop()
        self._schedule_scan(None)
        self._burst.stop()
        if self._starting is not None:
            await self._starting
        self._runner.stop()
        await self._jobs.quiet()
        await self.versions.quiet()
        await self._watching.stop()
        self._jobs.requests.take().tell("the folder is stopped")
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._unsubscribe = []
        self._changes.close()
        await self.guard.close()
        await self.index.close()

    # What others tell the folder.

    def remote_changed(self) -> None:
        """A peer's index, a peer that came, or the config changed: see what is needed. Cheap."""
        if not self._stopped:
            self._burst.changed()

    def rescan(self, names: Sequence[str]) -> None:
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
            next_try=self._jobs.next_try,
            next_scan=self._next_scan,
            watch_error=self._watching.error,
        )

    def progress(self) -> PullProgress:
        """What is being pulled now and what is queued."""
        return self._puller.progress()

    def unfinished(self) -> Sequence[FileProgress]:
        """The larger files that are being fetched now, where others may know of them."""
        return () if self.config.disable_temp_indexes else self._puller.progress().files

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
        self._watching.begun(file)
        self._events.started(file, action)

    def finished(self, file: FileInfo, action: str, error: ItemError | None) -> None:
        self._events.finished(file, action, error)

    def recorded(self, files: Sequence[FileInfo]) -> None:
        self._watching.recorded(files)
        self._events.recorded(files)
        last = files[-1]
        self._last_file = LastFile(last.name, self._unix(), last.deleted)

    def changed(self, changes: Sequence[tuple[FileInfo, Change]]) -> None:
        self.guard.took([change for _, change in changes])
        self._changes.add(changes)

    # Inside.

    def _look_for_needs(self) -> bool:
        needs = self._jobs.needs()
        self._jobs.soon(self._runner)
        return needs

    def _remote_changed(self, device: object, count: int) -> None:
        self.since.look()
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
        self._watching.entered(state)

    def _scanned(self) -> None:
        self._last_scan = self._unix()
        self._schedule_scan(scan_delay(self.config.rescan_interval_s, self._random()))

    def _schedule_scan(self, seconds: float | None) -> None:
        if self._scan_timer is not None and self._scan_timer.active():
            self._scan_timer.cancel()
        self._scan_timer = self._next_scan = None
        if seconds is not None and not self._stopped:
            self._next_scan = self._unix() + seconds
            self._scan_timer = self._clock.callLater(seconds, self._scan_all)

    def _scan_all(self) -> None:
        # Also while in error or busy: what comes of it sets the timer again, or this does.
        self._schedule_scan(scan_delay(self.config.rescan_interval_s, self._random()))
        self._jobs.requests.add(())
        self._runner.scan_wanted()
