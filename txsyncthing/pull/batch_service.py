"""
Small files: their blocks are kept in memory until all are there, then a batch goes to a disk worker.

Source: reference 5.5; performance.md section 4 (batching decides small files).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from txsyncthing.index.values import Need
from txsyncthing.pull.failure import Cause
from txsyncthing.pull.fetch_service import Fetch, Fetcher
from txsyncthing.pull.finish import Copy, Outcome, Part, SmallFile, place_files
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.seams_service import Seams
from txsyncthing.pull.sources import BlockRequest
from txsyncthing.vocabulary.block import EMPTY_HASH, HASH_SIZE
from txsyncthing.vocabulary.name import WireName

SMALL = 1024 * 1024  # bytes; larger files are assembled on disk
BATCH = 32  # files that are worth a worker of their own
MAX_BATCH = 128
LANES = 8  # batches at the same time, so that their fsyncs overlap
QUICK_LANES = 2  # where nothing waits for the disk: more would compete for the interpreter
SLOW = 500e-6  # seconds for a file, and
SLOW_RATE = 500e6  # bytes a second, beyond which a batch has waited for the disk

Copies = dict[bytes, list[tuple[WireName, int]]]
"""Block hash to local files and block numbers."""


class Report(Protocol):
    """Who wants to know what became of a file."""

    def __call__(self, outcome: Outcome, /) -> None: ...


class Small:
    """One small file on its way."""

    __slots__ = ("fetches", "missing", "need", "parts")

    def __init__(self, need: Need, parts: list[Part | None]) -> None:
        self.need = need
        self.parts = parts  # None: not here yet
        self.missing = parts.count(None)
        self.fetches: list[Fetch] = []  # whose bytes are held here


class _Block:
    """One block of a small file; the ``Taker`` of its fetch."""

    __slots__ = ("batches", "number", "small")

    def __init__(self, batches: SmallFiles, small: Small, number: int) -> None:
        self.batches = batches
        self.small = small
        self.number = number

    def arrived(self, fetch: Fetch, data: bytes | memoryview) -> None:
        small = self.small
        if not self.batches.wants(small):
            self.batches.release(fetch)
            return
        small.fetches.append(fetch)
        small.parts[self.number] = data
        small.missing -= 1
        if small.missing == 0:
            self.batches.ready(small)

    def unavailable(self, fetch: Fetch, cause: Cause) -> None:
        self.batches.fail(self.small, cause)


class SmallFiles:
    """
    All small files of a round that are on their way.

    :param report: told of each file that is over.
    """

    _log = Logger()

    def __init__(
        self,
        seams: Seams,
        options: PullOptions,
        fetcher: Fetcher,
        report: Report,
    ) -> None:
        self._seams = seams
        self._options = options
        self._fetcher = fetcher
        self._report = report
        self._ready: list[Small] = []
        self._running = 0
        self._most = LANES if options.max_writes > 1 else 1
        self._lanes = self._most
        self._dispatching = False
        self.open: dict[WireName, Small] = {}

    @property
    def idle(self) -> bool:
        return not self.open

    def add(self, need: Need, copies: Copies) -> None:
        """Begin with a file; blocks that ``copies`` knows are copied, the others fetched."""
        wanted = need.wanted
        parts = self._parts(need, copies)
        small = Small(need, parts)
        self.open[wanted.name] = small
        if small.missing == 0:
            self.ready(small)
        else:
            self._fetch(small, [number for number, part in enumerate(parts) if part is None])

    def wants(self, small: Small) -> bool:
        """Whether the file is still on its way."""
        return self.open.get(small.need.wanted.name) is small

    def release(self, fetch: Fetch) -> None:
        """A block came too late."""
        self._fetcher.release(fetch)

    def stop(self) -> None:
        """The fetcher has stopped: what is not whole yet will never be."""
        for name, small in list(self.open.items()):
            if small.missing:
                del self.open[name]
                self._drop(small)

    def _parts(self, need: Need, copies: Copies) -> list[Part | None]:
        wanted, have = need.wanted, need.have
        hashes, cut = wanted.hashes, wanted.cut
        if len(hashes) == HASH_SIZE and have is None and not copies:  # most files of a first sync
            return [b"" if hashes == EMPTY_HASH else None]
        own: dict[bytes, int] = {}
        if have is not None and have.is_file and not have.deleted:
            for start in range(0, len(have.hashes), HASH_SIZE):
                own[have.hashes[start : start + HASH_SIZE]] = start // HASH_SIZE * have.cut
        parts: list[Part | None] = []
        for start in range(0, len(hashes), HASH_SIZE):
            hash = hashes[start : start + HASH_SIZE]
            places: list[tuple[WireName, int]] = []
            if hash in own:
                places.append((wanted.name, own[hash]))
            if hash in copies:
                places += [(name, number * cut) for name, number in copies[hash]]
            if hash == EMPTY_HASH:
                parts.append(b"")
            else:
                parts.append(Copy(tuple(places)) if places else None)
        return parts

    def _fetch(self, small: Small, numbers: Sequence[int]) -> None:
        wanted, devices = small.need.wanted, small.need.devices
        folder, cut = self._options.folder, wanted.cut
        for number in numbers:
            offset = number * cut
            request = BlockRequest(
                folder,
                wanted.name,
                number,
                offset,
                min(cut, wanted.size - offset),
                wanted.hashes[number * HASH_SIZE : (number + 1) * HASH_SIZE],
            )
            self._fetcher.add(Fetch(_Block(self, small, number), request, wanted.version, devices))

    def ready(self, small: Small) -> None:
        """All bytes are here."""
        self._ready.append(small)
        self._dispatch()

    def fail(self, small: Small, cause: Cause) -> None:
        """One block is not to be had."""
        name = small.need.wanted.name
        if self.open.pop(name, None) is not None:
            self._report(Outcome(name, error=cause.of(name)))
            self._drop(small)

    def _drop(self, small: Small) -> None:
        """Give back what is held; blocks of it still on their way give theirs back on arrival."""
        fetches, small.fetches = small.fetches, []
        for fetch in fetches:
            self._fetcher.release(fetch)

    def _dispatch(self) -> None:
        # With inline workers a batch is done before ``run`` returns.
        if self._dispatching:
            return
        self._dispatching = True
        try:
            while self._ready and (
                self._running == 0 or (len(self._ready) >= BATCH and self._running < self._lanes)
            ):
                batch, self._ready = self._ready[:MAX_BATCH], self._ready[MAX_BATCH:]
                self._running += 1
                self._place(batch)
        finally:
            self._dispatching = False

    def _place(self, batch: list[Small]) -> None:
        files = [_whole(small) for small in batch]
        begun = self._seams.clock.seconds()
        done: Deferred[list[Outcome]] = self._seams.workers.disk.run(
            place_files, self._seams.filesystem, files, self._options, self._seams.unix()
        )
        done.addCallbacks(
            self._placed, self._lost, callbackArgs=(batch, begun), errbackArgs=(batch,)
        )

    def _placed(self, outcomes: Sequence[Outcome], batch: Sequence[Small], begun: float) -> None:
        self._running -= 1
        size = sum(small.need.wanted.size for small in batch)
        due = begun + SLOW * len(batch) + size / SLOW_RATE
        quick = self._seams.clock.seconds() < due
        self._lanes = min(QUICK_LANES if quick else LANES, self._most)
        for small, outcome in zip(batch, outcomes, strict=True):
            if outcome.spoiled:
                self._mend(small, outcome.spoiled)
                continue
            # Told first: giving back room may let the round go on, or end.
            self.open.pop(outcome.name, None)
            self._report(outcome)
            self._drop(small)
        self._dispatch()

    def _lost(self, failure: Failure, batch: Sequence[Small]) -> None:
        """The job itself failed: the storage is gone, or we have a bug."""
        self._running -= 1
        if not failure.check(OSError):
            self._log.failure("placing files failed", failure)
        for small in batch:
            self.fail(small, Cause.DISK)
        self._dispatch()

    def _mend(self, small: Small, spoiled: Sequence[int]) -> None:
        """Some bytes were wrong: those of a peer come from another, those of a copy from a peer."""
        told = {fetch.request.number: fetch for fetch in small.fetches}
        for number in spoiled:
            small.parts[number] = None
        small.missing += len(spoiled)
        small.fetches = [fetch for fetch in small.fetches if fetch.request.number not in spoiled]
        for number in spoiled:
            if number in told:
                self._fetcher.again(told[number])
        self._fetch(small, [number for number in spoiled if number not in told])


def _whole(small: Small) -> SmallFile:
    parts = [part for part in small.parts if part is not None]
    return SmallFile(small.need.wanted, small.need.have, parts)
