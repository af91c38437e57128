"""
``/rest/events``: what happened, as long polls.

Source: reference 7.5, 11.14.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Mapping
from typing import Any

from twisted.internet.defer import Deferred, succeed

from txsyncthing.api.encoding import encode, exact_text, plain
from txsyncthing.api.exchange import JSON, Answer, Question, Refused, Route
from txsyncthing.clock import Clock, Timer
from txsyncthing.events.bus import Event, EventBus, Numbered, Subscription
from txsyncthing.events.types import DEFAULT_MASK, DISK_MASK, EventType, Mask, parse_mask

TIMEOUT = 60.0  # seconds, if the client does not say
LONGEST = 3600.0  # seconds
MAX_WAITING = 256  # clients
KEPT_TEXTS = 1000  # events whose JSON is kept for the next client
_STRUCTURES = frozenset({EventType.CONFIG_SAVED})
"""Events whose data is a structure of Go, in its own order; others are maps, sorted by key."""


class EventTexts:
    """The JSON of events, made once for all clients."""

    def __init__(self) -> None:
        self._data: OrderedDict[int, bytes] = OrderedDict()

    def list(self, events: list[Numbered]) -> bytes:
        """The body of an answer."""
        if not events:
            return b"[]\n"
        return b"[\n" + b",\n".join(map(self._one, events)) + b"\n]\n"

    def _one(self, numbered: Numbered) -> bytes:
        event = numbered.event
        data = self._data.get(event.global_id)
        if data is None:
            data = self._data[event.global_id] = _rest_of(event)
            if len(self._data) > KEPT_TEXTS:
                self._data.popitem(last=False)
        return b'  {\n    "id": %d,%b' % (numbered.id, data)


def _rest_of(event: Event) -> bytes:
    """All of an event but its number, which differs with the subscription."""
    data: Any = event.data
    if isinstance(data, Mapping) and event.type not in _STRUCTURES:
        data = plain(dict(sorted(data.items())))
    document = {
        "globalID": event.global_id,
        "time": exact_text(event.time),
        "type": event.type.value,
        "data": data,
    }
    # Inside of JSON's strings there is no end of line, so that this only indents.
    return encode(document)[1:].replace(b"\n", b"\n  ")


def _later(body: Awaitable[bytes]) -> Answer:
    return Answer(200, content_type=JSON, later=body)


class EventsResource:
    """Answers ``/rest/events``; the clients that wait are counted."""

    def __init__(self, bus: EventBus, clock: Clock) -> None:
        self._bus = bus
        self._clock = clock
        self._texts = EventTexts()
        self._waiting: dict[Wait, None] = {}

    def routes(self) -> list[Route]:
        return [
            Route("/rest/events", {"GET": self.events}),
            Route("/rest/events/disk", {"GET": self.disk_events}),
        ]

    @property
    def waiting(self) -> int:
        """How many clients wait now."""
        return len(self._waiting)

    def events(self, question: Question) -> Answer:
        names = question.get("events")
        return self._answer(question, parse_mask(names) if names else DEFAULT_MASK)

    def disk_events(self, question: Question) -> Answer:
        return self._answer(question, DISK_MASK)

    def _answer(self, question: Question, mask: Mask) -> Answer:
        since, limit = question.number("since") or 0, question.number("limit") or 0
        seconds = question.number("timeout")
        timeout = TIMEOUT if seconds is None or seconds < 0 else min(float(seconds), LONGEST)
        subscription = self._bus.subscribe(mask)
        if subscription.newest > since:
            # In chunks, too: some clients take events in no other way.
            return _later(succeed(self._texts.list(subscription.since(since, limit))))
        if len(self._waiting) >= MAX_WAITING:
            raise Refused(503, f"{MAX_WAITING} clients wait for events already")
        return _later(self._wait(subscription, since, limit, timeout))

    async def _wait(
        self, subscription: Subscription, since: int, limit: int, timeout: float
    ) -> bytes:
        wait = Wait(self._clock, subscription, since, timeout)
        self._waiting[wait] = None
        try:
            await wait.over
        finally:
            del self._waiting[wait]
            wait.stop()
        return self._texts.list(subscription.since(since, limit))

    def release(self) -> None:
        """Answer all who wait, since the node stops."""
        for wait in list(self._waiting):
            wait.end()


class Wait:
    """
    One client that waits: ``over`` fires when there is something, or at the timeout.

    It fires a turn of the reactor after the first event, so that what happens together comes together.
    """

    def __init__(
        self, clock: Clock, subscription: Subscription, since: int, timeout: float
    ) -> None:
        self.over: Deferred[None] = Deferred()
        self._clock = clock
        self._subscription = subscription
        self._since = since
        self._timer: Timer = clock.callLater(timeout, self.end)
        self._woken = False
        self._leave = subscription.listen(self._came)

    def _came(self) -> None:
        if not self._woken and self._subscription.newest > self._since:
            self._woken = True
            self._timer.cancel()
            self._timer = self._clock.callLater(0, self.end)

    def end(self) -> None:
        """Wait no longer."""
        if not self.over.called:
            self.over.callback(None)

    def stop(self) -> None:
        """Leave nothing behind."""
        self._leave()
        if self._timer.active():
            self._timer.cancel()
