"""
A peer never makes a program here that runs with its owner's rights.

Young implementations chmod what the peer says: with the bits above 0777, a device that may write into a
folder may run anything as the node's user, or as root.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pull.folder import FOLDER, Folder, directory, file, gone, symlink
from txsyncthing.bep.bep_pb2 import BlockInfoPb, FileInfoPb
from txsyncthing.bep.file_codec import decode_file, encode_file
from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.service import FolderPuller
from txsyncthing.vocabulary.attributes import Attributes
from txsyncthing.vocabulary.block import MIN_BLOCK_SIZE
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.platform import Owner, Platform, encode_platform

ALL_BITS = 0o7777
LARGE = b"b" * (20 * MIN_BLOCK_SIZE)
OURSELVES = encode_platform(Platform(Owner("", "", os.geteuid(), os.getegid())))
SETTINGS = {
    "defaults": PullOptions(FOLDER),
    "ignorePerms": PullOptions(FOLDER, ignore_permissions=True),
    "syncOwnership": PullOptions(FOLDER, attributes=Attributes(tells_owner=True, takes_owner=True)),
    "copyOwnershipFromParent": PullOptions(FOLDER, attributes=Attributes(inherits_owner=True)),
}


@pytest.fixture(params=list(SETTINGS))
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(DiskFilesystem(str(tmp_path)))
    folder.puller = FolderPuller(folder.seams, SETTINGS[request.param])
    yield folder
    folder.close()


def bits(folder: Folder, name: str) -> int:
    """setuid, setgid and sticky."""
    return folder.disk.lstat(name).mode & 0o7000


def hostile(info: FileInfo) -> FileInfo:
    return info._replace(permissions=ALL_BITS, platform=OURSELVES)


def test_the_bits_do_not_come_through_the_wire() -> None:
    block = BlockInfoPb(size=1, hash=b"h" * 32).SerializeToString()
    for mode in (0o4755, 0o104755, ALL_BITS, 0o7777777):
        raw = FileInfoPb(name="f", size=1, blocks=[block], permissions=mode).SerializeToString()
        assert decode_file(raw).permissions == mode & 0o777
    assert decode_file(encode_file(directory("d", mode=0o2775))).permissions == 0o775


def test_new_items_have_none_of_them(folder: Folder) -> None:
    folder.offer(
        (hostile(file("small", b"small")), b"small"),
        (hostile(file("large", LARGE)), LARGE),
        (hostile(directory("d")), b""),
        (hostile(file("d/inside", b"inside")), b"inside"),
        (hostile(symlink("l", b"small")), b""),
    )
    assert folder.pull().failed == ()
    for name in ("small", "large", "d", "d/inside"):
        assert bits(folder, name) == 0, name
        assert stat.filemode(folder.disk.lstat(name).mode).count("s") == 0


def test_changes_bring_none_of_them(folder: Folder) -> None:
    first = file("f", b"small")._replace(platform=OURSELVES)
    folder.offer((first, b"small"))
    folder.pull()
    folder.tell(hostile(file("f", b"small", 2)))  # the mode alone
    folder.pull()
    assert bits(folder, "f") == 0
    folder.offer((hostile(file("f", b"other", 3)), b"other"))
    folder.pull()
    assert folder.read("f") == b"other"
    assert bits(folder, "f") == 0
    folder.tell(gone(file("f", b"other", 3)), hostile(file("moved", b"other", 5)))
    folder.pull()
    assert folder.read("moved") == b"other"
    assert bits(folder, "moved") == 0


def test_a_program_of_ours_loses_its_bits_to_a_peers_bytes(folder: Folder) -> None:
    folder.offer((file("f", b"small")._replace(platform=OURSELVES), b"small"))
    folder.pull()
    folder.disk.chmod("f", 0o4755)
    stat_now = folder.disk.lstat("f")
    have = folder.local("f")._replace(inode_change=stat_now.changed, permissions=0o755)
    folder.index.update_local([have])
    folder.offer((hostile(file("f", b"theirs", 2)), b"theirs"))
    folder.pull()
    assert folder.read("f") == b"theirs"
    assert bits(folder, "f") == 0


def test_a_directory_of_ours_keeps_its_own(folder: Folder) -> None:
    folder.tell(directory("d"))
    folder.pull()
    folder.disk.chmod("d", 0o2755)
    folder.tell(directory("d", 2, mode=0o775)._replace(platform=OURSELVES))
    assert folder.pull().failed == ()
    assert bits(folder, "d") == 0o2000
