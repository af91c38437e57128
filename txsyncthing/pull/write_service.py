"""
The blocks of larger files on their way to the disk: verified and written by workers, in batches as they come.

Source: reference 5.5 ("Verify", "Concurrent writes").
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twisted.logger import Logger
from twisted.python.failure import Failure

from txsyncthing.pull.blocks import Store, store_blocks
from txsyncthing.pull.fetch_service import Fetch, Fetcher
from txsyncthing.runtime.worker_service import Lane

WRITERS = 2  # jobs at the same time which hash and write


class Written(Protocol):
    """A file that is being assembled."""

    open: bool  # wants its blocks
    busy: int  # jobs that use it

    def written(self, fetch: Fetch, result: bool | OSError) -> None:
        """A block is on the disk (True), was wrong (False), or could not be written."""


class Writer:
    """
    Verifies and writes the blocks of all larger files of a folder.

    :param lane: of the hash workers.
    :param most: jobs at once (``maxConcurrentWrites``); more than two would only wait for each other.
    """

    _log = Logger()

    def __init__(self, lane: Lane, fetcher: Fetcher, most: int) -> None:
        self._lane = lane
        self._fetcher = fetcher
        self._most = min(most, WRITERS)
        self._waiting: list[tuple[Written, Fetch, Store]] = []
        self._running = 0
        self._dispatching = False

    def write(self, file: Written, fetch: Fetch, store: Store) -> None:
        """Store a block; ``file.written`` says how it went."""
        file.busy += 1
        self._waiting.append((file, fetch, store))
        self._dispatch()

    def _dispatch(self) -> None:
        if self._dispatching:
            return
        self._dispatching = True
        try:
            while self._waiting and (
                self._running == 0 or (len(self._waiting) > 1 and self._running < self._most)
            ):
                batch, self._waiting = self._waiting, []
                self._running += 1
                job = self._lane.run(store_blocks, [store for _, _, store in batch])
                job.addCallbacks(
                    self._done, self._failed, callbackArgs=(batch,), errbackArgs=(batch,)
                )
        finally:
            self._dispatching = False

    def _done(
        self,
        results: Sequence[bool | OSError],
        batch: Sequence[tuple[Written, Fetch, Store]],
    ) -> None:
        self._running -= 1
        for (file, fetch, _), result in zip(batch, results, strict=True):
            file.busy -= 1
            if result is False and file.open:
                self._fetcher.again(fetch)
            else:
                self._fetcher.release(fetch)
            file.written(fetch, result)
        self._dispatch()

    def _failed(self, failure: Failure, batch: Sequence[tuple[Written, Fetch, Store]]) -> None:
        self._log.failure("writing blocks failed", failure)
        error = OSError(str(failure.value))
        self._done([error] * len(batch), batch)
