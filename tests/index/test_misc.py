"""Small facts of the whole node."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.index.records import now
from txsyncthing.index.misc_service import MiscIndex
from txsyncthing.index.values import IndexFailed
from txsyncthing.testing.workers import InlineWorkers


def opened(path: Path | str = ":memory:") -> MiscIndex:
    misc = MiscIndex(InlineWorkers(), str(path))
    now(misc.open())
    return misc


def test_a_fact_survives_a_restart(tmp_path: Path) -> None:
    misc = opened(tmp_path / "misc.db")
    now(misc.set_fact("a", b"1"))
    now(misc.close())
    misc = opened(tmp_path / "misc.db")
    assert now(misc.fact("a")) == b"1"
    now(misc.close())


def test_a_fact_is_replaced_and_forgotten() -> None:
    misc = opened()
    now(misc.set_fact("a", b"1"))
    now(misc.set_fact("a", b"2"))
    assert now(misc.fact("a")) == b"2"
    now(misc.set_fact("a", None))
    assert now(misc.fact("a")) is None


def test_facts_are_listed_by_their_beginning() -> None:
    misc = opened()
    for key in ("folder a", "folder b", "folde", "folders", "device"):
        now(misc.set_fact(key, key.encode()))
    assert now(misc.facts("folder ")) == {"folder a": b"folder a", "folder b": b"folder b"}


def test_a_damaged_database_is_moved_aside(tmp_path: Path) -> None:
    path = tmp_path / "misc.db"
    path.write_bytes(b"no database at all, but long enough" * 50)
    misc = opened(path)
    now(misc.set_fact("a", b"1"))
    assert now(misc.fact("a")) == b"1"
    now(misc.close())
    assert (tmp_path / "misc.db.damaged-1").read_bytes().startswith(b"no database")


def test_a_closed_one_refuses_by_name() -> None:
    misc = opened()
    now(misc.close())
    now(misc.close())
    with pytest.raises(IndexFailed, match="not open"):
        now(misc.fact("a"))
