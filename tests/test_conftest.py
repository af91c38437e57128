"""The strictness of conftest.py really bites: tests run by a pytest of their own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def outcome(tmp_path: Path, body: str) -> str:
    test = tmp_path / "test_it.py"
    test.write_text(
        "from twisted.internet import defer, reactor\n"
        "from tests.conftest import *\n"
        f"def test_it(logged_failures):\n    {body}\n"
    )
    command = (
        f"-m pytest -q -p no:cacheprovider --rootdir {tmp_path} -c {ROOT}/pyproject.toml {test}"
    )
    run: subprocess.CompletedProcess[str] = subprocess.run(
        [sys.executable, *command.split()], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    return run.stdout


def test_a_clean_test_passes(tmp_path: Path) -> None:
    assert "1 passed" in outcome(tmp_path, "pass")


def test_a_delayed_call_left_behind_fails_the_test(tmp_path: Path) -> None:
    said = outcome(tmp_path, "reactor.callLater(9, print)")
    assert "delayed calls left on the reactor" in said


def test_a_failure_nobody_looked_at_fails_the_test(tmp_path: Path) -> None:
    said = outcome(tmp_path, "defer.fail(ValueError('unseen'))")
    assert "failures were logged" in said


def test_a_failure_which_is_expected_passes(tmp_path: Path) -> None:
    said = outcome(
        tmp_path, "defer.fail(ValueError('seen')); assert logged_failures.pop().check(ValueError)"
    )
    assert "1 passed" in said
