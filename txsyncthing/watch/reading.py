"""
What the kernel's events mean for the folders.

Renames come in two halves with one number, a cookie. A half without the other after ``HALF`` seconds came
from outside of the folder, or went there.

Source: inotify(7).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from txsyncthing.vocabulary.name import INTERNAL_NAMES, base_name, is_temporary, temporary_name
from txsyncthing.watch.events import (
    CLOSE_WRITE,
    CREATE,
    DELETE,
    DELETE_SELF,
    IGNORED,
    IS_DIRECTORY,
    MOVE_SELF,
    MOVED_FROM,
    MOVED_TO,
    OVERFLOW,
    UNMOUNT,
    RawEvent,
    change_of,
)
from txsyncthing.watch.names import is_proper
from txsyncthing.watch.places import Place, Places
from txsyncthing.watch.told import Change
from txsyncthing.watch.tree import Grow, Tree

HALF = 0.1  # seconds
MOST_EARLY = 1 << 14  # events held for watches that we are about to hear of; the kernel's own limit
_AWAY = -1
_IGNORE_FILE = ".stignore"
_FINISHED = CLOSE_WRITE | MOVED_TO | MOVED_FROM | DELETE


class _Half(NamedTuple):
    """
    The first half of a rename.

    :ivar above: the place of the directory that the item was in.
    :ivar directory: whether it is one.
    :ivar place: of a directory that is watched. Until a walk finds it elsewhere, its mark is ``_AWAY``.
    :ivar mark: what it was before.
    """

    tree: Tree
    above: Place[Tree]
    name: str
    directory: bool
    place: Place[Tree] | None
    mark: int
    ignored: bool
    at: float


class Reader:
    """
    Turns events into news for the trees, and keeps their places true.

    :ivar walking: whether a walk is setting watches up, so that events may come of watches that nobody
        told us of yet.
    """

    def __init__(self, places: Places[Tree]) -> None:
        self.walking = False
        self._places = places
        self._halves: dict[tuple[int, Tree], _Half] = {}  # by cookie, in order of time
        self._early: deque[RawEvent] = deque()
        self._lost_early = False
        self._where: dict[int, tuple[Place[Tree], Tree, str]] = {}  # while no directory moves

    def take(self, events: Iterable[RawEvent], trees: Iterable[Tree], now: float) -> None:
        """
        The next events.

        :param trees: all of this instance.
        """
        self._where.clear()
        for event in events:
            wd, mask = event.wd, event.mask
            if mask & OVERFLOW:
                for tree in tuple(trees):
                    tree.told.overflowed()
                continue
            known = self._where.get(wd)
            if known is not None:
                self._read(known[0], known[1], known[2], event, now)
                continue
            places = tuple(self._places.of(wd))
            if not places:
                self._hold(event)
                continue
            for place in places:
                found = self._places.where(place)
                if found is not None:
                    if len(places) == 1:
                        self._where[wd] = (place, *found)
                    self._read(place, *found, event, now)
                elif mask & IGNORED:
                    self._places.gone(place)

    def walked(self, trees: Iterable[Tree], now: float) -> None:
        """The places of a step of a walk are known: read what came before we knew them."""
        early, self._early = self._early, deque()
        if self._lost_early:
            self._lost_early = False
            for tree in tuple(trees):
                tree.told.overflowed()
        if early:
            self.take(early, trees, now)

    def find_strayed(self, tree: Tree, drained: bool) -> None:
        """
        See which of the strayed have another name now, and so can be walked.

        :param drained: whether all events have come.
        """
        strayed, tree.strayed = tree.strayed, []
        for grow, way in strayed:
            found = self._places.where(grow.above)
            if found is None:
                continue
            if found[1] + grow.base != way:
                tree.grows.append(grow)
            elif not drained:
                tree.strayed.append((grow, way))

    def missing(self, tree: Tree, above: Place[Tree], name: str) -> None:
        """A walk saw no such directory; events of any that comes later ask for another walk."""
        child = (above.children or {}).get(base_name(name))
        found = self._places.where(above)
        if child is not None and found is not None:
            if found[0] is tree and found[1] + child.base == name:
                self._places.drop(child)

    def expire(self, now: float) -> None:
        """See which renames will have no other half."""
        for key, half in list(self._halves.items()):
            if now - half.at < HALF:
                return
            del self._halves[key]
            self._left(half)

    @property
    def halves(self) -> bool:
        """Whether renames wait for their other half: call ``expire`` in ``HALF`` seconds."""
        return bool(self._halves)

    def forget(self, tree: Tree) -> None:
        """The tree is over."""
        for key in [key for key in self._halves if key[1] is tree]:
            del self._halves[key]
        self._where.clear()

    def _hold(self, event: RawEvent) -> None:
        if not self.walking:
            return
        if len(self._early) < MOST_EARLY:
            self._early.append(event)
        else:
            self._lost_early = True

    # One event at one place.

    def _read(
        self, place: Place[Tree], tree: Tree, prefix: str, event: RawEvent, now: float
    ) -> None:
        mask, base = event.mask, event.name
        if not base:
            self._itself(place, tree, prefix, mask)
            return
        if base[0] in ".~" and self._is_internal(place, tree, prefix, event, now):
            return
        name = prefix + base
        directory = bool(mask & IS_DIRECTORY)
        matcher = tree.matcher
        ignored = not matcher.empty and matcher.match(name).ignored
        if directory:
            if ignored and mask & (CREATE | MOVED_TO) and matcher.can_skip(name):
                self._moved_away(tree, event)
                return
            self._directory(place, tree, event, name, ignored, now)
        elif mask & MOVED_FROM:
            self._halves[event.cookie, tree] = _Half(
                tree, place, name, False, None, 0, ignored, now
            )
        elif mask & MOVED_TO:
            self._renamed(tree, event.cookie, name, ignored)
        elif not ignored:
            tree.told.changed(name, change_of(mask))

    def _itself(self, place: Place[Tree], tree: Tree, prefix: str, mask: int) -> None:
        """News of the watched directory; most are told by the one above it as well."""
        if not prefix:
            if mask & (DELETE_SELF | MOVE_SELF | UNMOUNT | IGNORED):
                self._where.clear()
                tree.told.lost("the folder's root was removed, renamed or unmounted")
            return
        if mask & UNMOUNT:
            tree.told.changed(prefix[:-1], Change.WRITTEN)
        if mask & IGNORED:
            self._where.clear()
            self._places.gone(place)

    def _is_internal(
        self, place: Place[Tree], tree: Tree, prefix: str, event: RawEvent, now: float
    ) -> bool:
        """Syncthing's own items, of which only the ignore file and the marker are of interest."""
        base, mask = event.name, event.mask
        if not prefix and base in INTERNAL_NAMES:
            if base == _IGNORE_FILE and mask & _FINISHED:
                tree.told.changed(base, Change.WRITTEN)
            elif mask & (MOVED_FROM | DELETE):
                tree.told.changed(base, Change.REMOVED)
            return True
        if not is_temporary(base):
            return False
        if mask & MOVED_FROM:
            self._halves[event.cookie, tree] = _Half(
                tree, place, prefix + base, False, None, 0, True, now
            )
        elif mask & MOVED_TO:
            self._moved_away(tree, event)
        return True

    # Directories.

    def _directory(
        self, place: Place[Tree], tree: Tree, event: RawEvent, name: str, ignored: bool, now: float
    ) -> None:
        mask, base = event.mask, event.name
        child = (place.children or {}).get(base)
        if not is_proper(base) and mask & (CREATE | MOVED_TO):
            self._moved_away(tree, event)
            tree.told.changed(name, Change.WRITTEN)
        elif mask & CREATE:
            tree.grows.append(Grow(place, base))
        elif mask & MOVED_FROM:
            mark = 0
            if child is not None:
                mark, child.mark = child.mark, _AWAY
            self._halves[event.cookie, tree] = _Half(
                tree, place, name, True, child, mark, ignored, now
            )
        elif mask & MOVED_TO:
            self._where.clear()
            half = self._take_half(event.cookie, tree)
            old = None if half is None else half.place
            if half is not None and old is not None and old.parent is not None:
                old.mark = half.mark if old.mark == _AWAY else old.mark
                self._places.move(old, place, base)
            else:
                old = None
            news = half is None or half.ignored or old is None
            whole = news or tree.following or not tree.matcher.empty
            # A walk may have seen later renames already, of which the events are still to come.
            expected = -1 if whole or old is None else old.watch
            tree.grows.append(Grow(place, base, news, expected))
            if half is None or half.ignored:
                return  # told when it is watched
            if ignored:
                tree.told.changed(half.name, Change.REMOVED)
            else:
                tree.told.renamed(half.name, name)
        elif mask & DELETE:
            self._where.clear()
            if child is not None:
                self._places.gone(child)
            if not ignored:
                tree.told.changed(name, Change.REMOVED)
        elif not ignored:
            tree.told.changed(name, Change.TOUCHED)

    # Renames.

    def _renamed(self, tree: Tree, cookie: int, name: str, ignored: bool) -> None:
        half = self._take_half(cookie, tree)
        if half is not None and not half.ignored:
            if ignored:
                tree.told.changed(half.name, Change.REMOVED)
            else:
                tree.told.renamed(half.name, name)
        elif not ignored:
            if half is not None and half.name == temporary_name(name):
                tree.told.put(name)
            else:
                tree.told.changed(name, Change.WRITTEN)

    def _take_half(self, cookie: int, tree: Tree) -> _Half | None:
        return self._halves.pop((cookie, tree), None)

    def _moved_away(self, tree: Tree, event: RawEvent) -> None:
        """Something got a name that is not synced: under its old one it is removed."""
        if not event.mask & MOVED_TO:
            return
        half = self._take_half(event.cookie, tree)
        if half is None:
            return
        if base_name(temporary_name(half.name)) == event.name:
            tree.told.put(half.name)  # the two change places
        else:
            self._left(half)

    def _left(self, half: _Half) -> None:
        """Something has left the tree."""
        place = half.place
        if place is not None and place.parent is not None and place.mark == _AWAY:
            self._where.clear()
            self._places.drop(place)
        elif half.directory:  # a walk found it just before it went, or where it is now
            half.tree.grows.append(Grow(half.above, base_name(half.name), False))
        if not half.ignored:
            half.tree.told.changed(half.name, Change.REMOVED)
