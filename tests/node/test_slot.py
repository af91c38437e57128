"""What runs of a folder follows what is wanted, step by step."""

from __future__ import annotations

from dataclasses import replace

import pytest

from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.vocabulary.folder import FolderID, FolderState
from txsyncthing.vocabulary.name import WireName

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


def test_folders_removed_one_right_after_the_other_leave_only_their_files(
    cluster: Cluster,
) -> None:
    member = cluster.add("alice")
    disks = []
    for id in (DOCS, PHOTOS):
        cluster.share(id, member)
        disks.append(member.disk(id))
        disks[-1].put("file", b"bytes")
    cluster.run(5.0)
    member.holder.modify(lambda old: replace(old, folders=old.folders[1:]))
    member.holder.modify(lambda old: replace(old, folders=()))
    cluster.run(5.0)
    assert [disk.tree() for disk in disks] == [{"file": b"bytes"}] * 2
    cluster.stop()


def test_the_log_tells_of_a_folder_in_error_and_of_its_recovery(cluster: Cluster) -> None:
    member = cluster.add("alice")
    cluster.share(DOCS, member)
    cluster.run(5.0)
    disk, marker = member.disk(DOCS), ".stfolder"
    disk.rename(marker, "elsewhere")
    running = member.node.folders.get(DOCS)
    assert running is not None
    running.rescan([WireName("x")])
    cluster.run(5.0)
    assert "folder docs: folder marker missing" in member.logs.errors()[-1].message
    disk.rename("elsewhere", marker)
    cluster.run(120.0)
    assert "folder docs is well again" in [line.message for line in member.logs.lines()]
    cluster.stop()


def pause(member: Member, paused: bool) -> None:
    member.holder.modify(
        lambda old: replace(
            old, folders=tuple(replace(folder, paused=paused) for folder in old.folders)
        )
    )
