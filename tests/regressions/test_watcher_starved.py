"""
A file that is written without end must not keep a watcher from its work.

Seen in young implementations: each event put the one timer off, so that while a log was written nothing in
the folder was ever scanned, the log included.
"""

from __future__ import annotations

import pytest

from tests.watch.folder import Folder
from txsyncthing.watch.aggregate import timeout
from txsyncthing.watch.told import Change

SLACK = 0.3  # seconds


@pytest.mark.parametrize("delay", [1.0, 10.0])
@pytest.mark.parametrize("closes", [False, True])
def test_continuous_writes_do_not_starve_the_watcher(delay: float, closes: bool) -> None:
    folder = Folder(delay)
    told = folder.start().told
    edits: dict[float, str] = {}
    for step in range(6000):  # five minutes
        told.changed("log", Change.WRITING)
        if closes:
            told.changed("log", Change.WRITTEN)
        if step % 250 == 0:
            name = edits.setdefault(folder.clock.seconds(), f"edit {step}")
            told.changed(name, Change.WRITTEN)
            told.changed("often", Change.WRITTEN)
        folder.run(0.05)
    folder.run(delay + SLACK)
    for when, name in edits.items():
        assert scanned(folder, name, when) <= delay + SLACK
        assert scanned(folder, "often", when) <= delay + SLACK
    logs = [when for when, names in folder.scans if "log" in names]
    most = delay if closes else timeout(delay, 0)
    gaps = [after - before for before, after in zip([0.0, *logs], logs, strict=False)]
    assert max(gaps) <= most + SLACK
    assert len(logs) <= 300 / delay + 2  # nor is it scanned all the time
    folder.stop()


def scanned(folder: Folder, name: str, since: float) -> float:
    """Seconds until a file was scanned."""
    return min(when for when, names in folder.scans if name in names and when >= since) - since
