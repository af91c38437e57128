"""
Which directory each watch stands on, through all renames.

The kernel names a watch by a number that stays with the directory, wherever it moves. Where folders overlap,
several of them have one number. A renamed directory takes all below it along at once, whatever its size;
one that is dropped is forgotten step by step.

Source: inotify(7).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Place(Generic[T]):
    """
    A watched directory of a tree.

    :ivar mark: of the last walk that found it.
    """

    __slots__ = ("base", "children", "mark", "parent", "twin", "watch")

    def __init__(self, base: str, parent: Place[T] | None, watch: int) -> None:
        self.base = base
        self.parent = parent
        self.watch = watch
        self.children: dict[str, Place[T]] | None = None
        self.twin: Place[T] | None = None  # another tree's place with this watch
        self.mark = 0


class Top(Place[T]):
    """
    The root of a tree.

    :ivar owner: whose tree it is.
    :ivar over: whether the tree was dropped.
    """

    __slots__ = ("over", "owner")

    def __init__(self, owner: T, watch: int) -> None:
        super().__init__("", None, watch)
        self.owner = owner
        self.over = False


class Places(Generic[T]):
    """All watched directories of one inotify instance."""

    def __init__(self) -> None:
        self._first: dict[int, Place[T]] = {}
        self._loose: list[Place[T]] = []  # to be forgotten, with all below

    def __len__(self) -> int:
        return len(self._first)

    # Looking.

    def of(self, watch: int) -> Iterator[Place[T]]:
        """The places of a watch: one, but where trees overlap."""
        place = self._first.get(watch)
        while place is not None:
            following = place.twin
            yield place
            place = following

    def where(self, place: Place[T]) -> tuple[T, str] | None:
        """
        Whose the place is, and its name with a slash behind; ``""`` for the root. None once it was dropped.
        """
        bases = []
        at = place
        while at.parent is not None:
            bases.append(at.base)
            at = at.parent
        if not isinstance(at, Top) or at.over:
            return None
        bases.reverse()
        return at.owner, "/".join([*bases, ""]) if bases else ""

    def find(self, watch: int, owner: T) -> Place[T] | None:
        """The place of a watch in one tree."""
        for place in self.of(watch):
            found = _top(place)
            if found is not None and found.owner is owner:
                return place
        return None

    # Changing.

    def root(self, owner: T, watch: int) -> Top[T]:
        """A new tree."""
        top = Top(owner, watch)
        self._put(top)
        return top

    def add(self, above: Place[T], base: str, watch: int, mark: int) -> Place[T]:
        """
        A directory below one that is watched; known ones only move there.

        What had this place in the tree before is dropped.
        """
        top = _top(above)
        place = None if top is None else self.find(watch, top.owner)
        if place is not None:
            if place.parent is None or _is_below(above, place):
                return place  # a mount of a directory into itself
            if place.parent is not above or place.base != base:
                self.move(place, above, base)
        else:
            place = Place(base, None, watch)
            self._put(place)
            self._hang(place, above, base)
        place.mark = mark
        return place

    def move(self, place: Place[T], above: Place[T], base: str) -> None:
        """Rename a directory, with all below it."""
        if _is_below(above, place):
            return
        self._unhang(place)
        self._hang(place, above, base)

    def drop(self, place: Place[T]) -> None:
        """The directory is none of this tree any more, nor is anything below it; see ``forget``."""
        self._unhang(place)
        self._loose.append(place)

    def drop_tree(self, top: Top[T]) -> None:
        """A whole tree; see ``forget``."""
        top.over = True
        self._loose.append(top)

    def gone(self, place: Place[T]) -> None:
        """The watch of this place has ended by itself; what is below is dropped."""
        self._unhang(place)
        for child in list((place.children or {}).values()):
            self.drop(child)
        self._take(place)

    def forget(self, most: int) -> list[int]:
        """
        Go on with what was dropped, for at most so many places.

        :returns: watches that nobody has any more.
        """
        free = []
        while self._loose and most > 0:
            most -= 1
            place = self._loose.pop()
            below = (place.children or {}).values()
            self._loose += below
            for child in below:
                child.parent = None
            place.children = None
            if self._take(place):
                free.append(place.watch)
        return free

    @property
    def loose(self) -> bool:
        """Whether ``forget`` has something to do."""
        return bool(self._loose)

    def stale(self, top: Top[T], mark: int, most: int) -> Iterator[list[Place[T]]]:
        """
        The topmost places which a walk with this mark did not find; in steps of so many places looked at.
        """
        todo: list[Place[T]] = [top]
        found: list[Place[T]] = []
        looked = 0
        while todo:
            for place in list((todo.pop().children or {}).values()):
                if place.mark != mark:
                    found.append(place)
                else:
                    todo.append(place)
                looked += 1
            if looked >= most:
                yield found
                found, looked = [], 0
        yield found

    def _hang(self, place: Place[T], above: Place[T], base: str) -> None:
        before = (above.children or {}).get(base)
        if before is not None and before is not place:
            self.drop(before)
        if above.children is None:
            above.children = {}
        above.children[base] = place
        place.parent, place.base = above, base

    def _unhang(self, place: Place[T]) -> None:
        above = place.parent
        if above is not None and above.children is not None:
            if above.children.get(place.base) is place:
                del above.children[place.base]
                if not above.children:
                    above.children = None
        place.parent = None

    def _put(self, place: Place[T]) -> None:
        place.twin = self._first.get(place.watch)
        self._first[place.watch] = place

    def _take(self, place: Place[T]) -> bool:
        """:returns: whether nobody has the watch any more."""
        at = self._first.get(place.watch)
        if at is None:
            return False
        if at is place:
            if place.twin is None:
                del self._first[place.watch]
                return True
            self._first[place.watch] = place.twin
            return False
        while at.twin is not None and at.twin is not place:
            at = at.twin
        if at.twin is place:
            at.twin = place.twin
        return False


def _top(place: Place[T]) -> Top[T] | None:
    while place.parent is not None:
        place = place.parent
    return place if isinstance(place, Top) and not place.over else None


def _is_below(place: Place[T], other: Place[T]) -> bool:
    """Whether a place is the other one, or below it."""
    at: Place[T] | None = place
    while at is not None:
        if at is other:
            return True
        at = at.parent
    return False
