"""What pulling asks of its surroundings."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.defer import Deferred

from txsyncthing.clock import Clock
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.index.values import Counts, Need
from txsyncthing.pull.fetch_service import BlockSources
from txsyncthing.pull.ledger import Told
from txsyncthing.pull.plan import Plan
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName


class PullIndex(Protocol):
    """The part of ``index.service.FolderIndex`` that pulling uses."""

    def counts(self) -> Counts: ...

    def need(self, after: str = "", limit: int = 1000) -> Deferred[list[Need]]: ...

    def local(self, names: Sequence[WireName]) -> Deferred[dict[WireName, FileInfo]]: ...

    def global_(self, names: Sequence[WireName]) -> Deferred[dict[WireName, FileInfo]]: ...

    def devices_with_global(self, name: WireName) -> Deferred[list[DeviceID]]: ...

    def find_blocks(
        self, hashes: Sequence[bytes]
    ) -> Deferred[dict[bytes, list[tuple[WireName, int]]]]: ...

    def update_local(self, files: Sequence[FileInfo]) -> Deferred[int]: ...


def no_check(filesystem: Filesystem) -> None:
    """The ``check`` of a folder that is always there."""


class Hold(Protocol):
    """Says what a round may do now; ``folder.guard_service.FolderGuard`` holds what would lose too much."""

    async def begin(self, ignored: Callable[[str], bool]) -> None:
        """
        A round begins; nothing is touched yet.

        :raises IndexFailed: the index could not be read.
        """

    def need(self, index: PullIndex, after: str, limit: int) -> Deferred[list[Need]]:
        """What may be pulled now, as ``PullIndex.need`` gives it."""

    def doomed(self, index: PullIndex, after: str, limit: int) -> Deferred[list[Need]]:
        """The deletions among it, and perhaps others."""

    async def goes(self, batch: Plan) -> bool:
        """
        Look at a batch between plan and commit, and take out what is to wait.

        :returns: False leaves all of it for a later round.
        """


class Free:
    """The ``Hold`` of a folder that holds nothing."""

    async def begin(self, ignored: Callable[[str], bool]) -> None:
        pass

    def need(self, index: PullIndex, after: str, limit: int) -> Deferred[list[Need]]:
        return index.need(after, limit)

    def doomed(self, index: PullIndex, after: str, limit: int) -> Deferred[list[Need]]:
        return index.need(after, limit)

    async def goes(self, batch: Plan) -> bool:
        return True


FREE = Free()


@dataclass(frozen=True, slots=True)
class Seams:
    """
    All of it.

    ``unix`` gives wall-clock seconds, ``random`` numbers from 0 to below 1. ``check`` is a worker's job
    that raises where the folder is not there.
    """

    workers: Workers
    clock: Clock
    unix: Callable[[], float]
    random: Callable[[], float]
    filesystem: Filesystem
    index: PullIndex
    sources: BlockSources
    told: Told
    hold: Hold = FREE
    check: Callable[[Filesystem], None] = no_check
