from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txsyncthing.vocabulary.block import (
    EMPTY_HASH,
    HASH_SIZE,
    MAX_BLOCK_SIZE,
    MIN_BLOCK_SIZE,
    block,
    block_count,
    block_size,
    blocks,
    blocks_hash,
    rescan_block_size,
)

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
sizes = st.integers(0, 1 << 45)


@pytest.mark.parametrize(
    ("file_size", "size"),
    [
        (0, 128 * KIB),
        (250 * MIB - 1, 128 * KIB),
        (250 * MIB, 256 * KIB),
        (500 * MIB - 1, 256 * KIB),
        (500 * MIB, 512 * KIB),
        (1 * GIB, 1 * MIB),
        (16 * 2000 * MIB, 16 * MIB),
        (1 << 50, 16 * MIB),
    ],
)
def test_block_sizes_are_those_of_the_specification(file_size: int, size: int) -> None:
    assert block_size(file_size) == size


@given(sizes)
def test_a_block_size_is_the_least_that_keeps_the_list_short(file_size: int) -> None:
    size = block_size(file_size)
    assert MIN_BLOCK_SIZE <= size <= MAX_BLOCK_SIZE
    assert size & (size - 1) == 0
    assert file_size < 2000 * size or size == MAX_BLOCK_SIZE
    assert size == MIN_BLOCK_SIZE or file_size >= 2000 * (size // 2)


@given(sizes, sizes)
def test_a_rescan_keeps_a_size_that_is_nearly_right(file_size: int, before: int) -> None:
    ideal, previous = block_size(file_size), block_size(before)
    kept = rescan_block_size(file_size, previous)
    assert kept == (previous if previous in (ideal // 2, ideal, ideal * 2) else ideal)
    assert rescan_block_size(file_size, 0) == ideal


def test_the_empty_file_has_one_empty_block() -> None:
    assert block_count(0, MIN_BLOCK_SIZE) == 1
    [only] = blocks(EMPTY_HASH, 0, MIN_BLOCK_SIZE)
    assert (only.number, only.offset, only.size, only.hash) == (0, 0, 0, sha256().digest())


@given(st.integers(1, 40 * MIB))
def test_blocks_cover_the_file_without_gap_or_overlap(file_size: int) -> None:
    size = block_size(file_size)
    count = block_count(file_size, size)
    hashes = b"".join(sha256(b"%d" % number).digest() for number in range(count))
    end = 0
    for number, each in enumerate(blocks(hashes, file_size, size)):
        assert (each.number, each.offset) == (number, end)
        assert 0 < each.size <= size
        assert each.hash == hashes[number * HASH_SIZE : (number + 1) * HASH_SIZE]
        assert each == block(number, hashes, file_size, size)
        end += each.size
    assert end == file_size


def test_the_hash_of_no_blocks_is_empty() -> None:
    assert blocks_hash(b"") == b""
    assert blocks_hash(EMPTY_HASH) == sha256(EMPTY_HASH).digest()
