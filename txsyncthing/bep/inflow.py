"""
What comes from a peer, message by message: a short turn of it at a time, and only while there is room.

A hundred thousand Pings, or an index of a million files, must not keep the reactor from other peers.

Source: reference 2.2, 2.5.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

from txsyncthing.bep.check import BadMessage, body_limit
from txsyncthing.bep.codec import decode, decode_long
from txsyncthing.bep.framing import BadFrame, FrameDecoder
from txsyncthing.bep.messages import Message
from txsyncthing.clock import Clock, Timer

TURN = 0.01  # seconds of work, one more message not counted
ROOM = 8 * 1024 * 1024  # bytes of messages that are not dealt with yet; above it we stop reading
MAX_REASON = 500  # letters of a complaint; peers choose some of them


class Tap(Protocol):
    """Where the bytes come from; may bring some more after it was paused."""

    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...


class Inflow:
    """
    :param took: takes a message; may call ``hold`` or ``stop``.
    :param broken: the peer breaks the protocol, and how.
    """

    def __init__(
        self,
        clock: Clock,
        tap: Tap,
        took: Callable[[Message], None],
        broken: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._tap = tap
        self._took = took
        self._broken = broken
        self._frames = FrameDecoder(body_limit)
        self._rest = b""  # came, and not looked at yet
        self._parts: Iterator[Message | None] | None = None  # of a long message, not read yet
        self._held = 0
        self._paused = False
        self._stopped = False
        self._next: Timer | None = None
        self._working = False

    def feed(self, data: bytes | memoryview) -> None:
        """The next bytes of the stream, cut anywhere; nothing keeps ``data``."""
        if self._stopped:
            return
        if self._paused or self._working:
            self._rest += data
            return
        self._work(data)

    def hold(self, weight: int) -> None:
        """So many bytes are not dealt with yet: a ``release`` follows."""
        self._held += weight

    def release(self, weight: int) -> None:
        """They are."""
        self._held -= weight
        if self._paused and self._held <= ROOM and self._next is None and not self._stopped:
            self._next = self._clock.callLater(0, self._turn)

    def stop(self) -> None:
        """Look at nothing more."""
        self._stopped = True
        self._rest, self._parts = b"", None
        if self._next is not None:
            self._next.cancel()
            self._next = None

    def _turn(self) -> None:
        self._next = None
        rest, self._rest = self._rest, b""
        self._work(rest)

    def _work(self, data: bytes | memoryview) -> None:
        self._working = True
        try:
            used = self._read(memoryview(data))
        except (BadFrame, BadMessage) as error:
            self._broken(str(error)[:MAX_REASON])
            return
        finally:
            self._working = False
        if self._stopped:
            return
        if used < len(data):
            self._rest = bytes(data[used:]) + self._rest
        if self._rest or self._parts is not None or self._held > ROOM:
            self._pause()
        elif self._paused:
            self._paused = False
            self._tap.resumeProducing()

    def _pause(self) -> None:
        if not self._paused:
            self._paused = True
            self._tap.pauseProducing()
        if self._held <= ROOM and self._next is None:
            self._next = self._clock.callLater(0, self._turn)

    def _read(self, data: memoryview) -> int:
        """Work for one turn; how many bytes are used."""
        until = self._clock.seconds() + TURN
        if self._parts is not None and not self._pass_on(until):
            return 0
        for frame in self._frames.feed(data):
            self._parts = decode_long(frame)
            if self._parts is not None:
                enough = not self._pass_on(until)
            else:
                message = decode(frame)
                if message is not None:
                    self._took(message)
                enough = self._enough(until)
            if enough:
                return self._frames.used
        return len(data)

    def _pass_on(self, until: float) -> bool:
        """Read the parts of a long message; whether all were read and there is time left."""
        for message in self._parts or ():
            if message is not None:
                self._took(message)
            if self._enough(until):
                return False
        self._parts = None
        return True

    def _enough(self, until: float) -> bool:
        return self._stopped or self._held > ROOM or self._clock.seconds() >= until
