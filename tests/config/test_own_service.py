"""txsyncthing.json: never half written, never reset, and what we do not know stays."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from tests.pull.folder import answer
from txsyncthing.config.own_service import OwnSettings, OwnUnsaved
from txsyncthing.testing.workers import InlineWorkers


def settings(path: Path) -> OwnSettings:
    made = OwnSettings(str(path), InlineWorkers().disk)
    made.load()
    return made


def test_without_a_file_nothing_is_said_and_none_is_made(tmp_path: Path) -> None:
    own = settings(tmp_path / "txsyncthing.json")
    assert own.trouble == ""
    assert own.section("photos", "guard") == {}
    assert list(tmp_path.iterdir()) == []


def test_a_change_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "txsyncthing.json"
    answer(settings(path).change("photos", "guard", {"maxItems": 5}))
    assert settings(path).section("photos", "guard") == {"maxItems": 5}
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_what_is_not_known_stays(tmp_path: Path) -> None:
    path = tmp_path / "txsyncthing.json"
    document = {
        "ofTheFuture": [1, {"a": None}],
        "folders": {"photos": {"guard": {"newer": "x"}, "other": {}}, "docs": {"guard": {}}},
    }
    path.write_text(json.dumps(document))
    answer(settings(path).change("photos", "guard", {"maxItems": 5}))
    document["folders"]["photos"]["guard"] = {"newer": "x", "maxItems": 5}  # type: ignore[index]
    assert json.loads(path.read_bytes()) == document


def test_what_somebody_wrote_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "txsyncthing.json"
    own = settings(path)
    path.write_text(json.dumps({"folders": {"docs": {"guard": {"maxItems": 1}}}}))
    answer(own.change("photos", "guard", {"maxItems": 5}))
    assert settings(path).section("docs", "guard") == {"maxItems": 1}
    assert own.section("docs", "guard") == {"maxItems": 1}


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"folders": []}', '{"folders": {"photos": {"guard": 5}}}', "\0" * 100]
)
def test_a_damaged_file_is_told_and_never_touched(tmp_path: Path, text: str) -> None:
    path = tmp_path / "txsyncthing.json"
    path.write_text(text)
    own = settings(path)
    assert str(path) in own.trouble and "mended or moved away" in own.trouble
    assert own.section("photos", "guard") == {}
    with pytest.raises(OwnUnsaved, match="mended or moved away"):
        answer(own.change("photos", "guard", {"maxItems": 5}))
    assert path.read_text() == text
    assert own.section("photos", "guard") == {}


def test_a_mended_file_is_taken_at_the_next_change(tmp_path: Path) -> None:
    path = tmp_path / "txsyncthing.json"
    path.write_text("{")
    own = settings(path)
    path.write_text("{}")
    answer(own.change("photos", "guard", {"maxItems": 5}))
    assert own.trouble == ""


def test_what_cannot_be_written_is_not_in_force(tmp_path: Path) -> None:
    own = settings(tmp_path / "missing" / "txsyncthing.json")
    with pytest.raises(OwnUnsaved, match="nothing changed"):
        answer(own.change("photos", "guard", {"maxItems": 5}))
    assert own.section("photos", "guard") == {}


def test_changes_at_once_are_all_kept(tmp_path: Path) -> None:
    path = tmp_path / "txsyncthing.json"
    own = settings(path)
    done: list[Deferred[None]] = [
        own.change(f"folder {n}", "guard", {"maxItems": n}) for n in range(10)
    ]
    for one in done:
        answer(one)
    assert len(json.loads(path.read_bytes())["folders"]) == 10
