"""
Two files never share a temporary file.

Young implementations cut the extension off, or flatten the path: ``x.txt`` and ``x.jpg``, or ``a/b`` and
``a_b``, are then assembled in one file, and each gets bytes of the other. Here the temporary file lies beside
its place and bears the whole name (or a hash of it, where that is too long for one more prefix).
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from random import Random

import pytest

from tests.pull.folder import Folder, answer, directory, file
from txsyncthing.vocabulary.name import is_temporary, parent, temporary_name

NAMES = [
    "x",
    "x.txt",
    "x.jpg",
    "x.txt.jpg",
    ".x",
    "a/b",
    "a_b",
    "a.b",
    "a/b.tmp",
    "a b",
    "ab",
    "A/b",
    "é",
    "e\u0301",
    "l" * 200,
    "l" * 200 + ".txt",
    "l" * 199 + "m",
    "a/" + "l" * 200,
    "ü" * 100,
    "ü" * 99 + "u",
]


@pytest.mark.parametrize(("one", "other"), list(combinations(NAMES, 2)))
def test_no_two_names_have_one_temporary_name(one: str, other: str) -> None:
    assert temporary_name(one) != temporary_name(other)


@pytest.mark.parametrize("name", NAMES)
def test_a_temporary_file_lies_beside_its_place_and_fits_there(name: str) -> None:
    temporary = temporary_name(name)
    assert parent(temporary) == parent(name)
    assert is_temporary(temporary)
    assert all(len(part.encode()) <= 255 for part in temporary.split("/"))


@pytest.mark.parametrize("size", [5000, 2 * 1024 * 1024])
def test_files_with_names_alike_come_at_the_same_time_and_whole(folder: Folder, size: int) -> None:
    """All are on their way at once; their blocks arrive in no order."""
    names = ["x.txt", "x.jpg", "x", "a/b", "a_b", "l" * 200 + ".txt", "l" * 200 + ".jpg"]
    folder.offer((directory("a", 1), b""))
    for number, name in enumerate(names):
        data = Random(name).randbytes(size)
        folder.offer((file(name, data, number + 2), data))
    folder.peers.slow = True
    running = folder.start()
    order = Random(1)
    while folder.peers.waiting:
        order.shuffle(folder.peers.waiting)
        folder.peers.go_on(1)
    assert answer(running).failed == ()
    for name in names:
        assert folder.read(name) == Random(name).randbytes(size)
    assert not any(is_temporary(name) for name in folder.names())


@pytest.fixture
def folder() -> Iterator[Folder]:
    folder = Folder()
    yield folder
    folder.close()
