"""What a folder asks of whoever watches its storage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.defer import Deferred

from txsyncthing.ignore.matcher import Matcher
from txsyncthing.watch.told import Shortage, Told


class Watch(Protocol):
    """One watched folder."""

    @property
    def shortage(self) -> Shortage:
        """What is left out."""

    def follow(self, matcher: Matcher) -> Deferred[None]:
        """
        Watch each directory that the patterns do not skip, and no other; may be called again.

        Fires when all of them are watched: what changes from then on is told.

        :raises WatchFailed: nothing is watched.
        """

    def is_there(self) -> Deferred[bool]:
        """Whether the folder's root is the directory that is watched; not so after a mount over it."""

    def close(self) -> Deferred[None]:
        """Tells nothing from now on; fires when nothing of it is left in the system."""


OpenWatch = Callable[[Told], Watch]
"""Makes a watch for one folder, which begins with ``follow``; raises WatchFailed where there can be none."""
