"""
In which order the blocks of a larger file are asked for.

Source: reference 5.5 ("Blocks order"), 6.2 (``blockPullOrder``); the official documentation of that setting.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

from txsyncthing.config.folder import BlockPullOrder
from txsyncthing.pull.order import shuffled
from txsyncthing.vocabulary.device import ShortID

T = TypeVar("T")


def in_order(
    blocks: Sequence[T],
    order: BlockPullOrder,
    me: ShortID,
    others: Collection[ShortID],
    random: Callable[[], float],
) -> list[T]:
    """
    The blocks as they are to be asked for.

    ``standard``: of so many devices each begins with a part of its own and goes on with those of the
    others at random, so that all soon have something that the others lack, and disks seek little.

    :param others: the devices that are connected and have the folder.
    """
    if order is BlockPullOrder.RANDOM:
        return shuffled(blocks, random)
    if order is BlockPullOrder.IN_ORDER or not others:
        return list(blocks)
    devices = sorted({me, *others})
    count = len(devices)
    parts = [
        blocks[len(blocks) * part // count : len(blocks) * (part + 1) // count]
        for part in range(count)
    ]
    own = parts.pop(devices.index(me))
    return [*own, *(block for part in shuffled(parts, random) for block in part)]
