"""Our own settings of folders: what cannot be understood is told, and the safe defaults take its place."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from tests.pull.folder import answer
from txsyncthing.config.own_service import OwnSettings
from txsyncthing.folder.care import DEFAULT_CARE, BadCare
from txsyncthing.node.care import CareBook
from txsyncthing.runtime.log_service import Logs
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.folder import FolderID

PHOTOS, DOCS = FolderID("photos"), FolderID("docs")


class Home:
    def __init__(self, path: Path) -> None:
        self.path = path / "txsyncthing.json"
        self.logs = Logs(lambda: 1.0)

    def write(self, text: str) -> None:
        self.path.write_text(text)

    def book(self) -> CareBook:
        own = OwnSettings(str(self.path), InlineWorkers().disk)
        own.load()
        return CareBook(own, self.logs.area("folders"))

    def complaints(self) -> list[str]:
        return [line.message for line in self.logs.errors()]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    return Home(tmp_path)


def test_each_folder_has_its_own(home: Home) -> None:
    home.write(json.dumps({"folders": {"photos": {"guard": {"maxItems": 7}}}}))
    book = home.book()
    assert book.care(PHOTOS).max_items == 7
    assert book.care(DOCS) == DEFAULT_CARE
    assert home.complaints() == []


def test_a_damaged_file_is_told_at_the_start_and_the_defaults_hold(home: Home) -> None:
    home.write("{")
    book = home.book()
    assert book.care(PHOTOS) == DEFAULT_CARE
    (complaint,) = home.complaints()
    assert complaint == book.trouble(PHOTOS)
    assert str(home.path) in complaint


def test_a_wrong_value_is_told_once_and_concerns_its_folder_alone(home: Home) -> None:
    home.write(
        json.dumps(
            {
                "folders": {
                    "photos": {"guard": {"maxItems": "x"}},
                    "docs": {"guard": {"maxItems": 5}},
                }
            }
        )
    )
    book = home.book()
    for _ in range(3):
        assert book.care(PHOTOS) == DEFAULT_CARE
    assert book.care(DOCS).max_items == 5
    (complaint,) = home.complaints()
    assert "folders/photos/guard/maxItems: 'x' is not valid" in complaint
    assert book.trouble(PHOTOS) == complaint and book.trouble(DOCS) == ""


def test_a_change_is_in_force_and_kept(home: Home) -> None:
    book = home.book()
    answer(Deferred.fromCoroutine(book.change(PHOTOS, {"maxPercent": 0})))
    assert book.care(PHOTOS).max_percent == 0
    assert home.book().care(PHOTOS).max_percent == 0
    with pytest.raises(BadCare):
        answer(Deferred.fromCoroutine(book.change(PHOTOS, {"maxPercent": 200})))
    assert book.care(PHOTOS).max_percent == 0
