"""
One folder's scans: walk and compare, then hash, then record deletions and what is ignored now.

All work is done in batches by workers; between two batches a scan can be cancelled, and what was recorded
until then stands. Deletions are recorded last (but for renames), in batches, each after another look at the
items and at the folder's health.

Source: reference 5.2.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace

from twisted.internet.defer import Deferred

from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.index.values import Row
from txsyncthing.runtime.narrow_service import NarrowLane
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.scan.compare import Survey, left_to_pull, only_here, pulled, revise
from txsyncthing.scan.confirm import Healthy, confirm, sync_parents
from txsyncthing.scan.hash_service import Hashed, HashLine
from txsyncthing.scan.hashing import Stamp
from txsyncthing.scan.renames import Renames, deletions, pages
from txsyncthing.scan.seams_service import LocalIndex
from txsyncthing.scan.thorough import LOOKED_FOR, looks_for
from txsyncthing.scan.tops import ancestors, clean, existing, unify
from txsyncthing.scan.values import ScanOptions, ScanProgress, ScanResult, Work
from txsyncthing.scan.walk import Walk
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import FileInfo, LocalFlag
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

_ROWS = 2000  # of the index in one question
_FILES = 1000  # records in one transaction
_HASH_BYTES = 4 * 1024 * 1024  # of block lists in one transaction
_HELD = 200_000  # items that are held to find renames; then the scan goes on in parts
_HASHERS = 2  # hash jobs that run at once where nobody says otherwise


class FolderScanner:
    """
    Scans one folder, one scan at a time.

    :param short: our own counter in versions.
    :param unix: wall-clock seconds.
    """

    def __init__(
        self,
        workers: Workers,
        filesystem: Filesystem,
        index: LocalIndex,
        short: ShortID,
        unix: Callable[[], float],
    ) -> None:
        self._workers = workers
        self._filesystem = filesystem
        self._index = index
        self._short = short
        self._unix = unix

    def scan(
        self,
        subs: Sequence[str],
        matcher: Matcher,
        options: ScanOptions,
        healthy: Healthy,
        progress: Callable[[ScanProgress], object] = lambda progress: None,
    ) -> Deferred[ScanResult]:
        """
        Bring the index up to the disk.

        :param subs: the parts to scan; empty for all.
        :raises BadSub: a part outside of the folder.
        :raises OSError: the root cannot be read.
        :raises ScanStopped: the folder became unhealthy; so does whatever ``healthy`` raises.
        """
        scan = _Scan(
            self._workers,
            self._filesystem,
            self._index,
            matcher,
            options,
            healthy,
            progress,
            self._short,
            self._unix,
        )
        return Deferred.fromCoroutine(scan.run(subs))


class _Scan:
    """One scan under way."""

    def __init__(
        self,
        workers: Workers,
        filesystem: Filesystem,
        index: LocalIndex,
        matcher: Matcher,
        options: ScanOptions,
        healthy: Healthy,
        progress: Callable[[ScanProgress], object],
        short: ShortID,
        unix: Callable[[], float],
    ) -> None:
        self._workers = workers
        self._filesystem = filesystem
        self._index = index
        self._matcher = matcher
        self._options = options
        self._healthy = healthy
        self._progress = progress
        self._unix = unix
        self._now = int(unix() * 1_000_000_000)
        version = Vector().bump(options.author or short, int(unix()))
        flags = options.local_flags
        self._stamp = Stamp(short, version, options.ignore_permissions, flags, options.attributes)
        # What all deletions have in common.
        self._own = FileInfo(
            WireName(""),
            modified=self._now,
            modified_by=short,
            version=version,
            local_flags=flags,
        )
        self._errors: list[ItemError] = []
        self._changed = 0
        self._deleted = 0
        self._writing: Deferred[int] | None = None

    async def run(self, subs: Sequence[str]) -> ScanResult:
        tops = clean(subs)
        wanted = looks_for(self._options.attributes)
        news = await self._index.fact(LOOKED_FOR) != wanted
        self._options = replace(self._options, thorough=news)
        try:
            found: Survey | None = None
            for top in await self._raise(tops):
                found = await self._scan(top, found)
            if found is not None:
                await self._record(found)
        finally:
            writing, self._writing = self._writing, None
            if writing is not None:
                writing.addErrback(lambda failure: None)  # cancelled or failed already
        if news and tops == [""] and not self._errors:
            await self._index.set_fact(LOOKED_FOR, wanted)
        return ScanResult(tuple(self._errors), self._changed, self._deleted)

    async def _raise(self, tops: list[str]) -> list[str]:
        """Begin so far up that no item is recorded whose directories are not."""
        if tops == [""]:
            return tops
        tops = await self._workers.disk.run(existing, self._filesystem, tops)
        raised = []
        for page in pages(tops, _FILES):
            above = [WireName(name) for top in page for name in ancestors(top)]
            known = await self._index.local(above)
            for top in page:
                fits = (name for name in ancestors(top) if not _is_known(known, name))
                raised.append(next(fits, top))
        return unify(raised)

    async def _scan(self, top: str, before: Survey | None) -> Survey:
        """
        :param before: of the parts before this one: what was found is recorded together, so that a rename
            from one to the other is seen as one.
        """
        walk = Walk(self._filesystem, self._matcher, self._options, self._now, top)
        survey = Survey(walk, self._filesystem, self._matcher, self._options)
        if before is not None:
            survey.join(before)
        after = ""
        while not survey.done:
            rows: list[Row] = []
            asked = survey.hungry
            if asked:
                rows = await self._index.rows(after, top, _ROWS)
                after = rows[-1].name if rows else after
            all = asked and len(rows) < _ROWS
            await self._workers.disk.run(survey.advance, rows, all)
            if len(survey.work) > _HELD:
                await self._record(survey)
        return survey

    async def _record(self, survey: Survey) -> None:
        """Hash and record what the survey found so far."""
        work, survey.work = survey.work, []
        missing, survey.missing = survey.missing, []
        ignored, survey.ignored = survey.ignored, []
        settled, survey.settled = survey.settled, []
        self._errors += survey.errors
        survey.errors.clear()
        if work:
            renames = await self._renames(work, missing)
            if renamed := await self._hash(work, renames):
                missing = [name for name in missing if name not in renamed]
        for page in pages(missing, _FILES):
            await self._delete(page)
        for page in pages(ignored, _FILES):
            await self._reflag(page, LocalFlag.IGNORED)
        for page in pages(settled, _FILES):
            await self._reflag(page, LocalFlag.NONE)
        await self._written()

    # -- new and changed items

    async def _renames(self, work: Sequence[Work], missing: Collection[str]) -> Renames:
        renames = Renames()
        sizes = {item.size for item in work if not item.known and item.size > 0}
        if sizes and not self._options.local_flags & LocalFlag.RECEIVE_ONLY:
            for page in pages(missing, _FILES):
                renames.add((await self._index.local(page)).values(), sizes)
        return renames

    async def _hash(self, work: Sequence[Work], renames: Renames) -> set[WireName]:
        """:returns: the items whose deletion was recorded with their new name."""
        total = sum(item.size for item in work if item.size > 0)
        done = 0
        renamed: set[WireName] = set()
        ahead = (self._options.hashers or _HASHERS) + 1
        lane = NarrowLane(self._workers.hashing, self._options.hashers)
        line = HashLine(lane, self._filesystem, work, self._stamp, ahead, self._unix)
        limit = _FILES // 2 if renames else _FILES
        files: list[FileInfo] = []
        fresh: dict[WireName, WireName] = {}  # old names of new files
        weight = 0
        try:
            while (hashed := await line.next()) is not None:
                done += hashed.size
                if total:
                    self._progress(ScanProgress(done, total))
                for item, file in await self._revised(hashed):
                    if not item.known and (old := renames.take(file)) is not None:
                        fresh[file.name] = old
                    files.append(file)
                    weight += len(file.hashes)
                    if len(files) >= limit or weight > _HASH_BYTES:
                        renamed |= await self._store(files, fresh)
                        files, fresh, weight = [], {}, 0
            return renamed | await self._store(files, fresh)
        finally:
            line.close()

    async def _revised(self, hashed: Hashed) -> list[tuple[Work, FileInfo]]:
        """The new records, each on top of the one we have."""
        found: list[tuple[Work, FileInfo]] = []
        for item, outcome in zip(hashed.items, hashed.outcomes, strict=True):
            if isinstance(outcome, FileInfo):
                found.append((item, outcome))
            elif outcome is not None:
                self._errors.append(outcome)
        olds = await self._olds([file.name for item, file in found if item.known])
        wanted = await self._wanted([file.name for _, file in found])
        there = await self._pulled([file for _, file in found], olds, wanted)
        revised: list[tuple[Work, FileInfo]] = []
        for item, file in found:
            old = olds.get(file.name)
            record = revise(old, file, self._options)
            if file.name not in there and left_to_pull(
                old, file, wanted.get(file.name), self._options
            ):
                continue
            if record is not None:
                revised.append((item, there.get(file.name, record)))
        return revised

    async def _pulled(
        self,
        files: Sequence[FileInfo],
        olds: Mapping[WireName, FileInfo],
        wanted: Mapping[WireName, FileInfo],
    ) -> dict[WireName, FileInfo]:
        """The records of items that were pulled, once that is durable."""
        there = {}
        for file in files:
            record = pulled(olds.get(file.name), file, wanted.get(file.name), self._options)
            if record is not None:
                there[file.name] = record
        if there:
            try:
                await self._workers.disk.run(sync_parents, self._filesystem, list(there))
            except OSError:
                return {}
        return there

    async def _olds(self, names: Sequence[WireName]) -> dict[WireName, FileInfo]:
        return await self._index.local(names) if names else {}

    async def _wanted(self, names: Sequence[WireName]) -> dict[WireName, FileInfo]:
        """The global versions, where peers have told of anything."""
        if not names or not any(self._index.counts().remote_sequence.values()):
            return {}
        return await self._index.global_(names)

    async def _store(
        self, files: Sequence[FileInfo], fresh: Mapping[WireName, WireName]
    ) -> set[WireName]:
        """
        Record new and changed items; behind each renamed one the deletion of its old name.

        :returns: the names deleted so.
        """
        if files:
            await self._workers.disk.run(self._healthy)  # else these are another folder's
        deletions = {}
        if fresh:
            deletions = {file.name: file for file in await self._deletions(list(fresh.values()))}
            self._deleted += len(deletions)
        self._changed += len(files)
        joined = []
        for file in files:
            joined.append(file)
            if file.name in fresh and fresh[file.name] in deletions:
                joined.append(deletions[fresh[file.name]])
        await self._write(joined)
        return set(deletions)

    # -- items that are gone or ignored

    async def _deletions(self, names: Sequence[WireName]) -> list[FileInfo]:
        """The records of deletions, of those items that are really gone."""
        gone = await self._workers.disk.run(confirm, self._filesystem, names, self._healthy)
        olds = await self._index.local(gone)
        wanted = await self._wanted(gone)
        known = [name for name in gone if name in olds and not olds[name].deleted]
        if self._options.local_flags & LocalFlag.RECEIVE_ONLY:
            known = await self._forget(known, olds, wanted)
        doomed = [olds[name] for name in known]
        files = await self._workers.hashing.run(deletions, doomed, self._own)
        there = await self._pulled(files, olds, wanted)
        return [there.get(file.name, file) for file in files]

    async def _forget(
        self,
        names: Sequence[WireName],
        olds: Mapping[WireName, FileInfo],
        wanted: Mapping[WireName, FileInfo],
    ) -> list[WireName]:
        """
        Drop the records of items that only this receive-only folder ever had.

        :returns: the others.
        """
        ours = {name for name in names if only_here(olds[name], wanted.get(name))}
        if ours:
            await self._index.forget_local(sorted(ours))
            self._deleted += len(ours)
        return [name for name in names if name not in ours]

    async def _delete(self, names: Sequence[WireName]) -> None:
        files = await self._deletions(names)
        self._deleted += len(files)
        await self._write(files)

    async def _reflag(self, names: Sequence[WireName], flags: LocalFlag) -> None:
        """Known items that are ignored now, or whose deletion now counts: they keep their versions."""
        olds = await self._index.local(names)
        files = [old._replace(local_flags=flags) for old in olds.values()]
        self._changed += len(files)
        await self._write(files)

    # -- the index

    async def _write(self, files: Sequence[FileInfo]) -> None:
        """Begin to record; while that goes on, the next batch is made."""
        await self._written()
        if files:
            # Cancelling a scan must not cancel this, or the index would not tell of its change.
            self._writing = writing = Deferred[int]()
            self._index.update_local(files).addCallbacks(writing.callback, writing.errback)

    async def _written(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing


def _is_known(known: Mapping[WireName, FileInfo], name: str) -> bool:
    """Whether there is a record of this directory."""
    file = known.get(WireName(name))
    return file is not None and file.is_directory and not file.deleted and not file.invalid
