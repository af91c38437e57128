"""Never more jobs at once than a lane is wide."""

from __future__ import annotations

import pytest
from twisted.internet.defer import CancelledError, Deferred

from tests.scan.held import HeldWorkers
from txsyncthing.runtime.narrow_service import NarrowLane


def double(number: int) -> int:
    if number < 0:
        raise ValueError(number)
    return 2 * number


def caught(answer: Deferred[int]) -> list[object]:
    found: list[object] = []
    answer.addCallbacks(found.append, lambda failure: found.append(failure.value))
    return found


@pytest.mark.parametrize(("width", "begun"), [(1, 1), (3, 3), (0, 5)])
def test_so_many_jobs_run_at_once(width: int, begun: int) -> None:
    workers = HeldWorkers()
    lane = NarrowLane(workers, width)
    answers = [caught(lane.run(double, number)) for number in range(5)]
    assert len(workers.held) == begun
    while workers.held:
        workers.step()
        assert len(workers.held) <= begun
    assert answers == [[0], [2], [4], [6], [8]]


def test_a_job_that_fails_makes_room(width: int = 1) -> None:
    workers = HeldWorkers()
    lane = NarrowLane(workers, width)
    failing, fine = caught(lane.run(double, -1)), caught(lane.run(double, 4))
    workers.step()
    workers.step()
    assert isinstance(failing[0], ValueError)
    assert fine == [8]


def test_a_cancelled_job_makes_room_when_it_has_ended() -> None:
    workers = HeldWorkers()
    lane = NarrowLane(workers, 1)
    running, waiting, last = lane.run(double, 1), lane.run(double, 2), lane.run(double, 3)
    answers = caught(running), caught(waiting), caught(last)
    waiting.cancel()
    running.cancel()
    assert len(workers.held) == 1
    workers.step()
    workers.step()
    assert [type(answer[0]) for answer in answers[:2]] == [CancelledError, CancelledError]
    assert answers[2] == [6]
