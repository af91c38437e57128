"""What is at risk, as the index counts it; checked against what a pull would really do."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.index.records import ANNA, BERT, CARL, now, open_index
from tests.pull.folder import directory, file, gone, symlink
from txsyncthing.index import risk
from txsyncthing.index.risk import Lost, Marks
from txsyncthing.index.service import FolderIndex
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo, LocalFlag
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

BY = ShortID(10)


@pytest.fixture
def index() -> Iterator[FolderIndex]:
    index = open_index()
    yield index
    now(index.close())


def newer(file: FileInfo) -> FileInfo:
    return file._replace(version=file.version.bump(BY, 99), modified_by=BY)


def here(index: FolderIndex, *files: FileInfo) -> None:
    now(index.update_local(files))


def told(index: FolderIndex, *files: FileInfo, device: object = ANNA, first: int = 1) -> None:
    numbered = [one._replace(sequence=number) for number, one in enumerate(files, first)]
    now(index.update_remote(device, numbered))  # type: ignore[arg-type]


def lost(index: FolderIndex, marks: Marks | None = None, deletions: bool = True) -> Lost:
    last = now(index.ask(risk.next_piece, ""))
    if last is None:
        return Lost()
    found = now(index.ask(risk.count, "", last, marks or {}, deletions))
    return found.by.get(BY, Lost())


def flagged(file: FileInfo, flag: LocalFlag) -> FileInfo:
    return file._replace(local_flags=flag)


IGNORED, HERE = LocalFlag.IGNORED, LocalFlag.RECEIVE_ONLY
LONG = b"".join(b"%d" % n * 60_000 for n in range(10))  # more hashes than stand in a row


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (None, file("f", b"new"), Lost()),
        (None, gone(file("f", b"old")), Lost()),
        (file("f", b"old"), gone(file("f", b"old")), Lost(1, 0)),
        (file("f", b"old"), newer(file("f", b"new")), Lost(0, 1)),
        (file("f", LONG), newer(file("f", LONG[::-1])), Lost(0, 1)),
        (file("f", LONG), newer(file("f", LONG))._replace(modified=5), Lost()),
        (file("f", b"old"), newer(file("f", b"old"))._replace(permissions=0o600), Lost()),
        (gone(file("f", b"old")), newer(file("f", b"new")), Lost()),
        (directory("f"), newer(directory("f", mode=0o700)), Lost()),
        (directory("f"), gone(directory("f")), Lost(1, 0)),
        (directory("f"), newer(file("f", b"new")), Lost(0, 1)),
        (file("f", b"old"), newer(directory("f")), Lost(0, 1)),
        (symlink("f", b"a"), newer(symlink("f", b"a")), Lost()),
        (symlink("f", b"a"), newer(symlink("f", b"b")), Lost(0, 1)),
        (file("f", b"old")._replace(version=Vector()), newer(file("f", b"new")), Lost()),
        (flagged(file("f", b"old"), IGNORED), gone(file("f", b"old")), Lost()),
        (flagged(file("f", b"old"), IGNORED), newer(file("f", b"new")), Lost()),
        (flagged(file("f", b"old", 2, 3), HERE), gone(file("f", b"old")), Lost()),
        (flagged(symlink("f", b"a", 2, 3), HERE), gone(symlink("f", b"b")), Lost()),
        (flagged(directory("f", 2, 3), HERE), gone(directory("f")), Lost(1, 0)),
        (flagged(file("f", b"old", 2, 3), HERE), newer(file("f", b"new")), Lost(0, 1)),
    ],
)
def test_what_is_at_risk(
    index: FolderIndex, ours: FileInfo | None, theirs: FileInfo, expected: Lost
) -> None:
    if ours is not None:
        here(index, ours)
    told(index, theirs)
    assert lost(index) == expected
    at_risk = now(index.ask(risk.at_risk, [theirs.name], {}))
    assert at_risk == ({"f"} if expected.items else set())
    harmless = now(index.ask(risk.harmless, "", 10, {}))
    assert len(harmless) == index.counts().need.items - expected.items


def test_deletions_that_are_not_made_here_do_not_count(index: FolderIndex) -> None:
    here(index, file("f", b"old"), file("g", b"old"))
    told(index, gone(file("f", b"old")), newer(file("g", b"new")))
    assert lost(index, deletions=False) == Lost(0, 1)


def test_marks_cover_what_was_told_before_and_nothing_later(index: FolderIndex) -> None:
    files = [file(f"f{n}", b"%d" % n) for n in range(6)]
    here(index, *files)
    told(index, *map(gone, files[:3]))
    marks = now(index.ask(risk.marks_now))
    assert lost(index, marks) == Lost()
    told(index, *map(gone, files[3:]), first=10)
    assert lost(index, marks) == Lost(3, 0)
    assert now(index.ask(risk.at_risk, [one.name for one in files], marks)) == {"f3", "f4", "f5"}
    assert [need.wanted.name for need in now(index.ask(risk.covered, "", 10, marks))] == [
        "f0",
        "f1",
        "f2",
    ]
    sample = now(index.ask(risk.sample, marks, True))
    assert [(one.name, one.deleted, one.by) for one in sample] == [
        ("f3", True, BY),
        ("f4", True, BY),
        ("f5", True, BY),
    ]


def test_another_device_with_the_same_version_is_covered_too(index: FolderIndex) -> None:
    files = [file(f"f{n}", b"%d" % n) for n in range(3)]
    here(index, *files)
    told(index, *map(gone, files), device=BERT)
    marks = now(index.ask(risk.marks_now))
    told(index, *map(gone, files), device=ANNA)
    told(index, *map(gone, files), device=CARL)
    assert lost(index, marks) == Lost()


def test_a_newer_deletion_of_the_same_item_is_not_covered(index: FolderIndex) -> None:
    old = file("f", b"old")
    here(index, old)
    told(index, gone(old))
    marks = now(index.ask(risk.marks_now))
    told(index, newer(gone(old)), first=2)
    assert lost(index, marks) == Lost(1, 0)


def test_marks_of_another_index_cover_nothing(index: FolderIndex) -> None:
    now(index.set_remote_index_id(ANNA, 1))
    old = file("f", b"old")
    here(index, old)
    told(index, gone(old))
    marks = now(index.ask(risk.marks_now))
    now(index.set_remote_index_id(ANNA, 2))
    told(index, gone(old))
    assert lost(index, marks) == Lost(1, 0)


def test_moves_are_deletions_whose_bytes_come_back(index: FolderIndex) -> None:
    olds = [file(f"f{n}", LONG + b"%d" % n) for n in range(4)]
    empty, taken = file("empty", b""), file("taken", b"taken")
    here(index, *olds, empty, taken)
    told(
        index,
        *map(gone, [*olds, empty]),
        newer(file("to0", LONG + b"0")),
        newer(file("ignored", LONG + b"1")),
        newer(file("taken", LONG + b"2")),  # replaces something: may be held itself
        newer(file("other empty", b"")),
    )

    def comes(name: str) -> bool:
        return name != "ignored"

    assert now(index.ask(risk.moved, {}, comes)) == ({BY: Lost(1, 0)}, 0)
    assert now(index.ask(risk.moved, {}, comes, 1)) == ({BY: Lost(1, 0)}, 1)
    assert now(index.ask(risk.doomed, {}, comes)) == ["f0"]


def test_pieces_end_with_the_last_needed_item(
    index: FolderIndex, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(risk, "PIECE", 4)
    files = [file(f"f{n}", b"%d" % n) for n in range(10)]
    here(index, *files)
    told(index, *map(gone, files))
    after, total, pieces = "", Lost(), 0
    while (last := now(index.ask(risk.next_piece, after))) is not None:
        total = total.plus(now(index.ask(risk.count, after, last, {}, True)).by[BY])
        after, pieces = last, pieces + 1
    assert (total, pieces) == (Lost(10, 0), 3)


def test_what_we_have_had_for_long_is_old(index: FolderIndex) -> None:
    files = [file(f"f{n}", b"%d" % n) for n in range(4)]
    here(index, *files)
    told(index, *map(gone, files))
    found = now(index.ask(risk.count, "", "f9", {}, True, 3))
    assert found == ({BY: Lost(4, 0)}, 3)
    moves = now(index.ask(risk.moved, {}, lambda name: True, 3))
    assert found.minus(moves) == found


def test_directories_above_what_waits_are_told(index: FolderIndex) -> None:
    files = [file(name, b"x" + name.encode()) for name in ("a/f", "b/f", "c/f", "d", "da/f")]
    here(index, directory("b/sub"), *files)
    told(index, gone(directory("b/sub")), gone(files[0]), gone(files[2]), gone(files[4]))
    told(index, newer(file("new", b"xc/f")), first=20)
    names = [WireName(name) for name in ("a", "b", "c", "d")]
    assert now(index.ask(risk.above_held, names, {}, lambda name: True)) == {"a"}
