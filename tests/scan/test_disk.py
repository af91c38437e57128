"""A scan of a real disk."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from tests.scan.folder import ME, START, result_of
from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.ignore.matcher import EMPTY
from txsyncthing.index.service import FolderIndex
from txsyncthing.scan.service import FolderScanner
from txsyncthing.scan.values import ScanOptions, ScanResult
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.name import WireName


class Place:
    def __init__(self, root: Path) -> None:
        self.root = root
        self.index = FolderIndex(InlineWorkers(), ":memory:", ME, lambda size: b"\1" * size)
        result_of(self.index.open())
        storage = DiskFilesystem(str(root))
        self.scanner = FolderScanner(InlineWorkers(), storage, self.index, ME, lambda: START)

    def scan(self, *subs: str) -> ScanResult:
        return result_of(self.scanner.scan(subs, EMPTY, ScanOptions(), lambda: True))

    def names(self) -> list[str]:
        rows = result_of(self.index.rows("", "", 1000))
        return [row.name for row in rows if not row.deleted]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path)
    yield place
    result_of(place.index.close())


def test_odd_names_modes_links_and_sizes_are_recorded_as_they_are(place: Place) -> None:
    root = place.root
    (root / "d").mkdir()
    os.chmod(root / "d", 0o751)
    (root / "d" / ("n" * 255)).write_bytes(b"long")
    (root / "d/new\nline").write_bytes(b"")
    (root / "d-").write_bytes(b"exec")
    os.chmod(root / "d-", 0o4755)
    data = bytes(range(256)) * (20 * 4096)  # 20 MiB
    (root / "large").write_bytes(data)
    (root / "link").symlink_to("/etc/passwd")
    (root / "bad").symlink_to(os.fsdecode(b"\xff"))
    os.mkfifo(root / "fifo")
    (root / os.fsdecode(b"bad\xff")).write_bytes(b"x")
    result = place.scan()
    assert place.names() == ["bad", "d", "d-", "d/new\nline", "d/" + "n" * 255, "large", "link"]
    assert [error.path for error in result.errors] == ["bad\ufffd"]
    found = result_of(place.index.local([WireName(name) for name in place.names()]))
    by_name = {str(name): file for name, file in found.items()}
    assert by_name["d"].permissions == 0o751
    assert by_name["d-"].permissions == 0o755
    assert by_name["link"].symlink_target == b"/etc/passwd"
    assert by_name["bad"].symlink_target == b"\xff"
    size = 128 * 1024
    assert by_name["large"].hashes == b"".join(
        sha256(data[at : at + size]).digest() for at in range(0, len(data), size)
    )
    assert place.scan()[1:] == (0, 0)


def test_changes_of_a_disk_are_found(place: Place) -> None:
    root = place.root
    (root / "d").mkdir()
    for name in ("d/a", "d/b", "c"):
        (root / name).write_bytes(name.encode())
    place.scan()
    (root / "d/a").unlink()
    (root / "d/b").rename(root / "moved")
    (root / "c").write_bytes(b"other")
    assert place.scan() == ((), 2, 2)
    assert place.names() == ["c", "d", "moved"]
    (root / "moved").unlink()
    assert place.scan("moved") == ((), 0, 1)
