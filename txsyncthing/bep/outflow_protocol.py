"""
What a connection still has to write, and who waits until there is room.

Source: reference 2.9 "Response to slow peers".
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred, succeed

from txsyncthing.bep.exchange import Outbox, Parcel
from txsyncthing.bep.messages import Block


class Outflow:
    """
    The outbox in front of a transport with back-pressure.

    :param write: gives one message to the transport.
    :param answered: is told the size of the Request whose answer was given to the transport.
    """

    def __init__(
        self, write: Callable[[list[Block]], None], answered: Callable[[int], None]
    ) -> None:
        self._write = write
        self._answered = answered
        self._outbox = Outbox()
        self._flowing = True  # the transport takes more
        self._pumping = False
        self._thirsty: deque[Deferred[None]] = deque()

    @property
    def writable(self) -> bool:
        return self._outbox.writable

    def when_writable(self) -> Deferred[None]:
        """Fires as soon as there is room, in the order of asking."""
        if self.writable and not self._thirsty:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._thirsty.remove)
        self._thirsty.append(waiting)
        return waiting

    def post(self, pieces: list[Block], answers: int | None = None) -> None:
        """:param answers: the size of the Request that this message answers."""
        self._outbox.put(Parcel(pieces, sum(map(len, pieces)), answers))
        self.pump()

    def pause(self) -> None:
        """The transport is full."""
        self._flowing = False

    def resume(self) -> None:
        """The transport has room again."""
        self._flowing = True
        self.pump()

    def pump(self) -> None:
        """Give the transport what it takes; then there is room for more."""
        if self._pumping:
            return  # the loop below goes on
        self._pumping = True
        try:
            while True:
                if self._flowing and self._outbox:
                    parcel = self._outbox.take()
                    self._write(parcel.pieces)
                    if parcel.answers is not None:
                        self._answered(parcel.answers)
                elif self._thirsty and self.writable:
                    self._thirsty.popleft().callback(None)
                else:
                    break
        finally:
            self._pumping = False

    def stop(self, error: Exception) -> None:
        """Forget all of it; who waits for room is told why in vain."""
        self._flowing = False
        self._outbox.clear()
        while self._thirsty:
            self._thirsty.popleft().errback(error)
