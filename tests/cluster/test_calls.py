"""Folders are called at once and not again within a moment."""

from __future__ import annotations

from twisted.internet.task import Clock

from tests.cluster.bench import ALICE, CountedFolder, F
from txsyncthing.cluster.calls import CALM, Calls
from txsyncthing.cluster.tables import FolderTable


class Called:
    """One folder that is called."""

    def __init__(self) -> None:
        self.clock, self.table = Clock(), FolderTable()
        self.folder = CountedFolder(F, ALICE, self.clock.seconds)
        self.table.put(self.folder)
        self.calls = Calls(self.clock, self.table)
        self.calls.start()


def test_changes_within_a_moment_are_one_more_call() -> None:
    called = Called()
    for _ in range(5):
        called.calls.changed(called.folder)
    assert called.folder.changed == 1
    called.clock.advance(CALM)
    assert called.folder.changed == 2
    called.clock.advance(CALM)
    assert called.folder.changed == 2
    assert called.clock.getDelayedCalls() == []


def test_a_folder_that_was_dropped_is_not_called() -> None:
    called = Called()
    called.calls.changed(called.folder)
    called.calls.changed(called.folder)
    called.table.drop(F)
    called.calls.drop(F)
    called.calls.changed(called.folder)
    assert called.folder.changed == 1
    assert called.clock.getDelayedCalls() == []


def test_nobody_is_called_after_the_stop() -> None:
    called = Called()
    called.calls.changed(called.folder)
    called.calls.stop()
    called.calls.changed(called.folder)
    assert called.folder.changed == 1
    assert called.clock.getDelayedCalls() == []
