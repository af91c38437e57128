"""Where the official daemons are."""

from __future__ import annotations

import os
import shutil
import subprocess
from functools import cache
from pathlib import Path

import pytest

from tests.interop.harness.daemon import ROOT

VERSIONS = ("1.19.2", "1.29.5")


@cache
def find(version: str) -> Path | None:
    """
    The official daemon of this version.

    Looked for in ``SYNCTHING_1_19_2`` (and so on), where ``scripts/peers`` puts it, and on the path.
    """
    named = os.environ.get("SYNCTHING_" + version.replace(".", "_"))
    fetched = ROOT / ".peers" / version / "usr/bin/syncthing"
    for candidate in (named, fetched, shutil.which("syncthing")):
        if candidate and Path(candidate).exists():
            said = subprocess.run([candidate, "--version"], capture_output=True, text=True).stdout
            if said.startswith(f"syncthing v{version}"):
                return Path(candidate)
    return None


def need(version: str) -> Path:
    """The official daemon of this version; without it the test is skipped, or fails under CI."""
    if (binary := find(version)) is not None:
        return binary
    said = f"syncthing {version} is not here; scripts/peers fetches it, or name it in "
    said += "SYNCTHING_" + version.replace(".", "_")
    if os.environ.get("CI") == "true":
        pytest.fail(said)
    pytest.skip(said)
