"""
All that a node does with a folder of 100,000 files, and how long its reactor was kept by each.

``python -m benchmarks.calm`` does every step, ``python -m benchmarks.calm versions lists`` those two. What
it prints holds on a busy machine too: the machine's own delays are taken off, see ``benchmarks.turns``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.beating import BeatingNode, tell
from benchmarks.measure import until
from tests.interop.harness.pair import Pair

PAGE = 1000
Step = Callable[[Pair, int], None]


def fill(root: Path, names: list[str], word: str) -> None:
    """Small files with different contents."""
    last = root
    for name in names:
        path = root / name
        if path.parent != last:
            last = path.parent
            last.mkdir(parents=True, exist_ok=True)
        path.write_bytes(f"{word} {name}".encode())


def many(count: int, start: str) -> list[str]:
    """Names in directories of a hundred."""
    return [f"{start}{number // 100:04}/{number}" for number in range(count)]


def folder(pair: Pair, name: str, left: str = "sendreceive", right: str = "sendreceive") -> None:
    """A folder for both, of these types; only while neither runs."""
    for daemon, type in zip(pair.both, (left, right), strict=True):
        daemon.folders[name] = daemon.directory / "folders" / name
        daemon.home.add_folder(
            name, daemon.folders[name], [each.device for each in pair.both], {"type": type}
        )


def start(pair: Pair, name: str = "") -> None:
    """:param name: of a folder, where nothing is to be held back."""
    pair.start()
    for daemon in pair.both if name else ():
        daemon.change("PUT", f"/rest/x/guard?folder={name}", {"maxItems": 0, "maxPercent": 0})


def begin(pair: Pair) -> None:
    start(pair)
    tell(pair.both, "start")


def sync(pair: Pair, count: int) -> None:
    """The first sync in both directions, unchanged rescans, a restart, and the end of all files."""
    folder(pair, "sync")
    for daemon, word in zip(pair.both, "ab", strict=True):
        fill(daemon.folders["sync"], many(count // 2, word), word)
    start(pair, "sync")
    until(lambda: settled(pair, "sync", count), "in sync", 1800)
    tell(pair.both, "first sync")
    for daemon in pair.both:
        daemon.rescan("sync")
    tell(pair.both, "rescan")
    pair.stop()
    pair.start()
    for daemon in pair.both:
        daemon.rescan("sync")
    until(lambda: settled(pair, "sync", count), "in sync again", 1800)
    tell(pair.both, "restart")
    fill(
        pair.left.folders["sync"], ["kept/one"], "x"
    )  # an empty folder is a disk that is not there
    for name in os.listdir(pair.left.folders["sync"]):
        if name not in (".stfolder", "kept"):
            shutil.rmtree(pair.left.folders["sync"] / name)
    pair.left.rescan("sync")
    until(lambda: settled(pair, "sync", 1), "all is gone", 1800)
    tell(pair.both, "deletions")


def settled(pair: Pair, name: str, files: int) -> bool:
    return pair.left.status(name)["globalFiles"] == files and pair.settled(name)


def receiveonly(pair: Pair, count: int) -> None:
    """Local changes of a receive-only folder: found, listed, reverted."""
    folder(pair, "kept", right="receiveonly")
    fill(pair.right.folders["kept"], many(count, "d"), "local")
    begin(pair)
    pair.right.rescan("kept")
    tell(pair.both, "scan of local changes")
    pages(pair, "/rest/db/localchanged", "files", count, folder="kept")
    tell(pair.both, "localchanged")
    pair.right.post("/rest/db/revert", folder="kept")
    until(lambda: pair.right.status("kept")["receiveOnlyTotalItems"] == 0, "reverted", 1800)
    tell(pair.both, "revert")


def sendonly(pair: Pair, count: int) -> None:
    """What others changed of a send-only folder: listed, overridden."""
    folder(pair, "sent", left="sendonly")
    fill(pair.left.folders["sent"], many(count, "d"), "first")
    start(pair, "sent")
    left, right = pair.both
    until(
        lambda: pair.settled("sent") and left.status("sent")["globalFiles"] == count,
        "in sync",
        1800,
    )
    tell(pair.both, "first sync")
    fill(right.folders["sent"], many(count, "d"), "changed")
    right.rescan("sent")
    until(lambda: left.status("sent")["needFiles"] == count, "all differ", 1800)
    tell(pair.both, "changes of others")
    for page in (1, count // PAGE):
        left.get("/rest/db/need", folder="sent", page=page, perpage=PAGE)
    left.get("/rest/db/need", folder="sent", page=1, perpage=count)
    tell(pair.both, "need")
    left.post("/rest/db/override", folder="sent")
    until(lambda: pair.settled("sent"), "overridden", 1800)
    tell(pair.both, "override")


def pages(pair: Pair, path: str, kind: str, count: int, **query: str) -> None:
    daemon = pair.right
    for page in (1, count // PAGE):
        assert daemon.get(path, page=page, perpage=PAGE, **query)[kind]
    daemon.get(path, page=1, perpage=count, **query)


def lists(pair: Pair, count: int) -> None:
    """What a peer needs of us, and the tree of what there is."""
    folder(pair, "lists", right="sendonly")
    fill(pair.left.folders["lists"], many(count, "d"), "x")
    pair.start()
    left, right = pair.both
    until(lambda: right.status("lists")["globalFiles"] == count, "the index is there", 1800)
    tell(pair.both, "scan and index")
    for page in (1, count // PAGE):
        left.get(
            "/rest/db/remoteneed", folder="lists", device=right.device, page=page, perpage=PAGE
        )
    left.get("/rest/db/remoteneed", folder="lists", device=right.device, page=1, perpage=count)
    tell(pair.both, "remoteneed")
    left.get("/rest/db/browse", folder="lists", levels=0)
    left.get("/rest/db/browse", folder="lists")
    tell(pair.both, "browse")


def flat(pair: Pair, count: int) -> None:
    """All files in one directory, browsed."""
    folder(pair, "flat", right="sendonly")
    fill(pair.left.folders["flat"], [f"d/{number:06}" for number in range(count)], "x")
    pair.start()
    left, right = pair.both
    until(lambda: right.status("flat")["globalFiles"] == count, "the index is there", 1800)
    tell(pair.both, "scan and index of one directory")
    left.get("/rest/db/browse", folder="flat")
    left.get("/rest/db/browse", folder="flat", prefix="d")
    tell(pair.both, "browse of one directory")


def versions(pair: Pair, count: int) -> None:
    """Old versions: listed, restored, tidied."""
    folder(pair, "old")
    for daemon in pair.both:
        daemon.home.keep_versions("old", "simple", keep="5")
    root = pair.left.folders["old"] / ".stversions"
    stamp = "~20260101-101010"
    fill(root, [f"{name}{stamp}" for name in many(count, "d")], "old")
    begin(pair)
    listed = pair.left.get("/rest/folder/versions", folder="old")
    assert len(listed) == count
    tell(pair.both, "list of versions")
    wanted = {name: listed[name][0]["versionTime"] for name in list(listed)[: count // 10]}
    pair.left.post("/rest/folder/versions", wanted, folder="old")
    tell(pair.both, "restore of a tenth")


def shares(pair: Pair, count: int) -> None:
    """A configuration with very many folders, and one with very many devices."""
    begin(pair)
    left, right = pair.both
    number = count // 50
    config = left.get("/rest/config")
    device = config["defaults"]["device"]
    from txsyncthing.vocabulary.device import DeviceID

    config["devices"] += [
        {
            **device,
            "deviceID": str(DeviceID(index.to_bytes(32))),
            "paused": True,
            "name": f"d{index}",
        }
        for index in range(1, number + 1)
    ]
    left.change("PUT", "/rest/config", config)
    tell(pair.both, f"{number} devices")
    config["devices"] = config["devices"][:-1]
    left.change("PUT", "/rest/config", config)
    left.get("/rest/config")
    left.get("/rest/system/connections")
    left.get("/rest/stats/device")
    tell(pair.both, f"{number} devices again")
    folders = [
        {"id": f"f{index}", "path": str(left.directory / "many" / f"{index}"), "paused": True,
         "devices": [{"deviceID": right.device}, {"deviceID": left.device}]}
        for index in range(number)
    ]  # fmt: skip
    left.change("PUT", "/rest/config/folders", folders)
    until(lambda: left.connected(right.device), "connected", 600)
    tell(pair.both, f"{number} folders")
    right.get("/rest/cluster/pending/folders")
    right.post("/rest/system/pause", device=left.device)
    right.post("/rest/system/resume", device=left.device)
    until(lambda: left.connected(right.device), "connected again", 600)
    tell(pair.both, f"{number} folders, connected again")


STEPS: tuple[Step, ...] = (sync, receiveonly, sendonly, lists, flat, versions, shares)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.calm", description=__doc__)
    known = {step.__name__: step for step in STEPS}
    parser.add_argument(
        "steps", nargs="*", metavar="step", help=f"of {', '.join(known)}; default all"
    )
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--dir", type=Path, default=Path("/dev/shm"), help="where to work")
    options = parser.parse_args()
    for name in options.steps or known:
        directory = options.dir / f"txsyncthing-calm-{os.getpid()}"
        pair = Pair(BeatingNode(directory / "a"), BeatingNode(directory / "b"))
        print(f"== {name}: {known[name].__doc__}", flush=True)
        try:
            pair.prepare([])
            known[name](pair, options.files)
        finally:
            pair.destroy()
            shutil.rmtree(directory, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
