"""Services that stand on each other."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred, maybeDeferred


class ChainService(Service):
    """
    Starts its parts in order; stops them in reverse, each only when the one before has ended.

    (Twisted's MultiService stops all of its children at once.)
    """

    def __init__(self, parts: Sequence[IService]) -> None:
        self._parts = tuple(parts)

    def startService(self) -> None:
        self.running = True
        for part in self._parts:
            part.startService()

    def stopService(self) -> Deferred[None]:
        self.running = False
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        for part in reversed(self._parts):
            await maybeDeferred(part.stopService)
