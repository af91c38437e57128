"""
The event bus: every event gets a global number, and one number in each subscription that wants it.

Source: reference 7.5 (lib/events/events.go).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Mapping
from itertools import islice
from typing import NamedTuple

from txsyncthing.events.types import DEFAULT_MASK, DISK_MASK, GUARD_MASK, EventType, Mask

RING = 1000  # events that a subscription keeps
HELD = 200_000  # names and errors in these; some 50 MB
_LISTS = {EventType.FOLDER_ERRORS: "errors", EventType.LOCAL_INDEX_UPDATED: "filenames"}
MAX_MASKS = 64  # then the mask that was asked for least recently is forgotten


class Event(NamedTuple):
    """One thing that happened; shared by all subscriptions."""

    global_id: int  # from 1, over all kinds
    time: float  # Unix seconds
    type: EventType
    data: Mapping[str, object]  # as REST shows it; nobody changes it
    weight: int = 0  # names or errors that it lists


class Numbered(NamedTuple):
    """An event and its number in one subscription: from 1, without gaps."""

    id: int
    event: Event


class Subscription:
    """The newest events of some kinds. It lives as long as the bus, whoever asks."""

    def __init__(self, mask: Mask) -> None:
        self.mask = mask
        self.newest = 0  # the number of the newest event
        self._ring: deque[Event] = deque()
        self._held = 0
        self._listeners: dict[object, Callable[[], object]] = {}

    def add(self, event: Event) -> None:
        """The bus's door; tells the listeners."""
        ring = self._ring
        ring.append(event)
        self.newest += 1
        self._held += event.weight
        while len(ring) > RING or (self._held > HELD and len(ring) > 1):
            self._held -= ring.popleft().weight
        if self._listeners:
            for listener in list(self._listeners.values()):
                listener()

    def since(self, id: int, limit: int | None = None) -> list[Numbered]:
        """
        What came after the event with number ``id``, as far as it is still kept.

        :param limit: the most events to give; of more, the newest. None or 0: all.
        """
        wanted = min(max(self.newest - id, 0), len(self._ring))
        if limit is not None and limit > 0:
            wanted = min(wanted, limit)
        first = self.newest - wanted + 1
        events = islice(self._ring, len(self._ring) - wanted, None)
        return [Numbered(first + place, event) for place, event in enumerate(events)]

    def listen(self, listener: Callable[[], object]) -> Callable[[], None]:
        """
        Have ``listener()`` called at each event, until the callable that is returned is called.

        It is called in the middle of the work that emits: it should only note that something came.
        """
        ticket = object()
        self._listeners[ticket] = listener
        return lambda: void(self._listeners.pop(ticket, None))

    @property
    def listeners(self) -> int:
        """How many wait now."""
        return len(self._listeners)


def void(_: object) -> None:
    """Drop a value."""


class EventBus:
    """
    All events of one node. The default, the disk and the guard's subscription exist from the start;
    another one begins with the first question for it.

    :param unix: the wall clock, in Unix seconds.
    """

    def __init__(self, unix: Callable[[], float]) -> None:
        self._unix = unix
        self._global_id = 0
        masks = (DEFAULT_MASK, DISK_MASK, GUARD_MASK)
        self._permanent = {mask: Subscription(mask) for mask in masks}
        self._others: dict[Mask, Subscription] = {}  # least recently asked for first
        self._wanted: dict[EventType, list[Subscription]] = {}  # who wants it; made when asked

    def emit(self, type: EventType, data: Mapping[str, object]) -> None:
        """Tell an event; satisfies ``Emit``."""
        self._global_id += 1
        listed = data.get(_LISTS[type]) if type in _LISTS else None
        weight = len(listed) if isinstance(listed, Collection) else 0
        event = Event(self._global_id, self._unix(), type, data, weight)
        wanted = self._wanted.get(type)
        if wanted is None:
            wanted = self._wanted[type] = [
                subscription
                for subscriptions in (self._permanent, self._others)
                for subscription in subscriptions.values()
                if type in subscription.mask
            ]
        for subscription in wanted:
            subscription.add(event)

    def subscribe(self, mask: Mask = DEFAULT_MASK) -> Subscription:
        """The one subscription for these kinds."""
        if (permanent := self._permanent.get(mask)) is not None:
            return permanent
        subscription = self._others.pop(mask, None) or Subscription(mask)
        self._others[mask] = subscription
        self._wanted = {}
        if len(self._others) > MAX_MASKS:
            idle = (old for old, kept in self._others.items() if not kept.listeners)
            del self._others[next(idle)]
        return subscription
