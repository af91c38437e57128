"""The plugin and the package's data are there however the project is installed."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from tests.packaging.conftest import JUNK, ROOT, Environment

pytestmark = pytest.mark.xdist_group("packaging")


TWISTD = "from twisted.scripts.twistd import run; run()"


def commands(environment: Environment, cwd: Path) -> list[str]:
    """The commands twistd offers, each on a line of its help."""
    lines = environment.run("-c", TWISTD, "--help", cwd=cwd).splitlines()
    return [line.split()[0] for line in lines if line.startswith("    ") and line.split()]


def test_without_an_install_there_is_no_plugin_to_find(tmp_path: Path) -> None:
    assert "syncthing" not in commands(Environment.made_in(tmp_path / "bare"), tmp_path)


def test_twistd_finds_the_plugin_of_a_built_wheel(installed: Environment, tmp_path: Path) -> None:
    assert "syncthing" in commands(installed, tmp_path)


def test_twistd_finds_the_plugin_of_an_editable_install(
    editable: Environment, tmp_path: Path
) -> None:
    assert "syncthing" in commands(editable, tmp_path)


@pytest.mark.parametrize("place", ["/", "home", "checkout"])
def test_twistd_finds_the_plugin_from_any_directory(
    installed: Environment, checkout: Path, place: str
) -> None:
    cwd = {"/": Path("/"), "home": installed.home, "checkout": checkout}[place]
    assert "syncthing" in commands(installed, cwd)


def test_an_installed_node_loads_and_tells_its_options(
    installed: Environment, tmp_path: Path
) -> None:
    assert "--gui-address" in installed.run("-c", TWISTD, "syncthing", "--help", cwd=tmp_path)


def test_listing_the_commands_loads_nothing_of_the_node(
    installed: Environment, tmp_path: Path
) -> None:
    said = installed.run(
        "-c",
        "import sys; from twisted.plugins.txsyncthing_plugin import node;"
        "print(node.tapname, [name for name in sys.modules if name.startswith('txsyncthing')])",
        cwd=tmp_path,
    )
    assert said == "syncthing []\n"


def test_the_wheel_holds_every_file_of_the_package(wheel: Path, checkout: Path) -> None:
    packed = set(zipfile.ZipFile(wheel).namelist())
    ours = {
        str(path.relative_to(checkout))
        for part in ("txsyncthing", "twisted")
        for path in (checkout / part).rglob("*")
        if path.is_file() and not JUNK(str(path.parent), [path.name])
        if not {"__pycache__"} & set(path.parts)
    }
    assert ours - packed == set()


def test_the_wheel_brings_no_package_of_twisteds_own(wheel: Path) -> None:
    packed = zipfile.ZipFile(wheel).namelist()
    assert [name for name in packed if name.startswith("twisted")] == [
        "twisted/plugins/txsyncthing_plugin.py"
    ]
    assert not (ROOT / "twisted" / "__init__.py").exists()
