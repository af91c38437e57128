"""
Our node with a heartbeat: how long is its reactor kept from its other work?

``python -m benchmarks.heartbeat FILE [twistd's arguments]`` runs the node and writes what it measures to
FILE, once a second. A late beat on a busy machine may be the machine's doing: so the CPU seconds that the
reactor's own thread used in between are told as well.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

PERIOD = 0.005  # seconds
LONG = 0.050  # seconds: what the reactor may be kept from other work
KEPT = 20


@dataclass
class Beats:
    """
    All times are seconds.

    ``own`` is the longest with the machine taken off: of the time of a block no more than the CPU that the
    reactor's thread used in it.
    """

    longest: float = 0.0
    own: float = 0.0
    long: int = 0  # beats that were late by more than LONG
    long_own: int = 0  # of them those in which the thread itself computed that long
    worst: list[tuple[float, float]] = field(default_factory=list)  # late by, CPU
    cpu: float = 0.0  # of the reactor's thread

    def note(self, late: float, cpu: float) -> None:
        self.longest = max(self.longest, late)
        self.own = max(self.own, min(late, cpu))
        if late > LONG:
            self.long += 1
            self.long_own += cpu > LONG
            self.worst = sorted([*self.worst, (late, cpu)], reverse=True)[:KEPT]


def start(call_later: Callable[..., Any], path: Path) -> None:
    """Begin to measure; for the reactor's thread. Removing the file begins anew."""
    beats = Beats()
    before, used = time.monotonic(), time.thread_time()
    told = 0.0

    def beat() -> None:
        nonlocal beats, before, used, told
        now, cpu = time.monotonic(), time.thread_time()
        beats.note(now - before - PERIOD, cpu - used)
        beats.cpu += cpu - used
        if now - told > 1.0:
            if told and not path.exists():
                beats = Beats()
            told = now
            temporary = path.with_suffix(".new")
            temporary.write_text(json.dumps(asdict(beats)))
            os.replace(temporary, path)
        before, used = time.monotonic(), time.thread_time()
        call_later(PERIOD, beat)

    call_later(0.0, beat)


def read(path: Path) -> Beats:
    """What was measured until now."""
    return Beats(**json.loads(path.read_text()))


def main() -> None:
    from twisted.internet import reactor
    from twisted.scripts.twistd import run

    path = Path(sys.argv.pop(1))
    running: Any = reactor
    running.callWhenRunning(start, running.callLater, path)
    run()


if __name__ == "__main__":
    main()
