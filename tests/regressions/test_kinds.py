"""
Directories and symlinks are never pulled as files, nor files as either.

Young implementations ask a device for the "content" of a directory or a symlink, and write what comes (often
nothing) to a file of that name: the tree on the other side is flattened, and links become empty files, or
files with the target's bytes from outside of the folder.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import permutations

import pytest

from tests.pull.folder import Folder, directory, file, gone, symlink
from txsyncthing.filesystem.seam import Kind
from txsyncthing.pull.sources import SourceRefused
from txsyncthing.vocabulary.file import FileInfo

KINDS = {"file": Kind.FILE, "directory": Kind.DIRECTORY, "symlink": Kind.SYMLINK}


@pytest.fixture
def folder() -> Iterator[Folder]:
    folder = Folder()
    yield folder
    folder.close()


def made(kind: str, name: str, version: int) -> tuple[FileInfo, bytes]:
    if kind == "file":
        return file(name, b"bytes", version), b"bytes"
    return (directory if kind == "directory" else _link)(name, version), b""


def _link(name: str, version: int) -> FileInfo:
    return symlink(name, b"/etc/passwd", version)


def test_each_kind_comes_as_what_it_is_and_only_files_are_asked_for(folder: Folder) -> None:
    folder.peers.answer = lambda device, block, data: (
        data if block.name == "file" else SourceRefused(2)
    )
    for number, kind in enumerate(KINDS):
        folder.offer(made(kind, kind, number + 1))
    assert folder.pull().failed == ()
    for name, expected in KINDS.items():
        assert folder.disk.lstat(name).kind is expected
    assert {str(block.name) for _, block in folder.peers.asked} == {"file"}
    assert folder.disk.read_link("symlink") == b"/etc/passwd"
    assert folder.disk.list("directory") == []


@pytest.mark.parametrize(("old", "new"), list(permutations(KINDS, 2)))
def test_an_item_that_becomes_another_kind_is_replaced_by_it(
    folder: Folder, old: str, new: str
) -> None:
    folder.offer(made(old, "item", 1))
    folder.pull()
    folder.offer(made(new, "item", 5))
    for _ in range(2):
        folder.pull()
    assert folder.disk.lstat("item").kind is KINDS[new]
    assert folder.index.counts().need.items == 0


@pytest.mark.parametrize("there", ["directory", "symlink"])
def test_a_file_is_not_written_into_what_is_no_file(folder: Folder, there: str) -> None:
    """Something of another kind has come to its place, and nobody has seen it yet."""
    if there == "directory":
        folder.disk.make_directory("f", 0o755)
        folder.write("f/inside", b"mine")
    else:
        folder.disk.symlink(b"target", "f")
        folder.write("target", b"mine")
    folder.offer((file("f", b"theirs"), b"theirs"))
    assert [error.path for error in folder.pull().failed] == ["f"]
    assert folder.disk.lstat("f").kind is KINDS[there]
    assert folder.read("f/inside" if there == "directory" else "target") == b"mine"


@pytest.mark.parametrize("kind", ["directory", "symlink"])
def test_a_deletion_of_one_kind_does_not_delete_another(folder: Folder, kind: str) -> None:
    item, data = made(kind, "item", 1)
    folder.offer((item, data))
    folder.pull()
    if kind == "directory":
        folder.disk.remove_directory("item")
    else:
        folder.disk.remove("item")
    folder.write("item", b"a new file of the user's")
    folder.tell(gone(item))
    assert [error.path for error in folder.pull().failed] == ["item"]
    assert folder.read("item") == b"a new file of the user's"
