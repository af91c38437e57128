from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import (
    BYTES_WITHOUT_CONTENT,
    FileInfo,
    FileType,
    LocalFlag,
    equivalent,
    same_content,
    wins,
)
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

NAME = WireName("a")
FILE = FileInfo(
    NAME, size=5, modified=10, permissions=0o644, hashes=b"h" * 32, version=Vector.of([(1, 1)])
)
vectors = st.builds(
    Vector.of, st.lists(st.tuples(st.integers(1, 3), st.integers(1, 3)), max_size=3)
)
files = st.builds(
    FileInfo,
    st.just(NAME),
    type=st.sampled_from(FileType),
    modified=st.integers(-2, 2),
    permissions=st.sampled_from([0o644, 0o755]),
    no_permissions=st.booleans(),
    deleted=st.booleans(),
    version=vectors,
    hashes=st.sampled_from([b"", b"h" * 32]),
    local_flags=st.sampled_from(LocalFlag),
)


@given(files, files)
def test_no_two_versions_win_against_each_other(a: FileInfo, b: FileInfo) -> None:
    assert not (wins(a, b) and wins(b, a))


@given(files, files)
def test_of_two_different_versions_one_wins(a: FileInfo, b: FileInfo) -> None:
    if not wins(a, b) and not wins(b, a):
        assert a.invalid == b.invalid
        assert a.version.covers(b.version)
        assert b.version.covers(a.version)


@given(files)
def test_nothing_wins_against_itself(a: FileInfo) -> None:
    assert not wins(a, a)


def test_a_newer_version_wins_even_when_it_is_invalid_or_older_by_the_clock() -> None:
    newer = FILE._replace(version=Vector.of([(1, 2)]), modified=-5, local_flags=LocalFlag.IGNORED)
    assert wins(newer, FILE)


def test_of_concurrent_versions_the_valid_then_the_later_then_the_greater_wins() -> None:
    other = FILE._replace(version=Vector.of([(2, 9)]), modified=20)
    assert wins(other, FILE)
    assert wins(FILE, other._replace(local_flags=LocalFlag.REMOTE_INVALID))
    assert wins(FILE, other._replace(modified=10))  # 1 is the lower id


def test_of_concurrent_versions_an_edit_wins_against_a_later_deletion() -> None:
    edit = FILE._replace(version=Vector.of([(1, 1), (2, 1)]))
    gone = FILE._replace(version=Vector.of([(1, 2)]), deleted=True, modified=20)
    assert wins(edit, gone)
    assert not wins(gone, edit)
    assert wins(gone, edit._replace(local_flags=LocalFlag.REMOTE_INVALID))


@given(files, files, st.booleans(), st.integers(0, 3))
def test_being_equivalent_is_mutual(a: FileInfo, b: FileInfo, ignoring: bool, window: int) -> None:
    ab = equivalent(a, b, ignore_permissions=ignoring, window=window)
    assert ab == equivalent(b, a, ignore_permissions=ignoring, window=window)
    assert equivalent(a, a)
    assert same_content(a, b) == same_content(b, a)


@dataclass
class Change:
    """One change of FILE, and whether the result still is the same item."""

    file: FileInfo
    equal: bool


@pytest.mark.parametrize(
    "change",
    [
        Change(FILE._replace(version=Vector(), sequence=9, modified_by=ShortID(3)), True),
        Change(FILE._replace(permissions=0o100644), True),
        Change(FILE._replace(permissions=0o600), False),
        Change(FILE._replace(permissions=0o600, no_permissions=True), True),
        Change(FILE._replace(modified=11), False),
        Change(FILE._replace(size=6), False),
        Change(FILE._replace(hashes=b"g" * 32), False),
        Change(FILE._replace(type=FileType.DIRECTORY), False),
        Change(FILE._replace(deleted=True), False),
        Change(FILE._replace(local_flags=LocalFlag.IGNORED), False),
        Change(FILE._replace(block_size=128 * 1024), True),
    ],
)
def test_what_makes_an_item_different(change: Change) -> None:
    assert equivalent(FILE, change.file) is change.equal


def test_times_within_the_window_are_equal_and_at_its_edge_not() -> None:
    assert equivalent(FILE, FILE._replace(modified=12), window=3)
    assert not equivalent(FILE, FILE._replace(modified=13), window=3)


def test_of_directories_only_the_mode_counts_and_of_links_only_the_target() -> None:
    directory = FileInfo(NAME, FileType.DIRECTORY, modified=1, permissions=0o755)
    assert equivalent(directory, directory._replace(modified=2))
    assert not equivalent(directory, directory._replace(permissions=0o700))
    link = FileInfo(NAME, FileType.SYMLINK, modified=1, symlink_target=b"x", permissions=0o777)
    assert equivalent(link, link._replace(modified=2, permissions=0))
    assert not equivalent(link, link._replace(symlink_target=b"y"))


def test_a_deletion_keeps_name_and_kind_and_nothing_else() -> None:
    version = Vector.of([(1, 7)])
    gone = FILE._replace(local_flags=LocalFlag.IGNORED).as_deleted(ShortID(4), 99, version)
    assert gone == FileInfo(
        NAME, FileType.FILE, modified=99, modified_by=ShortID(4), deleted=True, version=version
    )
    assert not gone.invalid


def test_what_items_count_in_totals() -> None:
    assert FILE.counted_bytes == 5
    assert FileInfo(NAME, FileType.DIRECTORY).counted_bytes == BYTES_WITHOUT_CONTENT
    assert FileInfo(NAME, FileType.DIRECTORY, deleted=True).counted_bytes == 0
    assert FileInfo(NAME, FileType.SYMLINK).counted_bytes == BYTES_WITHOUT_CONTENT
