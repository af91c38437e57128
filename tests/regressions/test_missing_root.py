"""
A folder's root that vanished, is another one or is suddenly empty is an error, and never a deletion.

Young implementations scan whatever lies at the path: an unmounted disk then empties the folder on all
devices.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tests.folder.test_root import Rooted
from tests.interop.harness import peers
from tests.interop.harness.daemon import OfficialDaemon, OurNode
from tests.interop.harness.pair import Pair
from tests.interop.harness.waiting import wait_until
from tests.pull.folder import answer

VERSION = "1.29.5"
FILES = 30
Back = Callable[[], object]


def vanish(root: Path) -> Back:
    aside = root.with_name("aside")
    root.rename(aside)
    return lambda: aside.rename(root)


def empty(root: Path) -> Back:
    aside = root.with_name("kept")
    aside.mkdir()
    for path in root.iterdir():
        if path.name != ".stfolder":
            path.rename(aside / path.name)
    return lambda: [path.rename(root / path.name) for path in aside.iterdir()]


def mount(root: Path) -> Back:
    """Another file system, with a marker and one of the files, appears at the root."""
    done = subprocess.run(["mount", "-t", "tmpfs", "none", str(root)], capture_output=True)
    if done.returncode:
        pytest.skip("only root may mount; the same with a disk in memory is below")
    (root / ".stfolder").mkdir()
    (root / "f0").write_bytes(b"0")
    return lambda: subprocess.run(["umount", str(root)], check=True)


ACCIDENTS = {
    "vanished": (vanish, "folder path missing"),
    "emptied": (empty, "folder root is empty, but 30 items are known to be here"),
    "remounted": (mount, "folder root is on another file system than when the folder started"),
}


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    """Our node and an official daemon, with a folder for each accident."""
    shm = Path("/dev/shm")
    base = shm if os.access(shm, os.W_OK) else tmp_path_factory.getbasetemp()
    work = base / f"txsyncthing-missing-root-{os.getpid()}"
    official = OfficialDaemon(work / "right", peers.need(VERSION), VERSION)
    pair = Pair(OurNode(work / "left"), official)
    try:
        pair.prepare(ACCIDENTS)
        pair.start()
        yield pair
        pair.stop()
    finally:
        pair.destroy()
        shutil.rmtree(work, ignore_errors=True)


def scan(pair: Pair, folder: str) -> str:
    """:returns: why it could not be."""
    with pytest.raises(HTTPError) as failed:
        pair.left.rescan(folder)
    return failed.value.read().decode()


@pytest.mark.interop
@pytest.mark.xdist_group("missing-root")
@pytest.mark.parametrize("folder", ACCIDENTS)
def test_the_peer_keeps_all_and_the_right_root_goes_on(pair: Pair, folder: str) -> None:
    ours, (here, there) = pair.left, pair.trees(folder)
    for number in range(FILES):
        (there / f"f{number}").write_bytes(b"%d" % number)
    pair.sync(folder, pair.right)
    accident, text = ACCIDENTS[folder]

    back = accident(here)
    try:
        assert scan(pair, folder).startswith(text)
        status = ours.status(folder)
        assert status["state"] == "error" and status["error"].startswith(text)
        assert status["localDeleted"] == 0
        reason = ours.get("/rest/x/explain", folder=folder)["reasons"][0]
        assert reason["since"] and reason["next"]["at"]
        assert reason["remedy"] or "/rest/x/guard/release" in reason["sentence"]
        (there / "meanwhile").write_bytes(b"new")  # nor is anything pulled into the wrong place
        pair.right.rescan(folder)
        wait_until(lambda: ours.status(folder)["globalFiles"] == FILES + 1, "the peer has told")
        assert not (here / "meanwhile").exists()
    finally:
        back()

    pair.sync(folder)  # a scan leads out of the error; so does a look every few seconds
    assert len(list(there.glob("f*"))) == FILES


@pytest.mark.interop
@pytest.mark.xdist_group("missing-root")
def test_an_empty_root_that_is_accepted_is_a_deletion(pair: Pair) -> None:
    folder = "emptied"
    here, there = pair.trees(folder)
    for number in range(FILES):
        (there / f"f{number}").write_bytes(b"%d" % number)
    pair.sync(folder, pair.right)
    for path in here.glob("*"):
        if path.name != ".stfolder":
            path.unlink()
    assert "POST /rest/x/guard/release" in scan(pair, folder)
    pair.left.post("/rest/x/guard/release", folder=folder)
    wait_until(lambda: not list(there.glob("f*")), "the peer has deleted, too")
    pair.sync(folder)


# In the middle of a scan, with a disk in memory.


@pytest.fixture
def world() -> Iterator[Rooted]:
    world = Rooted()
    yield world
    for service in world.made:
        answer(service.stopService())


def unplug(world: Rooted) -> None:
    world.disk.unplug()


def replace(world: Rooted) -> None:
    world.disk.unplug()
    world.disk.make_directory("", 0o755)
    world.disk.make_directory(".stfolder", 0o755)


def remount(world: Rooted) -> None:
    world.disk.device = 6
    world.disk.remove("f00")


MOMENTS = {"walk": ("list", ""), "confirm": ("lstat", "f11"), "hash": ("open", "f05")}


@pytest.mark.parametrize("accident", [unplug, replace, remount, Rooted.empty])
@pytest.mark.parametrize("moment", MOMENTS)
def test_in_the_middle_of_a_scan_nothing_is_recorded(
    world: Rooted, accident: Callable[[Rooted], None], moment: str
) -> None:
    service = world.folder()
    sequence = service.index.sequence
    world.disk.remove("f11")
    if moment == "hash":
        world.write("f05", b"changed")
    operation, name = MOMENTS[moment]
    world.disk.intercept(operation, name, lambda: accident(world))
    assert world.scan(service) != ""
    assert service.index.counts().local.deleted == 0
    assert service.index.sequence == sequence
