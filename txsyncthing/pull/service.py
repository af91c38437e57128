"""
Pull what a folder needs: plan, hold, fetch, commit.

Source: reference 5.5 (lib/model/folder_sendrecv.go).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.defer import Deferred

from txsyncthing.ignore.matcher import Matcher
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.progress import PullProgress
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.name import WireName


class PullResult(NamedTuple):
    """One round."""

    pulled: int  # items that are now as the cluster has them
    failed: tuple[ItemError, ...]  # to be tried again later
    rescan: tuple[str, ...] = ()  # names which surprised us: scan them now


class FolderPuller:
    """
    One folder's puller: ``FolderPuller(workers, clock, unix, random, filesystem, index, sources,
    told, options)``.
    """

    def pull(self, matcher: Matcher, syncing: Callable[[], None]) -> Deferred[PullResult]:
        """
        One round over all that is needed.

        Cancelling stops soon: temporary files stay, finished items are recorded, then the
        Deferred fails with CancelledError.

        :param syncing: called when the first batch is planned and the work on disk begins.
        """
        raise NotImplementedError

    def configure(self, options: PullOptions) -> None:
        """Settings for the next round."""
        raise NotImplementedError

    def progress(self) -> PullProgress:
        """A snapshot, for REST and for DownloadProgress."""
        raise NotImplementedError

    def bring_to_front(self, name: WireName) -> None:
        """Pull this file before the others that wait."""
        raise NotImplementedError
