"""What our watcher sees reaches an official daemon, without any scan on request."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import node
from tests.interop.harness import peers
from tests.interop.harness.content import MIB, fill
from tests.interop.harness.daemon import Daemon, OfficialDaemon
from tests.interop.harness.pair import Pair
from tests.interop.harness.trees import conflicts, differences, snapshot, temporary
from tests.interop.harness.waiting import wait_until

DELAY = 1.0  # seconds, fsWatcherDelayS
VERSION = "1.29.5"
FOLDERS = ("edits", "trees", "echo", "ignores", "pauses")


@pytest.fixture(scope="module")
def watched(work: Path) -> Iterator[Pair]:
    """Our node watches its folders; the official daemon only follows."""
    directory = Path(tempfile.mkdtemp(prefix="watch-", dir=work))
    pair = Pair(
        node(directory / "left"),
        OfficialDaemon(directory / "right", peers.need(VERSION), VERSION),
    )
    try:
        pair.prepare([])
        for folder in FOLDERS:
            pair.add_folder(folder, {"fsWatcherEnabled": "true", "fsWatcherDelayS": f"{DELAY:g}"})
        pair.start()
        for folder in FOLDERS:
            pair.sync(folder)
        yield pair
        pair.stop()
    finally:
        pair.destroy()


def follows(pair: Pair, folder: str, what: str, timeout: float = 20.0) -> float:
    """
    Wait until the other side has all that we have.

    :returns: seconds that took.
    """
    begun = time.monotonic()

    def equal() -> bool:
        left, right = pair.trees(folder)
        try:
            return not differences(snapshot(left), snapshot(right))
        except FileNotFoundError:  # it has gone while we looked
            return False

    wait_until(equal, what, timeout)
    return time.monotonic() - begun


def test_edits_renames_and_deletions_arrive_by_themselves(watched: Pair) -> None:
    here, there = watched.trees("edits")
    (here / "f").write_bytes(b"first")
    assert follows(watched, "edits", "a new file") < DELAY
    (here / "f").write_bytes(b"second, soon after the first")
    follows(watched, "edits", "an edit")
    fill(here / "big", 3 * MIB)
    (here / "f").rename(here / "g")
    follows(watched, "edits", "a rename")
    os.symlink("g", here / "link")
    (here / "g").chmod(0o600)
    follows(watched, "edits", "a link and a mode")
    (here / "g").unlink()
    (here / "link").unlink()
    follows(watched, "edits", "deletions")
    assert (there / "big").exists()
    assert not (there / "g").exists()
    assert temporary(there) == conflicts(there) == []


def test_trees_that_are_made_moved_in_renamed_and_removed_arrive(watched: Pair) -> None:
    here, _ = watched.trees("trees")
    for number in range(40):
        fill(here / f"a{number % 4}" / "b" / f"c{number}" / "f", 100, number)
    outside = here.parent / "outside"
    deep = outside.joinpath(*(f"level {number}" for number in range(12)))
    fill(deep / "f", 1000)
    outside.rename(here / "moved in")
    follows(watched, "trees", "trees")
    (here / "moved in").rename(here / "a1" / "renamed")
    fill(here / "a1" / "renamed" / "level 0" / "new", 10)
    follows(watched, "trees", "a renamed tree with something new in it")
    shutil.rmtree(here / "a1")
    follows(watched, "trees", "a tree less")


def test_what_we_pull_is_not_scanned_and_an_edit_right_after_is(watched: Pair) -> None:
    left, right = watched.both
    here, there = watched.trees("echo")
    scans(left, "echo")  # counts from now on
    for number in range(300):
        fill(there / f"d{number % 7}" / f"f{number}", 200, number)
    right.rescan("echo")
    wait_until(lambda: (here / "d1" / "f1").exists(), "the first are pulled")
    (here / "d1" / "f1").write_bytes(b"edited here")
    watched.wait_in_sync("echo")
    follows(watched, "echo", "the edit")
    assert (there / "d1" / "f1").read_bytes() == b"edited here"
    before = scans(left, "echo")
    assert before > 0
    for number in range(90):  # the guard would ask about more
        fill(there / f"d{number % 7}" / f"f{number}", 300, number)
    (there / "d2" / "f2").unlink()
    right.rescan("echo")
    watched.wait_in_sync("echo")
    time.sleep(2 * DELAY)
    assert scans(left, "echo") == before
    assert conflicts(here) == conflicts(there) == []


def scans(daemon: Daemon, folder: str) -> int:
    """How often it began to scan since this was asked first."""
    found = daemon.get("/rest/events", events="StateChanged", since=0, timeout=0)
    return sum(
        event["data"]["folder"] == folder and event["data"]["to"] == "scanning" for event in found
    )


def test_other_ignore_patterns_are_seen_and_followed(watched: Pair) -> None:
    here, there = watched.trees("ignores")
    (here / ".stignore").write_text("/skipped\n")
    (here / "skipped").mkdir()
    (here / "skipped" / "f").touch()
    (here / "kept").touch()
    wait_until((there / "kept").exists, "what is kept")
    (here / ".stignore").write_text("// nothing\n")
    wait_until((there / "skipped" / "f").exists, "what was ignored")
    (here / "skipped" / "g").touch()
    wait_until((there / "skipped" / "g").exists, "something new where it was ignored")


def test_a_paused_folder_is_not_watched_and_a_resumed_one_is(watched: Pair) -> None:
    left = watched.left
    here, there = watched.trees("pauses")
    (here / "d").mkdir()
    follows(watched, "pauses", "a directory")
    before = instances(left)
    configure(left, "pauses", paused=True)
    wait_until(lambda: instances(left) == before - 1, "the watch is gone")
    (here / "d" / "f").touch()
    configure(left, "pauses", paused=False)
    wait_until((there / "d" / "f").exists, "what was made in the pause")
    (here / "d" / "g").touch()
    wait_until((there / "d" / "g").exists, "what was made after it")
    configure(left, "pauses", fsWatcherEnabled=False)
    wait_until(lambda: instances(left) == before - 1, "nothing is watched")
    assert left.status("pauses")["watchError"] == ""


def configure(daemon: Daemon, folder: str, **changes: object) -> None:
    config = daemon.get(f"/rest/config/folders/{folder}")
    daemon._ask("PUT", f"/rest/config/folders/{folder}", {}, as_body(config | changes), "")


def as_body(value: object) -> bytes:
    import json

    return json.dumps(value).encode()


def instances(daemon: Daemon) -> int:
    """How many inotify instances the process has."""
    found = 0
    for descriptor in Path(f"/proc/{daemon.process.pid}/fd").iterdir():
        try:
            found += "inotify" in os.readlink(descriptor)
        except OSError:
            continue
    return found
