"""The simulation finds bugs that are planted; whether it finds those that are not depends on that."""

from __future__ import annotations

from pathlib import Path

import pytest
from twisted.python.failure import Failure

from tests.simulation.planted import BUGS
from txsyncthing.testing.simulation import simulate


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_found(
    bug: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, logged_failures: list[Failure]
) -> None:
    plant, seeds = BUGS[bug]
    makes_disk = plant(monkeypatch)
    found = False
    for seed in range(seeds):
        found = bool(simulate(seed, tmp_path / str(seed), makes_disk=makes_disk).failures)
        logged_failures.clear()
        if found:
            break
    assert found, f"not within {seeds} seeds"
