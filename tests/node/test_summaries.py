"""Whole nodes tell how folders stand, here and at the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from txsyncthing.events.types import EventType
from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName

DOCS = FolderID("docs")
KINDS = frozenset({EventType.FOLDER_SUMMARY, EventType.FOLDER_COMPLETION, EventType.STATE_CHANGED})


class Told:
    """What a node has told since the last look."""

    def __init__(self, member: Member) -> None:
        self._stream = member.node.events.subscribe(KINDS)
        self._seen = self._stream.newest

    def new(self) -> list[tuple[EventType, Mapping[str, Any]]]:
        found = self._stream.since(self._seen)
        self._seen = found[-1].id if found else self._seen
        return [(one.event.type, one.event.data) for one in found]


def write(member: Member, name: str, data: bytes) -> None:
    member.disk(DOCS).put(name, data)
    folder = member.node.folders.get(DOCS)
    assert folder is not None
    folder.rescan([WireName(name)])


def test_a_device_that_comes_and_what_it_lacks_is_told() -> None:
    cluster = Cluster()
    alice, bob = cluster.add("alice"), cluster.add("bob")
    told = Told(alice)
    cluster.share(DOCS, alice, bob)
    cluster.run(20.0)
    completions = [data for type, data in told.new() if type is EventType.FOLDER_COMPLETION]
    assert completions[-1]["device"] == str(bob.device)
    assert (completions[-1]["completion"], completions[-1]["remoteState"]) == (100, "valid")


def test_the_end_of_a_pull_is_told_at_once_and_a_scan_that_finds_nothing_not_at_all() -> None:
    cluster = Cluster()
    alice, bob = cluster.add("alice"), cluster.add("bob")
    cluster.share(DOCS, alice, bob)
    cluster.run(20.0)
    told = Told(bob)
    write(alice, "f", b"12345")
    cluster.run(20.0)
    found = told.new()
    ends = [
        number
        for number, (type, data) in enumerate(found)
        if type is EventType.STATE_CHANGED and (data["from"], data["to"]) == ("syncing", "idle")
    ]
    type, data = found[ends[0] + 1]
    assert type is EventType.FOLDER_SUMMARY
    assert (data["summary"]["needTotalItems"], data["summary"]["localFiles"]) == (0, 1)
    folder = bob.node.folders.get(DOCS)
    assert folder is not None
    folder.scan()
    cluster.run(20.0)
    assert EventType.FOLDER_SUMMARY not in {type for type, _ in told.new()}
