from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import bcrypt
import pytest
from click.testing import CliRunner, Result

from txsyncthing import __version__
from txsyncthing.cli.main import main
from txsyncthing.config.file_service import load
from txsyncthing.node.home import open_home, system_seams
from txsyncthing.node.paths import Paths


def run(*arguments: str | Path, input: str = "", **environment: str) -> Result:
    return CliRunner().invoke(main, [str(a) for a in arguments], input=input, env=environment)


def test_generate_makes_a_home_and_prints_its_device(tmp_path: Path) -> None:
    made = run("generate", "--home", tmp_path, "--no-port-probing")
    assert made.exit_code == 0, made.output
    assert made.output.startswith("Device ID: ")
    assert run("device-id", "-H", tmp_path).output == made.output.removeprefix("Device ID: ")
    assert load(str(tmp_path / "config.xml")).configuration.gui.address == "127.0.0.1:8384"


def test_generate_keeps_what_is_there(tmp_path: Path) -> None:
    first = run("generate", "--home", tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    assert run("generate", "--home", tmp_path).output == first.output
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_generate_hashes_the_password(tmp_path: Path) -> None:
    arguments = ("--home", tmp_path, "--gui-user", "me", "--gui-password", "-")
    assert run("generate", *arguments, input="secret\n").exit_code == 0
    gui = load(str(tmp_path / "config.xml")).configuration.gui
    assert gui.user == "me"
    assert bcrypt.checkpw(b"secret", gui.password.encode())
    run("generate", *arguments, input=gui.password + "\n")
    assert load(str(tmp_path / "config.xml")).configuration.gui.password == gui.password


def test_a_home_in_use_is_not_touched(tmp_path: Path) -> None:
    home = open_home(Paths(tmp_path, tmp_path, tmp_path), system_seams())
    refused = run("generate", "--home", tmp_path)
    home.close()
    assert refused.exit_code == 1
    assert "another node uses this home" in refused.output


def test_the_environment_names_the_home(tmp_path: Path) -> None:
    run("generate", STHOMEDIR=str(tmp_path))
    assert (tmp_path / "key.pem").exists()


def test_device_id_without_keys_says_what_is_missing(tmp_path: Path) -> None:
    refused = run("device-id", "--home", tmp_path)
    assert refused.exit_code == 1
    assert "no home here" in refused.output
    assert "Traceback" not in refused.output


def test_paths_makes_nothing(tmp_path: Path) -> None:
    shown = run("paths", "--home", tmp_path / "new")
    assert f"\t{tmp_path}/new/config.xml\n" in shown.output
    assert not (tmp_path / "new").exists()


def test_home_excludes_config(tmp_path: Path) -> None:
    assert run("paths", "--home", tmp_path, "--config", tmp_path).exit_code == 2


@pytest.mark.parametrize("command", ["serve", "generate", "device-id", "paths", "version"])
def test_help_lists_each_command(command: str) -> None:
    assert command in run("--help").output


def test_an_unknown_command_is_refused() -> None:
    assert run("nonsense").exit_code == 2


def test_version_loads_nothing_of_the_node() -> None:
    code = (
        "import sys; from txsyncthing.cli.main import main\n"
        "try: main(['version'])\n"
        "except SystemExit: pass\n"
        "print([m for m in sys.modules if m.startswith(('twisted.internet', 'txsyncthing.'))])"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    line, modules = said.stdout.splitlines()
    assert line.startswith(f"txsyncthing v{__version__} ")
    assert modules == "['txsyncthing.cli', 'txsyncthing.cli.main']"
