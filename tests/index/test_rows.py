from __future__ import annotations

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.index.records import hashes, vector
from txsyncthing.index.connection import connect, prepare
from txsyncthing.index.reader import FolderReader
from txsyncthing.index.rows import (
    file_info,
    fitting,
    pack_version,
    shared_row,
    signed,
    unpack_version,
    unsigned,
)
from txsyncthing.vocabulary.block import blocks_hash
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Counter, Vector

U64 = st.integers(0, 2**64 - 1)
I64 = st.integers(-(2**63), 2**63 - 1)


@given(st.lists(st.tuples(U64, st.integers(1, 2**64 - 1)), max_size=4))
def test_a_version_survives(counters: list[tuple[int, int]]) -> None:
    version = Vector.of(counters)
    assert unpack_version(pack_version(version)) == version


@pytest.mark.parametrize(
    "counters",
    [
        (Counter(ShortID(2), 5), Counter(ShortID(1), 4)),
        (Counter(ShortID(1), 4), Counter(ShortID(2), 5), Counter(ShortID(3), 0)),
        (Counter(ShortID(1), 4), Counter(ShortID(2), 5), Counter(ShortID(2), 1)),
    ],
)
def test_equal_versions_have_equal_bytes(counters: tuple[Counter, ...]) -> None:
    assert pack_version(Vector(counters)) == pack_version(vector((1, 4), (2, 5)))


def test_a_counter_of_zero_is_none() -> None:
    assert pack_version(Vector((Counter(ShortID(1), 0),))) == pack_version(Vector()) == b""


@given(U64)
def test_an_unsigned_number_survives(number: int) -> None:
    assert unsigned(signed(number)) == number
    assert -(2**63) <= signed(number) < 2**63


@st.composite
def files(draw: st.DrawFn) -> FileInfo:
    cut = hashes(*draw(st.lists(st.text(max_size=2), max_size=8)))
    blob = st.binary(max_size=5)
    return FileInfo(
        name=WireName(draw(st.text(st.characters(exclude_categories=["Cs"], min_codepoint=1)))),
        type=draw(st.sampled_from(FileType)),
        size=draw(I64),
        modified=draw(I64),
        modified_by=ShortID(draw(U64)),
        permissions=draw(st.integers(0, 2**32)),
        no_permissions=draw(st.booleans()),
        deleted=draw(st.booleans()),
        version=Vector.of(draw(st.lists(st.tuples(U64, st.integers(1, 2**64 - 1)), max_size=3))),
        sequence=7,
        block_size=draw(st.integers(0, 2**31)),
        hashes=cut,
        blocks_hash=blocks_hash(cut),
        previous_blocks_hash=draw(blob),
        symlink_target=draw(blob),
        platform=draw(blob),
        encrypted=draw(blob),
        local_flags=LocalFlag(draw(st.integers(0, 127)) & 79),
        inode_change=draw(I64),
    )


@settings(max_examples=50, deadline=None)
@given(files())
def test_every_field_survives_the_database(file: FileInfo) -> None:
    connection = connect(":memory:", cache=256)
    prepare(connection, ":memory:")
    marks = ", ".join("?" * 20)
    if len(file.hashes) > 128:
        connection.execute("INSERT INTO lists VALUES (?, ?)", (file.blocks_hash, file.hashes))
    connection.execute(
        f"INSERT INTO local VALUES ({marks})", (*shared_row(file, 7, file.inode_change), 1)
    )
    assert FolderReader(connection).local([file.name]) == {file.name: file}
    connection.close()


def test_numbers_that_no_database_takes_are_cut() -> None:
    file = FileInfo(WireName("a"), size=2**70, modified=-(2**70), modified_by=ShortID(2**64 + 1))
    with pytest.raises(OverflowError):
        connection = apsw.Connection(":memory:")
        connection.execute("SELECT ?", (file.size,))
    cut = fitting(file)
    assert (cut.size, cut.modified, cut.modified_by) == (2**63 - 1, -(2**63), 1)
    row = shared_row(cut, 1, 0)
    assert file_info(row) == cut._replace(sequence=1)
