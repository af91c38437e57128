"""Services that stand on each other."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.application.service import IService, IServiceCollection, Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import ILogObserver
from twisted.python.components import Componentized


class ChainService(Service):
    """
    Starts its parts in order; stops them in reverse, each only when the one before has ended.

    (Twisted's MultiService stops all of its children at once.)

    :param observer: takes the log of the application that this becomes a part of; None leaves that alone.
    """

    def __init__(self, parts: Sequence[IService], observer: ILogObserver | None = None) -> None:
        self._parts = tuple(parts)
        self._observer = observer

    def setServiceParent(self, parent: IServiceCollection) -> None:
        super().setServiceParent(parent)  # type: ignore[no-untyped-call]
        if self._observer is not None and isinstance(parent, Componentized):
            parent.setComponent(ILogObserver, self._observer)  # type: ignore[no-untyped-call]

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
