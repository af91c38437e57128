"""Which kind of file system a directory lies on."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.filesystem.statfs import kind_of


@pytest.mark.parametrize("path", ["/", "/proc", "/dev/shm"])
def test_it_is_what_stat_says(path: str) -> None:
    if not Path(path).is_dir():
        pytest.skip("there is no such directory here")
    said = subprocess.run(["stat", "-f", "-c", "%t", path], capture_output=True, text=True)
    assert kind_of(path) == int(said.stdout, 16)


def test_of_what_is_not_there_nothing_is_known(tmp_path: Path) -> None:
    assert kind_of(str(tmp_path / "none")) == 0
    assert DiskFilesystem(str(tmp_path)).space().kind == kind_of(str(tmp_path))
