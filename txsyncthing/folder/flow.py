"""
What other devices' changes did in a folder lately, and when that is too much.

There are two measures, and each alone can pass a limit:

- *at once*: all that is at risk now, with what was taken in the last minutes, of all that is in the folder;
- *bit by bit*: of what there was when the last hours began, all that is gone or overwritten since, or at risk
  now. What came since then does not count, neither as lost nor as a part of the whole. So a first sync is no
  reason to hold anything bit by bit, and who encrypts all files under new names cannot make the share that
  goes look smaller.

Each item counts once, however often it is overwritten: a log that grows all day is one item at risk.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Collection, Iterable, Sequence
from itertools import islice
from typing import Any, NamedTuple

import orjson

from txsyncthing.folder.care import Care

LATELY = 300.0  # seconds: a peer tells of a mass deletion in many messages
WINDOW = 6 * 3600.0  # seconds in which small deletions are seen as one
_GRAIN = 5.0  # seconds of it that are one entry
_NAMES = 20_000  # that are known to have been taken lately; what is beyond counts each time
_KEPT_NAMES = 1000  # of these over a restart

MAX_ITEMS = "maxItems"
MAX_PERCENT = "maxPercent"


class Flow(NamedTuple):
    """
    What other devices' changes took here for a while.

    :ivar taken: items deleted or overwritten, those left out that were so in the minutes before.
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

    def without(self, again: int) -> Past:
        """Where so many of the items that were taken in the last minutes are at risk once more."""
        return self._replace(lately=self.lately._replace(taken=self.lately.taken - again))


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

    def __init__(
        self, entries: Sequence[Entry] = (), names: Iterable[tuple[str, float]] = ()
    ) -> None:
        self._entries = deque(entries)
        self._names = OrderedDict(names)  # with when their entries begin, oldest first
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

    def add(self, names: Iterable[str], deleted: int, old: int) -> None:
        """
        These items were taken, after a ``note``.

        :param deleted: how many of them were deleted.
        :param old: how many there were when the window began.
        """
        last, count = self._entries.pop(), 0
        known = self._lately(last.begun)
        for name in names:
            if name not in known:
                count += 1
                if len(known) < _NAMES:
                    known[name] = last.begun
        flow = Flow(count, deleted, old)
        self._window = self._window.plus(flow)
        self._entries.append(last._replace(flow=last.flow.plus(flow)))

    def lately(self, now: float) -> Collection[str]:
        """The names of what was taken in the last minutes, as far as they are known."""
        return self._lately(now).keys()

    def _lately(self, now: float) -> OrderedDict[str, float]:
        names = self._names
        while names and not 0 <= now - names[first := next(iter(names))] <= LATELY:
            del names[first]
        return names

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
        entries = [[*one[:3], *one.flow] for one in self._entries]
        names = list(islice(reversed(self._names.items()), _KEPT_NAMES))
        return orjson.dumps({"entries": entries, "names": names[::-1]})


def remembered(data: bytes | None) -> Recent:
    """What was kept; nothing if it is of no use."""
    try:
        document: Any = orjson.loads(data or b"{}")
        entries = [
            Entry(float(begun), int(sequence), int(here), Flow(*map(int, flow)))
            for begun, sequence, here, *flow in document["entries"]
        ]
        return Recent(entries, [(str(name), float(begun)) for name, begun in document["names"]])
    except (ValueError, TypeError, LookupError):
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
