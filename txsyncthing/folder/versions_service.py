"""
The old versions of one folder: kept by pulls, cleaned up, listed, restored.

Source: reference 5.7, 7.4 ("folder/versions").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import ParamSpec, TypeVar

from twisted.internet.defer import Deferred, DeferredLock, fail, succeed
from twisted.logger import Logger

from txsyncthing.clock import Clock, Timer
from txsyncthing.config.folder import FolderConfig
from txsyncthing.filesystem.metadata import check_folder
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.pull import keeping
from txsyncthing.runtime.worker_service import Lane, OwnLane, Workers
from txsyncthing.versions.cleaning import Cleaned, Cleaning
from txsyncthing.versions.command import Command
from txsyncthing.versions.external_service import External
from txsyncthing.versions.keeper import Versioner
from txsyncthing.versions.kinds import BadVersioning, kind_of
from txsyncthing.versions.listing import FileVersions, file_versions
from txsyncthing.versions.place import Place
from txsyncthing.versions.restoring import restore_versions
from txsyncthing.versions.rewind import Report, Rewind

P = ParamSpec("P")
T = TypeVar("T")
Shape = Callable[[Iterator[FileVersions]], T]

CLEANED_AT_ONCE = 100  # directories of one job
RESTORED_AT_ONCE = 200  # files of one job
NO_VERSIONER = "folder has no versioner"
NOT_RESTORED = "version restoration not supported with the current versioner"


class NoVersions(Exception):
    """The folder keeps none that could be shown; the text is the official daemon's."""


class RestoreRuns(Exception):
    """One directory after the other: another is being restored."""


