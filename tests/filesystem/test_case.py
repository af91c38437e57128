"""Names that differ only by case, on disks where they are one and where they are two."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from unicodedata import normalize

import pytest

from txsyncthing.filesystem import case
from txsyncthing.filesystem.case import CaseConflict, CaseFilesystem, fold, only_case_differs
from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.seam import Filesystem

NOW = 1_700_000_000.0


class Counted(MemoryFilesystem):
    """Counts looks and listings."""

    def __init__(self, folded: bool) -> None:
        super().__init__(lambda: NOW, folded=folded)
        self.calls: list[str] = []

    def spring(self, operation: str, name: str) -> None:
        self.calls.append(operation)
        super().spring(operation, name)

    def count(self, operation: str) -> int:
        return self.calls.count(operation)


@pytest.fixture
def folded() -> MemoryFilesystem:
    return MemoryFilesystem(lambda: NOW, folded=True)


@pytest.fixture(params=["memory", "disk"])
def sensitive(request: pytest.FixtureRequest, tmp_path: Path) -> Filesystem:
    return (
        MemoryFilesystem(lambda: NOW)
        if request.param == "memory"
        else DiskFilesystem(str(tmp_path))
    )


def put(storage: Filesystem, name: str, data: bytes = b"") -> None:
    opened = storage.create(name, 0o644)
    opened.write(data, 0)
    opened.close()


@pytest.mark.parametrize(
    ("name", "folded"),
    [
        ("Foo.TXT", "foo.txt"),
        ("ÄÖÜ", "äöü"),
        (normalize("NFD", "É"), "é"),
        ("Straße", "straße"),
        ("STRASSE", "strasse"),
        ("ẞ", "ß"),
        ("İI", "ii"),
        ("ı", "i"),
        ("ΣΑΣ", "σασ"),
        ("ς", "σ"),
        ("K", "k"),
        ("ſ", "s"),
        ("ǅ", "ǆ"),
        ("Ж", "ж"),
        ("𐐀", "𐐨"),
        ("日本語", "日本語"),
        ("ŉ", "ŉ"),
        ("odd\udcff", "odd\udcff"),
    ],
)
def test_names_are_folded_as_go_does(name: str, folded: str) -> None:
    assert fold(name) == folded
    assert fold(fold(name)) == folded


def test_no_letter_beyond_the_table_has_a_case() -> None:
    table = case._mappings()
    for code in range(0x110000):
        letter = chr(code)
        upper = letter.upper()
        lower = (upper if len(upper) == 1 else letter).lower()
        if len(lower) == 1:
            assert table.get(code, letter) == lower, hex(code)


def test_names_with_one_folding_differ_only_by_case() -> None:
    assert only_case_differs("a/Foo", "A/foo")
    assert not only_case_differs("foo", "foo")
    assert not only_case_differs("foo", "fo")


def test_where_case_matters_both_names_live_side_by_side(sensitive: Filesystem) -> None:
    storage = CaseFilesystem(sensitive)
    assert isinstance(storage, Filesystem)
    with storage.batch() as batch:
        put(batch, "foo", b"lower")
        put(batch, "FOO", b"upper")
        batch.make_directory("Dir", 0o755)
        batch.make_directory("dir", 0o755)
        put(batch, "Dir/x")
        batch.rename("foo", "Foo")
        batch.remove("FOO")
        assert batch.names("") == ["Dir", "Foo", "dir"]
        assert batch.names("dir") == []


def test_an_item_is_not_reached_by_another_spelling(folded: MemoryFilesystem) -> None:
    put(folded, "foo", b"mine")
    folded.make_directory("dir", 0o755)
    put(folded, "dir/x", b"x")
    storage = CaseFilesystem(folded)
    calls: list[Callable[[Filesystem], object]] = [
        lambda one: one.lstat("Foo"),
        lambda one: one.remove("Foo"),
        lambda one: one.rename("Foo", "bar"),
        lambda one: one.chmod("Foo", 0o600),
        lambda one: one.utime("Foo", 1),
        lambda one: one.symlink(b"t", "Foo"),
        lambda one: one.link("dir/x", "Foo"),
        lambda one: one.rename("dir/x", "FOO"),
        lambda one: one.place("dir/x", "FOO"),
        lambda one: one.exchange("dir/x", "FOO"),
        lambda one: one.make_directory("Foo", 0o755),
        lambda one: one.make_directory("DIR", 0o755),
        lambda one: one.remove_directory("DIR"),
        lambda one: one.create("DIR/new", 0o644),
        lambda one: one.lstat("DIR/x"),
    ]
    for call in calls:
        with pytest.raises(CaseConflict):
            call(storage)
        with storage.batch() as batch, pytest.raises(CaseConflict):
            call(batch)
    assert folded.tree() == {"foo": b"mine", "dir": None, "dir/x": b"x"}
    assert storage.open("FOO").read(9, 0) == b"mine"


def test_the_conflict_names_both_spellings(folded: MemoryFilesystem) -> None:
    folded.make_directory("dir", 0o755)
    put(folded, "dir/foo")
    with pytest.raises(CaseConflict) as told:
        CaseFilesystem(folded).lstat("dir/Foo")
    assert told.value.strerror == (
        'remote "dir/Foo" uses different upper or lowercase characters than local "dir/foo";'
        " change the casing on either side to match the other"
    )
    with pytest.raises(CaseConflict) as told:
        CaseFilesystem(folded).lstat("Dir/foo")
    assert (told.value.remote, told.value.local) == ("Dir", "dir")


def test_an_item_gets_another_spelling_by_a_rename(folded: MemoryFilesystem) -> None:
    put(folded, "foo", b"mine")
    folded.make_directory("dir", 0o755)
    put(folded, "dir/x")
    with CaseFilesystem(folded).batch() as batch:
        batch.rename("foo", "Foo")
        batch.rename("dir", "DIR")
        assert batch.lstat("Foo").size == 4
        assert batch.lstat("DIR/x").size == 0
        with pytest.raises(CaseConflict):
            batch.lstat("dir/x")
    assert list(folded.tree()) == ["DIR", "DIR/x", "Foo"]


def test_a_disk_that_does_not_change_a_spelling_is_found_out(
    folded: MemoryFilesystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(folded, "foo")
    monkeypatch.setattr(folded, "rename", lambda old, new: None)
    with pytest.raises(CaseConflict):
        CaseFilesystem(folded).rename("foo", "Foo")


def test_a_batch_knows_what_it_has_done(folded: MemoryFilesystem) -> None:
    put(folded, "seen")
    with CaseFilesystem(folded).batch() as batch:
        batch.lstat("seen")
        put(batch, "foo")
        with pytest.raises(CaseConflict):
            batch.lstat("FOO")
        batch.remove("foo")
        put(batch, "FOO")
        assert batch.lstat("FOO").size == 0


@pytest.mark.parametrize("letterless", ["123", "日本"])
def test_names_without_case_are_never_in_conflict(
    folded: MemoryFilesystem, letterless: str
) -> None:
    put(folded, letterless)
    assert CaseFilesystem(folded).lstat(letterless).size == 0


@pytest.mark.parametrize("folds", [True, False])
def test_many_new_files_of_a_directory_cost_one_look(folds: bool) -> None:
    storage = Counted(folds)
    storage.make_directory("dir", 0o755)
    with CaseFilesystem(storage).batch() as batch:
        for number in range(1000):
            temporary, name = f"dir/.syncthing.File {number}.tmp", f"dir/File {number}"
            put(batch, temporary)
            with pytest.raises(FileNotFoundError):
                batch.lstat(name)
            batch.place(temporary, name)
    # put: none. The looks are those of the caller but for a few at the beginning.
    assert storage.count("lstat") <= 1000 + 8
    assert storage.count("list") == (2 if folds else 0)  # of the root and of the directory
