"""The ignore file is replaced as a whole, whenever the power goes."""

from __future__ import annotations

import pytest

from tests.pull.folder import NOW
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.folder.ignores import load_ignores, store_ignores


@pytest.mark.parametrize("lines", [("*.tmp", "!keep"), ()])
def test_patterns_that_were_stored_outlive_a_power_cut(lines: tuple[str, ...]) -> None:
    disk = MemoryFilesystem(lambda: NOW)
    store_ignores(disk, ["old"])
    disk.settle()
    assert store_ignores(disk, lines).lines == lines
    disk.crash()
    assert load_ignores(disk).lines == lines
