"""
A large folder under steady edits: does the other side stay in step, and what does that cost?

``python -m benchmarks.soak`` lets two of our nodes share 100,000 files in 1,000 directories, edits ten a
second for ten minutes, and prints how far behind the other side was, memory, and the longest time for which
each reactor was kept from its other work. ``--peer 1.29.5`` puts an official daemon on the other side.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import time
from pathlib import Path
from random import Random
from statistics import median

from benchmarks.beating import BeatingNode, tell
from benchmarks.contestants import OURS, available
from benchmarks.measure import until
from tests.interop.harness.content import MIB
from tests.interop.harness.daemon import Daemon
from tests.interop.harness.pair import Pair
from tests.interop.harness.trees import conflicts, temporary

FOLDER = "work"
LOOK = 0.05  # seconds between two looks at what has arrived


class Edits:
    """What was done on one side and has not been seen on the other."""

    def __init__(self, here: Path, there: Path, names: list[str], seed: int) -> None:
        self.lags: list[float] = []
        self.made = 0
        self._here = here
        self._there = there
        self._names = names
        self._random = Random(seed)
        self._pending: dict[str, tuple[float, int | None]] = {}  # since when; its time, None: gone

    @property
    def pending(self) -> int:
        return len(self._pending)

    def make(self) -> None:
        """One edit: mostly a file's content, now and then a new one, a rename or a removal."""
        self.made += 1
        names, random = self._names, self._random
        place = random.randrange(len(names))
        kind = random.random()
        if kind < 0.85:
            self._write(names[place])
        elif kind < 0.90:
            names.append(f"{os.path.dirname(names[place])}/new-{self.made}")
            self._write(names[-1])
        elif kind < 0.95:
            old, new = names[place], f"{os.path.dirname(names[place])}/moved-{self.made}"
            (self._here / old).rename(self._here / new)
            names[place] = new
            self._note(old, None)
            self._note(new, (self._here / new).stat().st_mtime_ns)
        else:
            names[place], names[-1] = names[-1], names[place]
            (self._here / names[-1]).unlink()
            self._note(names.pop(), None)

    def _write(self, name: str) -> None:
        path = self._here / name
        path.write_bytes(self._random.randbytes(self._random.randrange(10, 2000)))
        self._note(name, path.stat().st_mtime_ns)

    def _note(self, name: str, modified: int | None) -> None:
        self._pending[name] = (time.monotonic(), modified)

    def look(self) -> None:
        """See what has arrived."""
        now = time.monotonic()
        for name, (since, wanted) in list(self._pending.items()):
            try:
                found: int | None = (self._there / name).stat().st_mtime_ns
            except FileNotFoundError:
                found = None
            if found == wanted:
                del self._pending[name]
                self.lags.append(now - since)

    def all_there(self) -> bool:
        self.look()
        return not self._pending


def same(left: Path, right: Path) -> bool:
    """Whether two trees have the same names, sizes and times."""
    return listing(left) == listing(right)


def listing(root: Path) -> dict[str, tuple[int, int]]:
    found = {}
    for at, directories, files in os.walk(root):
        directories[:] = [name for name in directories if name != ".stfolder"]
        for name in files:
            status = os.lstat(os.path.join(at, name))
            found[os.path.relpath(os.path.join(at, name), root)] = (
                status.st_size,
                status.st_mtime_ns,
            )
    return found


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long to edit")
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--directories", type=int, default=1_000)
    parser.add_argument("--rate", type=float, default=10.0, help="edits a second")
    parser.add_argument("--delay", type=float, default=10.0, help="fsWatcherDelayS")
    parser.add_argument("--peer", default=OURS, help="who is on the other side")
    parser.add_argument("--dir", type=Path, default=Path("/dev/shm"), help="where to work")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    directory = options.dir / f"txsyncthing-soak-{os.getpid()}"
    left = BeatingNode(directory / "a")
    right: Daemon = BeatingNode(directory / "b")
    if options.peer != OURS:
        right = available()[options.peer](directory / "b")
    pair = Pair(left, right)
    try:
        return soak(pair, options)
    finally:
        pair.destroy()
        shutil.rmtree(directory, ignore_errors=True)


def soak(pair: Pair, options: argparse.Namespace) -> int:
    attributes = {"fsWatcherEnabled": "true", "fsWatcherDelayS": f"{options.delay:g}"}
    pair.prepare([FOLDER], attributes)
    here, there = pair.trees(FOLDER)
    names = [f"d{number % options.directories:04}/{number}" for number in range(options.files)]
    for name in names:
        path = here / name
        if not path.parent.exists():
            path.parent.mkdir(parents=True)
        path.write_bytes(name.encode())
    begun = time.monotonic()
    pair.start()
    until(lambda: pair.settled(FOLDER) and same(here, there), "the first sync", 3600)
    print(f"first sync of {options.files} files: {time.monotonic() - begun:.0f} s", flush=True)
    time.sleep(2 * options.delay)
    tell(pair.both, "first sync")

    before = [daemon.memory() for daemon in pair.both]
    used = [daemon.cpu() for daemon in pair.both]
    edits = Edits(here, there, names, 1)
    begun = said = time.monotonic()
    most = 0
    while (now := time.monotonic()) - begun < options.seconds:
        if edits.made < (now - begun) * options.rate:
            edits.make()
        edits.look()
        most = max(most, edits.pending)
        if now - said > 30:
            said = now
            resident = " and ".join(f"{daemon.memory() / MIB:.0f}" for daemon in pair.both)
            print(
                f"{now - begun:.0f} s: {edits.made} edits, {edits.pending} under way, {resident} MiB",
                flush=True,
            )
        time.sleep(min(LOOK, 0.5 / options.rate))
    ended = time.monotonic()
    for daemon, spent, memory in zip(pair.both, used, before, strict=True):
        cpu = (daemon.cpu() - spent) / (ended - begun)
        print(
            f"{daemon.label}: {memory / MIB:.0f} MiB before, {daemon.memory() / MIB:.0f} MiB after, "
            f"{cpu:.1%} of a core"
        )
    until(edits.all_there, "all edits are there", 300)
    until(lambda: pair.settled(FOLDER) and same(here, there), "both agree", 300)
    lags = sorted(edits.lags)
    print(
        f"in step {time.monotonic() - ended:.1f} s after the last of {edits.made} edits; lag: median "
        f"{median(lags):.2f} s, 95% {lags[len(lags) * 95 // 100]:.2f} s, longest {lags[-1]:.2f} s; "
        f"at most {most} edits under way"
    )
    left_over = [*conflicts(here), *conflicts(there), *temporary(here), *temporary(there)]
    print(f"conflict copies and temporary files: {len(left_over)}")
    tell(pair.both, "under edits")
    return 1 if left_over else 0


if __name__ == "__main__":
    sys.exit(main())
