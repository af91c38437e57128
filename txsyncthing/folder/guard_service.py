"""
The guard of one folder: judges each round of pulling before it touches anything, holds what would lose
too much, and does what the folder's owner says of it.

The usual round costs it one comparison of totals; the index is asked only where the totals alone could pass
a limit.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from math import inf

from twisted.internet.defer import Deferred

from txsyncthing.clock import Clock
from txsyncthing.config.folder import FolderConfig
from txsyncthing.events.types import Emit, EventType
from txsyncthing.folder.flow import Past, excess
from txsyncthing.folder.guard import (
    Held,
    Word,
    at_most,
    decode,
    existing,
    merged,
    on_top,
    replaced,
    risks,
    total,
    without,
)
from txsyncthing.folder.outside import Outside
from txsyncthing.folder.taken_service import Taken
from txsyncthing.index import risk
from txsyncthing.index.risk import Counted, Marks
from txsyncthing.index.service import FolderIndex
from txsyncthing.index.values import Need
from txsyncthing.pull.failure import Cause, bad_name
from txsyncthing.pull.finish import MOVED, Change
from txsyncthing.pull.plan import Plan
from txsyncthing.pull.seams_service import PullIndex
from txsyncthing.vocabulary.device import ShortID, short_text
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.name import WireName

AGAIN = 10.0  # seconds between two counts of a batch that is held
_WORD = "guard"  # fact of the index
_PAGE = 250  # items put on top at once
_NAMES = 2000  # in one question


class NothingHeld(Exception):
    """There is no batch to say anything of, or another one than was meant."""


class FolderGuard:
    """
    Satisfies ``pull.seams_service.Hold``.

    :param emit: adds which folder it is.
    :param me: our own counter in versions.
    """

    def __init__(
        self,
        config: FolderConfig,
        index: FolderIndex,
        clock: Clock,
        unix: Callable[[], float],
        emit: Emit,
        me: ShortID,
        outside: Outside,
    ) -> None:
        self._folder = config.id
        self._index = index
        self._clock = clock
        self._unix = unix
        self._emit = emit
        self._log = outside.log
        self._me = me
        self._care = outside.care
        self._deletions = not config.ignore_delete  # whether any are made here
        self._word: Word | None = None  # not read yet
        self._taken = Taken(index, unix)
        self._judged = -inf  # when a held batch was counted last
        self._limits = outside.care()  # by which what is held was judged
        self._stale = False  # more may belong to it by now
        self._budget = 0  # items at risk that may begin before all is counted anew
        self._free = 0  # of these, so many were released
        self._comes: Callable[[str], bool] = lambda name: True
        self._moves: list[WireName] = []
        self.held: Held | None = None

    # What a round asks.

    async def begin(self, ignored: Callable[[str], bool]) -> None:
        self._comes = lambda name: not ignored(name) and bad_name(name) is None
        word = await self._load()
        if word.refused:
            await self._refuse(word)
            word = await self._load()
        if word.released and not await self._index.ask(risk.covered, "", 1, word.released):
            word = await self._say(word._replace(released={}))
        await self._taken.note()
        counts, now = self._index.counts(), self._clock.seconds()
        most = at_most(counts, self._deletions)
        if self.held is None and not word.since:
            here = existing(counts.local)
            if not excess(self._care(), most, most, await self._taken.past(), here).limit:
                self._budget, self._free = most, most if word.released else 0
                return
        elif self.held is not None and now - self._judged < AGAIN:
            self._stale = True
            return
        await self._judge(word)

    def need(self, index: PullIndex, after: str, limit: int) -> Deferred[list[Need]]:
        if self.held is None:
            return index.need(after, limit)
        return self._index.ask(risk.harmless, after, limit, self.released)

    def doomed(self, index: PullIndex, after: str, limit: int) -> Deferred[list[Need]]:
        if self.held is None:
            return index.need(after, limit)
        return Deferred.fromCoroutine(self._doomed(after, limit))

    async def _doomed(self, after: str, limit: int) -> list[Need]:
        if not after:
            self._moves = await self._index.ask(risk.doomed, self.released, self._comes)
        first = bisect_right(self._moves, after)
        names = self._moves[first : first + limit]
        if not names:
            self._moves = []
            return []
        return await self._index.ask(risk.needed, names)

    async def goes(self, batch: Plan) -> bool:
        items = risks(batch)
        # A directory that gets another spelling takes along what is below it by now.
        anew = items > self._budget or any(item.respells for item in batch.directories)
        if anew and self.held is None:
            await self._judge(await self._load())
            if self._holds:
                return False
        if self._holds:
            await self._strip(batch)
            return True
        self._budget = max(0, self._budget - items)
        return True

    def took(self, changes: Sequence[Change]) -> None:
        """This was done, and is recorded."""
        missed = [one for one in changes if one.sequence and one.action != MOVED]
        free = min(len(missed), self._free)
        self._free -= free
        self._taken.add(missed[free:])

    async def close(self) -> None:
        """The folder stops."""
        await self._taken.keep()

    @property
    def _holds(self) -> bool:
        return self.held is not None

    async def _strip(self, batch: Plan) -> None:
        names = replaced(batch)
        for start in range(0, len(names), _NAMES):
            some = names[start : start + _NAMES]
            without(batch, await self._index.ask(risk.at_risk, some, self.released))
        olds = [item.respells for item in batch.directories if item.respells]
        if olds:
            waits = await self._index.ask(risk.above_held, olds, self.released, self._comes)
            batch.directories = [item for item in batch.directories if item.respells not in waits]

    # Judging.

    async def _judge(self, word: Word) -> None:
        """Count all that is at risk, and hold it if that is too much."""
        index, care = self._index, self._care()
        marks = await index.ask(risk.marks_now)
        holding = self.held is not None or bool(word.since)
        past = word.past if holding else await self._taken.past()
        counted = await self._count(word.released, past.mark)
        here = existing(index.counts().local)
        seen = counted.items
        over = excess(care, seen, counted.old, past, here)
        if over.limit and total(counted.by).deletions:
            moves = await index.ask(risk.moved, word.released, self._comes, past.mark)
            counted = counted.minus(moves)
            over = excess(care, counted.items, counted.old, past, here)
        if over.limit and not holding:
            past = past.without(min(await self._again(word.released), counted.items))
            over = excess(care, counted.items, counted.old, past, here)
        self._judged, self._stale = self._clock.seconds(), False
        if not over.limit:
            every = (await self._count({}, 0)).items if word.released else seen
            self._budget, self._free = every, every - seen
            if holding:
                await self._withdrawn(word)
            return
        sample = await index.ask(risk.sample, word.released, self._deletions)
        since = word.since or self._unix()
        by = {device: lost for device, lost in counted.by.items() if lost.items}
        first = self.held is None and not word.since
        self.held = held = Held(since, over, marks, by, sample)
        self._limits = care
        if first:
            await self._say(word._replace(since=since, past=past))
            self._tell(EventType.GUARD_HELD, held)
            self._log.warn(
                "folder {folder}: held: {sentence}; POST /rest/x/guard/release?folder={folder} lets it be"
                " done, .../refuse keeps what is here",
                folder=self._folder,
                sentence=held.sentence(care),
            )

    async def _count(self, marks: Marks, mark: int) -> Counted:
        counted = Counted({})
        after = ""
        while (last := await self._index.ask(risk.next_piece, after)) is not None:
            piece = await self._index.ask(risk.count, after, last, marks, self._deletions, mark)
            counted = counted.plus(piece)
            after = last
        return counted

    async def _again(self, marks: Marks) -> int:
        """How many items are at risk that were taken in the last minutes already."""
        names, count = await self._taken.lately(), 0
        for start in range(0, len(names), _NAMES):
            some = names[start : start + _NAMES]
            count += len(await self._index.ask(risk.at_risk, some, marks))
        return count

    async def _withdrawn(self, word: Word) -> None:
        """What was held is not too much any more: other devices took it back, or a setting changed."""
        held, self.held = self.held, None
        await self._say(word._replace(since=0.0, past=Past()))
        if held is not None:
            self._tell(EventType.GUARD_RELEASED, held, reason="withdrawn")
        self._log.info("folder {folder}: nothing is held any more", folder=self._folder)

    # What the owner says.

    async def release(self, id: str = "") -> None:
        """
        Let what is held be done.

        :param id: of the batch that is meant; empty for whatever is held.
        :raises NothingHeld: nothing, or another batch, is held.
        :raises IndexFailed: that could not be noted.
        """
        held, word = self._meant(id), await self._load()
        released = merged(word.released, held.marks)
        await self._say(Word(released))
        self.held = None
        await self._over(held, EventType.GUARD_RELEASED, "released")

    async def refuse(self, id: str = "") -> None:
        """
        Do not take what is held: the next round puts our versions on top of it, so that the others take
        them back.

        See ``release``.
        """
        held, word = self._meant(id), await self._load()
        await self._say(Word(word.released, held.marks))
        # Still held until the next round begins: one that runs must not take it.
        await self._over(held, EventType.GUARD_REFUSED, "refused")

    def reconsider(self) -> None:
        """The settings are others now."""
        self._judged = -inf

    def _meant(self, id: str) -> Held:
        held = self.held
        if held is None:
            raise NothingHeld("nothing is held in this folder")
        if id and id != held.id:
            raise NothingHeld(f"batch {id} is not what is held now; that is {held.id}")
        return held

    async def _over(self, held: Held, type: EventType, what: str) -> None:
        await self._taken.forget()
        self._tell(type, held, reason=what)
        lost = held.lost
        self._log.info(
            "folder {folder}: {what}: {deletions} deletions and {overwrites} overwrites",
            folder=self._folder,
            what=what,
            deletions=lost.deletions,
            overwrites=lost.overwrites,
        )

    async def _refuse(self, word: Word) -> None:
        """Put our versions on top of what lies below the marks; begun anew after a crash."""
        after, count = "", 0
        while needs := await self._index.ask(risk.covered, after, _PAGE, word.refused):
            after = needs[-1].wanted.name
            names = [need.wanted.name for need in needs]
            ours = await self._index.ask(risk.at_risk, names, word.released)
            files = [
                on_top(need, self._me, self._unix()) for need in needs if need.wanted.name in ours
            ]
            await self._index.update_local(files)
            count += len(files)
        await self._say(word._replace(refused={}))
        self.held = None
        self._log.info(
            "folder {folder}: {count} items keep our version", folder=self._folder, count=count
        )

    # What is remembered.

    @property
    def released(self) -> Marks:
        """What was told below these marks may be taken."""
        return {} if self._word is None else self._word.released

    async def _load(self) -> Word:
        if self._word is None:
            self._word = decode(await self._index.fact(_WORD))
        return self._word

    async def _say(self, word: Word) -> Word:
        await self._index.set_fact(_WORD, word.encode())
        self._word = word
        return word

    # What others may know.

    async def look(self) -> Held | None:
        """
        What is held, counted anew if more may have come.

        :raises IndexFailed: the index could not be read.
        """
        if self.held is not None and self._stale:
            await self._judge(await self._load())
        return self.held

    def known_items(self) -> int:
        """How many items must be here: not those which the cluster deleted and we are about to delete."""
        counts = self._index.counts()
        doomed = counts.need.deleted if self._deletions and self.held is None else 0
        return existing(counts.local) - doomed

    @property
    def refusing(self) -> bool:
        """Whether what is held was refused, and only has to be put right."""
        return self._word is not None and bool(self._word.refused)

    def errors(self) -> tuple[ItemError, ...]:
        """What is held, as one entry of the folder's errors."""
        held = self.held
        if held is None or not held.sample:
            return ()
        text = f"{Cause.HELD.sentence}: {held.sentence(self._limits)}"
        return (Cause.HELD.of(held.sample[0].name, text),)

    def _tell(self, type: EventType, held: Held, **more: object) -> None:
        lost = held.lost
        self._emit(
            type,
            {
                "id": held.id,
                "deletions": lost.deletions,
                "overwrites": lost.overwrites,
                "sentence": held.sentence(self._limits),
                "devices": {
                    short_text(device): {"deletions": one.deletions, "overwrites": one.overwrites}
                    for device, one in held.by.items()
                },
                "sample": [one.name for one in held.sample],
                **more,
            },
        )
