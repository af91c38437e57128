from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from txsyncthing.runtime.log_service import Logs
from txsyncthing.runtime.task_service import TaskService


def owner() -> tuple[TaskService, Logs]:
    logs = Logs(Clock().seconds)
    service = TaskService(logs.area("tasks"))
    service.startService()
    return service, logs


async def wait(door: Deferred[None], told: list[str]) -> None:
    try:
        await door
        told.append("done")
    except CancelledError:
        told.append("cancelled")
        raise


def test_a_coroutine_is_owned_until_it_ends() -> None:
    service, _ = owner()
    door, told = Deferred[None](), list[str]()
    task = service.spawn(wait(door, told), "wait")
    assert service.tasks == ["wait"]
    door.callback(None)
    assert (told, service.tasks, task.active) == (["done"], [], False)


def test_a_failure_is_logged_with_its_name() -> None:
    service, logs = owner()

    async def break_down() -> None:
        raise ValueError("broken")

    service.spawn(break_down(), "rescan")
    (line,) = logs.errors(-1)
    assert line.message.startswith("rescan failed")
    assert "ValueError: broken" in line.message


def test_stopping_cancels_all_and_says_nothing() -> None:
    service, logs = owner()
    told = list[str]()
    service.spawn(wait(Deferred(), told), "one")
    service.spawn(wait(Deferred(), told), "two")
    stopped = service.stopService()
    assert stopped.called
    assert told == ["cancelled", "cancelled"]
    assert logs.lines(-1) == []


def test_stopping_waits_for_one_that_still_cleans_up() -> None:
    service, _ = owner()
    cleaned = Deferred[None]()

    async def clean_up() -> None:
        try:
            await Deferred[None]()
        finally:
            await cleaned

    service.spawn(clean_up(), "clean")
    stopped = service.stopService()
    assert not stopped.called
    cleaned.callback(None)
    assert stopped.called


def test_nothing_starts_after_the_stop() -> None:
    service, _ = owner()
    service.stopService()
    told = list[str]()
    door = Deferred[None]()
    task = service.spawn(wait(door, told), "late")
    door.callback(None)
    assert (told, task.active) == ([], False)


def test_one_task_can_be_cancelled_and_waited_for() -> None:
    service, _ = owner()
    told = list[str]()
    task = service.spawn(wait(Deferred(), told), "one")
    ended = task.ended()
    task.cancel()
    assert told == ["cancelled"]
    assert ended.called
    assert task.ended().called
