"""
What other devices' changes took from one folder, kept in its index over restarts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf

from txsyncthing.folder.flow import Past, Recent, remembered
from txsyncthing.folder.guard import existing
from txsyncthing.index.service import FolderIndex
from txsyncthing.index.values import IndexFailed
from txsyncthing.pull.finish import DELETED, Change
from txsyncthing.vocabulary.name import WireName

KEEP = 60.0  # seconds between two times that it is kept
_FACT = "guard flow"  # of the index


class Taken:
    """:param unix: wall-clock seconds: the window goes on over restarts."""

    def __init__(self, index: FolderIndex, unix: Callable[[], float]) -> None:
        self._index = index
        self._unix = unix
        self._recent: Recent | None = None  # not read yet
        self._kept = 0  # what was taken when that was kept last
        self._kept_at = -inf  # when that was, unix seconds

    async def past(self) -> Past:
        """What counts with what comes."""
        return (await self._load()).past(self._unix(), self._index.sequence, self._here)

    async def note(self) -> None:
        """A round begins."""
        now, recent = self._unix(), await self._load()
        recent.note(now, self._index.sequence, self._here)
        if not 0 <= now - self._kept_at < KEEP:
            self._kept_at = now
            await self.keep()

    def add(self, missed: Sequence[Change]) -> None:
        """This was done, and is recorded."""
        recent, now, sequence = self._recent, self._unix(), self._index.sequence
        if not missed or recent is None:
            return
        recent.note(now, sequence, self._here)
        mark = recent.past(now, sequence, self._here).mark
        deleted = sum(one.action == DELETED for one in missed)
        old = sum(one.sequence <= mark for one in missed)
        recent.add([one.name for one in missed], deleted, old)

    async def lately(self) -> list[WireName]:
        """What was taken in the last minutes, as far as the names are known."""
        return [WireName(name) for name in (await self._load()).lately(self._unix())]

    async def forget(self) -> None:
        """A decision was made over all that was taken until now."""
        self._recent, self._kept = Recent(), 0
        await self._index.set_fact(_FACT, self._recent.encode())

    async def keep(self) -> None:
        """Remember it now; what cannot be kept is forgotten with the next restart."""
        recent = self._recent
        if recent is not None and recent.taken != self._kept:
            self._kept = recent.taken
            with suppress(IndexFailed):
                await self._index.set_fact(_FACT, recent.encode())

    @property
    def _here(self) -> int:
        return existing(self._index.counts().local)

    async def _load(self) -> Recent:
        if self._recent is None:
            self._recent = remembered(await self._index.fact(_FACT))
        return self._recent
