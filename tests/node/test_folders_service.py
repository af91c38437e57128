"""Folders follow the configuration, and a damaged database is rebuilt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from txsyncthing.node.world import DatabaseDirectory, database_name
from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.vocabulary.folder import FolderID, FolderState

DOCS, PHOTOS = FolderID("docs"), FolderID("photos")


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_a_folder_runs_while_it_is_configured_and_not_paused(cluster: Cluster) -> None:
    member = cluster.add("alice")
    cluster.share(DOCS, member)
    cluster.run(1.0)
    assert member.state(DOCS) is FolderState.IDLE
    pause(member, True)
    cluster.run(1.0)
    assert member.node.folders.get(DOCS) is None
    assert member.node.table.get(DOCS) is None
    pause(member, False)
    cluster.run(1.0)
    assert member.state(DOCS) is FolderState.IDLE
    member.holder.modify(lambda old: replace(old, folders=()))
    cluster.run(1.0)
    assert member.node.folders.get(DOCS) is None
    cluster.stop()


def test_a_reset_gives_the_folder_a_new_database_and_the_peers_tell_theirs_again(
    cluster: Cluster,
) -> None:
    alice, bob = cluster.add("alice"), cluster.add("bob")
    cluster.share(DOCS, alice, bob)
    cluster.run(5.0)
    bob.disk(DOCS).put("file", b"bytes")
    running = bob.node.folders.get(DOCS)
    assert running is not None
    running.scan()
    cluster.run_until(lambda: alice.disk(DOCS).tree().get("file") == b"bytes", 60.0)
    before = alice.node.folders.get(DOCS)
    done = alice.node.folders.reset(DOCS)
    cluster.run(10.0)
    assert done.called
    after = alice.node.folders.get(DOCS)
    assert before is not None and after is not None and after is not before
    assert after.index.index_id != before.index.index_id
    counts = after.status()
    assert (counts.global_.files, counts.need.files) == (1, 0)
    assert alice.disk(DOCS).tree()["file"] == b"bytes"
    cluster.stop()


def test_databases_lie_apart_and_one_put_aside_can_still_be_looked_at(tmp_path: Path) -> None:
    databases = DatabaseDirectory(tmp_path / "index")
    docs, photos = database_name(DOCS), database_name(PHOTOS)
    for name in (docs, photos):
        Path(databases.path(name)).write_bytes(name.encode())
    databases.put_aside(docs)
    assert databases.names() == [photos]
    assert Path(f"{databases.path(docs)}.damaged-1").read_bytes() == docs.encode()
    databases.put_aside(docs)  # there is none
    databases.remove(photos)
    assert databases.names() == []


def pause(member: Member, paused: bool) -> None:
    member.holder.modify(
        lambda old: replace(
            old, folders=tuple(replace(folder, paused=paused) for folder in old.folders)
        )
    )
