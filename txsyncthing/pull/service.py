"""
Pull what a folder needs: plan, hold, fetch, commit.

Source: reference 5.5 (lib/model/folder_sendrecv.go).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.python.failure import Failure

from txsyncthing.ignore.matcher import Matcher
from txsyncthing.pull.obstacles import Failing, above, make_way, obstacles
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.progress import PullProgress
from txsyncthing.pull.round_service import Round
from txsyncthing.pull.seams_service import Seams
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.name import WireName


class PullResult(NamedTuple):
    """One round."""

    pulled: int  # items that are now as the cluster has them
    failed: tuple[ItemError, ...] = ()  # to be tried again later
    rescan: tuple[str, ...] = ()  # names which surprised us: scan them now


class FolderPuller:
    """One folder's puller; one round at a time."""

    def __init__(self, seams: Seams, options: PullOptions) -> None:
        self._seams = seams
        self._options = options
        self._front: set[WireName] = set()
        self._round: Round | None = None
        self._failing = Failing()
        self._quiet: list[Deferred[None]] = []  # who waits for the end of the round

    def pull(self, matcher: Matcher, syncing: Callable[[], None]) -> Deferred[PullResult]:
        """
        One round over all that is needed.

        Cancelling stops soon: temporary files stay, what is finished gets recorded; ``stop`` tells
        when that is so.

        :param syncing: called when the first batch is planned and the work on disk begins.
        :raises IndexFailed: the index could not be read or written.
        :raises OSError: the storage is not there.
        """
        assert self._round is None, "one round at a time"
        self._round = round = Round(self._seams, self._options, matcher, self._front, syncing)
        answer: Deferred[PullResult] = Deferred(lambda _: round.stop())
        running = Deferred.fromCoroutine(self._run(round))

        def tell(result: PullResult | Failure) -> None:
            if not answer.called:  # else cancelled
                answer.callback(result)

        running.addBoth(tell)
        return answer

    async def _run(self, round: Round) -> PullResult:
        rescan: list[str] = []
        try:
            await round.run()
            if not round.stopped:
                rescan = await self._make_way(round)
        finally:
            self._round = None
            quiet, self._quiet = self._quiet, []
            for waiting in quiet:
                waiting.callback(None)
        if round.stopped:
            raise CancelledError
        ledger = round.ledger
        return PullResult(ledger.pulled, tuple(ledger.failed), (*ledger.rescan, *rescan))

    async def _make_way(self, round: Round) -> list[str]:
        """Put aside what keeps items from their places; what is to be scanned then."""
        seams, options = self._seams, self._options
        names = self._failing.long(round.ledger.failed, seams.clock.seconds())
        if not any(above(name) for name in names):
            return []
        asked = list({one: None for name in names for one in (name, *above(name))})
        have, wanted = await seams.index.local(asked), await seams.index.global_(asked)
        there = [name for name in names if name in wanted and not wanted[name].deleted]
        found = [(one, wanted[one.wanted]) for one in obstacles(there, have, wanted)]
        if not found:
            return []
        disk = seams.workers.disk
        return await disk.run(make_way, seams.filesystem, found, options, seams.unix())

    def stop(self) -> Deferred[None]:
        """End the round, if there is one; fires when no worker has anything of it any more."""
        if self._round is None:
            return succeed(None)
        quiet: Deferred[None] = Deferred()
        self._quiet.append(quiet)
        self._round.stop()
        return quiet

    def configure(self, options: PullOptions) -> None:
        """Settings for the next round."""
        self._options = options

    def progress(self) -> PullProgress:
        """A snapshot, for REST and for DownloadProgress."""
        return PullProgress() if self._round is None else self._round.progress()

    @property
    def bytes_done(self) -> int:
        """What is needed and lies in temporary files already; cheap."""
        return 0 if self._round is None else self._round.bytes_done

    def bring_to_front(self, name: WireName) -> None:
        """Pull this file before the others that wait."""
        self._front.add(name)
