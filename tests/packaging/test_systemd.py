"""The units that ship are valid, and the system's one locks the node in."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.packaging.conftest import ROOT

UNITS = ROOT / "txsyncthing" / "node" / "systemd"
COMMAND = "/usr/bin/txsyncthing"


@pytest.fixture
def analyze() -> str:
    """systemd's own checker; without it these tests are skipped, or fail under CI."""
    found = shutil.which("systemd-analyze")
    if found is None:
        said = "systemd-analyze is not here: install systemd"
        if os.environ.get("CI") == "true":
            pytest.fail(said)
        pytest.skip(said)
    return found


def installed(unit: str, tmp_path: Path) -> Path:
    """A copy of the unit whose program exists here; an instance of it where it is a template."""
    copy = tmp_path / unit.replace("@", "@root")
    copy.write_text(
        (UNITS / unit).read_text().replace(COMMAND, shutil.which("true") or "/bin/true")
    )
    return copy


@pytest.mark.parametrize(
    ("unit", "scope"), [("txsyncthing.service", "--user"), ("txsyncthing@.service", "--system")]
)
def test_a_unit_is_valid(analyze: str, tmp_path: Path, unit: str, scope: str) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "XDG_RUNTIME_DIR": str(tmp_path),
        "HOME": str(tmp_path),
    }
    done = subprocess.run(
        [analyze, scope, "--man=no", "--recursive-errors=no", "verify", installed(unit, tmp_path)],
        capture_output=True,
        text=True,
        env=environment,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_system_unit_is_hardened(analyze: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            analyze,
            "security",
            "--offline=true",
            "--threshold=25",
            installed("txsyncthing@.service", tmp_path),
        ],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("unit", ["txsyncthing.service", "txsyncthing@.service"])
def test_a_unit_waits_for_the_node_to_be_ready_and_knows_its_exit_codes(unit: str) -> None:
    lines = (UNITS / unit).read_text().splitlines()
    assert "Type=notify" in lines
    assert "RestartForceExitStatus=3" in lines
    assert f"ExecStart={COMMAND} serve --no-restart" in lines


@pytest.mark.parametrize("unit", ["txsyncthing.service", "txsyncthing@.service"])
def test_a_unit_lets_pyopenssl_call_back(unit: str) -> None:
    """cffi makes its callbacks at run time; without writable code there is no TLS."""
    assert "MemoryDenyWriteExecute=" not in (UNITS / unit).read_text()
