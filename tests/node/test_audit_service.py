"""What the audit log holds."""

from __future__ import annotations

from io import StringIO

import orjson

from txsyncthing.events.bus import EventBus
from txsyncthing.events.types import EventType
from txsyncthing.node.audit_service import AuditService


def test_each_event_is_one_line_of_json() -> None:
    events, stream = EventBus(lambda: 0.0), StringIO()
    service = AuditService(events, stream)
    events.emit(EventType.STARTING, {"home": "h"})
    service.startService()
    events.emit(EventType.ITEM_STARTED, {"item": "a"})
    service.stopService()
    events.emit(EventType.ITEM_FINISHED, {"item": "a"})
    lines = [orjson.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["id"], line["type"], line["data"]) for line in lines] == [
        (1, "Starting", {"home": "h"}),
        (2, "ItemStarted", {"item": "a"}),
    ]
