"""
The work of a folder's runner: the gate, the health of the folder, scans and pulls.

Source: reference 5.1 ("Marker", "Path checks"), 5.2, 5.5 ("Iterations").
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from txsyncthing.clock import Timer
from txsyncthing.config.folder import FolderConfig
from txsyncthing.filesystem.metadata import FolderUnhealthy
from txsyncthing.folder.events import FolderEvents
from txsyncthing.folder.ground import Ground, disk_text
from txsyncthing.folder.guard_service import FolderGuard
from txsyncthing.folder.health_service import look
from txsyncthing.folder.opening_service import Opening
from txsyncthing.folder.options import scan_options
from txsyncthing.folder.pace import ScanPace
from txsyncthing.folder.requests import Chore, Due, ScanRequests
from txsyncthing.folder.room_service import RoomWatch
from txsyncthing.folder.root import Root
from txsyncthing.folder.rules import rules
from txsyncthing.folder.runner import Runner
from txsyncthing.folder.schedule import PullPauses
from txsyncthing.folder.sides_service import Sides
from txsyncthing.folder.versions_service import FolderVersions
from txsyncthing.ignore.matcher import EMPTY, Matcher
from txsyncthing.index.values import IndexFailed
from txsyncthing.pull.failure import Cause
from txsyncthing.pull.service import FolderPuller, PullResult
from txsyncthing.runtime.limiter import Permit
from txsyncthing.scan.service import FolderScanner
from txsyncthing.scan.values import ScanProgress, ScanStopped
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.folder import FolderState

MAX_ROUNDS = 3  # of one pull, while each brings something


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
        versions: FolderVersions,
        root: Root,
        guard: FolderGuard,
        sides: Sides,
        events: FolderEvents,
        entered: Callable[[FolderState, str], None],
        scanned: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self._config = config
        self._ground = ground
        self._scanner = scanner
        self._puller = puller
        self._versions = versions
        self.root = root
        self._guard = guard
        self._sides = sides
        self._events = events
        self._entered = entered
        self._scanned = scanned
        self._changed = changed
        self._rules = rules(config.type)
        self._permit: Permit | None = None
        self._running: Deferred[None] | None = None
        self._cancelled = False
        self._retry: Timer | None = None
        self.next_try: float | None = None  # unix seconds
        self._pauses = PullPauses(config.puller_pause_s)
        self._pace = ScanPace(config.scan_progress_interval_s)
        self._room = RoomWatch(ground.clock, ground.workers.disk, ground.filesystem)
        self.requests = ScanRequests()
        self.matcher: Matcher = EMPTY
        self.opening = Opening(config, ground, versions.trouble)
        self._patterns: tuple[str, ...] | None = None  # of the last whole scan
        self.scanning = False
        self._walking = False  # that part of a scan which can be cancelled anywhere
        self.scan_errors: tuple[ItemError, ...] = ()
        self.pull_errors: tuple[ItemError, ...] = ()
        self._options = scan_options(config)

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
        self._run(self._pull(runner) if self._rules.pulls else self._adopt(runner), runner)

    def clean(self, runner: Runner) -> None:
        self._run(self._clean(runner), runner)

    def needs(self) -> bool:
        if not (self.opening.opened and self._rules.pulls):
            return self.opening.opened and self._sides.found
        need = self._ground.index.counts().need
        return need.items - (need.deleted if self._config.ignore_delete else 0) > 0

    def cancel(self) -> None:
        self._cancelled = True
        self._forget_retry()
        self._puller.stop()
        self._sides.stop()
        if self._walking and self._running is not None:
            self._running.cancel()

    def entered(self, state: FolderState, error: str) -> None:
        self._entered(state, error)
        if state is FolderState.ERROR:
            self.requests.failed(error)

    async def quiet(self) -> None:
        """Returns when nothing runs any more; for after ``cancel``."""
        self._forget_retry()
        self._sides.stop()
        await self._sides.quiet()
        if self._running is None:
            await self._puller.stop()
            return
        quiet: Deferred[None] = Deferred()
        self._running.addBoth(lambda _: quiet.callback(None))
        await quiet

    def soon(self, runner: Runner) -> None:
        """New indexes have come: do not wait for the pause to end."""
        self._forget_retry()
        if not self._rules.pulls:
            if self._patterns is not None and self._ground.index.counts().need.items:
                self._sides.look(self.matcher, runner.pull_wanted)
        else:
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
        trouble = await self.opening.open() or await ground.surroundings.trouble()
        if trouble:
            return trouble
        try:
            disk, index = ground.workers.disk, ground.index
            self.matcher = await look(disk, ground.filesystem, index, self.root)
        except FolderUnhealthy as error:
            return self.root.ill(error)
        except IndexFailed as error:
            return str(error)
        return ""

    async def _scan(self, runner: Runner) -> None:
        due = self.requests.take()
        self.scanning = True
        try:
            trouble = await self._scan_due(due, runner)
            if not trouble and not self._cancelled:
                trouble = await self._do(due.chores, runner)
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
            for chore in due.chores:
                self._log.warn("{chore}: {trouble}", chore=chore.value, trouble=trouble)
            if due.scans:
                self.requests.add(due.subs)  # still due when the folder is well
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
        fresh = self.matcher.expanded != self._patterns
        if fresh:
            due.subs.clear()  # what the patterns say now concerns all
        elif not due.scans:
            return ""
        self._walking = True
        try:
            result = await self._scanner.scan(
                due.subs,
                self.matcher,
                options := await self.opening.author(self._options),
                partial(self.root.is_healthy, ground.filesystem),
                self._progress,
            )
            if options.author is not None and not due.subs:
                await self.opening.surveyed()
        except FolderUnhealthy as error:
            return self.root.ill(error)
        except (ScanStopped, IndexFailed) as error:
            return str(error)
        except OSError as error:
            return disk_text(error)
        finally:
            self._walking = False
        kept = [error for error in self.scan_errors if not _within(error.path, due.subs)]
        self.scan_errors = (*kept, *result.errors)
        if result.errors:
            self._events.errors((*self.scan_errors, *self.pull_errors))
        if not due.subs:
            self._patterns = self.matcher.expanded
            self._scanned()
        if first and self._rules.pulls:
            runner.pull_wanted()
        elif fresh or result.changed or result.deleted:
            self._changed()
        return ""

    async def _clean(self, runner: Runner) -> None:
        trouble = await self._unwell()
        if trouble:
            runner.failed(trouble)
            return
        await self._versions.clean()
        runner.cleaned()

    async def _do(self, chores: Sequence[Chore], runner: Runner) -> str:
        for chore in chores:
            try:
                undone = await self._sides.do(chore, self.matcher)
            except IndexFailed as error:
                return str(error)
            if undone.errors:
                told = {error.path for error in undone.errors}
                others = [error for error in self.scan_errors if error.path not in told]
                self.scan_errors = (*others, *undone.errors)
                self._events.errors((*self.scan_errors, *self.pull_errors))
            if undone.rescan:
                self.requests.add(undone.rescan)
                runner.scan_wanted()
            runner.pull_wanted()
        return ""

    async def _adopt(self, runner: Runner) -> None:
        trouble = await self._unwell()
        if not trouble:
            try:
                await self._sides.adopt(self.matcher)
            except IndexFailed as error:
                trouble = str(error)
        if trouble:
            runner.failed(trouble)
        else:
            runner.pulled()

    def _progress(self, progress: ScanProgress) -> None:
        rate = self._pace.due(progress.done, progress.total, self._ground.clock.seconds())
        if rate is not None:
            self._events.scan_progress(progress.done, progress.total, rate)

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
            except FolderUnhealthy as error:
                runner.failed(self.root.ill(error))
                return
            except IndexFailed as error:
                runner.failed(str(error))
                return
            except OSError as error:
                runner.failed(disk_text(error))
                return
            rescan += result.rescan
            if not result.pulled or not self.needs():
                break
        self._pulled(runner, result, rescan, self._ground.clock.seconds() - started)

    def _pulled(
        self, runner: Runner, result: PullResult, rescan: Sequence[str], duration: float
    ) -> None:
        failed = (*result.failed, *self._guard.errors())
        if failed or self.pull_errors:
            news, self.pull_errors = failed != self.pull_errors, failed
            if result.failed or (failed and news):
                self._events.errors((*self.scan_errors, *failed))
        if rescan:
            self.requests.add(rescan)
            runner.scan_wanted()
        if not failed and not self.needs():
            self._pauses.done()
            self._room.done()
        elif not self._cancelled:
            self._forget_retry()
            pause = self._pauses.failed(duration)
            self.next_try = self._ground.unix() + pause
            self._retry = self._ground.clock.callLater(pause, self._try_again, runner)
            if any(error.cause == Cause.NO_SPACE.code for error in result.failed):
                self._room.begin(partial(self.soon, runner))
        runner.pulled()

    def _try_again(self, runner: Runner) -> None:
        self._retry = self.next_try = None
        if self.needs():
            runner.pull_wanted()
        else:
            self.pull_errors = ()  # what could not be pulled is not wanted any more

    def _forget_retry(self) -> None:
        self._room.stop()
        retry, self._retry, self.next_try = self._retry, None, None
        if retry is not None:
            retry.cancel()


def _within(path: str, subs: Sequence[str]) -> bool:
    return not subs or any(path == sub or path.startswith(f"{sub}/") for sub in subs)
