"""
What a connection keeps count of once it is open: Requests both ways, the outbox, silence.

Source: reference 2.2 (timers), 2.7.
"""

from __future__ import annotations

from collections import deque
from enum import Enum
from typing import Generic, NamedTuple, TypeVar

from txsyncthing.bep.messages import Block, Request

T = TypeVar("T")

TICK = 45.0  # seconds: half of the interval in which the peer must hear something
SILENCE_TIMEOUT = 300.0  # seconds without a byte from the peer
MAX_ID = 2**31 - 1
SERVED_BYTES = 4 * 1024 * 1024  # of answers being read or waiting in the outbox
SERVED_REQUESTS = 512  # likewise
WAITING_REQUESTS = 32768  # a peer that asks for more at once means us no good
WAITING_BYTES = 16 * 1024 * 1024  # of the names in them, likewise
OUTBOX_BYTES = (
    512 * 1024
)  # of queued messages other than answers: above it, nothing more should come


class RequestTable(Generic[T]):
    """Our Requests that wait for an answer; T is whoever waits."""

    def __init__(self) -> None:
        self._waiting: dict[int, T] = {}
        self._next = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, waiter: T) -> int:
        """The id for a new Request: unique among those which wait."""
        while self._next in self._waiting:
            self._next = (self._next + 1) & MAX_ID
        id = self._next
        self._next = (id + 1) & MAX_ID
        self._waiting[id] = waiter
        return id

    def take(self, id: int) -> T | None:
        """Who waits for this answer; None: nobody, or not any more."""
        return self._waiting.pop(id, None)

    def take_all(self) -> list[T]:
        waiters = list(self._waiting.values())
        self._waiting.clear()
        return waiters


class TooManyRequests(ValueError):
    """The peer asks for more than it can ever get; hang up."""


class RequestDesk:
    """
    The peer's Requests: how many bytes of answers we have in hand.

    A Request is begun while those begun have less than ``limit`` bytes; so at most one block more.
    """

    def __init__(self, limit: int = SERVED_BYTES, waiting: int = WAITING_REQUESTS) -> None:
        self._limit = limit
        self._max_waiting = waiting
        self._waiting: deque[Request] = deque()
        self._waiting_bytes = 0
        self._bytes = 0
        self._count = 0

    @property
    def bytes(self) -> int:
        """Of the answers begun and not yet sent."""
        return self._bytes

    def __len__(self) -> int:
        return len(self._waiting)

    def offer(self, request: Request) -> None:
        """
        Queue a Request.

        :raises TooManyRequests: the queue is full.
        """
        if len(self._waiting) >= self._max_waiting or self._waiting_bytes >= WAITING_BYTES:
            raise TooManyRequests(f"{len(self._waiting)} requests wait already")
        self._waiting.append(request)
        self._waiting_bytes += len(request.name) + len(request.folder)

    def next(self) -> Request | None:
        """The next Request to begin, if there is room for its answer; then owe a ``done``."""
        if not self._waiting or self._bytes >= self._limit or self._count >= SERVED_REQUESTS:
            return None
        request = self._waiting.popleft()
        self._waiting_bytes -= len(request.name) + len(request.folder)
        self._bytes += request.size
        self._count += 1
        return request

    def done(self, size: int) -> None:
        """The answer to a Request of this size has left the outbox, or nobody wants it any more."""
        self._bytes -= size
        self._count -= 1

    def clear(self) -> None:
        """Forget what waits."""
        self._waiting.clear()
        self._waiting_bytes = 0


class Parcel(NamedTuple):
    """One encoded message on its way out."""

    pieces: list[Block]
    size: int  # bytes
    answers: int | None  # the size of the Request that it answers


class Outbox:
    """Messages that wait until the transport takes them, in order."""

    def __init__(self, limit: int = OUTBOX_BYTES) -> None:
        self._limit = limit
        self._parcels: deque[Parcel] = deque()
        self._plain = 0

    def __bool__(self) -> bool:
        return bool(self._parcels)

    @property
    def writable(self) -> bool:
        """Whether there is room for one more message, of any size. Answers have their own limit."""
        return self._plain < self._limit

    def put(self, parcel: Parcel) -> None:
        self._parcels.append(parcel)
        if parcel.answers is None:
            self._plain += parcel.size

    def take(self) -> Parcel:
        parcel = self._parcels.popleft()
        if parcel.answers is None:
            self._plain -= parcel.size
        return parcel

    def clear(self) -> None:
        self._parcels.clear()
        self._plain = 0


class Due(Enum):
    """What a tick has to do."""

    NOTHING = "nothing"
    PING = "ping"
    HANG_UP = "hang up"


class Silence:
    """
    Stamps of the last byte in each direction, looked at every ``TICK`` seconds.

    :param now: seconds; so are all times here.
    """

    def __init__(self, now: float) -> None:
        self.heard_at = now
        self.said_at = now

    def due(self, now: float) -> Due:
        if now - self.heard_at >= SILENCE_TIMEOUT:
            return Due.HANG_UP
        if now - self.said_at >= TICK:
            return Due.PING
        return Due.NOTHING
