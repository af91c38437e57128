"""Whole nodes on one clock."""

from __future__ import annotations

from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName

DOCS = FolderID("docs")


def put(member: Member, name: str, data: bytes) -> None:
    """A user writes a file, and the folder is scanned."""
    member.disk(DOCS).put(name, data)
    folder = member.node.folders.get(DOCS)
    assert folder is not None
    folder.rescan([WireName(name)])


def read(member: Member, name: str) -> bytes | None:
    return member.disk(DOCS).tree().get(name)


def test_two_nodes_sync_lose_the_wire_and_heal() -> None:
    cluster = Cluster()
    alice, bob = cluster.add("alice"), cluster.add("bob")
    cluster.share(DOCS, alice, bob)
    cluster.run(5.0)
    put(alice, "to bob", b"from alice")
    put(bob, "to alice", b"x" * 300_000)
    cluster.run_until(lambda: read(bob, "to bob") == b"from alice", 60.0)
    cluster.run_until(lambda: read(alice, "to alice") == b"x" * 300_000, 60.0)
    cluster.network.cut(alice.device, bob.device)
    put(alice, "to bob", b"while apart")
    cluster.run(60.0)
    assert read(bob, "to bob") == b"from alice"
    cluster.network.heal(alice.device, bob.device)
    cluster.run_until(lambda: read(bob, "to bob") == b"while apart", 120.0)
    cluster.stop()
    assert cluster.clock.getDelayedCalls() == []
