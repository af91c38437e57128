"""
Ask devices for blocks: many at a time, bounded in bytes and number, the least busy device first.

A block's permit covers it from the request until its bytes are written, so that the window is also
the bound of the memory.

Source: reference 5.5 ("Requests in flight", "Peer choice", "On error").
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from txsyncthing.clock import Clock, Timer
from txsyncthing.pull.failure import Cause
from txsyncthing.pull.sources import (
    Availability,
    BlockRequest,
    SourceLost,
    SourceRefused,
    least_busy,
)
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.vector import Vector

MAX_REQUESTS = 512  # in flight
SILENCE = 300.0  # seconds without any answer after which a device's requests are given up
LOOK = 60.0  # seconds between looks for silent devices


class BlockSources(Availability, Protocol):
    """``Sources`` as an edge sees them."""

    def request(self, device: DeviceID, block: BlockRequest) -> Deferred[bytes | memoryview]:
        """See ``Sources.request``."""


class Taker(Protocol):
    """Who wants a block."""

    def arrived(self, fetch: Fetch, data: bytes | memoryview) -> None:
        """
        The bytes, not verified. Call ``Fetcher.release`` once they are written, or
        ``Fetcher.again`` if they are wrong.
        """

    def unavailable(self, fetch: Fetch, cause: Cause) -> None:
        """Nobody has it."""


class Fetch:
    """One block on its way."""

    __slots__ = ("answer", "asked", "device", "devices", "request", "taker", "tried", "version")

    def __init__(
        self,
        taker: Taker,
        request: BlockRequest,
        version: Vector,
        devices: Sequence[DeviceID],
    ) -> None:
        self.taker = taker
        self.request = request
        self.version = version
        self.devices = devices  # who has the wanted version
        self.tried: set[DeviceID] | None = None
        self.device: DeviceID | None = None  # who is asked now
        self.answer: Deferred[bytes | memoryview] | None = None
        self.asked = 0.0  # when


class Fetcher:
    """All blocks that one folder asks for."""

    _log = Logger()

    def __init__(
        self, clock: Clock, sources: BlockSources, window: int, moved: Callable[[], None]
    ) -> None:
        self._clock = clock
        self._sources = sources
        self._window = window
        self._moved = moved
        self._queue: deque[Fetch] = deque()
        self._flying: set[Fetch] = set()
        self._heard: dict[DeviceID, float] = {}
        self._bytes = 0  # asked for or not yet written
        self._pumping = False
        self._timer: Timer | None = None

    @property
    def waiting(self) -> int:
        """How many blocks nobody was asked for yet."""
        return len(self._queue)

    @property
    def idle(self) -> bool:
        return not (self._queue or self._flying)

    def add(self, fetch: Fetch) -> None:
        """Ask for a block as soon as there is room."""
        self._queue.append(fetch)
        self._pump()

    def release(self, fetch: Fetch) -> None:
        """The bytes are written (or dropped): their room is free."""
        self._bytes -= fetch.request.size
        self._pump()
        self._moved()

    def again(self, fetch: Fetch) -> None:
        """The bytes were wrong: ask somebody else."""
        self._bytes -= fetch.request.size
        self._queue.appendleft(fetch)
        self._pump()

    def forget(self, taker: Taker) -> None:
        """Nobody wants this taker's blocks any more; nothing more reaches it."""
        self._queue = deque(fetch for fetch in self._queue if fetch.taker is not taker)
        for fetch in [fetch for fetch in self._flying if fetch.taker is taker]:
            self._cancel(fetch)
            self._bytes -= fetch.request.size
        self._pump()
        self._moved()

    def stop(self) -> list[Fetch]:
        """
        Ask for nothing more and forget all that is on its way.

        :returns: the blocks that will not come; those that have arrived stay the takers'.
        """
        dropped = [*self._queue, *self._flying]
        self._queue.clear()
        for fetch in list(self._flying):
            self._cancel(fetch)
            self._bytes -= fetch.request.size
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        return dropped

    def _cancel(self, fetch: Fetch) -> None:
        self._flying.discard(fetch)
        answer, fetch.answer = fetch.answer, None
        if answer is not None:
            answer.cancel()

    def _pump(self) -> None:
        # An answer may come before ``request`` returns; the loop that runs sees what it freed.
        if self._pumping:
            return
        self._pumping = True
        try:
            while self._queue and len(self._flying) < MAX_REQUESTS:
                size = self._queue[0].request.size
                if self._bytes and self._bytes + size > self._window:
                    break
                self._ask(self._queue.popleft())
        finally:
            self._pumping = False

    def _ask(self, fetch: Fetch) -> None:
        request = fetch.request
        device, temporary = self._choose(fetch)
        if device is None:
            fetch.taker.unavailable(fetch, Cause.WRONG_BYTES if fetch.device else Cause.NO_PEER)
            return
        fetch.device = device
        fetch.asked = self._clock.seconds()
        self._bytes += request.size
        self._flying.add(fetch)
        if temporary:
            request = request._replace(from_temporary=True)
        answer = self._sources.request(device, request)
        fetch.answer = answer
        if self._timer is None:
            self._timer = self._clock.callLater(LOOK, self._look)
        answer.addCallbacks(
            self._arrived, self._refused, callbackArgs=(fetch,), errbackArgs=(fetch,)
        )

    def _choose(self, fetch: Fetch) -> tuple[DeviceID | None, bool]:
        """Whom to ask, and whether for the temporary file."""
        connected = self._sources.connected()
        tried = fetch.tried
        able = [
            device
            for device in fetch.devices
            if device in connected and (tried is None or device not in tried)
        ]
        if able:
            return least_busy(able, self._sources), False
        number, name = fetch.request.number, fetch.request.name
        able = [
            device
            for device in connected
            if (tried is None or device not in tried)
            and number in self._sources.temporary(device, name, fetch.version)
        ]
        return (least_busy(able, self._sources), True) if able else (None, False)

    def _arrived(self, data: bytes | memoryview, fetch: Fetch) -> None:
        self._flying.discard(fetch)
        fetch.answer = None
        assert fetch.device is not None
        self._heard[fetch.device] = self._clock.seconds()
        if fetch.tried is None:
            fetch.tried = set()
        fetch.tried.add(fetch.device)  # in case the bytes are wrong
        fetch.taker.arrived(fetch, data)
        self._pump()

    def _refused(self, failure: Failure, fetch: Fetch) -> None:
        if fetch not in self._flying:  # we cancelled it ourselves
            return
        self._flying.discard(fetch)
        fetch.answer = None
        self._bytes -= fetch.request.size
        if not failure.check(CancelledError, SourceLost, SourceRefused):
            self._log.failure("asking for a block failed", failure)
        assert fetch.device is not None
        if failure.check(SourceRefused):
            self._heard[fetch.device] = self._clock.seconds()
        if fetch.tried is None:
            fetch.tried = set()
        fetch.tried.add(fetch.device)
        fetch.device = None
        self._queue.appendleft(fetch)
        self._pump()
        self._moved()

    def _look(self) -> None:
        """Give up the requests of devices that answer nothing at all."""
        self._timer = None
        if not self._flying:
            return
        self._timer = self._clock.callLater(LOOK, self._look)
        oldest = self._clock.seconds() - SILENCE
        for fetch in list(self._flying):
            assert fetch.device is not None
            if (
                fetch.answer is not None
                and max(fetch.asked, self._heard.get(fetch.device, 0.0)) < oldest
            ):
                fetch.answer.cancel()  # comes back through ``_refused``: the next device
