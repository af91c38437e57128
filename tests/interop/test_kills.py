"""
Fifty kills in one sync: at any moment, start-up included, and nothing is lost.

``KILL_SEED`` replays the moments of a run, as far as a machine can; a failure names it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from random import Random

from tests.interop.harness.content import fill
from tests.interop.harness.daemon import Daemon
from tests.interop.harness.pair import Pair
from tests.interop.harness.trees import conflicts, snapshot, temporary
from tests.interop.harness.waiting import wait_until

FOLDER = "default"
KILLS = 50
FILES = 250  # on each side
SIZES = (
    0,
    1,
    700,
    5_000,
    60_000,
    140_000,
    400_000,
    1_500_000,
)  # bytes; the last is put together on disk
RATE = 300  # KiB a second each way, so that the sync is not over before the last kill


def mixed(root: Path, prefix: str, random: Random) -> None:
    """Files of all sizes in directories of all depths, some symlinks, some empty directories."""
    for number in range(FILES):
        depth = number % 4
        path = root.joinpath(*(f"{prefix} {number % (3 + level)}" for level in range(depth)))
        path.mkdir(parents=True, exist_ok=True)
        match number % 10:
            case 8:
                (path / f"{prefix} link {number}").symlink_to(f"to {number}")
            case 9:
                (path / f"{prefix} empty {number}").mkdir()
            case _:
                file = path / f"{prefix} file {number}.bin"
                fill(file, random.choice(SIZES), random.getrandbits(32))
                file.chmod(random.choice((0o644, 0o600, 0o755)))


def limit(daemon: Daemon, kib_per_second: int) -> None:
    """Change the daemon's rates while it runs; 0 for none."""
    options = daemon.get("/rest/system/config")
    options["options"].update(
        maxSendKbps=kib_per_second, maxRecvKbps=kib_per_second, limitBandwidthInLan=True
    )
    daemon.post("/rest/system/config", options)


def items(root: Path) -> int:
    """How many items have their names already; somebody may be at work."""
    return sum(1 for path in root.glob("**/* *") if not path.name.endswith(".tmp"))


def reached(ours: Daemon, peer: Daemon) -> bool:
    """Whether the peer has a connection with a node that may not answer yet."""
    assert ours.running, ours.tail()
    return peer.connected(ours.device)


def test_fifty_kills_in_one_sync_lose_nothing(new_pair: Callable[[], Pair]) -> None:
    seed = int(os.environ.get("KILL_SEED", "0")) or int(time.time())
    random = Random(seed)
    pair = new_pair()
    pair.prepare([FOLDER])
    pair.right.home.option("reconnectionIntervalS", "5")
    left, right = pair.trees(FOLDER)
    pair.start()
    limit(pair.right, RATE)
    mixed(left, "ours", random)
    mixed(right, "theirs", random)
    wanted = snapshot(left) | snapshot(right)
    begun = items(left) + items(right)
    pair.right.rescan(FOLDER)

    for number in range(KILLS):
        if number % 3 == 0:  # while it starts, or a little later
            time.sleep(random.uniform(0.05, 1.0))
        else:  # while it syncs
            wait_until(lambda: reached(pair.left, pair.right), "the devices are connected")
            time.sleep(random.uniform(0.0, 0.7))
        pair.left.kill()
        there = items(left) + items(right)
        assert there < 2 * len(wanted), f"seed {seed}: over before kill {number + 1}"
        pair.left.start(wait=False)
    assert there > begun + 50, f"seed {seed}: nothing moved between the kills"

    wait_until(pair.left.answers, "the last start is over")
    limit(pair.right, 0)
    pair.wait_connected()
    pair.sync(FOLDER, timeout=120.0)
    assert snapshot(left) == wanted, f"seed {seed}"
    for root in (left, right):
        assert temporary(root) == [], f"seed {seed}"
        assert conflicts(root) == [], f"seed {seed}"
