"""Daemons which are killed, restarted or robbed of their database, and what they do afterwards."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.interop.harness.content import MIB, fill
from tests.interop.harness.daemon import Daemon
from tests.interop.harness.pair import Pair
from tests.interop.harness.trees import conflicts, temporary
from tests.interop.harness.waiting import wait_until

FOLDER = "default"
NewPair = Callable[[], Pair]


def started(pair: Pair, *, kib_per_second: int = 0) -> Pair:
    """Prepare and start it; a limit slows down both ways, at the official's end."""
    pair.prepare([FOLDER])
    if kib_per_second:
        pair.right.home.option("limitBandwidthInLan", "true")
        pair.right.home.option("maxSendKbps", str(kib_per_second))
        pair.right.home.option("maxRecvKbps", str(kib_per_second))
    pair.start()
    return pair


def allocated(root: Path) -> int:
    """Bytes on disk in the unfinished downloads below a folder's root."""
    total = 0
    for name in temporary(root):
        try:
            total += (root / name).stat().st_blocks * 512
        except FileNotFoundError:  # finished in between
            continue
    return total


def traffic(daemon: Daemon, peer: Daemon) -> tuple[int, int]:
    """Bytes received and sent over the present connection with the peer."""
    connection = daemon.get("/rest/system/connections")["connections"][peer.device]
    return int(connection["inBytesTotal"]), int(connection["outBytesTotal"])


@pytest.mark.parametrize("victim", ["us", "them"])
@pytest.mark.parametrize("direction", ["from us", "from them"])
def test_a_kill_in_mid_transfer_costs_only_the_blocks_in_flight(
    new_pair: NewPair, direction: str, victim: str
) -> None:
    pair = started(new_pair(), kib_per_second=24 * 1024)
    sender, receiver = pair.both if direction == "from us" else (pair.right, pair.left)
    killed = pair.left if victim == "us" else pair.right
    size = 96 * MIB
    fill(sender.folders[FOLDER] / "big", size)
    sender.rescan(FOLDER)
    root = receiver.folders[FOLDER]
    wait_until(lambda: allocated(root) > size // 4, "a part of the file has arrived")

    killed.kill()
    time.sleep(0.5)  # what a surviving receiver still had in hand
    kept = allocated(root)
    assert size // 4 < kept < size, "killed too late to be in mid-transfer"
    killed.start()
    pair.wait_connected()
    pair.wait_in_sync(FOLDER)

    pair.assert_equal(FOLDER)
    fetched, _ = traffic(receiver, sender)
    assert fetched < size - kept + 3 * MIB
    assert temporary(root) == []
    assert conflicts(root) == []


@pytest.mark.parametrize("direction", ["from us", "from them"])
def test_a_stop_in_mid_transfer_is_quick_and_loses_nothing(
    new_pair: NewPair, direction: str
) -> None:
    pair = started(new_pair(), kib_per_second=24 * 1024)
    sender, receiver = pair.both if direction == "from us" else (pair.right, pair.left)
    size = 64 * MIB
    fill(sender.folders[FOLDER] / "big", size)
    sender.rescan(FOLDER)
    root = receiver.folders[FOLDER]
    wait_until(lambda: allocated(root) > size // 4, "a part of the file has arrived")

    begun = time.monotonic()
    pair.left.stop()
    assert time.monotonic() - begun < 5
    kept = allocated(root)
    assert kept < size, "stopped too late to be in mid-transfer"
    pair.left.start()
    pair.wait_connected()
    pair.wait_in_sync(FOLDER)

    pair.assert_equal(FOLDER)
    fetched, _ = traffic(receiver, sender)
    assert fetched < size - kept + 3 * MIB
    assert temporary(root) == []


@pytest.mark.parametrize("victim", ["us", "them"])
@pytest.mark.parametrize("direction", ["from us", "from them"])
def test_a_kill_amid_many_files_ends_in_equal_trees(
    new_pair: NewPair, direction: str, victim: str
) -> None:
    pair = started(new_pair())
    sender, receiver = pair.both if direction == "from us" else (pair.right, pair.left)
    killed = pair.left if victim == "us" else pair.right
    for number in range(4000):
        fill(sender.folders[FOLDER] / f"{number % 20}" / f"file {number}", 2000, number)
    sender.rescan(FOLDER)
    root = receiver.folders[FOLDER]
    wait_until(lambda: sum(1 for _ in root.glob("*/file *")) > 200, "some files have arrived")

    killed.kill()
    killed.start()
    pair.wait_connected()
    pair.sync(FOLDER)
    assert temporary(root) == []
    assert conflicts(root) == []


@pytest.mark.parametrize("restarted", ["us", "them"])
def test_a_restart_exchanges_no_index_again(new_pair: NewPair, restarted: str) -> None:
    pair = started(new_pair())
    daemon = pair.left if restarted == "us" else pair.right
    for number in range(1500):
        fill(pair.left.folders[FOLDER] / f"left {number}", 10, number)
        fill(pair.right.folders[FOLDER] / f"right {number}", 10, number)
    pair.sync(FOLDER)

    daemon.stop()
    begun = time.monotonic()
    daemon.start()
    pair.wait_connected()
    assert time.monotonic() - begun < 15, "reconnecting took long"
    fill(pair.left.folders[FOLDER] / "after", 10)
    fill(pair.right.folders[FOLDER] / "afterwards", 10)
    pair.sync(FOLDER)
    assert sum(traffic(pair.left, pair.right)) < 20_000  # the whole index has hundreds of thousands


def test_without_its_database_a_node_loses_and_overwrites_nothing(new_pair: NewPair) -> None:
    pair = started(new_pair())
    left, right = pair.trees(FOLDER)
    for number in range(100):
        fill(left / f"kept {number}", 1000, number)
    for name in ("edited left", "edited right", "edited on both"):
        (left / name).write_text("common")
    pair.sync(FOLDER)

    pair.left.stop()
    for entry in pair.left.home.path.iterdir():
        if entry.name not in {"config.xml", "cert.pem", "key.pem"}:
            shutil.rmtree(entry) if entry.is_dir() else entry.unlink()
    (right / "edited right").write_text("edit of the right")
    (right / "edited on both").write_text("the right's edit of both")
    pair.right.rescan(FOLDER)
    (left / "edited left").write_text("edit of the left")
    (left / "edited on both").write_text("the left's edit of both")
    pair.left.start()
    pair.wait_connected()
    pair.wait_in_sync(FOLDER)
    pair.sync(FOLDER)

    assert (left / "edited right").read_text() == "edit of the right"
    assert (left / "edited left").read_text() == "edit of the left"
    contents = {path.read_text() for path in left.glob("edited on both*")}
    assert contents >= {"the right's edit of both", "the left's edit of both"}
    assert [name for name in conflicts(left) if not name.startswith("edited")] == []
    assert sum(1 for _ in left.glob("kept *")) == 100


def test_both_may_restart_again_and_again_while_files_change(new_pair: NewPair) -> None:
    pair = started(new_pair())
    for turn in range(3):
        for daemon in pair.both:
            pair.other(daemon).kill()
            for number in range(30):
                fill(daemon.folders[FOLDER] / f"{daemon.label} {number}", 5000, turn * 100 + number)
            pair.other(daemon).start()
    pair.wait_connected()
    pair.sync(FOLDER)
    assert conflicts(pair.left.folders[FOLDER]) == []
