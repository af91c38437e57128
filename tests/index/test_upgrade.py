"""A database of an older version is counted and marked anew, once."""

from __future__ import annotations

from pathlib import Path

import apsw

from tests.index.records import ANNA, file, gone, now, open_index, vector
from txsyncthing.index.lists import changed_page
from txsyncthing.vocabulary.file import LocalFlag

OLD, NEW = vector((1, 1)), vector((1, 2))


def test_marks_and_totals_are_made_anew_when_their_rules_have_changed(tmp_path: Path) -> None:
    path = str(tmp_path / "index.db")
    index = open_index(path)
    ignored = file("ignored", OLD, flags=LocalFlag.IGNORED)
    now(index.update_local([ignored, file("here", flags=LocalFlag.RECEIVE_ONLY), gone("g", NEW)]))
    now(index.update_remote(ANNA, [file("ignored", NEW), file("b"), file("g", OLD)]))
    counts = index.counts()
    now(index.close())

    raw = apsw.Connection(path)
    raw.execute("DELETE FROM facts WHERE key = 'rules'; DROP INDEX local_changed")
    raw.execute("UPDATE totals SET files = 77; UPDATE remote SET state = 1 WHERE state = 3")
    raw.close()

    index = open_index(path)
    assert index.counts() == counts
    assert [need.wanted.name for need in now(index.need())] == ["b", "ignored"]
    assert [one.name for one in now(index.ask(changed_page, 0, 9))] == ["here"]
    now(index.close())


def test_a_database_of_this_version_is_left_alone(tmp_path: Path) -> None:
    path = str(tmp_path / "index.db")
    index = open_index(path)
    now(index.update_local([file("a")]))
    now(index.close())
    raw = apsw.Connection(path)
    raw.execute("UPDATE totals SET files = 77")
    raw.close()
    index = open_index(path)
    assert index.counts().local.files == 77
    now(index.close())
