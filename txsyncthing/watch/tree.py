"""One folder under watch, and what is still to be walked of it."""

from __future__ import annotations

from typing import NamedTuple

from txsyncthing.ignore.matcher import EMPTY, Matcher
from txsyncthing.watch.places import Place, Top
from txsyncthing.watch.told import Told

MOST_LEFT_OUT = 64  # directories without a watch that are named; with more, those above them


class Grow(NamedTuple):
    """
    A directory that is to be walked.

    :ivar tell: whether it is news as well.
    :ivar expected: the watch that it should have; then what is below is known.
    """

    above: Place[Tree]
    base: str
    tell: bool = True
    expected: int = -1

    def joined(self, other: Grow | None) -> Grow:
        """One walk for two."""
        if other is None or other == self:
            return self
        expected = self.expected if self.expected == other.expected else -1
        return self._replace(tell=self.tell or other.tell, expected=expected)


class Tree:
    """
    One folder under watch.

    :ivar mark: of the walk that found all its places last.
    :ivar grows: directories to be walked.
    :ivar strayed: such of which the way there leads elsewhere, as events will tell that still come.
    :ivar following: whether all of it is being walked: what moves meanwhile may be missed.
    """

    def __init__(self, told: Told) -> None:
        self.told = told
        self.matcher: Matcher = EMPTY
        self.top: Top[Tree] | None = None
        self.mark = 0
        self.grows: list[Grow] = []
        self.strayed: list[tuple[Grow, str]] = []  # with that way
        self.following = False
        self.left_out: set[str] = set()  # directories without a watch, for want of watches
        self.count = 0  # directories that walks found and watched
        self.missing = 0  # those which they could not watch


def leave_out(names: set[str], name: str) -> None:
    """Add a directory without a watch; of many, the ones above them stand for all."""
    while len(names) >= MOST_LEFT_OUT and name:
        name = name.rpartition("/")[0]
        prefix = f"{name}/" if name else ""
        names.difference_update([one for one in names if one.startswith(prefix)])
    above = name
    while above:
        above = above.rpartition("/")[0]
        if above in names:
            return
    names.add(name)
