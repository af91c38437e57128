"""
Is a new connection to a device welcome, and which old ones does it replace?

Source: reference 2.4, 3.3 (lib/connections/service.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

MAX_CONNECTIONS = 128  # to one device, whatever is announced
MAX_EXTRA = 8  # that we take from a device which opens more than we announced
STALE_AFTER = 10.0  # seconds; a peer that connects anew after this has lost the old connection


class Existing(NamedTuple):
    """One connection that a device has already."""

    priority: int
    age: float  # seconds
    wished: int  # num_connections of its Hello


def desired(ours: int, theirs: int) -> int:
    """How many connections two devices should have that announced so many each."""
    ours, theirs = max(ours, 1), max(theirs, 1)
    return 1 if 1 in (ours, theirs) else min(max(ours, theirs), MAX_CONNECTIONS)


def welcome(
    priority: int, dialled: bool, ours: int, existing: Sequence[Existing], threshold: int
) -> bool:
    """
    Whether a connection may begin, before its Hello.

    A device that knows of several connections (it wishes for more than one) may open some more than we
    announced; and one that dials us again although all is up has lost its end without our noticing.

    :param priority: of the new connection.
    :param dialled: by us.
    :param ours: how many connections we announce to this device.
    """
    if not existing:
        return True
    theirs = max(each.wished for each in existing)
    room = max(desired(ours, theirs), 1 if dialled else min(theirs, MAX_EXTRA))
    if len(existing) < room or priority + threshold < max(each.priority for each in existing):
        return True
    return not dialled and all(each.age > STALE_AFTER for each in existing)


def replaced(
    priority: int, dialled: bool, wished: int, existing: Iterable[Existing], threshold: int
) -> list[bool]:
    """
    For each connection of a device, whether a new one whose Hello came takes its place.

    :param wished: num_connections of the new connection's Hello.
    """
    alone = not dialled and max(wished, 1) == 1
    return [
        each.priority > priority + threshold or (alone and each.age > STALE_AFTER)
        for each in existing
    ]


def must_wait(wished: int, left: Sequence[Existing]) -> bool:
    """
    Whether a new connection must wait until the device has decided which one it keeps.

    Old devices (they wish for none) know of one connection only, and take a second Cluster Config for a
    change of the first. When both ends dialled at once, they soon close one of the two.

    :param left: the connections which the new one does not replace.
    """
    return wished == 0 and bool(left)


def redundant(ours: bytes, theirs: bytes, standing: Sequence[tuple[Existing, bool]]) -> list[bool]:
    """
    For each connection of a device, oldest first, whether it should end since one is enough: both ends
    dialled at once. Both come to the same answer: what the device with the smaller ID dialled stays.

    :param ours: our device ID; ``theirs``: the other's.
    :param standing: each connection, and whether we dialled it.
    """
    if len(standing) < 2 or any(each.wished > 1 for each, _ in standing):
        return [False] * len(standing)
    ranks = [(each.priority, dialled != (ours < theirs)) for each, dialled in standing]
    kept = ranks.index(min(ranks))
    return [number != kept for number in range(len(standing))]
