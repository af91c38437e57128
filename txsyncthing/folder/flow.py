"""
What other devices' changes did in a folder lately, and when that is too much.

There are two measures, and each alone can pass a limit:

- *at once*: all that is at risk now, with what was taken in the last minutes, of all that is in the folder;
- *bit by bit*: of what there was when the last hours began, all that is gone or overwritten since, or at risk
  now. Each item counts once, however often it is overwritten; what came since then does not count, neither as
  lost nor as a part of the whole. So a first sync is no reason to hold anything bit by bit, and who encrypts
  all files under new names cannot make the share that goes look smaller.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import orjson

from txsyncthing.folder.care import Care

LATELY = 300.0  # seconds: a peer tells of a mass deletion in many messages
WINDOW = 6 * 3600.0  # seconds in which small deletions are seen as one
_GRAIN = 5.0  # seconds of it that are one entry

MAX_ITEMS = "maxItems"
MAX_PERCENT = "maxPercent"


class Flow(NamedTuple):
    """
    What other devices' changes took here for a while.

    :ivar taken: items deleted or overwritten.
    :ivar deleted: of these.
    :ivar old: of those taken, so many were there when the window began.
    """

    taken: int = 0
    deleted: int = 0
    old: int = 0

    def plus(self, other: Flow) -> Flow:
        return Flow(*(a + b for a, b in zip(self, other, strict=True)))

    def minus(self, other: Flow) -> Flow:
        return Flow(*(a - b for a, b in zip(self, other, strict=True)))


class Past(NamedTuple):
    """
    What was done until now.

    :ivar lately: in the last minutes.
    :ivar old: what was taken in the last hours of what was there when they began.
    :ivar mark: our sequence then; what was recorded later is not old.
    :ivar whole: the items that there were then.
    """

    lately: Flow = Flow()
    old: int = 0
    mark: int = 0
    whole: int = 0


class Entry(NamedTuple):
    """
    A few seconds.

    :ivar begun: unix seconds.
    :ivar sequence: ours, before.
    :ivar here: items that there were before.
    """

    begun: float
    sequence: int
    here: int
    flow: Flow = Flow()


class Recent:
    """What was taken in the last hours, in entries of a few seconds each."""

    def __init__(self, entries: Sequence[Entry] = ()) -> None:
        self._entries = deque(entries)
        self._window = Flow()
        for entry in self._entries:
            self._window = self._window.plus(entry.flow)

    def note(self, now: float, sequence: int, here: int) -> None:
        """
        A change may come.

        :param now: unix seconds.
        :param sequence: ours now.
        :param here: items that there are now.
        """
        last = self._entries[-1] if self._entries else None
        if last is None or (sequence != last.sequence and not 0 <= now - last.begun < _GRAIN):
            self._entries.append(Entry(now, sequence, here))

    def add(self, flow: Flow) -> None:
        """This was taken, after a ``note``."""
        self._window = self._window.plus(flow)
        last = self._entries.pop()
        self._entries.append(last._replace(flow=last.flow.plus(flow)))

    def past(self, now: float, sequence: int, here: int) -> Past:
        """:param now: see ``note`` for these."""
        while self._entries and not 0 <= now - self._entries[0].begun <= WINDOW:
            if self._entries[0].begun > now:  # the clock was set back
                self._entries[0] = self._entries[0]._replace(begun=now)
                break
            self._window = self._window.minus(self._entries.popleft().flow)
        lately = Flow()
        for entry in reversed(self._entries):
            if entry.begun < now - LATELY:
                break
            lately = lately.plus(entry.flow)
        first = self._entries[0] if self._entries else Entry(now, sequence, here)
        return Past(lately, self._window.old, first.sequence, first.here)

    @property
    def taken(self) -> int:
        """In the window."""
        return self._window.taken

    def encode(self) -> bytes:
        """For the next start of the node."""
        return orjson.dumps([[*one[:3], *one.flow] for one in self._entries])


def remembered(data: bytes | None) -> Recent:
    """What was kept; nothing if it is of no use."""
    try:
        rows: Any = orjson.loads(data or b"[]")
        entries = [
            Entry(float(begun), int(sequence), int(here), Flow(*map(int, flow)))
            for begun, sequence, here, *flow in rows
        ]
        return Recent(entries)
    except (ValueError, TypeError):
        return Recent()


class Excess(NamedTuple):
    """
    A limit that is passed.

    :ivar limit: its name.
    :ivar slow: bit by bit, and not at once.
    :ivar before: so many items were taken already.
    :ivar whole: of so many.
    """

    limit: str = ""
    slow: bool = False
    before: int = 0
    whole: int = 0


NONE = Excess()


def excess(care: Care, pending: int, old: int, past: Past, here: int) -> Excess:
    """
    Which limit is passed.

    :param pending: items at risk now.
    :param old: how many of them were there when the window began.
    :param here: items that there are now.
    """
    if not pending:
        return NONE
    lately = past.lately
    at_once = Excess(before=lately.taken, whole=here + lately.deleted)
    slowly = Excess(slow=True, before=past.old, whole=past.whole)
    now = (pending + lately.taken, at_once)
    slow = (min(old, past.whole) + past.old, slowly)
    for lost, found in (now, slow) if old else (now,):
        if care.max_items and lost > care.max_items:
            return found._replace(limit=MAX_ITEMS)
        if (
            care.max_percent
            and lost >= care.percent_from
            and lost * 100 > care.max_percent * found.whole
        ):
            return found._replace(limit=MAX_PERCENT)
    return NONE
