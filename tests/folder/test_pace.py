"""When a scan's progress is told, and at which rate."""

from __future__ import annotations

import pytest

from txsyncthing.folder.pace import ScanPace


@pytest.mark.parametrize(("interval", "first"), [(0, 2.0), (5, 5.0), (1, 1.0)])
def test_progress_is_told_every_interval_with_the_rate_since(interval: int, first: float) -> None:
    pace = ScanPace(interval)
    assert pace.due(0, 1000, 10.0) is None
    assert pace.due(50, 1000, 10.0 + first - 0.01) is None
    assert pace.due(100, 1000, 10.0 + first) == 100 / first
    assert pace.due(200, 1000, 10.0 + first) is None
    assert pace.due(400, 1000, 10.0 + 2 * first) == 300 / first


def test_nothing_is_told_where_it_is_off() -> None:
    pace = ScanPace(-1)
    assert pace.due(0, 10, 0.0) is None
    assert pace.due(10, 10, 100.0) is None


def test_another_scan_begins_anew() -> None:
    pace = ScanPace(0)
    pace.due(0, 1000, 0.0)
    assert pace.due(800, 1000, 2.0) == 400.0
    assert pace.due(10, 500, 100.0) is None
    assert pace.due(110, 500, 102.0) == 50.0
