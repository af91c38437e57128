"""
The audit log: every event as one line of JSON.

Source: reference 6.5 "Audit log" (cmd/syncthing/auditservice).
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

import orjson
from twisted.application.service import Service

from txsyncthing.events.bus import EventBus
from txsyncthing.events.types import EventType


class AuditService(Service):
    """Writes to an open text stream; closed at the end unless it is a standard output."""

    def __init__(self, events: EventBus, stream: TextIO) -> None:
        self._subscription = events.subscribe(frozenset(EventType))
        self._stream = stream
        self._written = 0
        self._unsubscribe: Callable[[], None] = lambda: None

    def startService(self) -> None:
        self.running = True
        self._unsubscribe = self._subscription.listen(self._write)
        self._write()

    def stopService(self) -> None:
        self.running = False
        self._unsubscribe()
        self._stream.flush()

    def _write(self) -> None:
        for id, event in self._subscription.since(self._written):
            self._written = id
            line = {
                "id": id,
                "globalID": event.global_id,
                "time": datetime.fromtimestamp(event.time, UTC).isoformat(),
                "type": event.type.value,
                "data": event.data,
            }
            self._stream.write(orjson.dumps(line, default=str).decode() + "\n")
        self._stream.flush()
