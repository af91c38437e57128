"""A mass deletion by an official daemon: held here, refused, released, and what the daemon sees of it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.interop.harness.daemon import OurNode
from tests.interop.harness.pair import Pair
from tests.interop.harness.waiting import wait_until

FOLDER = "default"
NewPair = Callable[[], Pair]


def files(root: Path) -> list[Path]:
    return sorted(
        path for path in root.rglob("f*") if path.is_file() and ".stfolder" not in str(path)
    )


def held(node: OurNode) -> Any:
    return node.get("/rest/x/guard", folder=FOLDER)["held"]


def explained(node: OurNode, file: str = "") -> Any:
    return node.get("/rest/x/explain", folder=FOLDER, **({"file": file} if file else {}))


def test_a_mass_deletion_is_held_refused_and_released(new_pair: NewPair) -> None:
    pair = new_pair()
    if not isinstance(pair.left, OurNode):
        pytest.skip("the guard is ours alone")
    ours = pair.left
    pair.prepare([FOLDER])
    pair.start()
    here, there = pair.trees(FOLDER)
    for number in range(300):
        path = there / f"d{number % 6}" / f"f{number}"
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"%d" % number * 50)
    pair.sync(FOLDER, pair.right)

    # A move of all of it is no deletion.
    (there / "moved").mkdir()
    for number in range(6):
        (there / f"d{number}").rename(there / "moved" / f"d{number}")
    pair.sync(FOLDER, pair.right)
    assert held(ours) is None

    for path in files(there)[:250]:
        path.unlink()
    (there / "new").write_bytes(b"new")
    pair.right.rescan(FOLDER)
    batch = wait_until(lambda: held(ours), "the deletion is held")
    wait_until((here / "new").exists, "what is new has come")
    assert len(files(here)) == 300
    assert (batch["deletions"], batch["devices"][0]["device"]) == (250, pair.right.device)
    assert explained(ours)["reasons"][0]["code"] == "held"
    name = str(files(here)[0].relative_to(here))
    assert explained(ours, name)["reasons"][0]["code"] == "held"

    ours.post("/rest/x/guard/refuse", folder=FOLDER)
    wait_until(lambda: len(files(there)) == 300, "the files are back at the peer")
    pair.wait_in_sync(FOLDER)
    pair.assert_equal(FOLDER)
    assert explained(ours)["complete"]

    for path in files(there)[:250]:
        path.unlink()
    pair.right.rescan(FOLDER)
    batch = wait_until(lambda: held(ours), "the second deletion is held")
    ours.kill()
    ours.start()
    pair.wait_connected()
    again = wait_until(lambda: held(ours), "it is still held after a kill")
    assert again["since"] == batch["since"]
    ours.post("/rest/x/guard/release", folder=FOLDER, id=again["id"])
    pair.wait_in_sync(FOLDER)
    pair.assert_equal(FOLDER)
    assert len(files(here)) == 50
    lines = ours.tail(1000)
    assert f"moved d0{os.sep}f0 to moved/d0/f0" in lines
    assert f"deleted {name}: by {pair.right.label} ({pair.right.device[:7]})" in lines
