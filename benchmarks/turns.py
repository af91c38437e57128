"""
Each turn of the reactor, from one wait for events to the next: how long it took, and for whose sake.

Three things make a turn long. Its own computing; the machine, which ran something else meanwhile; and the
interpreter's lock, which some thread kept. Only the first and the last are ours, so they are told apart. A
watching thread looks at the stacks of what takes long. Nothing here runs unless a benchmark starts it.
"""

from __future__ import annotations

import gc
import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from benchmarks.threads import OwnClock, Spent, all_threads, busy, others

LONG = 0.050  # seconds: what the reactor may be kept from other work
WORTH_TELLING = 0.015
WATCH = 0.005  # seconds between two looks
KEPT = 12
STACKS = 6  # told of a turn


@dataclass
class Turn:
    """
    Seconds. ``kept`` is what of the wall clock was neither computing nor the machine: the wait for the
    interpreter's lock, or for a disk.

    ``others`` is what other threads of ours computed meanwhile, ``machine`` how long they waited for a CPU:
    who keeps the lock and is not run keeps it for longer than he means to.
    """

    wall: float
    cpu: float
    delay: float
    kept: float
    others: float = 0.0
    machine: float = 0.0
    stacks: list[str] = field(default_factory=list)

    @property
    def ours(self) -> float:
        """What is not the machine's doing; in doubt it is ours."""
        return self.cpu + max(self.kept - self.machine, min(self.kept, self.others))


@dataclass
class Figures:
    """What was measured; seconds."""

    turns: int = 0
    cpu: float = 0.0  # the longest turn's computing
    ours: float = 0.0  # the longest with the machine taken off
    long_cpu: int = 0  # turns that computed longer than LONG
    long_ours: int = 0
    worst: list[Turn] = field(default_factory=list)  # by computing
    kept: list[Turn] = field(default_factory=list)  # by the wait for the lock
    held: list[tuple[float, list[str]]] = field(default_factory=list)  # the lock, by whom
    collector: list[float] = field(default_factory=lambda: [0.0] * 3)
    """The longest pauses of Python's collector of cycles, by generation."""
    collections: list[int] = field(default_factory=lambda: [0] * 3)

    def note(self, turn: Turn) -> None:
        self.cpu, self.ours = max(self.cpu, turn.cpu), max(self.ours, turn.ours)
        self.long_cpu += turn.cpu > LONG
        self.long_ours += turn.ours > LONG
        if turn.cpu > WORTH_TELLING:
            self.worst = sorted([*self.worst, turn], key=lambda one: -one.cpu)[:KEPT]
        if turn.ours - turn.cpu > WORTH_TELLING:
            self.kept = sorted([*self.kept, turn], key=lambda one: one.cpu - one.ours)[:KEPT]

    def note_held(self, seconds: float, stacks: list[str]) -> None:
        self.held = sorted([*self.held, (seconds, stacks)], reverse=True)[:KEPT]


def measured(
    wall: float, spent: Spent, others: Spent = Spent(), stacks: list[str] | None = None
) -> Turn:
    """A turn of so long a time, of which its thread spent this."""
    kept = max(0.0, wall - spent.cpu - spent.delay)
    return Turn(wall, spent.cpu, spent.delay, kept, others.cpu, others.delay, stacks or [])


class Clock(Protocol):
    def read(self) -> Spent: ...


class Turns:
    """
    Measures the reactor of the calling thread: takes the place of its poller.

    :param own: what the thread has spent.
    """

    def __init__(self, poller: Any, own: Clock, now: Callable[[], float] = time.monotonic) -> None:
        self.figures = Figures()
        self._poller = poller
        self._own = own
        self._now = now
        self._thread = threading.get_native_id()
        self._number = 0
        self._running = False
        self._began = now()
        self._spent = own.read()
        self._seen: Counter[str] = Counter()  # stacks of the present turn
        self._looks: deque[tuple[float, dict[int, Spent]]] = deque(maxlen=40)
        self._collecting = 0.0

    def watch(self) -> None:
        """From now on look at stacks, and at the collector of cycles."""
        gc.callbacks.append(self._collects)
        threading.Thread(target=self._watch, name="watch", daemon=True).start()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._poller, name)

    def poll(self, *args: Any) -> Any:
        """Wait for events: here a turn ends, and the next begins."""
        self._end()
        try:
            return self._poller.poll(*args)
        finally:
            self._began, self._spent = self._now(), self._own.read()
            self._number += 1
            self._running = True

    def others(self, since: float) -> Spent:
        """What other threads have spent since a moment; somewhat more rather than less."""
        looks = [look for at, look in list(self._looks) if at <= since]
        return others(looks[-1], all_threads(), self._thread) if looks else Spent()

    def forget(self) -> None:
        self.figures = Figures()

    def _end(self) -> None:
        self._running = False
        wall = self._now() - self._began
        self.figures.turns += 1
        if wall < WORTH_TELLING:
            return
        spent = self._own.read().since(self._spent)
        seen, self._seen = self._seen, Counter()
        stacks = [f"{times} x {at}" for at, times in seen.most_common(STACKS)]
        self.figures.note(measured(wall, spent, self.others(self._began), stacks))

    def _collects(self, phase: str, info: dict[str, int]) -> None:
        now = time.thread_time()  # it runs in whatever thread made one object too many
        if phase == "start":
            self._collecting = now
        else:
            generation, figures = info["generation"], self.figures
            pause = now - self._collecting
            figures.collector[generation] = max(figures.collector[generation], pause)
            figures.collections[generation] += 1

    def _watch(self) -> None:
        """Look at what takes long; who comes late to look has waited for the lock."""
        own, number = OwnClock(), 0
        before = all_threads()
        while True:
            slept, spent = time.monotonic(), own.read()
            time.sleep(WATCH)
            now = time.monotonic()
            late = now - slept - WATCH - own.read().since(spent).delay
            after = all_threads()
            spent_there = others(before, after, threading.get_native_id())
            late = max(late - spent_there.delay, min(late, spent_there.cpu))
            self._looks.append((now, after))
            long = self._running and now - self._began > WATCH
            if long or late > WORTH_TELLING:
                stacks = busy()
                if number != self._number:
                    number, self._seen = self._number, Counter()
                for thread, at in stacks.items():
                    if after.get(thread, Spent()).cpu - before.get(thread, Spent()).cpu > WATCH / 5:
                        self._seen[at] += 1
                if late > WORTH_TELLING:
                    used = sorted(
                        (
                            (after.get(one, Spent()).cpu - before.get(one, Spent()).cpu, at)
                            for one, at in stacks.items()
                        ),
                        reverse=True,
                    )
                    self.figures.note_held(
                        late, [f"{cpu * 1e3:.0f} ms {at}" for cpu, at in used[:4] if cpu > 0.001]
                    )
            before = after
