"""
Fresh environments to install the package into.

They borrow the dependencies of the running environment through a path entry, so that no test waits
for downloads. Nested ``.pth`` files are not read, so an editable install there stays unseen here.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "txsyncthing", "twisted")
OFFLINE = ("--quiet", "--no-deps", "--no-build-isolation")
JUNK = shutil.ignore_patterns("__pycache__", "dropin.cache", "*.egg-info")


@dataclass(frozen=True)
class Environment:
    """A virtual environment which sees the dependencies and nothing of this project."""

    home: Path

    @classmethod
    def made_in(cls, home: Path) -> Environment:
        venv.create(home, symlinks=True)
        version = f"python{sys.version_info.major}.{sys.version_info.minor}"
        borrowed = home / "lib" / version / "site-packages" / "borrowed.pth"
        borrowed.write_text(sysconfig.get_paths()["purelib"] + "\n")
        return cls(home)

    def run(self, *command: str | Path, cwd: Path) -> str:
        """Run Python with these arguments; what it wrote to both outputs."""
        done = subprocess.run(
            [self.home / "bin" / "python", *command],
            cwd=cwd,
            env={"PATH": f"{self.home}/bin:/usr/bin:/bin", "HOME": str(self.home)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    def install(self, *what: str | Path, cwd: Path) -> None:
        self.run("-m", "pip", "install", *OFFLINE, *what, cwd=cwd)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the source tree, so that building leaves nothing behind in ours."""
    copy = tmp_path_factory.mktemp("checkout")
    for part in PARTS:
        source = ROOT / part
        if source.is_dir():
            shutil.copytree(source, copy / part, ignore=JUNK)
        else:
            shutil.copy(source, copy / part)
    return copy


@pytest.fixture(scope="module")
def wheel(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel built from the checkout."""
    out = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", *OFFLINE, "-w", out, "."],
        cwd=checkout,
        check=True,
        timeout=120,
    )
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the wheel installed."""
    environment = Environment.made_in(tmp_path_factory.mktemp("installed"))
    environment.install(wheel, cwd=environment.home)
    return environment


@pytest.fixture(scope="module")
def editable(checkout: Path, tmp_path_factory: pytest.TempPathFactory) -> Environment:
    """An environment with the checkout installed for editing, pip's default way."""
    environment = Environment.made_in(tmp_path_factory.mktemp("editable"))
    environment.install("-e", checkout, cwd=environment.home)
    return environment
