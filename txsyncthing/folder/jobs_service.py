"""
The work of a folder's runner: the gate, the health of the folder, scans and pulls.

Source: reference 5.1 ("Marker", "Path checks"), 5.2, 5.5 ("Iterations").
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from txsyncthing.clock import Clock, Timer
from txsyncthing.config.folder import FolderConfig
from txsyncthing.filesystem.metadata import FolderUnhealthy, check_folder, make_marker
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.folder.events import FolderEvents
from txsyncthing.folder.ignores import load_matcher
from txsyncthing.folder.options import scan_options
from txsyncthing.folder.requests import Due, ScanRequests
from txsyncthing.folder.rules import rules, unsupported
from txsyncthing.folder.runner import Runner
from txsyncthing.folder.schedule import PullPauses
from txsyncthing.ignore.matcher import EMPTY, Matcher
from txsyncthing.index.service import FolderIndex
from txsyncthing.index.values import IndexFailed
from txsyncthing.pull.service import FolderPuller, PullResult
from txsyncthing.runtime.limiter import Permit, Permits
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.scan.service import FolderScanner
from txsyncthing.scan.values import ScanOptions, ScanProgress, ScanStopped
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.folder import FolderState

MAX_ROUNDS = 3  # of one pull, while each brings something
_PATH = "path"  # fact of the index: where the folder was
_SURVEYED = "surveyed"  # fact of the index: all that was there when it was new is in it
PROGRESS_S = 2.0  # seconds between two events of a scan's progress, by default


@dataclass(frozen=True, slots=True)
class Ground:
    """What a folder stands on."""

    workers: Workers
    clock: Clock
    unix: Callable[[], float]
    filesystem: Filesystem
    index: FolderIndex
    gate: Permits


def is_healthy(filesystem: Filesystem, marker: str) -> bool:
    """
    A worker's job, for scans.

    :raises FolderUnhealthy: it is not.
    """
    check_folder(filesystem, marker)
    return True


def make_folder(filesystem: Filesystem, config: FolderConfig) -> None:
    """A worker's job: the root and the marker of a folder that is new here."""
    filesystem.make_directory("", 0o777)
    make_marker(filesystem, config.id, config.marker_name)


