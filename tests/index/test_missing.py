"""What nobody who is connected has."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.index.records import ANNA, BERT, CARL, now, open_index
from tests.pull.folder import directory, file, gone
from txsyncthing.index import risk
from txsyncthing.index.missing import Amount, Missing, missing
from txsyncthing.index.service import FolderIndex
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import LocalFlag
from txsyncthing.vocabulary.name import WireName


@pytest.fixture
def index() -> Iterator[FolderIndex]:
    index = open_index()
    yield index
    now(index.close())


def ask(index: FolderIndex, *connected: DeviceID) -> Missing:
    total, after = Missing(), ""
    while (last := now(index.ask(risk.next_piece, after))) is not None:
        total = total.plus(now(index.ask(missing, after, last, connected)))
        after = last
    return total


def test_what_is_missing_and_who_has_it(index: FolderIndex) -> None:
    both, annas, berts = file("both", b"12345"), file("annas", b"123"), file("berts", b"1")
    now(index.update_remote(ANNA, [both, annas._replace(sequence=2)]))
    now(index.update_remote(BERT, [both, berts._replace(sequence=2), directory("d")]))
    assert ask(index, ANNA, BERT) == Missing()
    assert ask(index, ANNA) == Missing(
        Amount(2, 1), {BERT: Amount(2, 1)}, (WireName("berts"), WireName("d"))
    )
    assert ask(index).total == Amount(4, 9)
    assert ask(index).by == {ANNA: Amount(2, 8), BERT: Amount(3, 6)}


def test_an_old_or_unusable_version_does_not_help(index: FolderIndex) -> None:
    new = file("f", b"new", version=2)
    now(index.update_remote(ANNA, [new]))
    now(index.update_remote(BERT, [file("f", b"old")]))
    now(index.update_remote(CARL, [new._replace(local_flags=LocalFlag.REMOTE_INVALID)]))
    assert ask(index, BERT, CARL) == Missing(Amount(1, 3), {ANNA: Amount(1, 3)}, (WireName("f"),))


def test_deletions_need_no_source(index: FolderIndex) -> None:
    old = file("f", b"old")
    now(index.update_local([old]))
    now(index.update_remote(ANNA, [gone(old)]))
    assert ask(index) == Missing()


def test_pieces_add_up(index: FolderIndex, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(risk, "PIECE", 3)
    files = [file(f"f{n}", b"12")._replace(sequence=n + 1) for n in range(10)]
    now(index.update_remote(ANNA, files))
    found = ask(index)
    assert found.total == Amount(10, 20)
    assert found.sample == ("f0", "f1", "f2", "f3", "f4")
