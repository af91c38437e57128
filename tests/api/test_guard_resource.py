"""``/rest/x/guard`` over a real folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.fakes import PEER, PHOTOS, FakeNodeApi
from tests.folder.test_service import World
from tests.pull.folder import answer, file, gone
from txsyncthing.config.folder import FolderConfig
from txsyncthing.folder.flow import LATELY
from txsyncthing.folder.outside import Outside
from txsyncthing.folder.service import FolderService
from txsyncthing.testing.workers import InlineWorkers

BY = PEER.short
SHORT = str(PEER)[:7]


class Scene:
    """The API over a folder of 30 files, which Peer made."""

    def __init__(self) -> None:
        self.api = FakeNodeApi().start()
        self.world = World()
        self.world.outside = Outside(care=lambda: self.api.care.care(PHOTOS))
        self.ok("PUT", "", {"percentFrom": 10, "rootItems": 5})
        self.folder: FolderService = self.world.folder(FolderConfig(id=PHOTOS))
        self.api.folders.real = self.folder
        self.files = [file(f"f{n:02}", b"content %d" % n, by=BY) for n in range(30)]
        self.sequence = 0
        self.tell(*self.files)
        self.world.clock.advance(LATELY + 10)

    def tell(self, *files: object) -> None:
        numbered = []
        for one in files:
            self.sequence += 1
            numbered.append(one._replace(sequence=self.sequence))  # type: ignore[attr-defined]
        self.world.peers.data[PEER] = {f"f{n:02}": b"content %d" % n for n in range(30)}
        answer(self.folder.index.update_remote(PEER, numbered))
        self.world.clock.advance(1)

    def delete(self, count: int) -> None:
        self.tell(*(gone(one, by=BY) for one in self.files[:count]))

    def ok(self, method: str, path: str = "", body: object = b"") -> dict[str, object]:
        reply = self.api.ask(method, f"/rest/x/guard{path}?folder=photos", body)
        assert reply.status == 200, reply
        document: dict[str, object] = reply.json()
        return document

    def names(self) -> int:
        return sum(one.base.startswith("f") for one in self.world.disk.list(""))


@pytest.fixture
def scene() -> Iterator[Scene]:
    scene = Scene()
    yield scene
    answer(scene.folder.stopService())


def test_the_document_without_anything_held(scene: Scene) -> None:
    assert scene.ok("GET") == {
        "folder": "photos",
        "settings": {
            "maxItems": 10000,
            "maxPercent": 50,
            "percentFrom": 10,
            "rootItems": 5,
            "rootDevice": True,
        },
        "settingsError": None,
        "held": None,
        "root": None,
    }


def test_what_is_held_is_shown_with_who_made_it(scene: Scene) -> None:
    scene.delete(20)
    held = scene.ok("GET")["held"]
    assert isinstance(held, dict)
    assert held.pop("id") and held.pop("since").startswith("2023-11-1")
    sample = held.pop("sample")
    maker = {"short": SHORT, "name": "theirs", "device": str(PEER)}
    assert held == {
        "sentence": "20 deletions by other devices: more than 50% of the folder's 30 items",
        "limit": "maxPercent",
        "deletions": 20,
        "overwrites": 0,
        "takenBefore": 0,
        "itemsInFolder": 30,
        "refused": False,
        "devices": [{**maker, "deletions": 20, "overwrites": 0}],
    }
    assert len(sample) == 20
    assert sample[0] == {
        "path": "f00",
        "action": "delete",
        "modified": "2020-09-13T12:26:40Z",
        "modifiedBy": maker,
    }


def test_release(scene: Scene) -> None:
    scene.delete(20)
    assert scene.ok("POST", "/release")["held"] is None
    assert scene.names() == 10


def test_refuse(scene: Scene) -> None:
    scene.delete(20)
    assert scene.ok("POST", "/refuse")["held"] is None
    assert scene.names() == 30
    assert scene.folder.index.counts().need.items == 0


def test_a_word_on_nothing_is_a_conflict(scene: Scene) -> None:
    for word in ("release", "refuse"):
        reply = scene.api.ask("POST", f"/rest/x/guard/{word}?folder=photos")
        assert (reply.status, reply.text) == (409, "nothing is held in this folder\n")
    scene.delete(20)
    reply = scene.api.ask("POST", "/rest/x/guard/release?folder=photos&id=another")
    assert reply.status == 409 and "is not what is held now" in reply.text


def test_a_root_in_question_is_shown_and_accepted(scene: Scene) -> None:
    for one in scene.files:
        scene.world.disk.remove(one.name)
    scene.folder.rescan([scene.files[0].name])
    root = scene.ok("GET")["root"]
    assert isinstance(root, dict) and root["code"] == "root-emptied"
    assert scene.ok("POST", "/release")["root"] is None
    assert scene.folder.index.counts().local.deleted == 30


def test_other_limits_are_in_force_at_once(scene: Scene) -> None:
    scene.delete(20)
    assert scene.names() == 30
    document = scene.ok("PUT", "", {"maxPercent": 90})
    assert document["held"] is None
    assert scene.names() == 10


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b"{", "the body is no JSON"),
        (b"[]", "the body must be an object"),
        (b'{"maxItems": "many"}', "maxItems: 'many' is not valid"),
        (b'{"maxitems": 1}', "'maxitems' is no setting of the guard"),
    ],
)
def test_a_wrong_setting_changes_nothing(scene: Scene, body: bytes, text: str) -> None:
    reply = scene.api.ask("PUT", "/rest/x/guard?folder=photos", body)
    assert reply.status == 400 and reply.text.startswith(text)
    settings = scene.ok("GET")["settings"]
    assert isinstance(settings, dict) and settings["maxItems"] == 10000


def test_a_damaged_file_is_shown_and_not_replaced(scene: Scene, tmp_path: Path) -> None:
    path = tmp_path / "txsyncthing.json"
    path.write_text("{")
    scene.api.own.__init__(str(path), InlineWorkers().disk)  # type: ignore[misc]
    scene.api.own.load()
    document = scene.ok("GET")
    assert document["settings"] == {**document["settings"], "percentFrom": 20}  # type: ignore[dict-item]
    assert "mended or moved away" in str(document["settingsError"])
    reply = scene.api.ask("PUT", "/rest/x/guard?folder=photos", {"maxItems": 1})
    assert reply.status == 409 and "mended or moved away" in reply.text
    assert path.read_text() == "{"


def test_folders_that_are_unknown_or_paused(scene: Scene) -> None:
    assert scene.api.ask("GET", "/rest/x/guard?folder=no").status == 404
    assert scene.api.ask("POST", "/rest/x/guard/release?folder=resting").status == 404
    assert scene.api.get("/rest/x/guard?folder=resting")["held"] is None
