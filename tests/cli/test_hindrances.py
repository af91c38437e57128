from __future__ import annotations

from dataclasses import replace

from tests.cli.fakes import FakeNode, done
from txsyncthing.cli.hindrances import failures, hindrances
from txsyncthing.cli.look import DeviceLook, Look
from txsyncthing.cli.seam import Refused


def test_what_is_in_the_way_of_a_device_is_told() -> None:
    node = FakeNode()
    lacking = DeviceLook("NAS-7", "nas", False, False, "unknown", 2, 5, 100)
    look = Look(devices=(lacking, replace(lacking, name="tv", need_items=0, need_bytes=0)))
    reason = {"sentence": "It hangs up on us.", "code": "not-added", "remedy": "Add us there."}
    node.on("/rest/x/explain", {"reasons": [reason]})
    assert done(hindrances(node, look)) == [
        "  nas: - It hangs up on us. [not-added]",
        "  nas:   What to do: Add us there.",
    ]
    node.on("/rest/x/explain", Refused("", 404, "404 page not found"))
    assert done(hindrances(node, look)) == []


def test_the_items_that_failed_are_listed() -> None:
    node = FakeNode()
    node.on("/rest/folder/errors", {"errors": [{"path": "d/f", "error": "syncing: full"}]})
    assert done(failures(node, "photos")) == ["  d/f: syncing: full"]
    node.on("/rest/folder/errors", {"errors": None})
    assert done(failures(node, "photos")) == []
