"""
Watching folders with inotify.

Each folder has an inotify instance of its own, up to ``MOST_INSTANCES``; with more folders they share, since
the kernel allows a user few instances.

Source: inotify(7); reference 5.4 ("Setup"); dependencies.md section 5.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from typing import cast

from inotify_simple import INotify
from twisted.internet.defer import Deferred, succeed

from txsyncthing.ignore.matcher import Matcher
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.watch.instance_service import Instance, Selecting
from txsyncthing.watch.limits import INSTANCES, WATCHES, Limit, instances_short, watches_short
from txsyncthing.watch.seams_service import Watch
from txsyncthing.watch.told import NO_SHORTAGE, Shortage, Told, WatchFailed
from txsyncthing.watch.tree import Tree
from txsyncthing.watch.walk_service import Descriptor

MOST_INSTANCES = 32


def new_descriptor() -> Descriptor:
    """
    A new inotify instance.

    :raises OSError: EMFILE where the user has all that are allowed.
    """
    return cast(Descriptor, INotify(nonblocking=True))


def lowest(names: Sequence[str]) -> Limit:
    """The lowest of some limits of the kernel."""
    found = [Limit(name, value) for name in names if (value := setting(name)) is not None]
    return min(found, key=lambda limit: limit.value, default=Limit(names[0], 0))


def setting(name: str) -> int | None:
    """A setting of the kernel; None where there is none."""
    try:
        with open(f"/proc/sys/{name.replace('.', '/')}", encoding="ascii") as file:
            return int(file.read())
    except (OSError, ValueError):
        return None


class InotifyWatches:
    """
    All watched folders of a node.

    :param new: makes instances.
    :param limit: what the kernel allows, by the names of its settings.
    """

    def __init__(
        self,
        reactor: Selecting,
        workers: Workers,
        new: Callable[[], Descriptor] = new_descriptor,
        limit: Callable[[Sequence[str]], Limit] = lowest,
    ) -> None:
        self._reactor = reactor
        self._workers = workers
        self._new = new
        self.limit = limit
        self._instances: list[Instance] = []

    def open(self, root: str, told: Told) -> Watch:
        """
        A watch for the folder at this path; see ``seams_service.OpenWatch``.

        :raises WatchFailed: there can be none.
        """
        return TreeWatch(root, told, self._instance(), self)

    def _instance(self) -> Instance:
        open = [one for one in self._instances if not one.closed]
        if len(open) < MOST_INSTANCES:
            try:
                made = Instance(self._reactor, self._workers, self._new())
            except OSError as error:
                if error.errno not in (errno.EMFILE, errno.ENFILE, errno.ENOMEM):
                    raise WatchFailed(f"not watched: {error.strerror}") from None
                if not open:
                    raise WatchFailed(instances_short(self.limit(INSTANCES))) from None
            else:
                self._instances.append(made)
                return made
        return min(open, key=lambda one: len(one.trees))

    def closed(self, instance: Instance) -> None:
        """Nothing of the instance is left."""
        if instance in self._instances:
            self._instances.remove(instance)

    @property
    def used(self) -> int:
        """Watches that we have."""
        return sum(len(one.places) for one in self._instances)

    @property
    def missing(self) -> int:
        """Watches that we would need besides."""
        return sum(tree.missing for one in self._instances for tree in one.trees)


class TreeWatch:
    """One folder under watch; satisfies ``Watch``."""

    def __init__(self, root: str, told: Told, instance: Instance, watches: InotifyWatches) -> None:
        self.tree = Tree(told)
        self._identity: tuple[int, int] | None = None
        self._root = root
        self._watches = watches
        self._instance = instance
        self._closed = False
        instance.trees[self.tree] = root

    @property
    def shortage(self) -> Shortage:
        tree = self.tree
        if not tree.left_out:
            return NO_SHORTAGE
        watches = self._watches
        used = watches.used
        text = watches_short(
            unwatched=tree.missing,
            here=tree.count + tree.missing,
            limit=watches.limit(WATCHES),
            needed=used + watches.missing,
            used=used,
        )
        return Shortage(tuple(sorted(tree.left_out)), text)

    def follow(self, matcher: Matcher) -> Deferred[None]:
        return Deferred.fromCoroutine(self._follow(matcher))

    async def _follow(self, matcher: Matcher) -> None:
        self.tree.matcher = matcher
        try:
            self._identity = await self._instance.workers.disk.run(identity, self._root)
            await self._instance.follow(self.tree)
        except OSError as error:
            watches = self._watches
            if error.errno in (errno.ENOSPC, errno.ENOMEM):
                most, used = watches.limit(WATCHES), watches.used
                text = watches_short(1, 1, most, used + watches.missing + 1, used)
            else:
                text = f"not watched: {error.strerror or error}"
            raise WatchFailed(text) from None

    def is_there(self) -> Deferred[bool]:
        found = self._instance.workers.disk.run(identity, self._root)
        return found.addCallbacks(lambda now: now == self._identity, lambda failure: False)

    def close(self) -> Deferred[None]:
        if self._closed:
            return succeed(None)
        self._closed = True
        return Deferred.fromCoroutine(self._close())

    async def _close(self) -> None:
        await self._instance.leave(self.tree)
        if self._instance.closed:
            self._watches.closed(self._instance)


def identity(root: str) -> tuple[int, int]:
    """
    A worker's job: which directory a path leads to.

    :raises OSError: to none.
    """
    found = os.stat(root)
    return found.st_dev, found.st_ino
