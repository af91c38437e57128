"""
Full index or delta: what a Cluster Config says of the past of two devices.

Source: reference 2.5 (lib/model/indexhandler.go), 2.3.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Reason(Enum):
    """Why an index starts where it starts; the text is for logs, ``odd`` ones deserve a warning."""

    RESUMED = "the peer knows us up to a sequence number of ours"
    UNKNOWN = "the peer knows no index of ours"
    OTHER_INDEX = "the peer knows an index of ours that is gone"
    AHEAD = "the peer claims to know more than we have"

    @property
    def odd(self) -> bool:
        return self in (Reason.OTHER_INDEX, Reason.AHEAD)


class Start(NamedTuple):
    """Where the index sender starts: after this local sequence. 0 means the first message is an Index."""

    sequence: int
    reason: Reason


def sending_start(*, theirs: int, known: int, ours: int, sequence: int) -> Start:
    """
    The delta decision, from the peer's entry about us in its Cluster Config.

    :param theirs: the index ID by which the peer knows our index; 0: by none.
    :param known: the sequence number up to which the peer has it (``max_sequence``).
    :param ours: our index ID.
    :param sequence: our last sequence number.
    """
    if theirs == ours and known <= sequence:
        return Start(max(known, 0), Reason.RESUMED if known > 0 else Reason.UNKNOWN)
    if theirs == 0:
        return Start(0, Reason.UNKNOWN)
    if theirs != ours:
        return Start(0, Reason.OTHER_INDEX)
    return Start(0, Reason.AHEAD)
