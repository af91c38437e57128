from __future__ import annotations

from dataclasses import replace

from txsyncthing.config.config import Configuration
from txsyncthing.config.device import DeviceConfig
from txsyncthing.config.folder import FolderConfig
from txsyncthing.node.build import all_paused
from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID

DOCS = FolderID("docs")


def lines(member: Member) -> list[str]:
    return [line.message for line in member.logs.lines()]


def test_a_node_says_who_starts_and_who_has_stopped() -> None:
    cluster = Cluster()
    alice = cluster.add("alice")
    cluster.run(1.0)
    assert any(f"device {alice.device} starts" in line for line in lines(alice))
    cluster.stop()
    assert any("has stopped" in line for line in lines(alice))
    assert cluster.clock.getDelayedCalls() == []


def test_a_node_that_stops_at_once_leaves_nothing() -> None:
    cluster = Cluster()
    alice, bob = cluster.add("alice"), cluster.add("bob")
    cluster.share(DOCS, alice, bob)
    cluster.stop()
    assert cluster.clock.getDelayedCalls() == []
    assert cluster.network.wires == 0


def test_many_nodes_of_one_program_know_nothing_of_each_other() -> None:
    cluster = Cluster()
    members = [cluster.add(name) for name in ("alice", "bob", "carol")]
    cluster.share(DOCS, *members[:2])
    cluster.run(10.0)
    assert [member.state(DOCS) is None for member in members] == [False, False, True]
    assert cluster.network.wires == 1
    cluster.stop()


def test_everything_can_be_paused_and_resumed() -> None:
    folder = FolderConfig(id=DOCS, path="/docs")
    device = DeviceConfig(id=DeviceID(b"d" * 32))
    before = Configuration(folders=(folder,), devices=(device,))
    paused = all_paused(before, True)
    assert paused.folders == (replace(folder, paused=True),)
    assert paused.devices == (replace(device, paused=True),)
    assert all_paused(paused, False) == before
