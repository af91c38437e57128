"""What a folder's watcher promises."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.watch.folder import Folder
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName
from txsyncthing.watch.aggregate import SETTLE
from txsyncthing.watch.service import RETRY, UNWATCHED
from txsyncthing.watch.told import NO_SHORTAGE, Change, Shortage

WRITTEN, WRITING, TOUCHED, REMOVED = Change


@pytest.fixture
def folder() -> Iterator[Folder]:
    made = Folder()
    yield made
    made.stop()


def test_the_first_scan_waits_until_the_watch_stands(folder: Folder) -> None:
    prepared = folder.watcher.prepare(Matcher(()), whole=True)
    assert prepared.called
    assert len(folder.watches[0].followed) == 1
    folder.prepare()
    assert len(folder.watches[0].followed) == 1


def test_an_edit_is_scanned_at_once_and_the_next_after_the_delay(folder: Folder) -> None:
    told = folder.start().told
    folder.run(100)
    told.changed("f", WRITTEN)
    folder.run(1)
    told.changed("f", WRITTEN)
    folder.run(20)
    assert folder.scans == [(100 + SETTLE, ["f"]), (110 + SETTLE, ["f"])]


def test_while_a_scan_goes_on_changes_are_collected(folder: Folder) -> None:
    told = folder.start().told
    folder.slow = []
    told.changed("a", WRITTEN)
    folder.run(1)
    told.changed("b", WRITTEN)
    told.changed("c", WRITTEN)
    folder.run(30)
    assert folder.names() == [["a"]]
    folder.slow[0].callback(None)
    folder.run(30)
    assert folder.names() == [["a"], ["b", "c"]]


def test_names_that_are_no_text_are_left_out_and_others_lead_to_their_directory(
    folder: Folder,
) -> None:
    told = folder.start().told
    told.changed("d/\udcff", WRITTEN)
    told.changed("d/e\u0301", WRITTEN)
    folder.run(1)
    assert folder.names() == [["d"]]


def test_other_patterns_are_followed(folder: Folder) -> None:
    watch = folder.start()
    matcher = Matcher.parse(["x"], lambda name: [])
    folder.prepare(matcher, whole=False)
    assert watch.followed[-1] is matcher


def test_a_root_that_is_another_is_watched_anew(folder: Folder) -> None:
    folder.start().there = False
    folder.prepare()
    assert len(folder.watches) == 2
    assert folder.watches[0].closed


# Our own writes.


def test_what_we_pull_is_not_scanned(folder: Folder) -> None:
    told = folder.start().told
    folder.watcher.begun(FileInfo(WireName("f")))
    told.put("f")
    told.changed("f", TOUCHED)
    folder.disk.put("f", b"pulled")
    record(folder, "f")
    told.changed("f", TOUCHED)  # the kernel tells late
    folder.watcher.rested(well=True)
    folder.run(60)
    assert folder.scans == []


def test_an_edit_of_what_we_just_pulled_is_scanned(folder: Folder) -> None:
    told = folder.start().told
    folder.watcher.begun(FileInfo(WireName("f")))
    told.put("f")
    folder.disk.put("f", b"pulled")
    record(folder, "f")
    folder.disk.put("f", b"edited")
    told.changed("f", WRITTEN)
    folder.watcher.rested(well=True)
    folder.run(1)
    assert folder.names() == [["f"]]


def record(folder: Folder, name: str) -> None:
    stat = folder.disk.lstat(name)
    pulled = FileInfo(
        WireName(name),
        size=stat.size,
        modified=stat.modified,
        permissions=stat.mode,
        inode_change=stat.changed,
    )
    folder.watcher.recorded([pulled])


def test_what_lies_in_a_directory_that_we_make_is_looked_at_when_its_watch_stands(
    folder: Folder,
) -> None:
    told = folder.start().told
    folder.watcher.begun(FileInfo(WireName("d")))
    folder.watcher.begun(FileInfo(WireName("d/ours")))
    told.appeared("d", ["ours", "theirs"])
    folder.run(1)
    assert folder.names() == [["d/theirs"]]


# When watching fails.


def test_a_watch_that_fails_is_told_and_tried_again_less_and_less_often(folder: Folder) -> None:
    folder.trouble = "no inotify"
    folder.start()
    assert folder.watcher.error == "no inotify"
    assert folder.errors == [("", "no inotify")]
    tries = []
    for minute in range(600):
        before = len(folder.watches)
        folder.run(RETRY)
        if len(folder.watches) > before:
            tries.append(minute + 1)
    assert tries[:8] == [1, 3, 7, 15, 31, 63, 123, 183]


def test_once_a_watch_stands_again_all_is_scanned(folder: Folder) -> None:
    folder.trouble = "no inotify"
    folder.start()
    folder.run(30)
    folder.trouble = ""
    folder.run(RETRY - 29)
    assert folder.errors == [("", "no inotify"), ("no inotify", "")]
    assert folder.names()[-1] == []
    count = len(folder.scans)
    folder.run(300)
    assert len(folder.scans) == count


def test_what_is_not_watched_is_scanned_every_minute(folder: Folder) -> None:
    watch = folder.start()
    watch.shortage = Shortage(("a", "b"), "2 of 5 directories are not watched")
    watch.told.short()
    assert folder.watcher.error == "2 of 5 directories are not watched"
    folder.run(UNWATCHED * 3.5)
    assert folder.names() == [["a", "b"]] * 3
    watch.shortage = NO_SHORTAGE
    folder.run(600)
    assert folder.watcher.error == ""
    assert len(watch.followed) > 1


def test_once_the_system_allows_more_that_is_seen_within_five_minutes(folder: Folder) -> None:
    watch = folder.start()
    watch.shortage = Shortage(("a",), "1 of 5 directories is not watched")
    watch.told.short()
    folder.run(10_000)
    watch.shortage = NO_SHORTAGE
    folder.run(300)
    assert folder.watcher.error == ""


def test_scans_of_what_is_not_watched_take_a_twentieth_of_the_time(folder: Folder) -> None:
    folder.trouble = "no inotify"
    folder.slow = []
    folder.start()
    folder.run(UNWATCHED + 1)
    folder.run(30)
    folder.slow[0].callback(None)
    folder.run(19 * 31)
    assert len(folder.scans) == 1
    folder.run(40)
    assert len(folder.scans) == 2


def test_lost_events_mean_that_the_tree_is_walked_and_then_all_is_scanned(folder: Folder) -> None:
    watch = folder.start()
    watch.slow = []
    watch.told.overflowed()
    watch.told.overflowed()
    folder.run(5)
    assert folder.scans == []
    watch.slow[0].callback(None)
    watch.slow[1].callback(None)
    folder.run(5)
    assert folder.names() == [[]]


def test_a_root_that_goes_ends_the_watch_until_the_folder_is_well_again(folder: Folder) -> None:
    watch = folder.start()
    folder.ill = True
    watch.told.lost("the root is gone")
    folder.watcher.rested(well=False)
    assert watch.closed
    assert folder.watcher.error == "the root is gone"
    assert folder.names() == [[]]
    folder.ill = False
    folder.prepare()  # the scan that finds it well
    folder.watcher.rested(well=True)
    folder.run(1)
    assert folder.watcher.error == ""
    assert len(folder.watches) == 2
    assert folder.names() == [[]]


def test_in_a_folder_that_is_not_well_nothing_is_scanned_until_it_is(folder: Folder) -> None:
    told = folder.start().told
    folder.watcher.rested(well=False)
    told.changed("f", WRITTEN)
    folder.run(100)
    assert folder.scans == []
    folder.watcher.rested(well=True)
    folder.run(1)
    assert folder.names() == [["f"]]


def test_what_could_not_be_scanned_is_made_up_for_by_a_scan_of_all(folder: Folder) -> None:
    told = folder.start().told
    folder.ill = True
    told.changed("f", WRITTEN)
    folder.run(1)
    folder.watcher.rested(well=False)
    folder.ill = False
    folder.watcher.rested(well=True)
    assert folder.names() == [["f"], []]
