"""Crashes, power cuts and broken files."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from random import Random

import apsw
import pytest

from tests.index.records import ANNA, US, counting, file, long_file, now, open_index, vector
from txsyncthing.index.connection import CHECKPOINT, WAL_LIMIT, connect, prepare
from txsyncthing.index.service import FolderIndex
from txsyncthing.index.values import DatabaseDamaged, IndexFailed
from txsyncthing.testing.databases import CrashingDatabases, installed
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.name import WireName

NAME = WireName("a")
WRITER = """
import sys
from tests.index.records import ANNA, file, now, open_index, vector
index = open_index(sys.argv[1])
for round in range(1, 10_000):
    now(index.update_local([file(f"{n}", vector((1, round))) for n in range(20)]))
    now(index.update_remote(ANNA, [file(f"{n}", vector((1, round + n % 2))) for n in range(20)]))
    print(index.sequence, index.index_id, flush=True)
"""


def crash(path: Path, to: Path) -> str:
    """What a process that dies leaves behind, while the database at ``path`` is still open."""
    for suffix in ("", "-wal"):
        shutil.copyfile(f"{path}{suffix}", f"{to}{suffix}")
    return str(to)


def totals(path: str) -> list[tuple[int, ...]]:
    """Local, global and needed files, counted anew."""
    connection = apsw.Connection(path)
    queries = (
        "SELECT count(*) FROM local",
        "SELECT (SELECT sum(global) FROM local) + (SELECT count(*) FROM remote WHERE state & 1)",
        "SELECT count(*) FROM remote WHERE state = 3",
    )
    found = [row for query in queries for row in connection.execute(query)]
    connection.close()
    return found


def test_records_and_totals_survive_a_clean_restart(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    index = open_index(path)
    now(index.update_local([file("a"), long_file("b", *"123456")]))
    now(index.update_remote(ANNA, [file("c", sequence=5)]))
    now(index.set_remote_index_id(ANNA, 9))
    now(index.update_remote(ANNA, [file("c", sequence=6)]))
    before, index_id = index.counts(), index.index_id
    now(index.close())
    assert [left.name for left in tmp_path.iterdir()] == ["a.db"]
    index = open_index(path)
    assert (index.counts(), index.index_id) == (before, index_id)
    assert now(index.remote_index_id(ANNA)) == 9
    assert now(index.update_local([file("d")])) == 3
    now(index.close())


def test_a_process_that_dies_loses_nothing(tmp_path: Path) -> None:
    index = open_index(str(tmp_path / "a.db"))
    now(index.update_local([file("a"), file("b")]))
    again = open_index(crash(tmp_path / "a.db", tmp_path / "b.db"))
    assert (again.index_id, again.sequence) == (index.index_id, 2)
    assert again.counts() == index.counts()
    now(again.close())
    now(index.close())


def test_what_peers_told_costs_no_sync(tmp_path: Path) -> None:
    with installed() as disk:
        databases = CrashingDatabases(disk, tmp_path)
        index = open_index(databases.path("a"))
        now(index.update_remote(ANNA, [file("a")]))
        databases.lose(lambda: False)
        now(index.close())
        assert databases.lost > 0
        again = open_index(databases.path("a"))
        assert again.counts().global_.files == 0
        now(again.close())


def test_a_new_database_stays(tmp_path: Path) -> None:
    with installed() as disk:
        databases = CrashingDatabases(disk, tmp_path)
        index = open_index(databases.path("a"))
        databases.lose(lambda: False)
        now(index.close())
        connection = connect(databases.path("a"), cache=100)
        assert not prepare(connection, "a")
        connection.close()


def test_the_log_of_a_database_is_limited(tmp_path: Path) -> None:
    connection = connect(str(tmp_path / "a.db"), cache=100)
    assert connection.pragma("journal_size_limit") == WAL_LIMIT
    assert connection.pragma("wal_autocheckpoint") == CHECKPOINT
    connection.close()


def test_a_machine_that_dies_forgets_nothing_that_was_told(tmp_path: Path) -> None:
    with installed() as disk:
        databases = CrashingDatabases(disk, tmp_path)
        index = open_index(databases.path("a"))
        now(index.update_local([file("a"), file("b")]))
        now(index.update_remote(ANNA, [file("c")]))
        now(index.update_local([file("a", vector((1, 2)))]))
        databases.lose(lambda: False)
        now(index.close())
        again = open_index(databases.path("a"))
        assert (again.index_id, again.sequence) == (index.index_id, 3)
        assert now(again.local([NAME]))[NAME].version == vector((1, 2))
        now(again.close())


@pytest.mark.parametrize("after", [1, 40])
def test_a_killed_writer_leaves_a_consistent_database(tmp_path: Path, after: int) -> None:
    path = str(tmp_path / "a.db")
    with subprocess.Popen(
        [sys.executable, "-c", WRITER, path], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        lines = [writer.stdout.readline().split() for _ in range(after)]
        writer.send_signal(signal.SIGKILL)
    sequence, index_id = map(int, lines[-1])
    index = open_index(path)
    assert index.sequence >= sequence
    assert index.index_id == index_id
    assert {row.sequence for row in now(index.local_after(0))} == set(
        range(index.sequence - 19, index.sequence + 1)
    )
    counts = index.counts()
    now(index.close())
    assert totals(path) == [(counts.local.files,), (counts.global_.files,), (counts.need.files,)]


def test_a_failed_change_leaves_no_trace() -> None:
    index = open_index()
    now(index.update_local([file("a")]))
    before = index.counts()
    bad = file("b")._replace(permissions=[])  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        now(index.update_local([file("x"), bad]))
    assert index.counts() == before
    assert now(index.update_local([file("c")])) == 2
    counts = index.counts()
    assert counts.local.files == before.local.files + 1
    assert [row.name for row in now(index.rows())] == ["a", "c"]


@pytest.mark.parametrize("content", [b"no database at all, but long enough" * 50, b"short"])
def test_another_file_in_its_place_is_named(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(content)
    index = FolderIndex(InlineWorkers(), str(path), US, counting())
    with pytest.raises(DatabaseDamaged, match=r"a\.db.*rebuilds it"):
        now(index.open())
    assert path.read_bytes() == content


def test_a_database_of_another_program_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    connection = apsw.Connection(str(path))
    connection.execute("CREATE TABLE other (id INTEGER)")
    connection.close()
    with pytest.raises(DatabaseDamaged, match="not a database of this version"):
        open_index(str(path))


def test_a_database_of_another_layout_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    now(open_index(str(path)).close())
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA user_version = 1000")
    connection.close()
    with pytest.raises(DatabaseDamaged, match="layout 1000"):
        open_index(str(path))


def test_damage_in_use_is_told_once_and_rebuilt_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    index = open_index(str(path))
    many = [file(f"{number:05}") for number in range(3000)]
    now(index.update_local(many))
    old_id = index.index_id
    now(index.close())
    with path.open("r+b") as content:
        content.seek(8192)
        content.write(b"\x55" * (path.stat().st_size - 8192))
    told: list[DatabaseDamaged] = []
    random = counting()
    random(8)
    index = FolderIndex(InlineWorkers(), str(path), US, random, told.append)
    try:
        now(index.open())
    except DatabaseDamaged as error:
        told.append(error)
    for _ in range(2):
        with pytest.raises(Exception, match=r"damaged|not open"):
            now(index.rows())
    assert len(told) == 1
    now(index.rebuild())
    assert index.index_id not in (0, old_id)
    assert index.sequence == 0
    assert now(index.rows()) == []
    assert now(index.update_local([file("a")])) == 1
    now(index.close())
    assert (tmp_path / "a.db.damaged-1").exists()


def test_each_damaged_database_is_kept(tmp_path: Path) -> None:
    path = str(tmp_path / "a.db")
    index = open_index(path)
    now(index.rebuild())
    now(index.rebuild())
    now(index.close())
    kept = sorted(left.name for left in tmp_path.iterdir())
    assert kept == ["a.db", "a.db.damaged-1", "a.db.damaged-2"]


def test_a_removed_database_starts_anew_under_another_id(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    random = counting()
    index = FolderIndex(InlineWorkers(), str(path), US, random)
    now(index.open())
    old_id = index.index_id
    now(index.close())
    path.unlink()
    index = FolderIndex(InlineWorkers(), str(path), US, random)
    now(index.open())
    assert index.index_id not in (0, old_id)
    now(index.close())


def test_flipped_bytes_give_answers_or_a_named_error(tmp_path: Path) -> None:
    """SQLite has no checksums; what it does not notice, we must not die of."""
    path = tmp_path / "a.db"
    index = open_index(str(path))
    now(index.update_local([file(f"d/{n}", vector((1, n + 1))) for n in range(100)]))
    now(index.update_remote(ANNA, [file(f"d/{n}", vector((1, 1), (2, 1))) for n in range(150)]))
    now(index.find_blocks([b"x" * 32]))
    now(index.close())
    whole, random = path.read_bytes(), Random(7)
    for _ in range(60):
        flipped = bytearray(whole)
        for _ in range(random.choice([1, 20])):
            flipped[random.randrange(100, len(whole))] = random.randrange(256)
        path.write_bytes(flipped)
        index = FolderIndex(InlineWorkers(), str(path), US, counting())
        with suppress(IndexFailed):
            now(index.open())
            now(index.rows())
            now(index.local_after(0))
            now(index.need())
            now(index.update_local([file(f"d/{n}", vector((1, 900))) for n in range(0, 99, 7)]))
            now(index.update_remote(ANNA, [file("d/0", vector((2, 900)))], replace=True))
            now(index.maintain())
        now(index.close())
