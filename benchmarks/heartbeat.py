"""
Our node, measured: how long is its reactor kept from its other work?

``python -m benchmarks.heartbeat FILE [twistd's arguments]`` runs the node and writes what it measures to
FILE, once a second. Beats tell what a peer or a user feels, the machine's own delays included; turns tell
what of that is ours, and whose.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.threads import OwnClock, Spent
from benchmarks.turns import LONG, Figures, Turn, Turns, measured

PERIOD = 0.005  # seconds
KEPT = 10


@dataclass
class Beats:
    """
    All times are seconds.

    ``ours`` is the longest that a beat was late with the machine taken off, see ``Turn.ours``.
    """

    longest: float = 0.0
    ours: float = 0.0
    long: int = 0  # beats that were late by more than LONG
    long_ours: int = 0
    worst: list[Turn] = field(default_factory=list)  # of ours
    cpu: float = 0.0  # of the reactor's thread
    turns: Figures = field(default_factory=Figures)

    def note(self, beat: Turn) -> None:
        """``beat.wall`` is the time since the beat before this one."""
        late = beat.wall - PERIOD
        ours = min(late, beat.ours)
        self.cpu += beat.cpu
        self.longest, self.ours = max(self.longest, late), max(self.ours, ours)
        self.long += late > LONG
        self.long_ours += ours > LONG
        if ours > LONG / 2:
            self.worst = sorted([*self.worst, beat], key=lambda one: -one.ours)[:KEPT]


def start(reactor: Any, path: Path) -> None:
    """Begin to measure; for the reactor's thread. Removing the file begins anew."""
    beats = Beats()
    own = OwnClock()
    turns = Turns(reactor._poller, own)
    turns.watch()
    reactor._poller = turns
    before, used = time.monotonic(), own.read()
    told = 0.0

    def beat() -> None:
        nonlocal beats, before, used, told
        now, spent = time.monotonic(), own.read()
        late = now - before - PERIOD
        others = turns.others(before) if late > LONG / 2 else Spent()
        beats.note(measured(now - before, spent.since(used), others))
        if now - told > 1.0:
            if told and not path.exists():
                beats = Beats()
                turns.forget()
            told = now
            beats.turns = turns.figures
            temporary = path.with_suffix(".new")
            temporary.write_text(json.dumps(asdict(beats)))
            os.replace(temporary, path)
        before, used = time.monotonic(), own.read()
        reactor.callLater(PERIOD, beat)

    reactor.callLater(0.0, beat)


def read(path: Path) -> Beats:
    """What was measured until now."""
    raw = json.loads(path.read_text())
    raw["worst"] = [Turn(**turn) for turn in raw["worst"]]
    turns = raw.pop("turns")
    for kind in ("worst", "kept"):
        turns[kind] = [Turn(**turn) for turn in turns[kind]]
    turns["held"] = [(seconds, stacks) for seconds, stacks in turns["held"]]
    return Beats(**raw, turns=Figures(**turns))


def told(name: str, beats: Beats, few: int = 4) -> list[str]:
    """Lines for people."""
    turns = beats.turns
    lines = [
        f"{name}: longest turn {turns.cpu * 1e3:.0f} ms of computing, {turns.ours * 1e3:.0f} ms with "
        f"waits for the interpreter's lock, the machine taken off; above {LONG * 1e3:.0f} ms: "
        f"{turns.long_cpu} and {turns.long_ours} of {turns.turns} turns",
        f"{name}: latest beat {beats.ours * 1e3:.0f} ms with the machine taken off "
        f"({beats.long_ours} above), {beats.longest * 1e3:.0f} ms with it ({beats.long} above); "
        f"longest pauses of the collector {' / '.join(f'{pause * 1e3:.0f}' for pause in turns.collector)} ms "
        f"in {' / '.join(map(str, turns.collections))}",
    ]
    for title, found in (("computing", turns.worst), ("kept waiting", turns.kept)):
        for turn in found[:few]:
            lines.append(f"  {title}: {figures(turn)}")
            lines += [f"      {at}" for at in turn.stacks[:few]]
    for beat in beats.worst[:few]:
        lines.append(f"  late beat: {figures(beat)}")
    for seconds, stacks in turns.held[:few]:
        lines.append(f"  lock held: {seconds * 1e3:.0f} ms")
        lines += [f"      {at}" for at in stacks]
    return lines


def figures(turn: Turn) -> str:
    return (
        f"{turn.cpu * 1e3:.0f} ms CPU, kept {turn.kept * 1e3:.0f} ms, while other threads computed "
        f"{turn.others * 1e3:.0f} and were not run for {turn.machine * 1e3:.0f}; itself not run "
        f"{turn.delay * 1e3:.0f}, wall {turn.wall * 1e3:.0f}"
    )


def main() -> None:
    from twisted.internet import reactor
    from twisted.scripts.twistd import run

    path = Path(sys.argv.pop(1))
    running: Any = reactor
    running.callWhenRunning(start, running, path)
    run()


if __name__ == "__main__":
    main()
