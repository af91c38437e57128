"""
The work: each story makes its files, lets the daemons work, and yields the rows it measured.

Everything a row counts happens after the connection was paused: the sender has scanned, and the
clock starts when the connection is resumed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from benchmarks.contestants import Arena
from benchmarks.measure import Meter, Result, count_files, until, warm
from tests.interop.harness.content import MIB, fill
from tests.interop.harness.daemon import Daemon
from tests.interop.harness.pair import Pair
from tests.interop.harness.waiting import TooLate

FOLDER = "work"
KIB = 1 << 10
WARM = 2048 * MIB
Story = Callable[[Arena, "Sizes"], Iterator[Result]]


@dataclass(frozen=True)
class Sizes:
    """How much work; ``quick`` is for trying the benchmarks, not for figures."""

    big: int = 1024 * MIB
    small: int = 10_000
    medium: int = 1_000
    scan_bytes: int = 4096 * MIB
    scan_files: int = 50_000
    many: int = 100_000
    edits: int = 10
    idle: float = 60.0  # seconds
    rescans: int = 10


QUICK = Sizes(64 * MIB, 1_000, 50, 256 * MIB, 3_000, 5_000, 3, 5.0, 3)


def spread(root: Path, count: int, size: int) -> None:
    """``count`` files of ``size`` bytes, a hundred to a directory."""
    for number in range(count):
        fill(root / f"d{number // 100:04}" / f"file-{number:06}", size, number)


def sync(pair: Pair, row: str, files: int, rate: Callable[[float], str]) -> Iterator[Result]:
    """Let the right daemon fetch all that the left one has scanned while they were apart."""
    left, right = pair.both
    warm(right.directory, WARM)
    meter = Meter(left, right)
    left.post("/rest/system/resume", device=right.device)
    until(lambda: count_files(right.folders[FOLDER]) >= files, f"{row}: all files are there")
    there = meter.wall
    until(lambda: pair.settled(FOLDER), f"{row}: both agree")
    yield meter.result(row, there, rate(there))
    yield meter.result(f"{row}, both agree")
    pair.assert_equal(FOLDER)


def apart(pair: Pair, fill_folder: Callable[[Path], None]) -> None:
    """Part them and give the left one something to send."""
    left, right = pair.both
    left.post("/rest/system/pause", device=right.device)
    until(lambda: not right.connected(left.device), "they are apart")
    fill_folder(left.folders[FOLDER])
    left.rescan(FOLDER)


def big(arena: Arena, sizes: Sizes) -> Iterator[Result]:
    """One big file, then one changed block of it, then its rename."""
    pair = arena.pair(FOLDER)
    left, right = pair.both
    apart(pair, lambda root: fill(root / "big", sizes.big))
    yield from sync(pair, "big", 1, lambda wall: f"{sizes.big / wall / 1e6:.0f} MB/s")

    path, copy = left.folders[FOLDER] / "big", right.folders[FOLDER] / "big"
    with path.open("r+b") as file:
        file.seek(sizes.big // 2)
        file.write(b"one changed block")
    status = path.stat()
    before = received(right, left)
    warm(right.directory, WARM)
    meter = Meter(left, right)
    left.rescan(FOLDER)
    until(lambda: modified(copy) == status.st_mtime_ns, "update: the block is there")
    there = meter.wall
    until(lambda: pair.settled(FOLDER), "update: both agree")
    yield meter.result("update", there, f"{(received(right, left) - before) / 1e6:.2f} MB received")

    before = received(right, left)
    renamed = right.folders[FOLDER] / "renamed"
    path.rename(left.folders[FOLDER] / "renamed")
    meter = Meter(left, right)
    left.rescan(FOLDER)
    until(renamed.exists, "rename: the new name is there")
    there = meter.wall
    until(lambda: pair.settled(FOLDER), "rename: both agree")
    yield meter.result("rename", there, f"{(received(right, left) - before) / 1e3:.0f} KB received")
    pair.assert_equal(FOLDER)


def small(arena: Arena, sizes: Sizes) -> Iterator[Result]:
    """Many files of 4 KiB."""
    pair = arena.pair(FOLDER)
    apart(pair, lambda root: spread(root, sizes.small, 4 * KIB))
    yield from sync(pair, "small", sizes.small, lambda wall: f"{sizes.small / wall:.0f} files/s")


def medium(arena: Arena, sizes: Sizes) -> Iterator[Result]:
    """Files of 1 MiB."""
    pair = arena.pair(FOLDER)
    apart(pair, lambda root: spread(root, sizes.medium, MIB))
    rate = sizes.medium * MIB / 1e6
    yield from sync(pair, "medium", sizes.medium, lambda wall: f"{rate / wall:.0f} MB/s")


def scan_bytes(arena: Arena, sizes: Sizes) -> Iterator[Result]:
    """First scan of big files."""
    daemon = arena.single(FOLDER)
    for number in range(8):
        fill(daemon.folders[FOLDER] / f"{number}", sizes.scan_bytes // 8, number)
    meter = Meter(daemon)
    daemon.rescan(FOLDER)
    yield meter.result("scan", note=f"{sizes.scan_bytes / meter.wall / 1e9:.2f} GB/s")


def scan_files(arena: Arena, sizes: Sizes) -> Iterator[Result]:
    """First scan of small files."""
    daemon = arena.single(FOLDER)
    spread(daemon.folders[FOLDER], sizes.scan_files, 4 * KIB)
    meter = Meter(daemon)
    daemon.rescan(FOLDER)
    yield meter.result("scan-files", note=f"{sizes.scan_files / meter.wall:.0f} files/s")


def many(arena: Arena, sizes: Sizes) -> Iterator[Result]:
    """A folder of very many tiny files: scanned, scanned again, restarted, told to a peer, idle."""
    pair = Pair(arena.daemon("a"), arena.daemon("b"))
    pair.prepare([])
    left, right = pair.both
    # The receiver takes the index and fetches nothing.
    for daemon, type in ((left, "sendreceive"), (right, "sendonly")):
        daemon.folders[FOLDER] = daemon.directory / "folders" / FOLDER
        devices = [left.device, right.device]
        daemon.home.add_folder(FOLDER, daemon.folders[FOLDER], devices, {"type": type})
    left.start()
    left.rescan(FOLDER)
    spread(left.folders[FOLDER], sizes.many, 100)
    meter = Meter(left)
    left.rescan(FOLDER)
    yield meter.result("scan-many", note=f"{sizes.many / meter.wall:.0f} files/s")

    yield rescans(left, sizes.rescans)

    left.stop()
    took = left.start()
    yield Result("startup", left.label, took, (left.cpu(),), (left.peak_memory(),))

    left.post("/rest/system/pause", device=right.device)
    for daemon in (left, right):
        if not daemon.running:
            daemon.start()
        daemon.rescan(FOLDER)  # the first scan after the start is over
    meter = Meter(left, right)
    left.post("/rest/system/resume", device=right.device)
    until(lambda: right.status(FOLDER)["globalFiles"] >= sizes.many, "index: all of it is known")
    there = meter.wall
    yield meter.result("index", there, f"{received(right, left) / 1e6:.2f} MB received")

    time.sleep(5)  # what still goes on after the index
    meter = Meter(left, right)
    time.sleep(sizes.idle)
    resident = f"{left.memory() / MIB:.0f} and {right.memory() / MIB:.0f} MiB resident"
    yield meter.result("idle", note=resident)


def edits(arena: Arena, sizes: Sizes) -> Iterator[Result]:
    """Edits that nobody asks to be scanned, at equal settings."""
    pair = watched_pair(arena, 1)
    first, second = [], []
    meter = Meter(*pair.both)
    for number in range(sizes.edits):
        time.sleep(2.5)  # longer than the delay: the file is quiet
        first.append(edit(pair, f"d/{number}"))
        second.append(edit(pair, f"d/{number}"))
    yield meter.result("edit", median(first), f"slowest {max(first):.2f} s")
    yield meter.result("edit again", median(second), f"slowest {max(second):.2f} s")


def edits_by_default(arena: Arena, sizes: Sizes) -> Iterator[Result]:
    """Edits with the delay that folders have unless somebody sets it."""
    pair = watched_pair(arena, 10)
    meter = Meter(*pair.both)
    took = []
    for number in range(3):
        time.sleep(2.5)
        took.append(edit(pair, f"d/{number}"))
    yield meter.result("edit, 10 s", median(took), f"slowest {max(took):.2f} s")


def watched_pair(arena: Arena, delay: int) -> Pair:
    """Two daemons in step which watch their folders."""
    pair = arena.pair(FOLDER, {"fsWatcherEnabled": "true", "fsWatcherDelayS": f"{delay}"})
    for number in range(100):
        fill(pair.left.folders[FOLDER] / "d" / f"{number}", 4 * KIB, number)
    pair.sync(FOLDER, pair.left)
    time.sleep(delay + 1)  # what the watchers make of that is over
    return pair


def edit(pair: Pair, name: str) -> float:
    """Seconds from an edit here until it can be read there."""
    path, copy = (daemon.folders[FOLDER] / name for daemon in pair.both)
    data = b"%d" % time.monotonic_ns()
    begun = time.monotonic()
    path.write_bytes(data)
    while not copy.exists() or copy.read_bytes() != data:
        if time.monotonic() - begun > 120:
            raise TooLate(f"an edit of {name} is not there after 120 s")
        time.sleep(0.005)
    return time.monotonic() - begun


def rescans(daemon: Daemon, turns: int) -> Result:
    """The best of several unchanged rescans; the note tells how memory grew over all."""
    best: Result | None = None
    before = daemon.memory()
    for _ in range(turns):
        meter = Meter(daemon)
        daemon.rescan(FOLDER)
        result = meter.result("rescan")
        best = result if best is None or result.wall < best.wall else best
    assert best is not None
    grown = (daemon.memory() - before) / MIB
    note = f"{daemon.memory() / MIB:.0f} MiB resident, {grown:+.0f} MiB over {turns} rescans"
    return Result(best.row, best.contestant, best.wall, best.cpu, best.memory, note)


def modified(path: Path) -> int | None:
    """Its time in nanoseconds; None while the official daemon has it away to replace it."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return None


def received(daemon: Daemon, peer: Daemon) -> int:
    """Bytes received over the present connection with the peer."""
    connections = daemon.get("/rest/system/connections")["connections"]
    return int(connections[peer.device]["inBytesTotal"])


STORIES: dict[Story, tuple[str, ...]] = {
    big: ("big", "big, both agree", "update", "rename"),
    small: ("small", "small, both agree"),
    medium: ("medium", "medium, both agree"),
    scan_bytes: ("scan",),
    scan_files: ("scan-files",),
    edits: ("edit", "edit again"),
    edits_by_default: ("edit, 10 s",),
    many: ("scan-many", "rescan", "startup", "index", "idle"),
}
"""Each story with the rows it yields."""
