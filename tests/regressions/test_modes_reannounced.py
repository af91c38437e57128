"""
What was pulled is not told anew.

Young implementations write a peer's 0600 or 0755 file with the umask's mode, find at the next scan that it
changed to 0644, and tell that to all: a private file is readable everywhere then, a program is none any more.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pull.folder import FOLDER, ME, NOW, Folder, answer, directory, file, symlink
from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.ignore.matcher import EMPTY
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.service import FolderPuller
from txsyncthing.scan.service import FolderScanner
from txsyncthing.scan.values import ScanOptions, ScanResult
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.attributes import Attributes
from txsyncthing.vocabulary.block import MIN_BLOCK_SIZE
from txsyncthing.vocabulary.platform import Owner, Platform, Xattr, encode_platform

MODES = (0o600, 0o755, 0o644, 0o666, 0o777, 0o444, 0o640)
LARGE = b"b" * (20 * MIN_BLOCK_SIZE)
THEIRS = encode_platform(
    Platform(Owner("nobody here", "nor here", os.geteuid(), os.getegid()), (Xattr("user.a", b"1"),))
)
SETTINGS = {
    "defaults": Attributes(),
    "send": Attributes(tells_owner=True, tells_xattrs=True),
    "sync": Attributes(tells_owner=True, takes_owner=True),
    "copyOwnershipFromParent": Attributes(inherits_owner=True),
}


@pytest.fixture(params=["disk", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Folder]:
    folder = Folder(DiskFilesystem(str(tmp_path)) if request.param == "disk" else None)
    yield folder
    folder.close()


def scan(folder: Folder, attributes: Attributes) -> ScanResult:
    scanner = FolderScanner(InlineWorkers(), folder.disk, folder.index, ME, lambda: NOW)
    options = ScanOptions(attributes=attributes)
    return answer(scanner.scan((), EMPTY, options, lambda: True))


@pytest.mark.parametrize("settings", list(SETTINGS))
def test_a_rescan_tells_nothing_new_of_what_was_pulled(folder: Folder, settings: str) -> None:
    attributes = SETTINGS[settings]
    folder.puller = FolderPuller(folder.seams, PullOptions(FOLDER, attributes=attributes))
    scan(folder, attributes)
    names = []
    for mode in MODES:
        small, large = file(f"small{mode:o}", b"x"), file(f"large{mode:o}", LARGE)
        directories = [directory(f"d{mode:o}", mode=mode | 0o700)]
        folder.offer(
            (small._replace(permissions=mode, platform=THEIRS), b"x"),
            (large._replace(permissions=mode), LARGE),
        )
        folder.tell(*directories, symlink(f"l{mode:o}", b"x")._replace(platform=THEIRS))
        names += [small.name, large.name, directories[0].name, f"l{mode:o}"]
    assert folder.pull().failed == ()
    before = {name: folder.local(name) for name in names}
    sequence = folder.index.counts().sequence
    assert scan(folder, attributes) == ScanResult((), 0, 0)
    assert scan(folder, attributes) == ScanResult((), 0, 0)
    assert folder.index.counts().sequence == sequence
    for name in names:
        assert folder.local(name) == before[name]
    for mode in MODES:
        assert folder.local(f"small{mode:o}").permissions == mode
        assert folder.disk.lstat(f"small{mode:o}").mode == mode


def test_a_mode_that_changes_here_is_told(folder: Folder) -> None:
    folder.offer((file("f", b"x")._replace(permissions=0o600), b"x"))
    folder.pull()
    folder.disk.chmod("f", 0o640)
    assert scan(folder, Attributes()).changed == 1
    assert folder.local("f").permissions == 0o640
