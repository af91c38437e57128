"""In which order blocks are asked for."""

from __future__ import annotations

import random

import pytest

from tests.pull.folder import ANN, BOB, FOLDER, Folder, file
from txsyncthing.config.folder import BlockPullOrder
from txsyncthing.pull.block_order import in_order
from txsyncthing.pull.options import PullOptions
from txsyncthing.vocabulary.device import ShortID

A, B, C = ShortID(1), ShortID(2), ShortID(3)
BLOCKS = list(range(10))


def ordered(order: BlockPullOrder, me: ShortID = A, *others: ShortID, seed: int = 1) -> list[int]:
    return in_order(BLOCKS, order, me, others, random.Random(seed).random)


def test_in_order_is_from_the_beginning() -> None:
    assert ordered(BlockPullOrder.IN_ORDER, A, B, C) == BLOCKS


def test_random_has_all_blocks_in_an_order_of_its_own() -> None:
    found = [ordered(BlockPullOrder.RANDOM, A, B, seed=seed) for seed in range(20)]
    assert all(sorted(order) == BLOCKS for order in found)
    assert len({tuple(order) for order in found}) > 10


def test_each_device_begins_with_a_part_of_its_own() -> None:
    begun = [
        ordered(BlockPullOrder.STANDARD, A, B, C),
        ordered(BlockPullOrder.STANDARD, B, C, A),
        ordered(BlockPullOrder.STANDARD, C, A, B),
    ]
    assert [order[0] for order in begun] == [0, 3, 6]
    assert all(sorted(order) == BLOCKS for order in begun)
    assert begun[1][:3] == [3, 4, 5]


def test_the_parts_of_the_others_follow_whole_and_at_random() -> None:
    found = {tuple(ordered(BlockPullOrder.STANDARD, B, A, C, seed=seed)) for seed in range(20)}
    assert found == {(3, 4, 5, 0, 1, 2, 6, 7, 8, 9), (3, 4, 5, 6, 7, 8, 9, 0, 1, 2)}


@pytest.mark.parametrize("others", [(), (B,)])
def test_few_blocks_are_all_there(others: tuple[ShortID, ...]) -> None:
    for count in (0, 1, 2):
        some = BLOCKS[:count]
        found = in_order(some, BlockPullOrder.STANDARD, A, others, lambda: 0.0)
        assert sorted(found) == some


@pytest.mark.parametrize(
    ("order", "first"), [(BlockPullOrder.STANDARD, 8), (BlockPullOrder.IN_ORDER, 0)]
)
def test_a_round_asks_for_blocks_in_the_order_wanted(order: BlockPullOrder, first: int) -> None:
    """With two peers connected and our short ID between theirs, the middle third is ours."""
    data = random.Random(1).randbytes(24 * 128 * 1024)
    me = ShortID((ANN.short + BOB.short) // 2)
    folder = Folder(options=PullOptions(FOLDER, me=me, block_order=order))
    folder.offer((file("f", data), data))
    folder.offer((file("f", data), data), device=BOB)
    assert folder.pull().failed == ()
    numbers = [block.number for _, block in folder.peers.asked]
    assert numbers[0] == first
    assert sorted(numbers) == list(range(24))
    assert folder.read("f") == data
    folder.close()
