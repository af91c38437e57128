"""What no honest peer sends is refused, in words its owner understands."""

from __future__ import annotations

import pytest

from txsyncthing.bep.check import (
    BadMessage,
    body_limit,
    check_file,
    check_inflated,
    check_request,
)
from txsyncthing.vocabulary.file import FileType
from txsyncthing.vocabulary.name import BadName

HOSTILE = [
    "",
    "/x",
    "../x",
    "a/../../x",
    "a//b",
    "./a",
    "a/.",
    "a/",
    ".",
    "..",
    "a\0b",
]


def file(
    name: str = "a",
    type: int = 0,
    size: int = 5,
    deleted: bool = False,
    invalid: bool = False,
    blocks: int = 1,
    sequence: int = 1,
) -> FileType:
    return check_file(name, type, size, deleted, invalid, blocks, sequence)


def test_an_honest_file_passes() -> None:
    assert file() is FileType.FILE


def test_an_honest_directory_passes() -> None:
    assert file(type=1, size=0, blocks=0) is FileType.DIRECTORY


def test_an_honest_deletion_passes() -> None:
    assert file(size=0, deleted=True, blocks=0) is FileType.FILE


def test_an_invalid_file_needs_no_blocks() -> None:
    assert file(invalid=True, blocks=0) is FileType.FILE


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_in_an_index(name: str) -> None:
    with pytest.raises(BadName):
        file(name)


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_is_refused_in_a_request(name: str) -> None:
    with pytest.raises(BadName):
        check_request(name, 1, b"h")


@pytest.mark.parametrize("name", [".stfolder", ".stignore", ".stversions/a", ".stfolder/x"])
def test_names_that_are_never_synced_are_refused_in_an_index(name: str) -> None:
    with pytest.raises(BadMessage, match="never synced"):
        file(name)


def test_such_a_name_deeper_down_is_a_name_like_any_other() -> None:
    assert file("a/.stfolder") is FileType.FILE


def test_a_deleted_file_has_no_blocks() -> None:
    with pytest.raises(BadMessage, match="deleted and with blocks"):
        file(deleted=True)


@pytest.mark.parametrize("type", [1, 2, 3, 4])
def test_only_files_have_blocks(type: int) -> None:
    with pytest.raises(BadMessage, match="with blocks"):
        file(type=type, size=0)


@pytest.mark.parametrize("type", [1, 4])
@pytest.mark.parametrize("size", [-1, 1, 4096])
def test_only_files_have_a_size(type: int, size: int) -> None:
    with pytest.raises(BadMessage, match=f"of {size} bytes"):
        file(type=type, size=size, blocks=0)


def test_a_valid_file_has_blocks() -> None:
    with pytest.raises(BadMessage, match="a file without blocks"):
        file(blocks=0)


def test_a_size_is_not_negative() -> None:
    with pytest.raises(BadMessage, match="with -5 bytes"):
        file(size=-5)


def test_a_sequence_is_not_negative() -> None:
    with pytest.raises(BadMessage, match="sequence -1"):
        file(sequence=-1)


@pytest.mark.parametrize("type", [5, 99, -1])
def test_an_unknown_type_is_refused(type: int) -> None:
    with pytest.raises(BadMessage, match=f"unknown type {type}"):
        file(type=type)


@pytest.mark.parametrize("size", [-1, 32 * 1024 * 1024 + 1])
def test_a_request_has_a_sane_size(size: int) -> None:
    with pytest.raises(BadMessage, match=f"request for {size} bytes"):
        check_request("a", size, b"h")


def test_a_request_has_a_hash() -> None:
    with pytest.raises(BadMessage, match="without a hash"):
        check_request("a", 1, b"")


def test_the_largest_block_of_an_encrypted_folder_can_be_asked_for() -> None:
    assert check_request("a", 16 * 1024 * 1024 + 40, b"h") == "a"


def test_an_index_may_be_longest() -> None:
    longest = max(body_limit(type) for type in range(8))
    assert [body_limit(type) == longest for type in range(8)] == [
        type in (1, 2) for type in range(8)
    ]


def test_a_request_carries_no_long_texts() -> None:
    with pytest.raises(BadMessage, match="letters"):
        check_request("a" * 40_000, 1, b"h")
    with pytest.raises(BadMessage, match="hash of 1000 bytes"):
        check_request("a", 1, bytes(1000))


def test_an_honest_index_may_shrink_a_lot() -> None:
    check_inflated(30_000_000, 200_000, 500_000_000)
    check_inflated(400_000_000, 350_000_000, 500_000_000)
