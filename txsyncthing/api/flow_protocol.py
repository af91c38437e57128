"""
Long answers go out in parts, each when the one before has left: no copy of the whole is ever made at once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IPushProducer
from zope.interface import implementer


@implementer(IPushProducer)
class Flow:
    """
    The body of one answer.

    :param write: gives bytes to the connection, which pauses and resumes this producer.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._write = write
        self._paused = False
        self._gone = False
        self._room: Deferred[None] | None = None

    async def send(self, parts: Iterable[bytes]) -> None:
        """Returns when all is written, or the client is gone."""
        for part in parts:
            if self._paused and not self._gone:
                self._room = Deferred()
                await self._room
            if self._gone:
                return
            self._write(part)

    @property
    def gone(self) -> bool:
        return self._gone

    def pauseProducing(self) -> None:
        self._paused = True

    def resumeProducing(self) -> None:
        self._paused = False
        room, self._room = self._room, None
        if room is not None:
            room.callback(None)

    def stopProducing(self) -> None:
        self._gone = True
        self.resumeProducing()
