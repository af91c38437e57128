"""What is configured in the moments in which a node starts counts as well."""

from __future__ import annotations

from pathlib import Path
from random import Random

import pytest

from txsyncthing.node.world import DatabaseDirectory, database_name
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.testing.jobs import Pace, PacedWorkers, Tempo
from txsyncthing.testing.process import Process
from txsyncthing.vocabulary.folder import FolderID, FolderState

DOCS = FolderID("docs")


def started(cluster: Cluster, name: str) -> Member:
    """A node of which each job begins later than it could."""

    def slow(process: Process) -> Workers:
        return PacedWorkers(Pace(process, Tempo(late=1.0, longest=0.1), Random(cluster.seed)))

    member = cluster.member(name)
    member.workers = slow
    member.start()
    return member


def test_devices_that_are_added_while_a_node_starts_are_met() -> None:
    cluster = Cluster()
    alice, bob = started(cluster, "alice"), started(cluster, "bob")
    cluster.share(DOCS, alice, bob)
    cluster.run(5.0)
    alice.disk(DOCS).put("f", b"bytes")
    folder = alice.node.folders.get(DOCS)
    assert folder is not None
    folder.scan()
    cluster.run_until(lambda: bob.disk(DOCS).tree().get("f") == b"bytes", 60.0)
    cluster.stop()


@pytest.mark.parametrize("seed", range(6))
def test_the_database_of_a_folder_that_is_added_while_a_node_starts_is_not_removed(
    tmp_path: Path, seed: int
) -> None:
    cluster = Cluster(seed, lambda name: DatabaseDirectory(tmp_path))
    alice = started(cluster, "alice")
    cluster.run(seed / 500)
    cluster.share(DOCS, alice)
    cluster.run(5.0)
    assert alice.state(DOCS) is FolderState.IDLE
    assert (tmp_path / database_name(DOCS)).exists()
    cluster.stop()
