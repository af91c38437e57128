"""Walks: order, and what is said where nothing can be known."""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.seam import Filesystem, ThroughSymlink
from txsyncthing.ignore.lines import loader
from txsyncthing.ignore.matcher import EMPTY, Matcher
from txsyncthing.scan.values import ScanOptions
from txsyncthing.scan.walk import Mark, Walk, item_error


@pytest.fixture
def storage() -> MemoryFilesystem:
    return MemoryFilesystem(lambda: 1_700_000_000.0)


def walked(storage: Filesystem, top: str = "", matcher: Matcher = EMPTY) -> list[tuple[str, Mark]]:
    walk = Walk(storage, matcher, ScanOptions(), 0, top)
    return [(event.name, event.mark) for event in walk.events()]


def test_what_is_below_a_directory_comes_at_the_place_of_its_slash(
    storage: MemoryFilesystem,
) -> None:
    for name in ("a/x", "a-/y", "a--/z", "a.b", "a0"):
        storage.put(name)
    assert [name for name, _ in walked(storage)] == [
        "a", "a-", "a--", "a--/z", "a-/y", "a.b", "a/x", "a0",
    ]  # fmt: skip


def test_nothing_is_known_of_what_cannot_be_listed(storage: MemoryFilesystem) -> None:
    storage.put("d/x")
    storage.put("e")
    storage.fail("list", "d", PermissionError(errno.EACCES, "Permission denied"))
    walk = Walk(storage, EMPTY, ScanOptions(), 0)
    assert [(event.name, event.mark) for event in walk.events()] == [
        ("d", Mark.ITEM),
        ("d/", Mark.UNKNOWN),
        ("e", Mark.ITEM),
    ]
    assert walk.errors[0][:3] == ("d", "unreadable", "scan: Permission denied")
    assert walk.errors[0].remedy


def test_what_vanishes_during_the_walk_is_left_for_the_next(storage: MemoryFilesystem) -> None:
    storage.put("d/x")
    storage.intercept("list", "d", lambda: storage.rename("d", "e"))
    walk = Walk(storage, EMPTY, ScanOptions(), 0)
    assert [event.mark for event in walk.events()] == [Mark.ITEM, Mark.UNKNOWN]
    assert walk.errors == []


def test_a_missing_root_is_no_empty_folder(storage: MemoryFilesystem) -> None:
    storage.unplug()
    for top in ("", "d"):
        with pytest.raises(FileNotFoundError):
            walked(storage, top)


def test_a_walk_may_begin_anywhere(storage: MemoryFilesystem) -> None:
    storage.put("d/e/f")
    storage.put("d/g")
    storage.symlink(b"d", "l")
    assert [name for name, _ in walked(storage, "d/e")] == ["d/e", "d/e/f"]
    assert [name for name, _ in walked(storage, "d/g")] == ["d/g"]
    assert walked(storage, "gone") == []
    assert walked(storage, "l/e") == []
    assert [name for name, _ in walked(storage, "l")] == ["l"]


def test_an_ignored_directory_is_entered_only_for_what_may_be_kept(
    storage: MemoryFilesystem,
) -> None:
    for name in ("i/x", "i/keep", "j/keep"):
        storage.put(name)
    storage.fail("list", "j", OSError(errno.EIO, "never looked at"))
    matcher = Matcher.parse(["/j", "!keep", "*"], loader(storage))
    assert walked(storage, "", matcher) == [("i", Mark.VEILED), ("i/keep", Mark.ITEM)]


def test_a_directory_of_many_items_is_walked_in_pieces(storage: MemoryFilesystem) -> None:
    for number in range(1300):
        storage.put(f"{number:04}")
    looked: list[int] = []
    storage.intercept("stats", "", lambda: looked.append(1), times=-1)
    assert len(walked(storage)) == 1300
    assert len(looked) == 3


def test_a_very_deep_tree_is_walked(tmp_path: Path) -> None:
    depth = 1050  # more than Python may recurse
    names = ["/".join(["d"] * count) for count in range(1, depth + 1)]
    with DiskFilesystem(str(tmp_path)).batch() as batch:
        for name in names:
            batch.make_directory(name, 0o755)
        assert len(walked(batch)) == depth
    subprocess.run(["rm", "-rf", str(tmp_path / "d")], check=True)  # pytest would recurse


def test_a_disk_is_walked_without_following_or_opening_anything(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").touch()
    root = tmp_path / "root"
    root.mkdir()
    (root / "link").symlink_to("../outside")
    (root / "loop").symlink_to(".")
    os.mkfifo(root / "fifo")
    (root / "new\nline").touch()
    (root / ("n" * 255)).touch()
    (root / "cafe\u0301").touch()
    names = [name for name, _ in walked(DiskFilesystem(str(root)))]
    assert names == ["café", "link", "loop", "new\nline", "n" * 255]
    assert (root / "caf\u00e9").exists()
    assert "link/secret" not in names


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (PermissionError(13, "Permission denied"), "unreadable"),
        (OSError(5, "Input/output error"), "disk"),
        (ThroughSymlink(40, "a part of the path is a symlink"), "through-symlink"),
    ],
)
def test_every_failed_item_has_a_cause_and_a_remedy(error: OSError, cause: str) -> None:
    failed = item_error("f", "scan", error)
    assert failed.cause == cause
    assert failed.error == f"scan: {error.strerror}"
    assert failed.remedy
    for told in ("bad-name", "name-taken", "changed-locally", "permission"):
        assert item_error("f", "scan", "why", told).remedy