class FolderVersions:
    """
    :param place: where versions lie.
    :param rescan: scans these names soon.
    :param unix: wall-clock seconds.
    """

    _log = Logger()

    def __init__(
        self,
        config: FolderConfig,
        place: Place,
        workers: Workers,
        unix: Callable[[], float],
        filesystem: Filesystem,
        rescan: Callable[[Sequence[str]], None],
    ) -> None:
        self._config = config
        self._workers = workers
        self._unix = unix
        self._filesystem = filesystem
        self._rescan = rescan
        self._check = partial(check_folder, marker=config.marker_name)
        self._lane: OwnLane | None = None
        self._timer: Timer | None = None
        self._turn = DeferredLock()  # a clean-up removes nothing while versions come back
        self._rewinding = False
        self._versioner: Versioner | None = None
        self._external: External | None = None
        self.trouble = ""
        try:
            kind = kind_of(config.versioning)
        except BadVersioning as error:
            self.trouble = str(error)
            return
        if isinstance(kind, Command):
            self._external = External(kind, place.folder)
        elif kind is not None:
            self.trouble = place.trouble
            self._versioner = Versioner(kind, place)

    @property
    def versioner(self) -> keeping.Versioner | None:
        """What pulls give their old files to."""
        return self._versioner or self._external

    @property
    def workers(self) -> Workers:
        """
        Where pulls run: commands may take their time, so they get a thread of this folder's own rather than
        those that all folders share.
        """
        if self._external is None:
            return self._workers
        if self._lane is None:
            self._lane = self._workers.lane("external versioning")
        return _OwnDisk(self._workers, self._lane)

    def begin(self, clock: Clock, clean_wanted: Callable[[], None]) -> None:
        """
        Tell when it is time to clean up, each ``cleanupIntervalS``.

        :param clean_wanted: has ``clean`` called, when the folder has time for it.
        """
        interval = self._config.versioning.cleanup_interval_s
        if self._versioner is None or interval <= 0:
            return

        def due() -> None:
            self._timer = clock.callLater(interval, due)
            clean_wanted()

        self._timer = clock.callLater(interval, due)

    def stop(self) -> None:
        """Let nothing begin, and nothing go on for long."""
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()
        for versioner in (self._versioner, self._external):
            if versioner is not None:
                versioner.stop()

    def quiet(self) -> Deferred[None]:
        """After the last pull: fires when the thread is gone."""
        lane, self._lane = self._lane, None
        return succeed(None) if lane is None else lane.close()

    async def clean(self) -> Cleaned:
        """One clean-up; ends soon after ``stop``."""
        versioner = self._versioner
        if versioner is None:
            return Cleaned()
        cleaning = Cleaning(
            versioner.rule, versioner.place, self._unix(), goes_on=versioner.goes_on
        )
        try:
            while await self._step(cleaning.step, self._filesystem, CLEANED_AT_ONCE):
                pass
        except OSError as error:
            cleaning.cleaned.errors += 1
            cleaning.cleaned.error = cleaning.cleaned.error or str(error)
        cleaned = cleaning.cleaned
        if cleaned.errors:
            self._log.warn(
                "folder {folder}: cleaning up old versions: {errors} errors, the first: {error}",
                folder=self._config.id,
                errors=cleaned.errors,
                error=cleaned.error,
            )
        return cleaned

    def read(self, shape: Shape[T]) -> Deferred[T]:
        """
        All versions, file by file in order of their paths.

        :param shape: a worker's job; makes of them what is wanted.
        :raises NoVersions: the folder keeps none that can be listed.
        """
        if self._versioner is None:
            unlisted = f"external versioner: get versions: {NOT_RESTORED}"
            return fail(NoVersions(NO_VERSIONER if self._external is None else unlisted))
        return self._workers.disk.run(_read, self._filesystem, self._versioner.place, shape)

    async def restore(self, wanted: Mapping[str, float]) -> dict[str, str]:
        """
        Bring back versions by path and time (unix seconds), and scan.

        :returns: why some could not be, by path.
        :raises NoVersions: the folder keeps none.
        :raises FolderUnhealthy: the folder is not there.
        :raises OSError: its storage failed.
        """
        if self._versioner is None:
            if self._external is None:
                raise NoVersions(NO_VERSIONER)
            return dict.fromkeys(wanted, f"external versioner: restore: {NOT_RESTORED}")
        await self._workers.disk.run(self._check, self._filesystem)
        failed: dict[str, str] = {}
        items = list(wanted.items())
        for start in range(0, len(items), RESTORED_AT_ONCE):
            some = items[start : start + RESTORED_AT_ONCE]
            problems, rescan = await self._step(
                restore_versions,
                self._filesystem,
                self._versioner,
                some,
                self._unix(),
                self._sync,
            )
            failed.update(problems)
            self._rescan(rescan)
        return failed

    async def rewind(self, path: str, at: float, *, dry: bool) -> Report:
        """
        Restore a directory as it was at a time (unix seconds), and scan; see versions/rewind.py.

        :param dry: only tell.
        :raises NoVersions: the folder keeps none that can be restored.
        :raises RestoreRuns: another is being restored.
        :raises FolderUnhealthy: the folder is not there.
        :raises OSError: the folder or its versions cannot be read.
        """
        if self._versioner is None:
            raise NoVersions(NO_VERSIONER if self._external is None else NOT_RESTORED)
        if self._rewinding:
            raise RestoreRuns("another directory of this folder is being restored; try again then")
        self._rewinding = True
        try:
            await self._workers.disk.run(self._check, self._filesystem)
            rewind = Rewind(self._versioner, path, at, dry=dry, sync=self._sync)
            more = True
            while more:
                more, rescan = await self._step(
                    rewind.step, self._filesystem, self._unix(), RESTORED_AT_ONCE
                )
                self._rescan(rescan)
        finally:
            self._rewinding = False
        return rewind.report

    async def _step(self, step: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """A worker's job that takes versions away or brings some; one after the other."""
        async with self._turn:
            return await self._workers.disk.run(step, *args, **kwargs)

    @property
    def _sync(self) -> bool:
        return not self._config.disable_fsync


class _OwnDisk:
    """The node's workers, but another lane for the disk; satisfies ``Workers``."""

    def __init__(self, workers: Workers, disk: Lane) -> None:
        self._workers = workers
        self.disk = disk

    @property
    def hashing(self) -> Lane:
        return self._workers.hashing

    def lane(self, name: str) -> OwnLane:
        return self._workers.lane(name)


def _read(filesystem: Filesystem, place: Place, shape: Shape[T]) -> T:
    """A worker's job."""
    with filesystem.batch() as batch, place.open(batch) as versions:
        return shape(file_versions(versions))
