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
        """One that fails keeps no other from stopping; the first failure is told in the end."""
        failures: list[BaseException] = []
        for part in reversed(self._parts):
            try:
                await maybeDeferred(part.stopService)
            except Exception as error:
                failures.append(error)
        if failures:
            raise failures[0]
