"""
When the scanner should look at what has changed: many changes become few scans.

A change that is finished, of a name that was quiet for longer than the delay, is due almost at once. What
follows waits until the delay since the last scan is over. What is half written waits until it is finished
or quiet for a delay, what is removed likewise (in case it comes back, or turns up elsewhere), but neither
longer than the timeout, however often it changes meanwhile.

More than ``MAX_BELOW`` names of one directory become that directory, more than ``MAX_ALL`` the folder.

Source: reference 5.4 ("Delay", "Timeout", "Aggregation"); performance.md, row "latency".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from txsyncthing.vocabulary.name import parent
from txsyncthing.watch.told import Change

MAX_BELOW = 128
MAX_ALL = 512
SETTLE = 0.05  # seconds: what an editor does to a file in one go is over by then
PACE = 1.0  # seconds between two scans of what was quiet before, when they follow each other
SHARE = 10  # times as long as a scan took we wait at least for the next, up to the delay
REMEMBERED = 4096  # names of which we know when they were last scanned


def timeout(delay: float, configured: float) -> float:
    """
    Seconds after which an item is scanned even if it never comes to rest.

    :param configured: fsWatcherTimeoutS; 0 means by the delay.
    """
    if configured > 0:
        return configured
    if delay < 10:
        return 6 * delay
    return max(delay, 60.0)


@dataclass(slots=True)
class _Pending:
    """One name that is to be scanned, with all below it."""

    first: float
    last: float
    change: Change  # never TOUCHED: that is as good as WRITTEN
    done: float = inf  # when it was finished first
    below: set[str] = field(default_factory=set)  # names below it that are being written
    old: str = ""  # the name it had before


class Aggregator:
    """
    All that waits to be scanned in one folder.

    :param delay: fsWatcherDelayS.
    :param longest: see ``timeout``.
    """

    def __init__(self, delay: float, longest: float) -> None:
        self._delay = delay
        self._longest = longest
        self._settle = min(SETTLE, delay)
        self._pending: dict[str, _Pending] = {}
        self._below: dict[str, int] = {}  # how many names of a directory are pending
        self._scanned: dict[str, float] = {}  # when; in that order
        self._pace = min(PACE, delay)
        self._taken = 0.0  # when something was taken last
        self._next = 0.0  # before this nothing is scanned early

    def __len__(self) -> int:
        return len(self._pending)

    def add(self, name: str, change: Change, now: float) -> None:
        """
        Something happened.

        :param name: empty for the whole folder.
        """
        pending = self._pending.get(name)
        if pending is not None:
            pending.last = now
            if change is not Change.TOUCHED:
                pending.change = change
            if change is Change.WRITTEN:
                pending.done = min(pending.done, now)
            return
        if self._pending and self._merge(name, change, now):
            return
        if change is Change.TOUCHED:
            change = Change.WRITTEN
        if not name or name in self._below:  # a directory: it stands for what waits in it
            self._collapse(name, now, change)
            return
        done = now if change is Change.WRITTEN else inf
        self._pending[name] = _Pending(now, now, change, done)
        directory = parent(name)
        count = self._below[directory] = self._below.get(directory, 0) + 1
        if count > MAX_BELOW and directory:
            self._collapse(directory, now, change)
        if len(self._pending) > MAX_ALL:
            self._collapse("", now, change)

    def renamed(self, old: str, new: str, now: float) -> None:
        """An item was renamed: both names are scanned together, so that the rename is seen as one."""
        self.add(old, Change.WRITTEN, now)
        self.add(new, Change.WRITTEN, now)
        pending = self._pending.get(new)
        if pending is not None and old in self._pending:
            pending.old = old

    def _merge(self, name: str, change: Change, now: float) -> bool:
        """Let what is pending above the name have it; False where nothing is."""
        above = name
        while above:
            above = parent(above)
            pending = self._pending.get(above)
            if pending is None:
                continue
            pending.last = now
            if change is Change.WRITING:
                if len(pending.below) < MAX_ALL:
                    pending.below.add(name)
            else:
                if change is not Change.TOUCHED:
                    pending.below.discard(name)
                if change is not Change.REMOVED and pending.change is Change.REMOVED:
                    pending.change = Change.WRITTEN
                pending.done = min(pending.done, now)
            return True
        return False

    def _collapse(self, directory: str, now: float, change: Change) -> None:
        """From now on the directory stands for all below it."""
        first, done, below = now, now, set[str]()
        for name in self._names_below(directory):
            pending = self._forget(name)
            first, done = min(first, pending.first), min(done, pending.done)
            below |= pending.below
            if pending.change is Change.WRITING:
                below.add(name)
            if pending.change is not Change.REMOVED:
                change = Change.WRITTEN
        if change is Change.WRITING:
            change = Change.WRITTEN
        self._pending[directory] = _Pending(first, now, change, done, below if directory else set())
        if directory:
            above = parent(directory)
            self._below[above] = self._below.get(above, 0) + 1

    def _names_below(self, directory: str) -> list[str]:
        if not directory:
            return list(self._pending)
        prefix = f"{directory}/"
        return [name for name in self._pending if name.startswith(prefix)]

    def _forget(self, name: str) -> _Pending:
        if name:
            directory = parent(name)
            self._below[directory] -= 1
            if not self._below[directory]:
                del self._below[directory]
        return self._pending.pop(name)

    # What is due.

    def wake_at(self) -> float | None:
        """When ``take`` will have something; None while nothing waits. May be past."""
        if not self._pending:
            return None
        return min(self._due(name, pending) for name, pending in self._pending.items())

    def _due(self, name: str, pending: _Pending) -> float:
        if pending.change is not Change.WRITTEN:
            return min(pending.last + self._delay, pending.first + self._longest)
        latest = min(pending.done, pending.first + self._longest) + self._delay
        if pending.below:
            return latest
        early = max(pending.last + self._settle, self._next)
        scanned = self._scanned.get(name)
        if scanned is not None:
            early = max(early, scanned + self._delay)
        return min(early, latest)

    def take(self, now: float) -> list[str]:
        """
        What is to be scanned now, each name with all below it; ``[""]`` for everything.

        What would be due in a moment comes along.
        """
        wake = self.wake_at()
        if wake is None or wake > now:
            return []
        soon = now + self._settle
        due = [name for name, pending in self._pending.items() if self._due(name, pending) <= soon]
        taken: dict[str, None] = {}
        while due:
            name = due.pop()
            if name in self._pending:
                taken[name] = None
                old = self._forget(name).old
                if old:
                    due.append(old)
        self._note(taken, now)
        if "" in taken:
            self._pending.clear()
            self._below.clear()
            return [""]
        for name in list(self._pending):
            if self._pending[name].change is not Change.WRITING and _above(name, taken):
                self._forget(name)
        return sorted(taken)

    def _note(self, taken: dict[str, None], now: float) -> None:
        self._taken, self._next = now, now + self._pace
        for name in taken:
            self._scanned.pop(name, None)
            self._scanned[name] = now
        oldest = now - self._delay
        for name, when in list(self._scanned.items()):
            if when >= oldest and len(self._scanned) <= REMEMBERED:
                break
            del self._scanned[name]

    def took(self, seconds: float) -> None:
        """A scan of what was taken took so long: the next ones keep their distance."""
        self._pace = min(self._delay, max(PACE, SHARE * seconds))
        self._next = self._taken + self._pace


def _above(name: str, taken: dict[str, None]) -> bool:
    while name:
        name = parent(name)
        if name in taken:
            return True
    return False
