from __future__ import annotations

from twisted.application.service import Application, Service
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver

from txsyncthing.node.chain_service import ChainService
from txsyncthing.runtime.log_service import Logs, WholeLog


class Part(Service):
    """Tells what happens to it; ends when the test says so."""

    def __init__(self, name: str, told: list[str]) -> None:
        self.part = name
        self.told = told
        self.ended: Deferred[None] = Deferred()

    def startService(self) -> None:
        self.told.append(f"start {self.part}")

    def stopService(self) -> Deferred[None]:
        self.told.append(f"stop {self.part}")
        return self.ended


def test_parts_start_in_order_and_stop_in_reverse_each_after_the_other() -> None:
    told: list[str] = []
    parts = [Part(name, told) for name in "abc"]
    chain = ChainService(parts)
    chain.startService()
    assert told == ["start a", "start b", "start c"]
    told.clear()

    stopped = chain.stopService()
    assert told == ["stop c"]
    parts[2].ended.callback(None)
    assert told == ["stop c", "stop b"]
    parts[1].ended.callback(None)
    ends: list[None] = []
    stopped.addCallback(ends.append)
    assert ends == []
    parts[0].ended.callback(None)
    assert ends == [None]
    assert told == ["stop c", "stop b", "stop a"]


def test_a_part_that_fails_to_stop_does_not_keep_the_others_running() -> None:
    told: list[str] = []
    parts = [Part(name, told) for name in "ab"]
    chain = ChainService(parts)
    chain.startService()
    parts[0].ended.callback(None)
    parts[1].ended.errback(OSError("disk full"))
    failures: list[object] = []
    chain.stopService().addErrback(lambda failure: failures.append(failure.value))
    assert told[2:] == ["stop b", "stop a"]
    assert [str(failure) for failure in failures] == ["disk full"]


def test_the_application_that_it_joins_logs_where_it_says() -> None:
    observer = WholeLog(Logs(Clock().seconds), Clock().seconds)
    application = Application("node")
    ChainService([], observer).setServiceParent(application)
    assert application.getComponent(ILogObserver) is observer
    other = Application("other")
    ChainService([]).setServiceParent(other)
    assert other.getComponent(ILogObserver, None) is None
