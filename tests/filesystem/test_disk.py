"""What both storages promise, and what only a disk does."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from txsyncthing.filesystem import disk
from txsyncthing.filesystem.below import Below
from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.seam import Filesystem, Kind, ThroughSymlink

Calls = Callable[[Filesystem], object]


@pytest.fixture(params=["disk", "batch", "memory", "below"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> object:
    if request.param == "memory":
        yield MemoryFilesystem(lambda: 1_700_000_000.0)
    elif request.param == "disk":
        yield DiskFilesystem(str(tmp_path))
    elif request.param == "below":
        (tmp_path / "a" / "b").mkdir(parents=True)
        yield Below(DiskFilesystem(str(tmp_path)), "a/b")
    else:
        with DiskFilesystem(str(tmp_path)).batch() as batch:
            yield batch


def put(storage: Filesystem, name: str, data: bytes = b"") -> None:
    opened = storage.create(name, 0o644)
    opened.write(data, 0)
    opened.close()


def take(storage: Filesystem, name: str) -> bytes:
    opened = storage.open(name)
    try:
        return opened.read(1 << 20, 0)
    finally:
        opened.close()


def test_a_storage_satisfies_the_seam(storage: Filesystem) -> None:
    assert isinstance(storage, Filesystem)


def test_a_file_is_written_anywhere_and_read_back(storage: Filesystem) -> None:
    opened = storage.create("f", 0o644)
    opened.truncate(10)
    opened.write(b"end", 7)
    opened.write(memoryview(b"begin"), 0)
    opened.sync()
    assert opened.read(100, 5) == b"\0\0end"
    buffer = bytearray(16)
    assert opened.readinto(memoryview(buffer), 0) == 10
    assert buffer == b"begin\0\0end" + bytes(6)
    assert opened.readinto(memoryview(buffer), 10) == 0
    assert opened.stat().size == 10
    opened.close()
    opened.close()
    assert take(storage, "f") == b"begin\0\0end"


def test_a_file_gets_its_mode_and_time_before_it_is_seen(storage: Filesystem) -> None:
    opened = storage.create("t", 0o600)
    opened.chmod(0o751)
    opened.utime(-1_500_000_001)
    opened.close()
    storage.rename("t", "f")
    found = storage.lstat("f")
    assert (found.kind, found.mode, found.modified) == (Kind.FILE, 0o751, -1_500_000_001)


def test_a_directory_is_listed_in_order_with_kinds(storage: Filesystem) -> None:
    storage.make_directory("d", 0o755)
    put(storage, "d/b", b"12")
    storage.make_directory("d/a", 0o755)
    storage.symlink(b"\xff/else", "d/c")
    put(storage, "d/B")
    found = storage.list("d")
    assert [(entry.base, entry.stat.kind) for entry in found] == [
        ("B", Kind.FILE),
        ("a", Kind.DIRECTORY),
        ("b", Kind.FILE),
        ("c", Kind.SYMLINK),
    ]
    assert found[2].stat == storage.lstat("d/b")
    assert storage.read_link("d/c") == b"\xff/else"
    assert [entry.base for entry in storage.list("")] == ["d"]
    assert storage.lstat("").kind is Kind.DIRECTORY


def test_a_rename_replaces_a_file(storage: Filesystem) -> None:
    storage.make_directory("d", 0o755)
    put(storage, "d/new", b"new")
    put(storage, "old", b"old")
    storage.rename("d/new", "old")
    assert take(storage, "old") == b"new"
    assert storage.list("d") == []


def test_placing_replaces_nothing(storage: Filesystem) -> None:
    storage.make_directory("d", 0o755)
    put(storage, "d/new", b"new")
    put(storage, "taken", b"old")
    with pytest.raises(FileExistsError):
        storage.place("d/new", "taken")
    storage.place("d/new", "free")
    assert (take(storage, "taken"), take(storage, "free")) == (b"old", b"new")
    assert storage.list("d") == []


def test_two_items_exchange_their_names(storage: Filesystem) -> None:
    storage.make_directory("d", 0o755)
    put(storage, "d/a", b"was a")
    storage.symlink(b"target", "b")
    assert storage.exchange("d/a", "b")
    assert take(storage, "b") == b"was a"
    assert storage.read_link("d/a") == b"target"
    with pytest.raises(FileNotFoundError):
        storage.exchange("b", "missing")


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EINVAL])
def test_where_a_storage_cannot_tell_files_are_placed_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def refuse(*args: object) -> None:
        raise OSError(code, "no")

    monkeypatch.setattr(disk, "rename_at", refuse)
    storage = DiskFilesystem(str(tmp_path))
    put(storage, "a", b"bytes")
    storage.place("a", "b")
    assert take(storage, "b") == b"bytes"
    put(storage, "a", b"other")
    assert not storage.exchange("a", "b")
    assert take(storage, "b") == b"bytes"


def test_a_second_name_never_replaces_an_item(storage: Filesystem) -> None:
    put(storage, "old", b"bytes")
    put(storage, "taken", b"others")
    storage.link("old", "new")
    assert storage.lstat("new").inode == storage.lstat("old").inode
    with pytest.raises(FileExistsError):
        storage.link("old", "taken")
    assert take(storage, "taken") == b"others"
    storage.make_directory("directory", 0o755)
    with pytest.raises(OSError):
        storage.link("directory", "second")


def test_a_moved_directory_is_not_found_at_its_old_place(storage: Filesystem) -> None:
    storage.make_directory("d", 0o755)
    storage.make_directory("d/e", 0o755)
    put(storage, "d/e/f", b"x")
    storage.rename("d", "n")
    assert take(storage, "n/e/f") == b"x"
    with pytest.raises(FileNotFoundError):
        storage.lstat("d/e/f")
    storage.remove("n/e/f")
    storage.remove_directory("n/e")
    with pytest.raises(FileNotFoundError):
        put(storage, "n/e/f")
    storage.remove_directory("n")
    assert storage.list("") == []


def test_items_are_changed_by_name(storage: Filesystem) -> None:
    put(storage, "f")
    storage.chmod("f", 0o000)
    storage.chmod("f", 0o640)
    storage.utime("f", 5)
    storage.sync_directory("")
    found = storage.lstat("f")
    assert (found.mode, found.modified) == (0o640, 5)
    storage.symlink(b"f", "l")
    storage.utime("l", 7)
    assert (storage.lstat("l").modified, storage.lstat("f").modified) == (7, 5)
    with pytest.raises(OSError):
        storage.chmod("l", 0o600)
    assert storage.lstat("f").mode == 0o640


@pytest.mark.parametrize(
    "call",
    [
        lambda s: s.lstat("l/f"),
        lambda s: s.list("l/d"),
        lambda s: s.open("l/f"),
        lambda s: s.create("l/new", 0o644),
        lambda s: s.make_directory("l/new", 0o755),
        lambda s: s.remove_directory("l/d"),
        lambda s: s.remove("l/f"),
        lambda s: s.rename("l/f", "x"),
        lambda s: s.rename("x", "l/f"),
        lambda s: s.place("l/f", "y"),
        lambda s: s.place("x", "l/new"),
        lambda s: s.exchange("l/f", "x"),
        lambda s: s.exchange("x", "l/f"),
        lambda s: s.link("l/f", "y"),
        lambda s: s.link("x", "l/new"),
        lambda s: s.symlink(b"t", "l/new"),
        lambda s: s.read_link("l/k"),
        lambda s: s.chmod("l/f", 0o600),
        lambda s: s.utime("l/f", 1),
        lambda s: s.sync_directory("l/d"),
    ],
)
def test_nothing_is_done_through_a_symlink(storage: Filesystem, call: Calls) -> None:
    storage.make_directory("real", 0o755)
    storage.make_directory("real/d", 0o755)
    put(storage, "real/f", b"safe")
    put(storage, "x", b"mine")
    storage.symlink(b"k", "real/k")
    storage.symlink(b"real", "l")
    with pytest.raises(ThroughSymlink):
        call(storage)
    assert take(storage, "real/f") == b"safe"
    assert [entry.base for entry in storage.list("real")] == ["d", "f", "k"]


def test_a_symlink_is_never_taken_for_its_target(storage: Filesystem) -> None:
    put(storage, "f", b"x")
    storage.make_directory("d", 0o755)
    storage.symlink(b"f", "lf")
    storage.symlink(b"d", "ld")
    storage.symlink(b"nowhere", "dangling")
    for call in (
        lambda: storage.open("lf"),
        lambda: storage.create("lf", 0o644),
        lambda: storage.create("dangling", 0o644),
        lambda: storage.list("ld"),
        lambda: storage.remove_directory("ld"),
        lambda: storage.sync_directory("ld"),
    ):
        with pytest.raises(OSError):
            call()
    storage.remove("lf")
    assert [entry.base for entry in storage.list("")] == ["d", "dangling", "f", "ld"]


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing", FileNotFoundError),
        ("missing/f", FileNotFoundError),
        ("f/below", NotADirectoryError),
        ("../out", OSError),
        ("/etc/passwd", OSError),
        ("d/../f", OSError),
        ("./f", OSError),
        ("d//f", OSError),
        ("d/", OSError),
        ("nul\0", OSError),
        ("n" * 256, OSError),
        ("\ud800", OSError),
    ],
)
def test_a_bad_name_is_an_os_error(storage: Filesystem, name: str, error: type[OSError]) -> None:
    put(storage, "f")
    storage.make_directory("d", 0o755)
    for call in (
        lambda: storage.lstat(name),
        lambda: storage.list(name),
        lambda: storage.open(name),
        lambda: storage.remove(name),
    ):
        with pytest.raises(error):
            call()


def test_a_wrong_kind_is_an_os_error(storage: Filesystem) -> None:
    storage.make_directory("d", 0o755)
    put(storage, "d/f")
    for call in (
        lambda: storage.open("d"),
        lambda: storage.create("d", 0o644),
        lambda: storage.list("d/f"),
        lambda: storage.remove("d"),
        lambda: storage.remove_directory("d"),
        lambda: storage.read_link("d/f"),
        lambda: storage.make_directory("d", 0o755),
        lambda: storage.symlink(b"x", "d"),
        lambda: storage.rename("d/f", "d"),
    ):
        with pytest.raises(OSError):
            call()
    assert take(storage, "d/f") == b""


def test_many_deep_directories_fit_in_one_batch(storage: Filesystem) -> None:
    deep = "/".join(["d"] * 80)
    for depth in range(80):
        storage.make_directory(deep[: 2 * depth + 1], 0o755)
    put(storage, f"{deep}/f", b"deep")
    assert take(storage, f"{deep}/f") == b"deep"
    for number in range(80):
        storage.make_directory(f"n{number}", 0o755)
        put(storage, f"n{number}/f")
        storage.rename(f"n{number}/f", f"{deep}/f{number}")
    assert len(storage.list(deep)) == 81


def test_the_space_is_known(storage: Filesystem) -> None:
    space = storage.space()
    assert 0 < space.free <= space.total


def test_names_that_are_not_utf8_are_listed(tmp_path: Path) -> None:
    (Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe"))).write_bytes(b"odd")
    (tmp_path / "new\nline").touch()
    storage = DiskFilesystem(str(tmp_path))
    assert [entry.base for entry in storage.list("")] == ["new\nline", "\udcff\udcfe"]
    assert take(storage, "\udcff\udcfe") == b"odd"


def test_the_root_may_be_a_symlink(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to("real")
    storage = DiskFilesystem(str(tmp_path / "link"))
    put(storage, "f", b"x")
    assert (tmp_path / "real/f").read_bytes() == b"x"
    assert storage.lstat("").kind is Kind.DIRECTORY


def test_a_missing_root_raises_until_it_is_made(tmp_path: Path) -> None:
    storage = DiskFilesystem(str(tmp_path / "a/b"))
    for call in (lambda: storage.lstat(""), lambda: storage.list(""), lambda: storage.open("f")):
        with pytest.raises(FileNotFoundError):
            call()
    storage.make_directory("", 0o755)
    storage.make_directory("", 0o755)
    assert storage.list("") == []


def test_a_file_as_the_root_is_no_directory(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    with pytest.raises(NotADirectoryError):
        DiskFilesystem(str(tmp_path / "f")).lstat("")


def test_a_fifo_does_not_hang_the_worker(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "p")
    storage = DiskFilesystem(str(tmp_path))
    assert storage.lstat("p").kind is Kind.OTHER
    with pytest.raises(OSError):
        storage.open("p")


def test_a_batch_leaves_no_descriptor_open(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with DiskFilesystem(str(tmp_path)).batch() as batch:
        for number in range(40):
            batch.make_directory(f"d{number}", 0o755)
            put(batch, f"d{number}/f")
        with pytest.raises(FileNotFoundError):
            batch.lstat("x/y/z")
        with pytest.raises(NotADirectoryError):
            batch.lstat("d1/f/z")
        assert len(os.listdir("/proc/self/fd")) <= before + 34
    assert len(os.listdir("/proc/self/fd")) == before


def test_names_and_metadata_are_had_apart(storage: Filesystem) -> None:
    put(storage, "b", b"12")
    storage.make_directory("a", 0o755)
    assert storage.names("") == ["a", "b"]
    first, gone, second = storage.stats("", ["b", "gone", "a"])
    assert (first, gone, second) == (storage.lstat("b"), None, storage.lstat("a"))
    assert storage.stats("a", []) == []
    for call in (lambda: storage.names("b"), lambda: storage.stats("b", ["x"])):
        with pytest.raises(NotADirectoryError):
            call()
