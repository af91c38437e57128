from __future__ import annotations

from txsyncthing.folder.failures import SAMPLE, Failures, count_failures
from txsyncthing.pull.failure import Cause


def test_failed_items_are_counted_by_cause_with_the_first_of_each() -> None:
    full = [Cause.NO_SPACE.of(f"f{number}") for number in range(9)]
    denied = Cause.PERMISSION.of("g")
    found = count_failures([*full, denied], [denied])
    assert {cause: one.items for cause, one in found.pull.items()} == {
        "no-space": 9,
        "permission": 1,
    }
    assert found.pull["no-space"].first == full[0]
    assert found.pull["no-space"].sample == tuple(one.path for one in full[:SAMPLE])
    assert list(found.scan) == ["permission"]
    assert count_failures([], []) == Failures()
