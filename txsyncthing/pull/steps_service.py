"""
The items of a round that need no bytes: directories, symlinks, metadata, renames, deletions.

Source: reference 5.5 ("Item order").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from txsyncthing.filesystem.case import only_case_differs
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.pull.failure import Cause
from txsyncthing.pull.finish import Outcome
from txsyncthing.pull.ledger import DELETE, METADATA, UPDATE, Ledger
from txsyncthing.pull.metadata import set_metadata
from txsyncthing.pull.obstacles import above
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.plan import Deletions, Plan
from txsyncthing.pull.renames import Rename, rename_files
from txsyncthing.pull.seams_service import Seams
from txsyncthing.pull.tree import (
    Item,
    Rules,
    delete_directories,
    delete_files,
    list_doomed,
    make_directories,
    make_symlinks,
)
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName

T = TypeVar("T")
Job = Callable[[Filesystem, Sequence[T], PullOptions, float], list[Outcome]]

BATCH = 200  # items of one job


class Steps:
    """
    Does them.

    :param go_on: asked before each batch; once it says no, the others are left.
    """

    def __init__(
        self,
        seams: Seams,
        options: PullOptions,
        matcher: Matcher,
        ledger: Ledger,
        go_on: Callable[[], bool],
    ) -> None:
        self._seams = seams
        self._options = options
        self._matcher = matcher
        self._ledger = ledger
        self._go_on = go_on
        self._respelled: dict[WireName, WireName] = {}  # directories of this round

    async def structure(self, batch: Plan) -> None:
        """All of a batch that comes before its files, but for the renames."""
        self._ledger.fail(batch.failed)
        for wanted in batch.adopted:
            self._ledger.close(Outcome(wanted.name, (wanted._replace(sequence=0),)))
        await self._items(make_directories, batch.directories, UPDATE)
        for item in batch.directories:
            if item.respells:
                self._respelled[item.respells] = item.wanted.name
        await self._items(make_symlinks, batch.symlinks, UPDATE)
        for items in _cut(batch.metadata):
            await self._batch(set_metadata, items, [wanted for wanted, _ in items], METADATA)

    async def renames(self, batch: Plan, deletions: Deletions) -> set[WireName]:
        """
        Move files on disk.

        :returns: the wanted files for which that did not work: they have to be fetched.
        """
        missed = set()
        for items in _cut(batch.renames):
            if not self._go_on():
                break
            self._ledger.begin([item.wanted for item in items], UPDATE)
            outcomes = await self._job(rename_files, items)
            for item, outcome in zip(items, outcomes, strict=True):
                if outcome.spoiled:
                    deletions.give_back(item.source, item.gone)
                    self._ledger.drop([outcome.name])
                    self._ledger.rescan.extend(outcome.rescan)
                    missed.add(outcome.name)
                else:
                    if outcome.error is not None and not _is_respelling(item, outcome):
                        deletions.give_back(item.source, item.gone)
                    self._ledger.close(outcome)
        return missed

    async def delete(self, batch: Plan) -> None:
        """Files and symlinks, then directories, the deepest first."""
        await self._items(delete_files, self._found(batch.deleted_files), DELETE)
        for items in _cut(self._found(batch.deleted_directories)):
            if not self._go_on():
                return
            self._ledger.begin([item.wanted for item in items], DELETE)
            await self._directories(items)

    def _found(self, items: Sequence[Item]) -> Sequence[Item]:
        """With where they are, if a directory above them has got another spelling in this round."""
        if not self._respelled:
            return items
        return [item._replace(lies=self._lies(item.wanted.name)) for item in items]

    def _lies(self, name: WireName) -> WireName | None:
        for directory in above(name):
            new = self._respelled.get(directory)
            if new is not None:
                return WireName(new + name[len(directory) :])
        return None

    async def _directories(self, items: Sequence[Item]) -> None:
        seams = self._seams
        doomed = await seams.workers.disk.run(list_doomed, seams.filesystem, items)
        names = list({child.name for one in doomed for child in one.children})
        known: dict[WireName, FileInfo] = {}
        for start in range(0, len(names), 1000):
            known.update(await seams.index.local(names[start : start + 1000]))
        rules = Rules(self._ignored, self._deletable, known)
        outcomes = await seams.workers.disk.run(
            delete_directories, seams.filesystem, doomed, rules, self._options, seams.unix()
        )
        for outcome in outcomes:
            self._ledger.close(outcome)

    def _ignored(self, name: str) -> bool:
        return self._matcher.match(name).ignored

    def _deletable(self, name: str) -> bool:
        verdict = self._matcher.match(name)
        return verdict.ignored and verdict.deletable

    async def _items(self, job: Job[Item], items: Sequence[Item], action: str) -> None:
        for some in _cut(items):
            await self._batch(job, some, [item.wanted for item in some], action)

    async def _batch(
        self, job: Job[T], items: Sequence[T], wanted: Sequence[FileInfo], action: str
    ) -> None:
        if not self._go_on():
            return
        self._ledger.begin(wanted, action)
        for outcome in await self._job(job, items):
            self._ledger.close(outcome)

    async def _job(self, job: Job[T], items: Sequence[T]) -> list[Outcome]:
        seams = self._seams
        return await seams.workers.disk.run(
            job, seams.filesystem, items, self._options, seams.unix()
        )


def _is_respelling(item: Rename, outcome: Outcome) -> bool:
    """
    Whether a file could not get another spelling, since a directory above has the old one for now: deleting
    it in the meantime would only mean to fetch it again.
    """
    refused = outcome.error is not None and outcome.error.cause == Cause.CASE.code
    return refused and only_case_differs(item.source.name, item.wanted.name)


def _cut(items: Sequence[T]) -> list[Sequence[T]]:
    return [items[start : start + BATCH] for start in range(0, len(items), BATCH)]
