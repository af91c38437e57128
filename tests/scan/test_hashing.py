"""Jobs of the hash workers."""

from __future__ import annotations

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.scan.hashing import (
    BATCH_BYTES,
    BATCH_ITEMS,
    RANGE,
    Batch,
    Range,
    Stamp,
    hash_blocks,
    hash_range,
    join_parts,
    perform,
    plan,
)
from txsyncthing.scan.values import Work
from txsyncthing.vocabulary.block import MAX_BLOCK_SIZE, block_size
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import FileInfo, LocalFlag
from txsyncthing.vocabulary.vector import Vector

STAMP = Stamp(ShortID(1), Vector.of([(1, 5)]), False, LocalFlag.NONE)
MIB = 1024 * 1024


def work(name: str, size: int, block: int = 0) -> Work:
    return Work(name, size, block, False)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.sampled_from([-1, 0, 1, 5 * MIB, BATCH_BYTES, BATCH_BYTES + 1, 200 * MIB])))
def test_a_plan_has_all_items_in_order(sizes: list[int]) -> None:
    items = [work(str(number), size) for number, size in enumerate(sizes)]
    planned: list[Work] = []
    for job in plan(items):
        if isinstance(job, Batch):
            planned += job.items
            assert len(job.items) <= BATCH_ITEMS
        else:
            assert job.start % MAX_BLOCK_SIZE == 0
            assert 0 < job.end - job.start <= RANGE
            if job.last:
                planned.append(job.item)
    assert planned == items


@pytest.mark.parametrize("block", [128 * 1024, MIB, 4 * MIB])
def test_parts_of_a_file_join_to_its_blocks(block: int) -> None:
    storage = MemoryFilesystem(lambda: 1.0)
    data = bytes(range(251)) * (9 * MIB // 251)
    storage.put("f", data)
    item = work("f", len(data), 0)
    expected = block_size(len(data))
    parts = [
        hash_range(storage, Range(item, start, min(start + 4 * MIB, len(data))), STAMP)
        for start in range(0, len(data), 4 * MIB)
    ]
    record = join_parts(item, parts, STAMP)
    assert isinstance(record, FileInfo)
    assert record.block_size == expected
    assert record.hashes == b"".join(
        sha256(data[at : at + expected]).digest() for at in range(0, len(data), expected)
    )


def test_blocks_larger_than_a_read_are_hashed_whole() -> None:
    storage = MemoryFilesystem(lambda: 1.0)
    data = bytes(range(253)) * (600 * MIB // 253 // 100)
    storage.put("f", data)
    opened = storage.open("f")
    for block in (128 * 1024, 2 * MIB, 16 * MIB):
        blocks = [sha256(data[at : at + block]).digest() for at in range(0, len(data), block)]
        assert hash_blocks(opened, 0, len(data), block) == b"".join(blocks)


def test_a_file_that_changes_between_its_parts_is_an_error() -> None:
    storage = MemoryFilesystem(lambda: 1.0)
    storage.put("f", bytes(2 * MIB))
    item = work("f", 2 * MIB)
    first = hash_range(storage, Range(item, 0, MIB), STAMP)
    storage.put("f", b"1" * (2 * MIB))
    second = hash_range(storage, Range(item, MIB, 2 * MIB), STAMP)
    failed = join_parts(item, [first, second], STAMP)
    assert isinstance(failed, ItemError)
    assert failed.error == "hashing: file changed during hashing"
    storage.put("f", b"shorter")
    assert hash_range(storage, Range(item, 0, MIB), STAMP).error == failed
    storage.remove("f")
    assert join_parts(item, [first, hash_range(storage, Range(item, 0, MIB), STAMP)], STAMP) is None


def test_an_item_that_became_another_kind_is_left_for_the_next_scan() -> None:
    storage = MemoryFilesystem(lambda: 1.0)
    storage.put("f")
    storage.put_directory("d")
    storage.symlink(b"x", "l")
    items = (work("d", 5), work("l", 5), work("f", -1), work("gone", 1), work("gone/x", -1))
    outcomes = perform(storage, Batch(items), STAMP)
    assert isinstance(outcomes, list)
    assert [type(outcome).__name__ for outcome in outcomes] == [
        "ItemError", "ItemError", "NoneType", "NoneType", "NoneType",
    ]  # fmt: skip
