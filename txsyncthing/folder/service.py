"""
One folder: its index, its scanner, its puller and the machine that drives them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from twisted.application.service import Service
from twisted.internet.defer import Deferred

from txsyncthing.folder.status import FolderStatus
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.pull.progress import PullProgress
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.folder import FolderState
from txsyncthing.vocabulary.name import WireName


class FolderFailed(Exception):
    """The folder cannot do that now; the text says why."""


class Ignores(NamedTuple):
    """What ``/rest/db/ignores`` shows; ``error`` is empty while the patterns are good."""

    lines: tuple[str, ...]
    expanded: tuple[str, ...]
    error: str = ""


class FolderService(Service):
    """
    ``FolderService(config, workers, clock, unix, random, filesystem, index, sources, emit, gate,
    short)``; a paused folder has no FolderService.

    ``startService`` opens the index and scans; ``stopService`` fires when nothing moves any more.
    """

    def remote_changed(self) -> None:
        """A peer's index, a peer that came, or the config changed: see what is needed."""
        raise NotImplementedError

    def scan(self, subs: Sequence[str] = ()) -> Deferred[None]:
        """
        Scan these names and all below them; everything without one.

        Fires when done, after the first scan at the earliest.

        :raises FolderFailed: the folder is in error or stopped.
        """
        raise NotImplementedError

    def delay_scan(self, seconds: float) -> None:
        """Put the next periodic scan off (``next`` of ``/rest/db/scan``)."""
        raise NotImplementedError

    def status(self) -> FolderStatus:
        raise NotImplementedError

    def progress(self) -> PullProgress:
        """What is being pulled now and what is queued."""
        raise NotImplementedError

    def errors(self) -> tuple[ItemError, ...]:
        """Of scanning and pulling, by name."""
        raise NotImplementedError

    def bring_to_front(self, name: WireName) -> None:
        """Pull this file next."""
        raise NotImplementedError

    def matcher(self) -> Matcher:
        """The ignore patterns in force (of the last scan)."""
        raise NotImplementedError

    def ignores(self) -> Deferred[Ignores]:
        """The patterns as they stand in the folder now."""
        raise NotImplementedError

    def set_ignores(self, lines: Sequence[str]) -> Deferred[Ignores]:
        """Replace the patterns, and scan."""
        raise NotImplementedError

    def on_state(self, listener: Callable[[FolderState], None]) -> None:
        """Call whenever the state word changes."""
        raise NotImplementedError
