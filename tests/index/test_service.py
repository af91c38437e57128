"""The face of one folder's index, with everything below it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.index.records import (
    ANNA,
    BERT,
    DAY,
    US,
    counting,
    directory,
    file,
    gone,
    long_file,
    now,
    open_index,
    vector,
)
from txsyncthing.index.service import FolderIndex
from txsyncthing.index.values import DatabaseDamaged, IndexFailed, Totals
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo, LocalFlag
from txsyncthing.vocabulary.folder import PullOrder
from txsyncthing.vocabulary.name import WireName

MINE, THEIRS = vector((1, 1)), vector((1, 1), (2, 2))


def names(files: list[FileInfo]) -> list[str]:
    return [one.name for one in files]


def test_local_records_get_ascending_sequences_in_their_order() -> None:
    index = open_index()
    assert now(index.update_local([file("b"), file("a", sequence=99)])) == 2
    assert now(index.update_local([file("b", THEIRS)])) == 3
    assert [(one.name, one.sequence) for one in now(index.local_after(0))] == [("a", 2), ("b", 3)]
    assert index.sequence == index.counts().sequence == 3


def test_of_two_records_with_one_name_the_last_stays() -> None:
    index = open_index()
    now(index.update_local([file("a"), file("b"), gone("a", THEIRS)]))
    assert [(one.name, one.sequence) for one in now(index.local_after(0))] == [("b", 2), ("a", 3)]
    assert index.counts().local == Totals(files=1, deleted=1, bytes=1)


def test_listeners_hear_of_local_changes_with_their_sequences() -> None:
    index = open_index()
    heard: list[tuple[int, list[tuple[str, int]]]] = []
    end = index.on_local_change(
        lambda last, files: heard.append((last, [(one.name, one.sequence) for one in files]))
    )
    now(index.update_local([file("a"), file("b")]))
    now(index.update_local([]))
    end()
    now(index.update_local([file("c")]))
    assert heard == [(2, [("a", 1), ("b", 2)])]


def test_listeners_hear_of_remote_changes() -> None:
    index = open_index()
    heard: list[tuple[DeviceID, int]] = []
    index.on_remote_change(lambda device, count: heard.append((device, count)))
    now(index.update_remote(ANNA, [file("a", sequence=4)]))
    now(index.drop_remote(ANNA))
    assert heard == [(ANNA, 1), (ANNA, 0)]


def test_a_new_index_replaces_all_that_a_peer_told() -> None:
    index = open_index()
    now(index.update_remote(ANNA, [file("a", sequence=8), file("b", sequence=9)]))
    now(index.update_remote(ANNA, [file("c", sequence=1)], replace=True))
    assert names(now(index.need_queue())) == ["c"]
    assert now(index.remote_sequence(ANNA)) == 1


def test_a_large_index_is_replaced_as_well() -> None:
    index = open_index()
    many = [file(f"{number:05}", sequence=number + 1) for number in range(3500)]
    now(index.update_remote(ANNA, many))
    now(index.update_remote(BERT, many[:1500]))
    now(index.update_remote(ANNA, [file("c", sequence=1)], replace=True))
    assert index.counts().need == Totals(files=1501, bytes=1501)
    assert index.counts().remote_need(ANNA).files == 1500
    assert index.counts().remote_need(BERT).files == 1


def test_another_index_id_drops_what_stood_under_the_old_one() -> None:
    index = open_index()
    now(index.set_remote_index_id(ANNA, 2**64 - 1))
    now(index.update_remote(ANNA, [file("a", sequence=8)]))
    now(index.set_remote_index_id(ANNA, 2**64 - 1))
    assert now(index.remote_sequence(ANNA)) == 8
    now(index.set_remote_index_id(ANNA, 5))
    assert now(index.remote_sequence(ANNA)) == 0
    assert now(index.remote_index_id(ANNA)) == 5
    assert now(index.need()) == []


def test_a_forgotten_peer_leaves_nothing() -> None:
    index = open_index()
    now(index.set_remote_index_id(ANNA, 5))
    now(index.update_remote(ANNA, [file("a", sequence=8)]))
    now(index.forget_remote(ANNA))
    assert now(index.remote_index_id(ANNA)) == 0
    assert index.counts() == open_index().counts()


def test_a_batch_ends_at_so_many_files_or_blocks() -> None:
    index = open_index()
    now(index.update_local([long_file(name, *map(str, range(10))) for name in "abcd"]))
    assert names(now(index.local_after(0, max_files=3))) == ["a", "b", "c"]
    assert names(now(index.local_after(0, max_blocks=15))) == ["a", "b"]
    assert names(now(index.local_after(2, max_blocks=1))) == ["c"]


def test_both_halves_of_a_rename_travel_together() -> None:
    index = open_index()
    now(index.update_local([file("a"), file("new"), gone("old", MINE), gone("older", MINE)]))
    assert names(now(index.local_after(0, max_files=2))) == ["a", "new", "old"]
    assert names(now(index.local_after(0, max_files=3))) == ["a", "new", "old"]
    assert names(now(index.local_after(0, max_files=1))) == ["a"]


def test_a_scan_sees_a_subtree_in_the_order_of_code_points() -> None:
    index = open_index()
    here = ["a", "a b", "a-c", "a/b", "a/b/c", "a/\uffff", "a/\U0001f600", "a0", "b"]
    now(index.update_local([file(name) for name in reversed(here)]))
    assert [row.name for row in now(index.rows())] == here
    below = ["a", "a/b", "a/b/c", "a/\uffff", "a/\U0001f600"]
    assert [row.name for row in now(index.rows(prefix="a"))] == below
    assert [row.name for row in now(index.rows(prefix="a", limit=2))] == below[:2]
    assert [row.name for row in now(index.rows("a/b", "a"))] == below[2:]
    assert [row.name for row in now(index.rows("a/b", "a/b"))] == ["a/b/c"]
    assert now(index.rows("b", "a")) == []
    assert [row.name for row in now(index.rows("a-c", limit=2))] == ["a/b", "a/b/c"]


def test_a_need_says_what_we_have_and_who_has_it() -> None:
    index = open_index()
    now(index.update_local([file("a", MINE, content="old")]))
    now(index.update_remote(ANNA, [long_file("a", *"123456")._replace(version=THEIRS)]))
    now(index.update_remote(BERT, [file("a", THEIRS, flags=LocalFlag.REMOTE_INVALID)]))
    (need,) = now(index.need())
    assert need.wanted == long_file("a", *"123456")._replace(version=THEIRS)
    assert need.have == file("a", MINE, content="old", sequence=1)
    assert need.devices == (ANNA,)
    assert now(index.devices_with_global(WireName("a"))) == [ANNA]


def test_needs_come_in_pages() -> None:
    index = open_index()
    now(index.update_remote(ANNA, [file(f"{number}", sequence=number) for number in range(1, 8)]))
    pages, after = [], ""
    while page := now(index.need(after, 3)):
        pages.append("".join(need.wanted.name for need in page))
        after = page[-1].wanted.name
    assert pages == ["123", "456", "7"]


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        (PullOrder.ALPHABETIC, "abc"),
        (PullOrder.RANDOM, "abc"),
        (PullOrder.SMALLEST_FIRST, "cab"),
        (PullOrder.LARGEST_FIRST, "bac"),
        (PullOrder.OLDEST_FIRST, "bca"),
        (PullOrder.NEWEST_FIRST, "acb"),
    ],
)
def test_the_list_for_people_has_the_order_of_the_pulls(order: PullOrder, expected: str) -> None:
    index = open_index()
    files = [
        file("a", content="22", modified=3),
        file("b", content="333", modified=1),
        file("c", content="1", modified=2),
    ]
    now(index.update_remote(ANNA, files))
    assert "".join(names(now(index.need_queue(order)))) == expected
    assert "".join(names(now(index.need_queue(order, 1, 1)))) == expected[1]
    assert now(index.need_queue(order))[0].hashes == b""


def test_totals_are_those_of_status_and_completion() -> None:
    index = open_index()
    now(index.update_local([file("a"), directory("d", MINE), gone("old", MINE)]))
    now(index.update_remote(ANNA, [gone("a", THEIRS), file("b"), file("old", MINE)]))
    counts = index.counts()
    assert counts.local == Totals(files=1, directories=1, deleted=1, bytes=129)
    assert counts.global_ == Totals(files=1, directories=1, deleted=2, bytes=129)
    assert counts.need == Totals(files=1, deleted=1, bytes=1)
    assert counts.remote_need(ANNA) == Totals(directories=1, deleted=1, bytes=128)
    assert counts.remote_need(BERT) == Totals(files=1, directories=1, bytes=129)
    assert counts.remote_need(BERT).items == 2


def test_facts_are_kept_and_forgotten() -> None:
    index = open_index()
    assert now(index.fact("a")) is None
    now(index.set_fact("a", b"1"))
    assert now(index.fact("a")) == b"1"
    now(index.set_fact("a", None))
    assert now(index.fact("a")) is None


def test_a_listener_that_fails_fails_nobody_else(logged_failures: list[object]) -> None:
    index = open_index()
    index.on_local_change(lambda last, files: 1 / 0)
    assert now(index.update_local([file("a")])) == 1
    assert len(logged_failures) == 1
    logged_failures.clear()


def test_a_closed_index_refuses_by_name() -> None:
    index = open_index()
    now(index.close())
    now(index.close())
    with pytest.raises(IndexFailed, match="not open"):
        now(index.update_local([file("a")]))
    with pytest.raises(IndexFailed, match="not open"):
        now(index.need())


def test_numbers_beyond_64_bits_do_no_harm() -> None:
    index = open_index()
    huge = file("a", sequence=1)._replace(modified=2**80, size=2**63 - 1)
    now(index.update_remote(ANNA, [huge, huge._replace(name=WireName("b"))]))
    assert [need.wanted.modified for need in now(index.need())] == [2**63 - 1] * 2


def test_a_directory_that_is_missing_is_no_damage(tmp_path: Path) -> None:
    index = FolderIndex(InlineWorkers(), str(tmp_path / "none" / "a.db"), US, counting())
    with pytest.raises(IndexFailed) as raised:
        now(index.open())
    assert not isinstance(raised.value, DatabaseDamaged)


def test_old_deletions_are_forgotten_when_all_have_made_them() -> None:
    index = open_index()
    now(index.update_local([gone(name, MINE) for name in ("all", "owed", "young", "ours")]))
    now(index.update_local([gone("young", MINE)._replace(modified=10 * DAY), file("b")]))
    now(index.update_remote(ANNA, [gone("all", MINE), gone("young", MINE), gone("theirs", MINE)]))
    now(index.update_remote(BERT, [file("owed", vector()), file("c")]))
    now(index.maintain(5 * DAY))
    assert [row.name for row in now(index.rows())] == ["b", "owed", "young"]
    counts = index.counts()
    assert counts.local == Totals(files=1, deleted=2, bytes=1)
    assert counts.global_ == Totals(files=2, deleted=2, bytes=2)
    assert now(index.versions(WireName("theirs"))) == {}
    assert index.sequence == 6


def test_deletions_are_kept_unless_asked() -> None:
    index = open_index()
    now(index.update_local([gone("a", MINE)]))
    now(index.maintain())
    assert [row.name for row in now(index.rows())] == ["a"]
