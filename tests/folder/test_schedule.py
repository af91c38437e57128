from __future__ import annotations

from math import inf

from txsyncthing.folder.schedule import QUIET, PullPauses, pull_delay, scan_delay


def test_scans_are_spread_around_the_interval() -> None:
    assert scan_delay(3600, 0.0) == 2700
    assert scan_delay(3600, 0.5) == 3600
    assert scan_delay(0, 0.5) is None


def test_pauses_double_up_to_sixty_times_the_base() -> None:
    pauses = PullPauses(0)
    assert [pauses.failed(0) for _ in range(8)] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    pauses.done()
    assert pauses.failed(5) == 65
    assert PullPauses(2).failed(0) == 2


def test_a_pull_waits_for_the_end_of_a_burst() -> None:
    assert pull_delay(last=10.0, looked=-inf, longest=1.0) == -inf
    assert pull_delay(last=0.0, looked=0.0, longest=1.0) == QUIET
    assert pull_delay(last=10.95, looked=10.0, longest=1.0) == 11.0
    assert pull_delay(last=10.0, looked=10.0, longest=5.0) == 15.0
    assert pull_delay(last=10.0, looked=10.0, longest=0.0) == 10.0