class Jobs:
    """
    ``FolderWork`` of one folder.

    :param entered: told of each state and error text.
    :param scanned: told when a scan of the whole folder is complete.
    :param changed: told when a scan has found something: there may be conflicts to pull.
    """

    _log = Logger()

    def __init__(
        self,
        config: FolderConfig,
        ground: Ground,
        scanner: FolderScanner,
        puller: FolderPuller,
        events: FolderEvents,
        entered: Callable[[FolderState, str], None],
        scanned: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self._config = config
        self._ground = ground
        self._scanner = scanner
        self._puller = puller
        self._events = events
        self._entered = entered
        self._scanned = scanned
        self._changed = changed
        self._rules = rules(config.type)
        self._permit: Permit | None = None
        self._running: Deferred[None] | None = None
        self._cancelled = False
        self._retry: Timer | None = None
        self._pauses = PullPauses(config.puller_pause_s)
        self._progress_told = 0.0
        self.requests = ScanRequests()
        self.matcher: Matcher = EMPTY
        self.opened = False  # the index
        self._made = False  # the folder; only once, a marker that goes missing later is an error
        self._patterns: tuple[str, ...] | None = None  # of the last whole scan
        self.damage = ""  # what is wrong with the index for good
        self.scanning = False
        self.scan_errors: tuple[ItemError, ...] = ()
        self.pull_errors: tuple[ItemError, ...] = ()
        self._options = scan_options(config)
        self._unsupported = unsupported(config)

    # The index.

    async def open(self) -> str:
        """
        Open the index; make root and marker of a folder that is new.

        :returns: why that cannot be; empty if it is done.
        """
        ground = self._ground
        if trouble := self.damage or self._unsupported:
            return trouble
        try:
            if not self.opened:
                await ground.index.open()
                await self._settle_path()
                self.opened = True
            if not self._made and not ground.index.sequence:
                await ground.workers.disk.run(make_folder, ground.filesystem, self._config)
            self._made = True
        except IndexFailed as error:
            return str(error)
        except OSError as error:
            return _disk_text(error)
        return ""

    async def _settle_path(self) -> None:
        """
        See that the index is one of this very place.

        One of another place would take all files that are not here for deleted, and tell that to the
        peers. Without an index what is here is merged with what they have.
        """
        index, here = self._ground.index, self._config.path.rstrip("/").encode()
        there = await index.fact(_PATH)
        if there is not None and there != here:
            await index.rebuild(keep=False)
        if there != here:
            await index.set_fact(_PATH, here)

    # What the runner asks for.

    def ask(self, runner: Runner) -> None:
        waits = True

        def granted(permit: Permit) -> None:
            nonlocal waits
            waits = False
            self._permit = permit
            runner.granted()

        permit = self._ground.gate.acquire(1, granted)
        if waits:
            self._permit = permit  # so that ``leave`` can stop waiting

    def leave(self) -> None:
        permit, self._permit = self._permit, None
        if permit is not None:
            permit.release()

    def check(self, runner: Runner) -> None:
        if self._running is None:
            self._run(self._check(runner), runner)

    def scan(self, runner: Runner) -> None:
        self._run(self._scan(runner), runner)

    def pull(self, runner: Runner) -> None:
        self._run(self._pull(runner), runner)

    def needs(self) -> bool:
        if not (self.opened and self._rules.pulls):
            return False
        need = self._ground.index.counts().need
        return need.items - (need.deleted if self._config.ignore_delete else 0) > 0

    def cancel(self) -> None:
        self._cancelled = True
        self._forget_retry()
        self._puller.stop()
        if self.scanning and self._running is not None:
            self._running.cancel()

    def entered(self, state: FolderState, error: str) -> None:
        self._entered(state, error)

    def quiet(self) -> Deferred[None]:
        """Fires when nothing runs any more; for after ``cancel``."""
        self._forget_retry()
        if self._running is None:
            return self._puller.stop()
        quiet: Deferred[None] = Deferred()
        self._running.addBoth(lambda _: quiet.callback(None))
        return quiet

    def soon(self, runner: Runner) -> None:
        """New indexes have come: do not wait for the pause to end."""
        self._forget_retry()
        self._try_again(runner)

    # The work.

    def _run(self, work: Coroutine[Deferred[Any], Any, None], runner: Runner) -> None:
        self._running = running = Deferred.fromCoroutine(work)

        def over(result: object) -> None:
            if self._running is running:
                self._running = None

        running.addErrback(self._fault, runner)
        running.addBoth(over)

    def _fault(self, failure: Failure, runner: Runner) -> None:
        if failure.check(CancelledError):
            return
        self._log.failure("the work of a folder failed", failure)
        runner.failed(f"internal error: {failure.getErrorMessage()}")

    async def _check(self, runner: Runner) -> None:
        trouble = await self._unwell()
        if trouble:
            runner.failed(trouble)
        else:
            runner.well()

    async def _unwell(self) -> str:
        """Why the folder must not be touched now; reads the ignore file as well."""
        ground = self._ground
        trouble = await self.open()
        if trouble:
            return trouble
        try:
            await ground.workers.disk.run(is_healthy, ground.filesystem, self._config.marker_name)
            self.matcher = await ground.workers.disk.run(load_matcher, ground.filesystem)
        except FolderUnhealthy as error:
            return str(error)
        return ""

    async def _scan(self, runner: Runner) -> None:
        due = self.requests.take()
        self.scanning = True
        try:
            trouble = await self._scan_due(due, runner)
        except CancelledError:
            trouble = "the folder is stopped"
        except Exception as error:  # a fault of ours: whoever waits must hear of it as well
            due.tell(f"internal error: {error}")
            raise
        finally:
            self.scanning = False
        if self._cancelled:
            due.tell("the folder is stopped")
            return
        if trouble:
            runner.failed(trouble)
            due.tell(trouble)
            return
        runner.scanned()
        due.tell()

    async def _scan_due(self, due: Due, runner: Runner) -> str:
        ground = self._ground
        trouble = await self._unwell()
        if trouble:
            return trouble
        first = self._patterns is None
        if self.matcher.expanded != self._patterns:
            due.subs.clear()  # what the patterns say now concerns all
        filesystem, marker = ground.filesystem, self._config.marker_name
        try:
            result = await self._scanner.scan(
                due.subs,
                self.matcher,
                options := await self._author_options(),
                lambda: is_healthy(filesystem, marker),
                self._progress,
            )
            if options.author is not None and not due.subs:
                await ground.index.set_fact(_SURVEYED, b"1")
        except (FolderUnhealthy, ScanStopped, IndexFailed) as error:
            return str(error)
        except OSError as error:
            return _disk_text(error)
        kept = [error for error in self.scan_errors if not _within(error.path, due.subs)]
        self.scan_errors = (*kept, *result.errors)
        if result.errors:
            self._events.errors((*self.scan_errors, *self.pull_errors))
        if not due.subs:
            self._patterns = self.matcher.expanded
            self._scanned()
        if first:
            runner.pull_wanted()
        elif result.changed or result.deleted:
            self._changed()
        return ""

    async def _author_options(self) -> ScanOptions:
        """
        Into a new database all comes as another author's: peers may know versions of ours from one that is
        gone, and nobody can say whether what is here now comes before or after those.
        """
        index = self._ground.index
        if await index.fact(_SURVEYED) is not None:
            return self._options
        return replace(self._options, author=ShortID(index.index_id))

    def _progress(self, progress: ScanProgress) -> None:
        interval = self._config.scan_progress_interval_s or PROGRESS_S
        now = self._ground.clock.seconds()
        if interval < 0 or now - self._progress_told < interval:
            return
        self._progress_told = now
        self._events.scan_progress(progress.done, progress.total, 0.0)

    async def _pull(self, runner: Runner) -> None:
        started = self._ground.clock.seconds()
        result = PullResult(0)
        rescan: list[str] = []
        for _ in range(MAX_ROUNDS):
            trouble = await self._unwell()
            if trouble:
                runner.failed(trouble)
                return
            if self.matcher.expanded != self._patterns:  # nothing is pulled before it is known
                rescan.append("")
                runner.pull_wanted()
                break
            try:
                result = await self._puller.pull(self.matcher, runner.syncing)
            except CancelledError:
                return
            except (FolderUnhealthy, IndexFailed) as error:
                runner.failed(str(error))
                return
            except OSError as error:
                runner.failed(_disk_text(error))
                return
            rescan += result.rescan
            if not result.pulled or not self.needs():
                break
        self._pulled(runner, result, rescan, self._ground.clock.seconds() - started)

    def _pulled(
        self, runner: Runner, result: PullResult, rescan: Sequence[str], duration: float
    ) -> None:
        if result.failed or self.pull_errors:
            self.pull_errors = result.failed
            if result.failed:
                self._events.errors((*self.scan_errors, *result.failed))
        if rescan:
            self.requests.add(rescan)
            runner.scan_wanted()
        if not result.failed and not self.needs():
            self._pauses.done()
        elif not self._cancelled:
            self._forget_retry()
            pause = self._pauses.failed(duration)
            self._retry = self._ground.clock.callLater(pause, self._try_again, runner)
        runner.pulled()

    def _try_again(self, runner: Runner) -> None:
        self._retry = None
        if self.needs():
            runner.pull_wanted()
        else:
            self.pull_errors = ()  # what could not be pulled is not wanted any more

    def _forget_retry(self) -> None:
        retry, self._retry = self._retry, None
        if retry is not None:
            retry.cancel()


def _within(path: str, subs: Sequence[str]) -> bool:
    return not subs or any(path == sub or path.startswith(f"{sub}/") for sub in subs)


def _disk_text(error: OSError) -> str:
    return f"the folder's disk failed: {error.strerror or error}"
