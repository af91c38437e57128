"""
A young implementation counted all devices' changes under one ID, so that two devices made the same version of
different contents. Each device counts under its own short ID, and under no other.
"""

from __future__ import annotations

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName

DOCS = FolderID("docs")


def put(member: Member, name: str, data: bytes) -> None:
    member.disk(DOCS).put(name, data)
    scan(member)


def scan(member: Member) -> None:
    folder = member.node.folders.get(DOCS)
    assert folder is not None
    folder.scan()


def record(member: Member, name: str) -> FileInfo | None:
    folder = member.node.folders.get(DOCS)
    assert folder is not None
    found: list[dict[WireName, FileInfo]] = []
    folder.index.local([WireName(name)]).addCallback(found.append)
    return found[0].get(WireName(name))


def counters(member: Member, name: str) -> set[ShortID]:
    file = record(member, name)
    return set() if file is None else {counter.id for counter in file.version.counters}


def agree(cluster: Cluster, name: str) -> None:
    def same() -> bool:
        files = [record(member, name) for member in cluster.members]
        return len({file and file.version for file in files}) == 1

    cluster.run_until(same, 120.0)


def test_two_nodes_count_under_their_own_ids_only() -> None:
    cluster = Cluster()
    alice, bob = cluster.add("alice"), cluster.add("bob")
    cluster.share(DOCS, alice, bob)
    cluster.run(5.0)
    a, b = alice.device.short, bob.device.short
    assert a != b
    put(alice, "from alice", b"1")
    put(bob, "from bob", b"1")
    agree(cluster, "from alice")
    agree(cluster, "from bob")
    for member in cluster.members:  # pulling counts nothing
        assert counters(member, "from alice") == {a}
        assert counters(member, "from bob") == {b}
    cluster.run(5.0)
    put(bob, "from alice", b"22")
    agree(cluster, "from alice")
    assert counters(alice, "from alice") == {a, b}
    alice.disk(DOCS).remove("from bob")
    scan(alice)
    agree(cluster, "from bob")
    assert counters(bob, "from bob") == {a, b}
    cluster.stop()


def test_edits_made_apart_are_concurrent_and_both_are_kept() -> None:
    cluster = Cluster()
    alice, bob = cluster.add("alice"), cluster.add("bob")
    cluster.share(DOCS, alice, bob)
    cluster.run(5.0)
    cluster.network.cut(alice.device, bob.device)
    for member in (alice, bob):  # in the same second: only the IDs tell the versions apart
        put(member, "f", member.name.encode())
    versions = [record(member, "f") for member in (alice, bob)]
    assert versions[0] is not None
    assert versions[1] is not None
    assert versions[0].version.concurrent(versions[1].version)
    cluster.network.heal(alice.device, bob.device)
    cluster.run(120.0)
    for member in (alice, bob):
        tree = member.disk(DOCS).tree()
        kept = {data for name, data in tree.items() if name.startswith("f")}
        assert kept == {b"alice", b"bob"}
    cluster.stop()


def test_what_was_there_before_counts_under_an_id_of_that_database_alone() -> None:
    cluster = Cluster()
    alice, bob = cluster.add("alice"), cluster.add("bob")
    cluster.network.cut(alice.device, bob.device)
    for member in (alice, bob):
        member.disks["/docs"] = MemoryFilesystem(cluster.unix)
        member.disks["/docs"].put("f", b"of both")
    cluster.share(DOCS, alice, bob)
    cluster.run(5.0)
    first = [counters(member, "f") for member in (alice, bob)]
    assert [len(one) for one in first] == [1, 1]
    assert not first[0] & first[1]
    for member, before in zip((alice, bob), first, strict=True):
        put(member, "f", member.name.encode())
        assert counters(member, "f") == before | {member.device.short}
    cluster.stop()
