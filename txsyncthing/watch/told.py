"""
What a watch tells of a folder.

Names are as everywhere: relative to the folder's root, ``""`` for the root itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Protocol


class Change(Enum):
    """What happened to an item, as far as its watch can tell."""

    WRITTEN = auto()  # and finished: closed after writing, renamed to this name
    WRITING = auto()  # begun or under way; it may be half done
    TOUCHED = auto()  # mode, times, links
    REMOVED = auto()


class WatchFailed(Exception):
    """The folder cannot be watched; the text says why and what to do."""


class Told(Protocol):
    """What a watch tells. All calls come in the reactor, and must be cheap."""

    def changed(self, name: str, change: Change) -> None:
        """Something happened to the item; one that is ignored is not told of."""

    def renamed(self, old: str, new: str) -> None:
        """An item has another name now, within the folder."""

    def put(self, name: str) -> None:
        """A file was renamed to this name from that of its temporary file: a pull's last step, mostly."""

    def is_own(self, name: str) -> bool:
        """Whether we ourselves are making this item, or just did."""

    def appeared(self, directory: str, bases: Sequence[str] | None) -> None:
        """
        A new directory is watched from now on, with all below it.

        :param bases: what lay in it then, for one that ``is_own``; None: nobody looked.
        """

    def overflowed(self) -> None:
        """Changes were lost: ``follow`` again, then scan all."""

    def lost(self, reason: str) -> None:
        """The root is gone, and the watch with it: ``close`` it."""

    def short(self) -> None:
        """``Watch.shortage`` has changed."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """
    Directories that are not watched, since the system allows no more.

    :ivar names: such that all that is not watched is one of these or below.
    :ivar text: how many are missing and how to allow more.
    """

    names: tuple[str, ...] = ()
    text: str = ""


NO_SHORTAGE = Shortage()
