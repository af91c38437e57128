"""The writer and the reader of one database, without the face."""

from __future__ import annotations

from os import urandom
from pathlib import Path
from threading import Thread

import pytest

from tests.index.records import ANNA, file, gone, vector
from txsyncthing.index.connection import guarded
from txsyncthing.index.reader import FolderReader
from txsyncthing.index.store import SLICE, FolderStore
from txsyncthing.index.values import IndexFailed

BATCH = 200


def test_a_reader_beside_the_writer_sees_whole_transactions(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    store = FolderStore(path, urandom)
    reader = FolderReader.open(path)
    failures: list[BaseException] = []

    def write() -> None:
        try:
            for round in range(20):
                files = [file(f"{round}/{n}", vector((1, round + 1))) for n in range(BATCH)]
                store.update_remote(ANNA, files)
                store.update_local(files)
        except BaseException as error:
            failures.append(error)

    writer = Thread(target=write)
    writer.start()
    seen = 0
    while writer.is_alive():
        rows = reader.rows("", "", 100_000)
        assert len(rows) % BATCH == 0
        assert len(rows) >= seen
        assert len(reader.need("", 100_000)) % BATCH == 0
        seen = len(rows)
    writer.join()
    assert failures == []
    assert len(reader.rows("", "", 100_000)) == 20 * BATCH
    assert reader.need("", 1) == []
    reader.close()
    store.close()


def test_a_reader_cannot_write(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    store = FolderStore(path, urandom)
    reader = FolderReader.open(path)
    with pytest.raises(IndexFailed, match="readonly"):
        guarded(path, lambda: reader.connection.execute("DELETE FROM local"))
    reader.close()
    store.close()


def test_a_disk_that_is_full_is_named_and_leaves_the_last_state() -> None:
    store = FolderStore(":memory:", urandom)
    before = store.update_local([file("a")])
    pages = store.connection.pragma("page_count")
    store.connection.pragma("max_page_count", pages + 2)
    many = [file(f"{number}") for number in range(SLICE)]
    with pytest.raises(IndexFailed, match="disk is full"):
        guarded("x.db", store.update_local, many)
    assert store.counts() == before
    store.connection.pragma("max_page_count", 100_000)
    assert store.update_local(many).sequence == 1 + SLICE
    store.close()


def test_a_drop_goes_in_slices_of_one_transaction_each() -> None:
    store = FolderStore(":memory:", urandom)
    store.update_remote(ANNA, [file(f"{number:05}", sequence=1) for number in range(2500)])
    commits: list[int] = []
    connection = store.connection

    def committed() -> bool:
        commits.append(connection.total_changes())
        return False

    connection.set_commit_hook(committed)
    store.drop_remote(ANNA)
    connection.set_commit_hook(None)
    assert len(commits) == 3
    assert store.counts().global_.files == 0
    store.close()


def test_totals_need_no_counting_at_the_start(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    store = FolderStore(path, urandom)
    before = store.update_local([file("a"), gone("b", vector((1, 1)))])
    store.connection.execute("DELETE FROM local")
    store.close()
    store = FolderStore(path, urandom)
    assert store.counts() == before
    store.close()
