"""A seed tells the same story each time, whatever the process."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SCRIPT = """
import sys
from txsyncthing.testing.simulate import live
for seed in map(int, sys.argv[1:]):
    result = live(seed)
    print(seed, f"{result.trace:08x}", len(result.story), hash("a") % 10)
    print("\\n".join(result.story))
"""


def told(hash_seed: str, *seeds: int) -> list[str]:
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-c", SCRIPT, *map(str, seeds)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.mark.parametrize("seeds", [(0, 1, 2, 3), (4, 5, 6, 7), (8, 9, 10, 11)])
def test_two_processes_tell_the_same_story_operation_by_operation(seeds: tuple[int, ...]) -> None:
    one, other = told("1", *seeds), told("2", *seeds)
    assert [line.rpartition(" ")[0] for line in one] == [line.rpartition(" ")[0] for line in other]


def test_what_was_alive_before_does_not_matter() -> None:
    after = told("0", 20, 21)
    assert after[-len(told("0", 21)) :] == told("0", 21)
