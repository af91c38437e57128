"""Whole nodes that watch their disks, on one clock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.vocabulary.folder import FolderID, FolderState

FOLDER = FolderID("default")
DELAY = 10.0


class Watched:
    """Two nodes with a watched folder that are in step."""

    def __init__(self) -> None:
        self.cluster = Cluster()
        self.ann, self.bob = (self.cluster.add(name) for name in ("ann", "bob"))
        self.cluster.share(FOLDER, self.ann, self.bob, watched=True)
        self.cluster.run_until(self.ready, 60)
        self.cluster.run(20)

    def ready(self) -> bool:
        members = (self.ann, self.bob)
        return all(member.state(FOLDER) is FolderState.IDLE for member in members)

    def put(self, member: Member, name: str, data: bytes) -> None:
        member.disk(FOLDER).put(name, data)

    def seconds_until(self, member: Member, name: str, data: bytes | None) -> float:
        """How long it takes until a node has this."""
        begun = self.cluster.clock.seconds()
        tree = member.disk(FOLDER).tree
        self.cluster.run_until(lambda: tree().get(name) == data, 60)
        return self.cluster.clock.seconds() - begun


@pytest.fixture
def watched() -> Iterator[Watched]:
    made = Watched()
    yield made
    made.cluster.stop()


def test_an_edit_is_visible_at_the_peer_at_once_and_the_next_within_the_delay(
    watched: Watched,
) -> None:
    watched.put(watched.ann, "d/f", b"first")
    assert watched.seconds_until(watched.bob, "d/f", b"first") <= 0.5
    watched.put(watched.ann, "d/f", b"second")
    assert watched.seconds_until(watched.bob, "d/f", b"second") <= DELAY + 0.3
    watched.ann.disk(FOLDER).remove("d/f")
    assert watched.seconds_until(watched.bob, "d/f", None) <= DELAY + 0.5


def test_what_a_node_pulls_it_does_not_scan(watched: Watched) -> None:
    states: list[FolderState] = []
    running = watched.bob.node.folders.get(FOLDER)
    assert running is not None
    running.on_state(states.append)
    for number in range(600):
        watched.put(watched.ann, f"d{number % 5}/{number}", b"%d" % number)
    assert watched.seconds_until(watched.bob, "d4/599", b"599") < 2 * DELAY
    watched.cluster.run(60)
    assert FolderState.SYNCING in states
    assert FolderState.SCANNING not in states


def test_both_sides_edit_and_nothing_is_missed(watched: Watched) -> None:
    for number in range(50):
        watched.put(watched.ann, f"a{number % 7}", b"ann %d" % number)
        watched.put(watched.bob, f"b{number % 5}", b"bob %d" % number)
        watched.cluster.run(1.7)
    watched.cluster.run(2 * DELAY)
    trees = [member.disk(FOLDER).tree() for member in (watched.ann, watched.bob)]
    assert {name: data for name, data in trees[0].items() if data} == {
        name: data for name, data in trees[1].items() if data
    }
    assert trees[0]["a0"] == b"ann 49"
    assert trees[1]["b4"] == b"bob 49"
