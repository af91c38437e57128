"""What two whole nodes know of each other when folders are shared, taken back, moved and made anew."""

from __future__ import annotations

from dataclasses import replace

from txsyncthing.config.config import Configuration
from txsyncthing.config.folder import FolderConfig, FolderDevice
from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName

DOCS = FolderID("docs")


def together() -> tuple[Cluster, Member, Member]:
    cluster = Cluster()
    alice, bob = cluster.add("alice"), cluster.add("bob")
    cluster.share(DOCS, alice, bob)
    cluster.run(10.0)
    return cluster, alice, bob


def meet_again(cluster: Cluster, alice: Member, bob: Member) -> None:
    """So that each tells how far it knows the other's index."""
    cluster.network.cut(alice.device, bob.device)
    cluster.run(10.0)
    cluster.network.heal(alice.device, bob.device)
    cluster.run(90.0)


def write(member: Member, name: str, data: bytes) -> None:
    member.disk(DOCS).put(name, data)
    folder = member.node.folders.get(DOCS)
    assert folder is not None
    folder.rescan([WireName(name)])


def read(member: Member, name: str) -> bytes | None:
    return member.disk(DOCS).tree().get(name)


def knows(member: Member, other: Member, name: str) -> bool:
    """Whether a node has a record of what another one told of a file."""
    folder = member.node.folders.get(DOCS)
    assert folder is not None
    found: list[bool] = []
    folder.index.versions(WireName(name)).addCallback(
        lambda versions: found.append(other.device in versions)
    )
    return found[0]


def change(member: Member, **fields: object) -> None:
    def edit(folder: FolderConfig) -> FolderConfig:
        return replace(folder, **fields) if folder.id == DOCS else folder  # type: ignore[arg-type]

    def modify(old: Configuration) -> Configuration:
        return replace(old, folders=tuple(edit(folder) for folder in old.folders))

    member.holder.modify(modify)


def test_who_takes_a_folder_back_and_shares_it_again_tells_all_of_it_again() -> None:
    cluster, alice, bob = together()
    write(alice, "f", b"bytes")
    cluster.run(10.0)
    meet_again(cluster, alice, bob)
    assert knows(bob, alice, "f")
    change(alice, devices=(FolderDevice(alice.device),))
    cluster.run(10.0)
    assert not knows(bob, alice, "f")
    change(alice, devices=(FolderDevice(alice.device), FolderDevice(bob.device)))
    cluster.run(10.0)
    write(alice, "g", b"bytes")
    cluster.run(10.0)
    assert read(bob, "g") == b"bytes"
    assert knows(bob, alice, "f")
    cluster.stop()


def test_taken_back_and_shared_again_within_a_moment() -> None:
    cluster, alice, bob = together()
    write(alice, "f", b"bytes")
    cluster.run(10.0)
    meet_again(cluster, alice, bob)
    change(alice, devices=(FolderDevice(alice.device),))
    change(alice, devices=(FolderDevice(alice.device), FolderDevice(bob.device)))
    cluster.run(10.0)
    assert knows(bob, alice, "f")
    assert knows(alice, bob, "f")
    cluster.stop()
