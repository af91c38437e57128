"""
Many seeds on the code as it is; more of them by ``python -m txsyncthing.testing.simulate``.

A seed takes about a third of a second of a processor.
"""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from twisted.python.failure import Failure

from txsyncthing.testing.simulation import simulate

FIRST = 10_000  # others than those that are run by hand
GROUPS = 25  # so that workers share them
SEEDS = 8  # of a group
FAULTS = (
    "ambush",
    "break",
    "clock back",
    "clock forward",
    "commits lost",
    "disk error",
    "drop",
    "edit",
    "full database disk",
    "full disk",
    "ignores",
    "kill",
    "partition",
    "pause",
    "pauses",
    "power cut",
    "receiveonly",
    "restart",
    "root gone",
    "sendonly",
    "slow wire",
    "stall",
    "versions",
)
"""What must really happen."""


@pytest.mark.parametrize("group", range(GROUPS))
def test_all_come_together_and_nothing_is_lost_and_nothing_returns(
    group: int, tmp_path: Path, logged_failures: list[Failure]
) -> None:
    start = FIRST + group * SEEDS
    for seed in range(start, start + SEEDS):
        result = simulate(seed, tmp_path / str(seed))
        logged_failures.clear()  # of killed processes; those of others are in the result
        assert not result.failures, result.text()


def test_each_kind_of_fault_occurs(tmp_path: Path, logged_failures: list[Failure]) -> None:
    counts: Counter[str] = Counter()
    for seed in range(20):
        counts += simulate(seed, tmp_path / str(seed)).counts
        logged_failures.clear()
    assert [fault for fault in FAULTS if not counts[fault]] == []
    assert counts["marks"] > counts["doubts"], "too little is watched for its return"
