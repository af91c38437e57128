"""The harness itself: it drives two official daemons, and sees what it claims to see."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.interop.harness import peers
from tests.interop.harness.daemon import OfficialDaemon, unreachable
from tests.interop.harness.pair import Pair
from tests.interop.harness.trees import differences, snapshot, temporary
from tests.interop.harness.waiting import TooLate, wait_until


@pytest.mark.xdist_group("interop-harness")
def test_two_official_daemons_sync_and_survive_a_kill(work: Path) -> None:
    left, right = (
        OfficialDaemon(work / "harness" / version, peers.need(version), version)
        for version in peers.VERSIONS
    )
    pair = Pair(left, right)
    try:
        pair.prepare(["one", "two"])
        pair.start()
        (left.folders["one"] / "hello").write_text("from the left")
        pair.sync("one", left)
        assert (right.folders["one"] / "hello").read_text() == "from the left"

        (right.folders["one"] / "hello").write_text("same length!!")
        pair.sync("one", right)
        assert (left.folders["one"] / "hello").read_text() == "same length!!"

        right.kill()
        assert unreachable(right)
        right.start()
        pair.wait_connected()
        pair.sync("one")
        assert left.cpu() > 0
        assert left.peak_memory() > 1 << 20
        pair.stop()
    finally:
        pair.destroy()


def test_a_snapshot_sees_each_kind_of_difference(tmp_path: Path) -> None:
    left, right = tmp_path / "left", tmp_path / "right"
    for root in (left, right):
        (root / ".stfolder").mkdir(parents=True)
        (root / "directory").mkdir()
        for name in ("bytes", "mode", "time"):
            (root / name).write_text("same")
            os.utime(root / name, ns=(0, 1))
        os.symlink("target", root / "link")
    (left / ".stfolder" / "own").touch()
    assert differences(snapshot(left), snapshot(right)) == []

    (right / "bytes").write_text("else")
    os.utime(right / "bytes", ns=(0, 1))
    (right / "mode").chmod(0o600)
    os.utime(right / "time", ns=(0, 2))
    (right / "link").unlink()
    os.symlink("other", right / "link")
    (right / "directory").rmdir()
    (right / "directory").touch()
    (right / ".syncthing.left.tmp").touch()
    assert len(differences(snapshot(left), snapshot(right))) == 6
    assert temporary(right) == [".syncthing.left.tmp"]


def test_waiting_says_what_did_not_come() -> None:
    with pytest.raises(TooLate, match="the end of time"):
        wait_until(lambda: 0, "the end of time", timeout=0.01)
