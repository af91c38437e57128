"""
Old versions go from the official daemon to our node and back: the one lists and restores what the other has
put aside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tests.interop.harness import peers
from tests.interop.harness.daemon import Daemon, OfficialDaemon, OurNode
from tests.interop.harness.pair import Pair

KINDS: dict[str, dict[str, str]] = {
    "trashcan": {},
    "simple": {"keep": "5", "fsPath": "../outside"},
    "staggered": {},
}
NAMES = [".bashrc", "a.tar.gz", "d e/none", "ä.txt", "gone"]


def listed(daemon: Daemon, folder: str) -> dict[str, list[Any]]:
    """What REST tells, in an order that does not depend on the disk's."""
    versions = daemon.get("/rest/folder/versions", folder=folder)
    return {path: sorted(found, key=str) for path, found in versions.items()}


def edit(pair: Pair, text: str) -> None:
    """The peer changes all files, and deletes or makes one."""
    for folder in KINDS:
        root = pair.right.folders[folder]
        for name in NAMES:
            (root / name).parent.mkdir(exist_ok=True)
            (root / name).write_text(f"{text} {name}")
        if text != "first":
            (root / "gone").unlink()
        pair.right.rescan(folder)
    for folder in KINDS:
        pair.wait_in_sync(folder)


def restore(pair: Pair, folder: str, text: str) -> None:
    """Bring back the newest version of each file by the daemon on the left; it is what ``text`` was."""
    found = listed(pair.left, folder)
    assert set(found) == set(NAMES)
    names = NAMES
    if folder == "trashcan":  # of the others official versions say that they cannot
        names = [name for name in NAMES if "/" not in name and name != "gone"]
    newest = {name: max(one["versionTime"] for one in found[name]) for name in names}
    assert pair.left.post("/rest/folder/versions", newest, folder=folder) == {}
    for name in names:
        assert (pair.left.folders[folder] / name).read_text() == f"{text} {name}"
    pair.sync(folder, pair.left)


def test_versions_of_one_are_versions_of_the_other(
    version: str, new_pair: Callable[[], Pair]
) -> None:
    pair = new_pair()
    directory = pair.left.directory
    official = OfficialDaemon(directory, peers.need(version), version)
    ours = OurNode(directory)
    ours.home = official.home
    pair.left = official
    pair.prepare(KINDS)
    for folder, params in KINDS.items():
        official.home.keep_versions(folder, folder, **params)
    ours.device, ours.folders = official.device, official.folders

    def all_listed() -> dict[str, object]:
        return {folder: listed(pair.left, folder) for folder in KINDS}

    def hand_over(daemon: Daemon) -> None:
        """The other daemon takes over the home, and tells of the same versions."""
        told = all_listed()
        pair.left.stop()
        pair.left = daemon
        daemon.start()
        pair.wait_connected()
        assert all_listed() == told

    try:
        pair.left = ours
        pair.start()
        edit(pair, "first")
        edit(pair, "second")
        hand_over(official)
        for folder in KINDS:
            restore(pair, folder, "first")
        edit(pair, "third")
        hand_over(ours)
        for folder in ("trashcan", "simple"):  # staggered has none that is younger than 30 seconds
            restore(pair, folder, "first")
    finally:
        official.kill()
