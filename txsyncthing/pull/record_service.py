"""
Pulled items on their way into the index: in batches, and at once when nothing else is to come.

Source: reference 5.5 ("DB batches"); performance.md section 4.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from txsyncthing.clock import Clock, Timer
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName

MAX_FILES = 1000
MAX_BYTES = 1024 * 1024  # of block lists
DELAY = 1.0  # seconds an item waits at most


class LocalRecords(Protocol):
    """Where our records are kept."""

    def update_local(self, files: Sequence[FileInfo]) -> Deferred[int]: ...


class Recorder:
    """
    Collects finished items and stores them.

    :param check: fails where the folder is not there any more. What was done then was done elsewhere, on
        the disk below a mount that is gone, say; a record of it would tell of changes that never were.
    :param recorded: called with each batch that is stored.
    :param moved: called whenever a batch is over.
    :param failed: called when one could not be stored: what else is done would not be recorded either.
    """

    _log = Logger()

    def __init__(
        self,
        clock: Clock,
        index: LocalRecords,
        check: Callable[[], Deferred[None]],
        recorded: Callable[[Sequence[FileInfo]], None],
        moved: Callable[[], None],
        failed: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._index = index
        self._check = check
        self._recorded = recorded
        self._moved = moved
        self._fail = failed
        self._last: Deferred[None] = succeed(None)
        self._files: list[FileInfo] = []
        self._bytes = 0
        self._timer: Timer | None = None
        self._running = 0
        self._storing: list[Sequence[FileInfo]] = []
        self.error: Exception | None = None  # the last batch that could not be stored

    @property
    def idle(self) -> bool:
        return not self._files and not self._running

    def holds(self, name: WireName) -> bool:
        """Whether an item of this name is on its way."""
        batches = (self._files, *self._storing)
        return any(file.name == name for files in batches for file in files)

    @property
    def running(self) -> int:
        """How many batches are being stored."""
        return self._running

    def add(self, files: Sequence[FileInfo]) -> None:
        """Store these soon, in this order."""
        self._files += files
        self._bytes += sum(len(file.hashes) for file in files)
        if len(self._files) >= MAX_FILES or self._bytes >= MAX_BYTES:
            self.flush()
        elif self._timer is None:
            self._timer = self._clock.callLater(DELAY, self.flush)

    def flush(self) -> None:
        """Store now what there is."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = None
        files, self._files, self._bytes = self._files, [], 0
        if not files:
            return
        self._running += 1
        self._storing.append(files)
        self._last = Deferred.fromCoroutine(self._store(files, self._last))

    async def _store(self, files: Sequence[FileInfo], before: Deferred[None]) -> None:
        await before  # so that they stay in order
        try:
            await self._check()
            await self._index.update_local(files)
        except Exception as error:
            self._running -= 1
            self._log.warn("storing pulled items failed: {error}", error=error)
            self.error = error
            self._fail()
        else:
            self._running -= 1
            self._recorded(files)
        self._storing.remove(files)
        self._moved()
