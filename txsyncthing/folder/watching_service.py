"""
How a folder is watched, as its configuration says; without a watch all of this does nothing.

Source: reference 5.4, 6.2 (fsWatcherEnabled, fsWatcherDelayS, fsWatcherTimeoutS).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from twisted.internet.defer import Deferred

from txsyncthing.clock import Clock
from txsyncthing.config.folder import FolderConfig
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.folder.events import FolderEvents
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.runtime.log_service import Log
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.scan.confirm import Healthy
from txsyncthing.scan.service import FolderScanner
from txsyncthing.scan.values import ScanOptions, ScanProgress, ScanResult
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderState
from txsyncthing.watch.aggregate import Aggregator, timeout
from txsyncthing.watch.seams_service import OpenWatch
from txsyncthing.watch.service import FolderWatcher, Scan


class Means(NamedTuple):
    """What the node gives a folder to be watched with; ``log`` gets what goes wrong."""

    open: OpenWatch
    log: Log


class Watching:
    """
    The watcher of one folder, if it has one.

    :param means: None where nothing can be watched.
    :param scan: the folder's own.
    """

    def __init__(
        self,
        config: FolderConfig,
        means: Means | None,
        workers: Workers,
        clock: Clock,
        filesystem: Filesystem,
        scan: Scan,
        events: FolderEvents,
    ) -> None:
        self._config = config
        self._events = events
        self._means = means
        self._watcher: FolderWatcher | None = None
        if means is not None and config.fs_watcher_enabled:
            delay = config.fs_watcher_delay_s
            longest = timeout(delay, config.fs_watcher_timeout_s)
            aggregator = Aggregator(delay, longest)
            self._watcher = FolderWatcher(
                means.open, aggregator, workers, clock, filesystem, scan, self._told
            )

    @property
    def error(self) -> str:
        """Why the folder, or a part of it, is not watched; empty if it is, or is not to be."""
        return "" if self._watcher is None else self._watcher.error

    def _told(self, old: str, new: str) -> None:
        self._events.watch(old, new)
        if self._means is None:
            return
        if new:
            self._means.log.warn("folder {folder}: {error}", folder=self._config.id, error=new)
        else:
            self._means.log.info(
                "folder {folder}: all of it is watched again", folder=self._config.id
            )

    async def prepare(self, matcher: Matcher, whole: bool) -> None:
        """Before a scan; see ``FolderWatcher.prepare``."""
        if self._watcher is not None:
            await self._watcher.prepare(matcher, whole)

    def entered(self, state: FolderState) -> None:
        """The folder does something else now."""
        if self._watcher is not None:
            if state is FolderState.IDLE:
                self._watcher.rested(well=True)
            elif state is FolderState.ERROR:
                self._watcher.rested(well=False)

    def begun(self, file: FileInfo) -> None:
        """The pull begins with an item."""
        if self._watcher is not None:
            self._watcher.begun(file)

    def recorded(self, files: Sequence[FileInfo]) -> None:
        """The index has what was pulled."""
        if self._watcher is not None:
            self._watcher.recorded(files)

    async def stop(self) -> None:
        """Returns when nothing is watched."""
        if self._watcher is not None:
            await self._watcher.stop()


class WatchedScanner(FolderScanner):
    """Scans a folder once its watch stands, so that no change falls between the two."""

    watching: Watching

    def scan(
        self,
        subs: Sequence[str],
        matcher: Matcher,
        options: ScanOptions,
        healthy: Healthy,
        progress: Callable[[ScanProgress], object] = lambda progress: None,
    ) -> Deferred[ScanResult]:
        return Deferred.fromCoroutine(self._scan(subs, matcher, options, healthy, progress))

    async def _scan(
        self,
        subs: Sequence[str],
        matcher: Matcher,
        options: ScanOptions,
        healthy: Healthy,
        progress: Callable[[ScanProgress], object],
    ) -> ScanResult:
        await self.watching.prepare(matcher, whole=not subs)
        return await super().scan(subs, matcher, options, healthy, progress)
