"""
One inotify instance: its events are read in the reactor, its directories are walked and watched by workers.

Walks, and removing watches, go one after the other: so no watch is removed while a walk may be about to tell
that somebody needs it.

Source: inotify(7).
"""

from __future__ import annotations

import errno
import os
from collections import deque
from typing import Protocol, cast

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from txsyncthing.clock import Clock, Timer
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.watch.events import parse
from txsyncthing.watch.places import Places
from txsyncthing.watch.reading import HALF, Reader
from txsyncthing.watch.tree import Grow, Tree, leave_out
from txsyncthing.watch.walk_service import Descriptor, Found, Start, Step, Walk

PIECE = 16 * 1024  # bytes of events read at once: at most 1024 events
FORGET = 500  # watches removed, or places looked at, in one turn of the reactor


class Selecting(Clock, Protocol):
    """What we ask of the reactor."""

    def addReader(self, reader: IReadDescriptor) -> object: ...

    def removeReader(self, reader: IReadDescriptor) -> object: ...


@implementer(IReadDescriptor)
class Instance:
    """One inotify instance and the trees that it serves."""

    _log = Logger()

    def __init__(self, reactor: Selecting, workers: Workers, descriptor: Descriptor) -> None:
        self.workers = workers
        self.trees: dict[Tree, str] = {}  # with their roots
        self.places: Places[Tree] = Places()
        self.closed = False
        self._reactor = reactor
        self._descriptor = descriptor
        self._reader = Reader(self.places)
        self._timer: Timer | None = None  # for renames without their other half
        self._walks: deque[tuple[Tree, Deferred[None]]] = deque()  # of whole trees
        self._pumping = False
        self._idle: list[Deferred[None]] = []
        reactor.addReader(cast(IReadDescriptor, self))

    # IReadDescriptor.

    def fileno(self) -> int:
        return -1 if self.closed else self._descriptor.fileno()

    def logPrefix(self) -> str:
        return "inotify"

    def connectionLost(self, reason: Failure) -> None:
        """The reactor ends."""

    def doRead(self) -> None:
        try:
            data = os.read(self._descriptor.fileno(), PIECE)
        except (BlockingIOError, InterruptedError):
            return
        self._reader.take(parse(data), self.trees, self._reactor.seconds())
        for tree in self.trees:
            if tree.strayed:
                self._reader.find_strayed(tree, len(data) < PIECE // 2)
        self._after()

    def _after(self) -> None:
        """After events: what they ask for."""
        if self._reader.halves and self._timer is None and not self.closed:
            self._timer = self._reactor.callLater(HALF, self._expire)
        self._pump()

    def _expire(self) -> None:
        self._timer = None
        self._reader.expire(self._reactor.seconds())
        self._after()

    # Trees.

    def follow(self, tree: Tree) -> Deferred[None]:
        """
        Walk all of a tree, and drop what the walk does not find.

        :raises OSError: the root cannot be watched.
        """
        done: Deferred[None] = Deferred()
        self._walks.append((tree, done))
        self._pump()
        return done

    def leave(self, tree: Tree) -> Deferred[None]:
        """Forget a tree. The last one takes the instance along."""
        self.trees.pop(tree, None)
        self._reader.forget(tree)
        tree.grows.clear()
        if tree.top is not None:
            self.places.drop_tree(tree.top)
        if not self.trees:
            self.closed = True
            self._reactor.removeReader(cast(IReadDescriptor, self))
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        left: Deferred[None] = Deferred()
        self._idle.append(left)
        self._pump()
        return left

    # The one after the other: walks, and removing watches.

    def _pump(self) -> None:
        if not self._pumping:
            if self._walks or self._idle or self.places.loose or self._growing():
                self._pumping = True
                Deferred.fromCoroutine(self._work()).addErrback(
                    lambda failure: self._log.failure("watching failed", failure)
                )

    def _growing(self) -> list[Tree]:
        return [tree for tree in self.trees if tree.grows]

    async def _work(self) -> None:
        try:
            while not self.closed:
                if self.places.loose:
                    await self._forget()
                elif growing := self._growing():
                    await self._grow(growing[0])
                elif self._walks:
                    await self._follow(*self._walks.popleft())
                else:
                    break
            if self.closed:
                for _, done in self._walks:
                    done.errback(OSError(errno.ECANCELED, "the watch is closed"))
                self._walks.clear()
                await self.workers.disk.run(self._descriptor.close)
        finally:
            self._pumping = False
            idle, self._idle = self._idle, []
            for one in idle:
                one.callback(None)

    async def _forget(self) -> None:
        """Remove watches that nobody needs: only while no walk may be told of one."""
        for watch in self.places.forget(FORGET):
            self._remove(watch)
        await self._turn()

    def _remove(self, watch: int) -> None:
        try:
            self._descriptor.rm_watch(watch)
        except OSError as error:
            if error.errno != errno.EINVAL:  # it ended with its directory
                raise

    def _turn(self) -> Deferred[None]:
        """Let the reactor do other things."""
        turn: Deferred[None] = Deferred()
        self._reactor.callLater(0.0, turn.callback, None)
        return turn

    async def _follow(self, tree: Tree, done: Deferred[None]) -> None:
        if tree not in self.trees:
            done.errback(OSError(errno.ECANCELED, "the watch is closed"))
            return
        tree.mark += 1
        tree.following = True
        tree.left_out, tree.count, tree.missing = set(), 0, 0
        try:
            await self._walk(tree, [Start(-1, "")], {})
            while tree.grows:  # what moved meanwhile
                await self._grow(tree)
        except Exception as error:
            done.errback(error)
            return
        finally:
            tree.following = False
        if tree.top is not None and tree.mark > 1:
            for stale in self.places.stale(tree.top, tree.mark, FORGET):
                for place in stale:
                    if place.mark != tree.mark:
                        self.places.drop(place)
                await self._turn()
        if tree in self.trees:
            done.callback(None)
        else:
            done.errback(OSError(errno.ECANCELED, "the watch is closed"))

    async def _grow(self, tree: Tree) -> None:
        """Walk the directories that are new in a tree."""
        grows, tree.grows = tree.grows, []
        known: dict[str, Grow] = {}
        for grow in grows:
            found = self.places.where(grow.above)
            if found is not None:
                name = found[1] + grow.base
                known[name] = grow.joined(known.get(name))
        starts = [
            Start(grow.above.watch, name, grow.tell and tree.told.is_own(name), grow.expected)
            for name, grow in known.items()
        ]
        before = len(tree.left_out)
        await self._walk(tree, starts, known)
        if len(tree.left_out) != before:
            tree.told.short()

    async def _walk(self, tree: Tree, starts: list[Start], known: dict[str, Grow]) -> None:
        """
        :param known: why each start is walked, but for the root.
        """
        walk = Walk(self._descriptor, self.trees[tree], tree.matcher, starts)
        self._reader.walking = True
        try:
            while True:
                step = await self.workers.disk.run(walk.advance)
                if tree in self.trees:
                    self._found(tree, step, known)
                    self._reader.walked(self.trees, self._reactor.seconds())
                else:
                    self._unwanted(step)
                if step.done:
                    break
                if tree not in self.trees:
                    await self.workers.disk.run(walk.close)
                    break
        finally:
            self._reader.walking = False
        for start in starts:
            grow = known.get(start.name)
            if grow is not None and grow.tell and not start.look and tree in self.trees:
                tree.told.appeared(start.name, None)

    def _found(self, tree: Tree, step: Step, known: dict[str, Grow]) -> None:
        """Let a step's directories have their places."""
        tree.count += len(step.found)
        tree.missing += step.uncounted
        for found in step.found:
            self._place(tree, found)
        for name in step.left_out:
            leave_out(tree.left_out, name)
        for watch in step.strays:
            if next(self.places.of(watch), None) is None:
                self._remove(watch)
        for start in step.missing:
            for above in self.places.of(start.above):
                self._reader.missing(tree, above, start.name)
        for start in step.stale:
            if start.name in known:
                tree.strayed.append((known[start.name], start.name))
        self._reader.find_strayed(tree, False)

    def _place(self, tree: Tree, found: Found) -> None:
        if found.above < 0:
            top = tree.top
            if top is not None and top.watch != found.watch:
                self.places.drop_tree(top)
                top = None
            if top is None:
                top = tree.top = self.places.root(tree, found.watch)
            top.mark = tree.mark
            return
        above = self.places.find(found.above, tree)
        if above is None:  # it has left the tree meanwhile
            if next(self.places.of(found.watch), None) is None:
                self._remove(found.watch)
            return
        self.places.add(above, found.base, found.watch, tree.mark)
        if found.looked:
            tree.told.appeared(found.name, found.bases)

    def _unwanted(self, step: Step) -> None:
        if not self.closed:
            for watch in (*(found.watch for found in step.found), *step.strays):
                if next(self.places.of(watch), None) is None:
                    self._remove(watch)
