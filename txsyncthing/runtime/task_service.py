"""Owner of coroutines: none is an orphan, none fails unheard, none outlives its service."""

from __future__ import annotations

from collections.abc import Coroutine

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, DeferredList
from twisted.python.failure import Failure

from txsyncthing.runtime.log_service import Log


class Task:
    """One running coroutine."""

    def __init__(self, name: str, work: Deferred[object]) -> None:
        self.name = name
        self._work = work
        self._waiting: list[Deferred[None]] = []
        self._active = True

    @property
    def active(self) -> bool:
        return self._active

    def cancel(self) -> None:
        """Cancel it; it may still clean up for a while."""
        if self._active:
            self._work.cancel()

    def ended(self) -> Deferred[None]:
        """Fires with None when the coroutine is over, however it went."""
        waiting: Deferred[None] = Deferred(lambda gone: self._waiting.remove(gone))
        if self._active:
            self._waiting.append(waiting)
        else:
            waiting.callback(None)
        return waiting

    def over(self) -> None:
        """The service's door."""
        self._active = False
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            one.callback(None)


class TaskService(Service):
    """
    ``spawn`` coroutines here: their failures are logged, ``stopService`` cancels them and fires
    when all are over. Nothing can be spawned after that.
    """

    def __init__(self, log: Log) -> None:
        self._log = log
        self._tasks: dict[Task, None] = {}
        self._stopped = False

    @property
    def tasks(self) -> list[str]:
        """The names of what runs now."""
        return [task.name for task in self._tasks]

    def spawn(self, work: Coroutine[Deferred[object], object, object], name: str) -> Task:
        """
        Run a coroutine to its end.

        :param name: for the log.
        """
        if self._stopped:
            work.close()
            task = Task(name, Deferred())
            task.over()
            return task
        running: Deferred[object] = Deferred.fromCoroutine(work)
        task = Task(name, running)
        self._tasks[task] = None
        running.addErrback(self._failed, name)
        running.addBoth(self._ended, task)
        return task

    def finish(self) -> Deferred[object]:
        """Fires when all that runs now is over, without cancelling it; nothing new may come."""
        self._stopped = True
        ends: Deferred[object] = DeferredList([task.ended() for task in self._tasks])  # type: ignore[assignment]
        return ends

    def _failed(self, failure: Failure, name: str) -> None:
        if not failure.check(CancelledError):
            self._log.failure("{task} failed", failure=failure, task=name)

    def _ended(self, result: object, task: Task) -> None:
        self._tasks.pop(task, None)
        task.over()

    def startService(self) -> None:
        self.running = True
        self._stopped = False

    def stopService(self) -> Deferred[object]:
        self.running = False
        self._stopped = True
        tasks = list(self._tasks)
        ends: Deferred[object] = DeferredList([task.ended() for task in tasks])  # type: ignore[assignment]
        for task in tasks:
            task.cancel()
        return ends
