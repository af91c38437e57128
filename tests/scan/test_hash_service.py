"""Hash jobs run side by side; their results come in order."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import Any

import pytest
from twisted.internet.defer import CancelledError, Deferred

from tests.scan.folder import result_of
from tests.scan.held import HeldWorkers
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.scan.hash_service import Hashed, HashLine
from txsyncthing.scan.hashing import BATCH_BYTES, BATCH_ITEMS, Stamp
from txsyncthing.scan.values import Work
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo, LocalFlag
from txsyncthing.vocabulary.vector import Vector

STAMP = Stamp(ShortID(1), Vector.of([(1, 5)]), False, LocalFlag.NONE)


def started(next: Coroutine[Deferred[Any], Any, Hashed | None]) -> Deferred[Hashed | None]:
    return Deferred.fromCoroutine(next)


def test_as_many_jobs_run_as_asked_and_the_first_is_answered_first() -> None:
    storage, workers = MemoryFilesystem(lambda: 1.0), HeldWorkers()
    work = [Work(f"{number:04}", BATCH_BYTES, 0, False) for number in range(5)]
    line = HashLine(workers, storage, work, STAMP, 3, lambda: 0.0)
    first = started(line.next())
    assert len(workers.held) == 3
    workers.held.rotate(-1)
    workers.step()
    assert not first.called
    workers.held.rotate(1)
    workers.step()
    hashed = result_of(first)
    assert hashed is not None
    assert hashed.items == tuple(work[:1])
    for number in range(1, 5):
        answer = started(line.next())
        while workers.held:
            workers.step()
        hashed = result_of(answer)
        assert hashed is not None
        assert hashed.items[0] is work[number]
    assert result_of(started(line.next())) is None


def test_batches_of_small_files_run_side_by_side_only_where_they_wait_for_the_disk() -> None:
    storage, workers, now = MemoryFilesystem(lambda: 1.0), HeldWorkers(), [0.0]
    work = [Work(f"{number:04}", -1, 0, False) for number in range(9 * BATCH_ITEMS)]
    line = HashLine(workers, storage, work, STAMP, 3, lambda: now[0])
    for taken, running in ((0.01, 1), (1.0, 3), (0.01, 2), (0.01, 1)):
        answer = started(line.next())
        now[0] += taken
        workers.step()
        assert answer.called
        assert len(workers.held) == running


def test_a_large_file_comes_with_its_last_part() -> None:
    storage = MemoryFilesystem(lambda: 1.0)
    size = 70 * 1024 * 1024
    assert size > BATCH_BYTES
    storage.create("big", 0o644).truncate(size)
    item = Work("big", size, 0, False)
    line = HashLine(InlineWorkers().hashing, storage, [item], STAMP, 2, lambda: 0.0)
    first, second = result_of(started(line.next())), result_of(started(line.next()))
    assert first is not None and second is not None
    assert (first.items, second.items) == ((), (item,))
    assert first.size + second.size == size
    (record,) = second.outcomes
    assert isinstance(record, FileInfo)
    assert len(record.hashes) == 32 * 560


def test_a_closed_line_forgets_what_is_under_way() -> None:
    storage, workers = MemoryFilesystem(lambda: 1.0), HeldWorkers()
    work = [Work(f"{number:04}", -1, 0, False) for number in range(3 * BATCH_ITEMS)]
    line = HashLine(workers, storage, work, STAMP, 3, lambda: 0.0)
    waiting = started(line.next())
    waiting.cancel()
    line.close()
    while workers.held:
        workers.step()
    with pytest.raises(CancelledError):
        result_of(waiting)
