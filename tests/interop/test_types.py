"""
Folder types between our node and each official daemon, each of the two on either side.

What is asserted of numbers holds for the official daemon on the same side, so it holds for us.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.interop.harness.daemon import Daemon
from tests.interop.harness.pair import Pair
from tests.interop.harness.trees import conflicts, differences, snapshot
from tests.interop.harness.waiting import wait_until

NEED = ("needFiles", "needDirectories", "needSymlinks", "needDeletes", "needBytes")
HERE = tuple(
    f"receiveOnly{what}"
    for what in (
        *("ChangedFiles", "ChangedDirectories", "ChangedSymlinks", "ChangedDeletes"),
        *("ChangedBytes", "TotalItems"),
    )
)
NONE = [0, 0, 0, 0, 0]


@dataclass
class Scene:
    """A folder of its own for a test, in sync; ``special`` gets another type, ``plain`` does both."""

    pair: Pair
    folder: str
    special: Daemon
    plain: Daemon

    @property
    def here(self) -> Path:
        return self.special.folders[self.folder]

    @property
    def there(self) -> Path:
        return self.plain.folders[self.folder]

    def become(self, type: str) -> None:
        self.special.change("PATCH", f"/rest/config/folders/{self.folder}", {"type": type})
        wait_until(lambda: self.status()["state"] == "idle", f"{self.special.label} is {type}")
        self.special.rescan(self.folder)  # waits for the first scan

    def scan(self, daemon: Daemon) -> None:
        daemon.rescan(self.folder)

    def status(self) -> dict[str, Any]:
        return self.special.status(self.folder)

    def wait_for(self, keys: tuple[str, ...], numbers: list[int]) -> None:
        def now() -> list[int]:
            status = self.status()
            return [status.get(key, 0) for key in keys]  # 1.19 tells some of some types only

        try:
            wait_until(lambda: now() == numbers, f"{self.special.label} has {numbers}", 20)
        except AssertionError as error:
            raise AssertionError(f"{error}: {now()}\n{self.pair.describe(self.folder)}") from None

    def lacks(self, items: int, deletes: int, size: int) -> None:
        """What the plain side says that the special one lacks, as numbers and as a list."""

        def told() -> tuple[int, int, int]:
            theirs = self.plain.completion(self.folder, self.special.device)
            return theirs["needItems"], theirs["needDeletes"], theirs["needBytes"]

        wait_until(lambda: told() == (items, deletes, size), f"({items}, {deletes}, {size})", 20)
        device = self.special.device
        listed = self.plain.get("/rest/db/remoteneed", folder=self.folder, device=device)
        # Needed deletions are listed as well.
        assert len(listed["files"]) == items + deletes

    def same(self) -> None:
        self.pair.wait_in_sync(self.folder)
        self.pair.assert_equal(self.folder)


@pytest.fixture(params=["us", "them"])
def scene(pair: Pair, request: pytest.FixtureRequest) -> Scene:
    special, plain = pair.both if request.param == "us" else (pair.right, pair.left)
    made = Scene(pair, pair.take_folder(), special, plain)
    for name in ("edited", "deleted", "touched", "kept"):
        (made.there / name).write_bytes(name.encode())
    (made.there / "dir").mkdir()
    (made.there / "dir" / "inner").write_bytes(b"inner")
    (made.there / "link").symlink_to("there")
    pair.sync(made.folder, plain)
    return made


def relink(path: Path, target: str) -> None:
    path.unlink()
    path.symlink_to(target)


def test_a_send_only_folder_takes_nothing_and_overrides_all(scene: Scene) -> None:
    scene.become("sendonly")
    before = snapshot(scene.here)
    there = scene.there
    (there / "edited").write_bytes(b"edited there")
    (there / "deleted").unlink()
    os.utime(there / "touched", (1_500_000_000, 1_500_000_000))
    os.chmod(there / "dir", 0o700)
    relink(there / "link", "elsewhere")
    (there / "new").write_bytes(b"new")
    (there / "made").mkdir()
    (there / "made" / "deep").write_bytes(b"deep")
    scene.scan(scene.plain)
    scene.wait_for(NEED, [4, 2, 1, 1, 12 + 7 + 3 + 4 + 3 * 128])
    assert snapshot(scene.here) == before
    scene.lacks(7, 1, 12 + 7 + 3 + 4 + 3 * 128)
    assert scene.special.completion(scene.folder, scene.plain.device)["completion"] == 100
    needed = scene.special.get("/rest/db/need", folder=scene.folder)
    assert [one["name"] for one in needed["rest"]] == [
        *("deleted", "dir", "edited", "link", "made", "made/deep", "new", "touched")
    ]

    # What becomes the same here is in sync: the versions of the plain side are taken.
    os.chmod(scene.here / "dir", 0o700)
    scene.scan(scene.special)
    scene.wait_for(NEED, [4, 1, 1, 1, 12 + 7 + 3 + 4 + 2 * 128])
    before = snapshot(scene.here)

    scene.special.post("/rest/db/override", folder=scene.folder)
    scene.wait_for(NEED, NONE)
    scene.same()
    assert snapshot(scene.here) == before
    assert conflicts(scene.there) == []
    assert not (scene.there / "made").exists()


def test_a_receive_only_folder_keeps_its_changes_to_itself_and_reverts_them(scene: Scene) -> None:
    scene.become("receiveonly")
    before = snapshot(scene.there)
    here = scene.here
    (here / "edited").write_bytes(b"edited here")
    (here / "deleted").unlink()
    os.utime(here / "touched", (1_500_000_000, 1_500_000_000))
    os.chmod(here / "dir", 0o700)
    relink(here / "link", "elsewhere")
    (here / "new").write_bytes(b"new")
    (here / "made").mkdir()
    (here / "made" / "deep").write_bytes(b"deep")
    (here / "dir" / "more").write_bytes(b"more")
    scene.scan(scene.special)
    size = 11 + 7 + 3 + 4 + 4 + 3 * 128
    scene.wait_for(HERE, [5, 2, 1, 1, size, 9])
    scene.wait_for(NEED, NONE)
    scene.lacks(5, 0, 6 + 7 + 7 + 2 * 128)
    local = scene.special.get("/rest/db/localchanged", folder=scene.folder)["files"]
    assert [one["name"] for one in local] == [
        *("deleted", "dir", "dir/more", "edited", "link", "made", "made/deep", "new", "touched")
    ]
    assert snapshot(scene.there) == before

    # What is brought back is in sync; what was only here and goes is forgotten.
    os.chmod(here / "dir", 0o755)
    (here / "new").unlink()
    scene.scan(scene.special)
    scene.wait_for(HERE, [4, 1, 1, 1, size - 3 - 128, 7])
    scene.lacks(4, 0, 6 + 7 + 7 + 128)

    # The other side goes on: an edit leaves a copy of ours, a deletion loses against it.
    (scene.there / "edited").write_bytes(b"edited there")
    (scene.there / "touched").unlink()
    scene.scan(scene.plain)
    scene.wait_for(HERE, [4, 1, 1, 1, size - 3 - 128, 7])
    wait_until(lambda: (here / "edited").read_bytes() == b"edited there", "the edit has come", 20)
    (copy,) = conflicts(here)
    assert (here / copy).read_bytes() == b"edited here"
    assert (here / "touched").exists()

    scene.special.post("/rest/db/revert", folder=scene.folder)
    scene.wait_for(HERE, [0] * 6)
    scene.wait_for(NEED, NONE)
    scene.lacks(0, 0, 0)
    assert differences(snapshot(scene.here), snapshot(scene.there)) == []


def test_changes_in_a_receive_only_folder_are_announced_when_it_sends(scene: Scene) -> None:
    scene.become("receiveonly")
    (scene.here / "edited").write_bytes(b"edited here")
    (scene.here / "deleted").unlink()
    (scene.here / "new").write_bytes(b"new")
    scene.scan(scene.special)
    scene.wait_for(HERE, [2, 0, 0, 1, 14, 3])
    scene.become("sendreceive")
    scene.wait_for(HERE, [0] * 6)
    scene.same()
    kept = {path.read_bytes() for path in scene.there.glob("edited*")}
    assert kept == {b"edited here", b"edited"}  # as if it had been edited on both sides
    assert not (scene.there / "deleted").exists()
    assert (scene.there / "new").read_bytes() == b"new"

    scene.become("sendonly")
    (scene.there / "kept").write_bytes(b"changed there")
    scene.scan(scene.plain)
    scene.wait_for(NEED, [1, 0, 0, 0, 13])
    scene.become("receiveonly")
    scene.wait_for(NEED, NONE)
    assert (scene.here / "kept").read_bytes() == b"changed there"
    scene.wait_for(HERE, [0] * 6)
