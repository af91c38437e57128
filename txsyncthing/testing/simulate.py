"""
Simulate many seeds: ``python -m txsyncthing.testing.simulate --seeds 0:2000 --jobs 2``.

A seed that fails is told with its story; ``--seed N`` tells it again, ``--shrink`` leaves out what it can do
without.
"""

from __future__ import annotations

import argparse
import gc
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from multiprocessing import get_context
from pathlib import Path
from time import monotonic

from twisted.logger import ILogObserver, LogEvent, globalLogBeginner
from zope.interface import provider

from txsyncthing.testing.simulation import Result, simulate

MEMORY = Path("/dev/shm")  # databases live there where it exists
TOLD = 20  # failed seeds whose stories are told

Judge = Callable[[Result], bool]
"""Whether a result is one that is looked for."""


def live(seed: int, skip: frozenset[int] = frozenset()) -> Result:
    """Simulate one seed in a directory that goes with it."""
    where = MEMORY if MEMORY.is_dir() else None
    with tempfile.TemporaryDirectory(prefix="simulation-", dir=where) as directory:
        return simulate(seed, Path(directory), skip)


def shrink(
    result: Result, failing: Judge, again: Callable[[int, frozenset[int]], Result] = live
) -> Result:
    """
    The same failure with as few steps as can be found: halves are left out, then quarters, and so on.

    :param failing: whether a shorter story still fails as wanted.
    """
    best = result
    size = max(len(best.steps) // 2, 1)
    everything = frozenset(range(max(result.steps, default=0) + 1))
    while True:
        start = 0
        while start < len(best.steps):
            left = best.steps[:start] + best.steps[start + size :]
            shorter = again(result.seed, everything - frozenset(left))
            if failing(shorter):
                best = shorter
            else:
                start += size
        if size == 1:
            return best
        size //= 2


def alike(result: Result) -> Judge:
    """Whether another result fails as this one does, as far as the first words tell."""
    kinds = {line.partition(":")[0] for line in result.failures}
    return lambda other: any(line.partition(":")[0] in kinds for line in other.failures)


def many(seeds: range, jobs: int) -> Iterator[Result]:
    """Simulate all of these, in whatever order they are done."""
    if jobs == 1:
        _begin()
        yield from map(live, seeds)
        return
    with get_context("fork").Pool(jobs, _begin) as pool:
        yield from pool.imap_unordered(live, seeds, chunksize=4)


def _begin() -> None:
    """In each process: what lives now is not looked at again; what is logged is not printed."""
    gc.collect()
    gc.freeze()
    globalLogBeginner.beginLoggingTo([_nowhere], discardBuffer=True, redirectStandardIO=False)


@provider(ILogObserver)
def _nowhere(event: LogEvent) -> None:
    """What matters is in the results."""


def main(arguments: list[str] | None = None) -> int:
    """
    The command.

    :returns: its exit status: 1 if a seed failed.
    """
    parser = argparse.ArgumentParser(prog="python -m txsyncthing.testing.simulate")
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--seeds", metavar="FROM:TO", help="simulate these, TO not among them")
    which.add_argument("--seed", type=int, metavar="N", help="simulate this one and tell its story")
    parser.add_argument("--jobs", type=int, default=1, help="processes at the same time")
    parser.add_argument("--shrink", action="store_true", help="tell the shortest story that fails")
    parser.add_argument("--skip", default="", metavar="N,...", help="leave these steps out")
    options = parser.parse_args(arguments)
    if options.seed is not None:
        return _one(options.seed, options.skip, options.shrink)
    first, _, last = options.seeds.partition(":")
    return _many(range(int(first), int(last)), options.jobs, options.shrink)


def _one(seed: int, skip: str, shorter: bool) -> int:
    _begin()
    result = live(seed, frozenset(int(step) for step in skip.split(",") if step))
    if result.failures and shorter:
        result = shrink(result, alike(result))
        everything = set(range(max(result.steps, default=0) + 1))
        skip = ",".join(str(step) for step in sorted(everything - set(result.steps)))
        print(f"Left out: --skip {skip}")
    print(result.text())
    print(f"trace {result.trace:08x}, {dict(result.counts)}")
    return 1 if result.failures else 0


def _many(seeds: range, jobs: int, shorter: bool) -> int:
    begun = monotonic()
    counts: Counter[str] = Counter()
    failed: list[int] = []
    for done, result in enumerate(many(seeds, jobs), 1):
        counts += result.counts
        if result.failures:
            failed.append(result.seed)
            if len(failed) <= TOLD:
                if shorter:
                    result = shrink(result, alike(result))
                print(result.text(), flush=True)
        if done % 100 == 0:
            seconds = monotonic() - begun
            print(
                f"{done} seeds, {done / seconds:.2f} a second, {len(failed)} failed",
                file=sys.stderr,
            )
    seconds = monotonic() - begun
    print(f"{len(seeds)} seeds in {seconds:.0f} s, {len(seeds) / seconds:.2f} a second")
    for what, number in sorted(counts.items()):
        print(f"{number / len(seeds):10.2f} {what} a seed")
    print(f"failed: {', '.join(map(str, sorted(failed))) or 'none'}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
