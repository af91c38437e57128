"""
Disks that misbehave while a real daemon is on the other side: full, read-only, gone, changed under our hands.

Of the official daemons only the newest takes part: what is seen here is about our side's disk.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import node
from tests.interop.harness import peers
from tests.interop.harness.content import MIB, fill
from tests.interop.harness.daemon import OfficialDaemon
from tests.interop.harness.pair import Pair
from tests.interop.harness.trees import conflicts, snapshot, temporary
from tests.interop.harness.waiting import wait_until

NEWEST = peers.VERSIONS[-1]
pytestmark = pytest.mark.xdist_group(f"interop-{NEWEST}")
FULL, LOCKED, EDITED, SERVED, MARKED, ROOTED = (
    "full",
    "locked",
    "edited",
    "served",
    "marked",
    "rooted",
)
SLOW = 6 * 1024  # KiB a second


def mounted(directory: Path, size: str) -> None:
    """
    A disk of its own for this test.

    :raises pytest.skip.Exception: we may not mount one.
    """
    directory.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(directory)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True).returncode != 0:
        pytest.skip("only root may mount a small disk, and not in every container")


@pytest.fixture(scope="module")
def pair(work: Path) -> Iterator[Pair]:
    """Ours (left) and the newest official daemon (right), with a folder for each test."""
    directory = work / "disks"
    official = OfficialDaemon(directory / "right", peers.need(NEWEST), NEWEST)
    made = Pair(node(directory / "left"), official)
    try:
        folders = (FULL, LOCKED, EDITED, SERVED, MARKED, ROOTED)
        made.prepare(folders, elements={"pullerPauseS": "1"})
        made.start()
        yield made
        made.stop()
    finally:
        made.destroy()


@pytest.fixture
def slow(pair: Pair) -> Iterator[None]:
    """While this lasts, both ways are slow."""
    limits = {"limitBandwidthInLan": True, "maxSendKbps": SLOW, "maxRecvKbps": SLOW}
    pair.right.change("PATCH", "/rest/config/options", limits)
    yield
    pair.right.change("PATCH", "/rest/config/options", {"maxSendKbps": 0, "maxRecvKbps": 0})


def failed(pair: Pair, folder: str) -> dict[str, str]:
    """Our items in error, with the texts."""
    errors = pair.left.get("/rest/folder/errors", folder=folder)["errors"] or ()
    return {error["path"]: error["error"] for error in errors}


def test_a_full_disk_fails_what_does_not_fit_and_recovers_by_itself(pair: Pair) -> None:
    here, there = pair.trees(FULL)
    settings = f"/rest/config/folders/{FULL}"
    pair.left.change(
        "PATCH", settings, {"paused": True}
    )  # under a running folder it is another root
    mounted(here, "12m")
    try:
        (here / ".stfolder").mkdir()
        pair.left.change("PATCH", settings, {"paused": False})
        fill(there / "grows", MIB, 1)
        fill(there / "fits", 10_000, 2)
        pair.right.rescan(FULL)
        pair.left.rescan(FULL)
        pair.wait_in_sync(FULL)
        fill(there / "grows", 9 * MIB, 3)
        fill(there / "too large", 9 * MIB, 4)
        fill(there / "directory" / "small", 10_000, 5)
        pair.right.rescan(FULL)
        wait_until(lambda: len(failed(pair, FULL)) == 1, "one of the two does not fit", 30)
        wait_until((here / "directory" / "small").exists, "what fits comes", 30)
        ((name, error),) = failed(pair, FULL).items()
        assert "insufficient space in folder" in error or "no space left" in error
        assert pair.left.status(FULL)["state"] != "error"
        kept = here / "grows"
        assert kept.stat().st_size == (MIB if name == "grows" else 9 * MIB)  # old or new, whole
        subprocess.run(["mount", "-o", "remount,size=40m", str(here)], check=True)
        pair.wait_in_sync(FULL, 40)
        pair.assert_equal(FULL)
        assert temporary(here) == [] and conflicts(here) == []
    finally:
        pair.left.post("/rest/system/pause", device=pair.right.device)
        pair.left.change("PATCH", settings, {"paused": True})
        pair.left.post("/rest/system/resume", device=pair.right.device)
        subprocess.run(["umount", "-l", str(here)], check=True)
        pair.wait_connected()


@pytest.fixture
def locked(pair: Pair) -> Iterator[Path]:
    """A directory at our side in which nobody may write, not even root."""
    here, there = pair.trees(LOCKED)
    fill(there / "directory" / "old", 100, 1)
    fill(there / "directory" / "goes", 100, 2)
    pair.sync(LOCKED, pair.right)
    directory = here / "directory"
    if os.geteuid() != 0:
        pytest.skip("only root can lock a directory so that our node cannot open it again")
    if shutil.which("chattr") is None or subprocess.run(["chattr", "+i", directory]).returncode:
        pytest.skip("this file system has no attribute for a directory that nobody may change")
    yield directory
    subprocess.run(["chattr", "-i", directory], check=True)


def test_a_directory_that_cannot_be_written_fails_its_items_alone(pair: Pair, locked: Path) -> None:
    here, there = pair.trees(LOCKED)
    before = snapshot(locked)
    fill(there / "directory" / "old", 200, 3)
    fill(there / "directory" / "new", 200, 4)
    fill(there / "beside", 200, 5)
    (there / "directory" / "goes").unlink()
    pair.right.rescan(LOCKED)
    names = {"directory/old", "directory/new", "directory/goes"}
    wait_until(lambda: failed(pair, LOCKED).keys() == names, "all that is in it fails", 30)
    assert all("operation not permitted" in error for error in failed(pair, LOCKED).values())
    assert (here / "beside").stat().st_size == 200
    assert snapshot(locked) == before
    subprocess.run(["chattr", "-i", locked], check=True)
    pair.wait_in_sync(LOCKED, 30)
    pair.assert_equal(LOCKED)
    assert conflicts(here) == []


def test_a_file_that_is_edited_while_it_is_pulled_is_not_lost(pair: Pair, slow: None) -> None:
    here, there = pair.trees(EDITED)
    fill(there / "big", MIB, 1)
    pair.sync(EDITED, pair.right)
    fill(there / "big", 12 * MIB, 2)
    pair.right.rescan(EDITED)
    wait_until(lambda: temporary(here), "its download has begun", 30)
    (here / "big").write_bytes(b"edited in the meantime")
    os.utime(here / "big", (1_500_000_000, 1_500_000_000))
    wait_until(lambda: conflicts(there), "the edit comes to the other side as a copy", 40)
    pair.wait_in_sync(EDITED)
    pair.assert_equal(EDITED)
    (copy,) = conflicts(here)
    assert (here / copy).read_bytes() == b"edited in the meantime"
    assert (here / "big").stat().st_size == 12 * MIB


def test_a_file_that_is_replaced_while_it_is_served_arrives_as_one_of_both(
    pair: Pair, slow: None
) -> None:
    here, there = pair.trees(SERVED)
    fill(here / "big", 12 * MIB, 1)
    pair.left.rescan(SERVED)
    wait_until(lambda: temporary(there), "its download has begun", 30)
    versions = {snapshot(here)["big"].content}
    fill(here.with_name("other"), 12 * MIB, 2)
    here.with_name("other").rename(here / "big")
    versions.add(snapshot(here)["big"].content)
    pair.left.rescan(SERVED)
    seen = set()

    def arrived() -> bool:
        if found := snapshot(there).get("big"):
            seen.add(found.content)
        return pair.settled(SERVED)

    wait_until(arrived, "it arrives", 40)
    pair.assert_equal(SERVED)
    assert seen <= versions  # never a mixture
    assert conflicts(here) == [] and temporary(there) == []


@pytest.mark.parametrize("gone", [MARKED, ROOTED])
def test_a_folder_that_is_not_there_deletes_nothing_and_comes_back(pair: Pair, gone: str) -> None:
    here, there = pair.trees(gone)
    for number in range(20):
        fill(there / "directory" / f"file {number}", 1000, number)
    pair.sync(gone, pair.right)
    before = snapshot(there)
    if gone == MARKED:
        (here / ".stfolder").rename(here / "kept")
        (here / "directory" / "file 3").unlink()
        text = "folder marker missing"
    else:
        here.rename(here.with_name("away"))
        text = "folder path missing"
    for _ in range(2):
        with pytest.raises(OSError):
            pair.left.rescan(gone)
    status = pair.left.status(gone)
    assert status["state"] == "error" and status["error"].startswith(text)
    fill(there / "new", 1000, 99)
    pair.right.rescan(gone)
    wait_until(lambda: pair.right.status(gone)["state"] == "idle", "the other side has looked")
    assert {name: item for name, item in snapshot(there).items() if name != "new"} == before
    if gone == MARKED:
        assert not (here / ".stfolder").exists() and not (here / "new").exists()
        (here / "kept").rename(here / ".stfolder")
    else:
        assert not here.exists()
        here.with_name("away").rename(here)
    pair.sync(gone)
    assert (here / "new").exists()
    assert (there / "directory" / "file 3").exists() is (gone == ROOTED)
