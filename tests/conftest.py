"""
What holds for every test: nothing is left behind, and no failure goes unseen.

pytest-twisted notices neither calls left on the reactor nor Deferreds which die with a failure
nobody looked at; the fixture below does.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from twisted.internet import reactor
from twisted.internet.base import ReactorBase
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer


@implementer(ILogObserver)
class FailureRecorder:
    """Keep the failures which are logged."""

    def __init__(self) -> None:
        self.failures: list[Failure] = []

    def __call__(self, event: LogEvent) -> None:
        if (failure := event.get("log_failure")) is not None:
            self.failures.append(failure)


def pytest_collection_finish() -> None:
    """Set aside all that lives now, so that the collection after each test is cheap."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def logged_failures() -> Iterator[list[Failure]]:
    """
    The failures logged while the test runs.

    A test which expects one asks for this fixture, looks at them and clears the list.
    """
    recorder = FailureRecorder()
    globalLogPublisher.addObserver(recorder)
    yield recorder.failures
    globalLogPublisher.removeObserver(recorder)


@pytest.fixture(autouse=True)
def nothing_left_behind(logged_failures: list[Failure]) -> Iterator[None]:
    """Fail a test which leaves a delayed call on the reactor or a failure unlooked at."""
    assert isinstance(reactor, ReactorBase)
    before = set(reactor.getDelayedCalls())
    yield
    gc.collect()  # a Deferred reports its unseen failure when it is collected
    left = [call for call in reactor.getDelayedCalls() if call not in before and call.active()]
    for call in left:
        call.cancel()
    assert left == [], "delayed calls left on the reactor"
    assert logged_failures == [], "failures were logged; ask for logged_failures to expect them"
