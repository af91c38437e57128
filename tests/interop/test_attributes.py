"""
Owners and extended attributes, to and from the official daemon, with settings on both sides or on one.

Whatever the settings: when both are idle, no rescan of either side makes new versions.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

import pytest

from tests.interop.conftest import node
from tests.interop.harness import peers
from tests.interop.harness.content import MIB, fill
from tests.interop.harness.daemon import Daemon, OfficialDaemon
from tests.interop.harness.home import need
from tests.interop.harness.pair import Pair
from tests.interop.harness.trees import UNSYNCED

VERSION = "1.29.5"  # the older one has no such settings
pytestmark = pytest.mark.xdist_group(f"interop-{VERSION}")

SYNC = {"syncOwnership": "true", "syncXattrs": "true"}
SEND = {"sendOwnership": "true", "sendXattrs": "true"}
NONE: dict[str, str] = {}
DENIES = "denies"
FOLDERS = {  # ours, theirs
    "sync-from-us": (SYNC, SYNC),
    "sync-from-them": (SYNC, SYNC),
    "send-from-us": (SEND, SYNC),
    "send-from-them": (SYNC, SEND),
    "only-them": (NONE, SYNC),
    "only-us": (SYNC, NONE),
    "both-send": (SEND, SEND),
    DENIES: (SYNC, SYNC),
    "parent": ({"copyOwnershipFromParent": "true"}, NONE),
}


class Worn(NamedTuple):
    """What an item bears on disk."""

    mode: int
    uid: int
    gid: int
    xattrs: dict[str, bytes]


@pytest.fixture(scope="module")
def pair(work: Path) -> Iterator[Pair]:
    if os.geteuid() != 0:
        pytest.skip("only root may give files away")
    try:
        os.setxattr(work, "user.probe", b"")
    except OSError:
        pytest.skip(f"{work} has no extended attributes")
    directory = work / "attributes"
    official = OfficialDaemon(directory / "right", peers.need(VERSION), VERSION)
    made = Pair(node(directory / "left"), official)
    try:
        made.prepare([])
        for folder, settings in FOLDERS.items():
            share(made, folder, *settings)
        deny(made.left, DENIES, "user.local*")
        made.start()
        yield made
        made.stop()
    finally:
        made.destroy()


def share(pair: Pair, folder: str, *settings: dict[str, str]) -> None:
    """A folder with settings of each side."""
    devices = [pair.left.device, pair.right.device]
    for daemon, elements in zip(pair.both, settings, strict=True):
        path = daemon.folders[folder] = daemon.directory / "folders" / folder
        daemon.home.add_folder(folder, path, devices, None, elements)


def deny(daemon: Daemon, folder: str, pattern: str) -> None:
    root = daemon.home.read()
    filter = need(root, f"folder[@id='{folder}']/xattrFilter")
    for match, permit in ((pattern, "false"), ("*", "true")):
        ElementTree.SubElement(filter, "entry", match=match, permit=permit)
    daemon.home.write(root)


def worn(daemon: Daemon, folder: str) -> dict[str, Worn]:
    return {
        path.name: wears(path)
        for path in daemon.folders[folder].iterdir()
        if path.name not in UNSYNCED
    }


def wears(path: Path) -> Worn:
    found = path.lstat()
    names = os.listxattr(path, follow_symlinks=False)
    xattrs = {name: os.getxattr(path, name, follow_symlinks=False) for name in names}
    return Worn(found.st_mode, found.st_uid, found.st_gid, xattrs)


def versions(pair: Pair, folder: str) -> list[object]:
    return [
        daemon.get("/rest/db/file", folder=folder, file=name)["local"]["version"]
        for daemon in pair.both
        for name in sorted(worn(daemon, folder))
    ]


def rests(pair: Pair, folder: str) -> bool:
    """Whether rescans of both sides make no new versions."""
    before = versions(pair, folder)
    for _ in range(2):
        for daemon in pair.both:
            daemon.rescan(folder)
        pair.wait_in_sync(folder)
    return versions(pair, folder) == before


def agree(pair: Pair, folder: str, changed: Daemon) -> dict[str, Worn]:
    """Sync; both sides bear the same then, and rest. What that is."""
    pair.sync(folder, changed)
    left, right = worn(pair.left, folder), worn(pair.right, folder)
    assert left == right
    assert rests(pair, folder)
    assert worn(pair.left, folder) == worn(pair.right, folder) == left
    return left


def make(root: Path) -> None:
    """An item of each kind, of owners with and without names, with attributes of two kinds."""
    (root / "file").write_text("x")
    fill(root / "large", 3 * MIB)
    (root / "directory").mkdir()
    (root / "link").symlink_to("file")
    for name, uid, gid in (("file", 33, 12345), ("large", 5, 5), ("directory", 4, 4)):
        os.chown(root / name, uid, gid)
        os.setxattr(root / name, "user.b", b"1")
        os.setxattr(root / name, "user.a", b"")
        os.setxattr(root / name, "trusted.t", bytes(range(256)))
    os.chown(root / "link", 4, 4, follow_symlinks=False)


@pytest.mark.parametrize("folder", ["sync-from-us", "sync-from-them"])
def test_all_of_them_travel(pair: Pair, folder: str) -> None:
    origin, follower = pair.both if folder == "sync-from-us" else (pair.right, pair.left)
    here, there = origin.folders[folder], follower.folders[folder]
    make(here)
    found = agree(pair, folder, origin)
    assert found["file"][1:3] == (33, 12345)
    assert found["link"][1:3] == (4, 4)
    assert set(found["large"].xattrs) == {"user.a", "user.b", "trusted.t"}
    # one attribute goes, one changes, then all owners change on the other side
    os.removexattr(here / "file", "user.b")
    os.setxattr(here / "directory", "user.b", b"2")
    agree(pair, folder, origin)
    for name in found:
        os.chown(there / name, 6, 7, follow_symlinks=False)
    found = agree(pair, folder, follower)
    assert {one[1:3] for one in found.values()} == {(6, 7)}
    assert found["directory"].xattrs["user.b"] == b"2"
    assert "user.b" not in found["file"].xattrs
    os.chmod(here / "file", 0o6755)
    pair.sync(folder, origin)
    assert wears(there / "file").mode & 0o7777 == 0o755
    assert rests(pair, folder)
    os.chmod(here / "file", 0o755)
    # edits and renames keep them
    (here / "file").write_text("another")
    (here / "large").rename(here / "renamed")
    found = agree(pair, folder, origin)
    assert found["renamed"][1:3] == (6, 7)
    assert set(found["file"].xattrs) == {"user.a", "trusted.t"}


@pytest.mark.parametrize("folder", ["send-from-us", "send-from-them"])
def test_a_sender_that_takes_none_is_enough(pair: Pair, folder: str) -> None:
    origin = pair.left if folder == "send-from-us" else pair.right
    make(origin.folders[folder])
    assert agree(pair, folder, origin)["large"][1:3] == (5, 5)


def test_what_the_other_side_does_not_tell_is_not_missed(pair: Pair) -> None:
    make(pair.right.folders["only-us"])
    pair.sync("only-us", pair.right)
    assert rests(pair, "only-us")
    assert wears(pair.left.folders["only-us"] / "file")[1:] == (0, 0, {})
    local = pair.left.get("/rest/db/file", folder="only-us", file="file")["local"]
    assert local["platform"]["Unix"]["UID"] == 0


def test_what_only_the_other_side_wants_disturbs_nobody(pair: Pair) -> None:
    make(pair.left.folders["only-them"])
    pair.sync("only-them", pair.left)
    pair.sync("only-them")  # they tell their own once
    assert rests(pair, "only-them")


@pytest.mark.parametrize("side", ["us", "them"])
def test_two_who_only_send_do_not_answer_each_other_for_ever(pair: Pair, side: str) -> None:
    origin = pair.left if side == "us" else pair.right
    fill(origin.folders["both-send"] / side, 10)
    os.chown(origin.folders["both-send"] / side, 33, 33)
    pair.sync("both-send", origin)
    pair.sync("both-send")  # they tell their own once; two of them would go on
    assert rests(pair, "both-send")
    assert wears(origin.folders["both-send"] / side)[1:3] == (33, 33)


def test_a_filter_here_takes_nothing_from_those_there(pair: Pair) -> None:
    here, there = (daemon.folders[DENIES] for daemon in pair.both)
    (there / "file").write_text("x")
    for name in ("user.a", "user.local1"):
        os.setxattr(there / "file", name, b"theirs")
    pair.sync(DENIES, pair.right)
    assert set(wears(here / "file").xattrs) == {"user.a"}
    os.setxattr(here / "file", "user.local2", b"ours")
    os.setxattr(here / "file", "user.b", b"ours")
    pair.sync(DENIES, pair.left)
    (there / "file").write_text("an edit")
    pair.sync(DENIES, pair.right)
    assert rests(pair, DENIES)
    assert set(wears(here / "file").xattrs) == {"user.a", "user.b", "user.local2"}
    assert set(wears(there / "file").xattrs) == {"user.a", "user.b", "user.local1"}


def test_what_is_pulled_belongs_to_whom_its_directory_belongs(pair: Pair) -> None:
    os.chown(pair.left.folders["parent"], 9, 9)
    make(pair.right.folders["parent"])
    pair.sync("parent", pair.right)
    found = worn(pair.left, "parent")
    assert set(found) == {"file", "large", "directory", "link"}
    assert all(one[1:] == (9, 9, {}) for one in found.values())
    assert rests(pair, "parent")
