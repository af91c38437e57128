"""
A node that sends and receives, one that only receives and one that only sends, with users at all three.

Whatever happens: nothing of the receive-only node reaches the others, and nothing of the others the send-only
one; a revert and an override bring all to one tree; and until the revert no edit of anybody's is lost.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from txsyncthing.config.config import Configuration
from txsyncthing.folder.requests import Chore
from txsyncthing.folder.service import FolderService
from txsyncthing.node.world import DatabaseDirectory
from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.vocabulary.folder import FolderID, FolderState, FolderType
from txsyncthing.vocabulary.name import is_internal, is_temporary

DOCS = FolderID("docs")
NAMES = ("a", "b", "c.txt", "d/e", "d/f.txt", "g/h/i")
STEPS = 30
SEEDS = 12


class Story:
    """What the users did."""

    def __init__(self, seed: int, databases: Path) -> None:
        self.random = Random(seed)
        self.cluster = Cluster(seed, lambda name: DatabaseDirectory(databases / name))
        self.plain, self.receiver, self.sender = (
            self.cluster.add(name) for name in ("plain", "receiver", "sender")
        )
        self.cluster.share(DOCS, *self.members)
        self.become(self.receiver, FolderType.RECEIVE_ONLY)
        self.become(self.sender, FolderType.SEND_ONLY)
        self.cluster.run(10.0)
        self.written = 0
        self.own: dict[str, bytes] = {}  # what the receiver's user last wrote, and did not remove

    @property
    def members(self) -> list[Member]:
        return [self.plain, self.receiver, self.sender]

    def become(self, member: Member, type: FolderType) -> None:
        def change(old: Configuration) -> Configuration:
            (folder,) = old.folders
            return replace(old, folders=(replace(folder, type=type, max_conflicts=-1),))

        member.holder.modify(change)

    def folder(self, member: Member) -> FolderService:
        folder = member.node.folders.get(DOCS)
        assert folder is not None
        return folder

    def tree(self, member: Member) -> dict[str, bytes]:
        return {
            name: content
            for name, content in member.disk(DOCS).tree().items()
            if content is not None and not is_internal(name) and not is_temporary(name)
        }

    def step(self) -> None:
        member = self.random.choice(self.members)
        name = self.random.choice(NAMES)
        disk = member.disk(DOCS)
        action = self.random.choice(["write", "write", "remove", "wire", "wait", "restart"])
        if action == "write":
            self.written += 1
            content = f"{self.written} by {member.name}".encode()
            disk.put(name, content)
            if member is self.receiver:
                self.own[name] = content
        elif action == "remove" and name in self.tree(member):
            disk.remove(name)
            if member is self.receiver:
                self.own.pop(name, None)
        elif action == "wire":
            one, other = self.random.sample(self.members, 2)
            change = self.random.choice([self.cluster.network.cut, self.cluster.network.heal])
            change(one.device, other.device)
        elif action == "restart":
            member.restart()
            self.cluster.run(2.0)
        elif action == "wait":
            self.cluster.run(self.random.uniform(0.0, 20.0))
        self.folder(member).scan()
        self.cluster.run(self.random.uniform(0.0, 5.0))

    def settle(self) -> None:
        for number, one in enumerate(self.members):
            for other in self.members[number + 1 :]:
                self.cluster.network.heal(one.device, other.device)
        self.cluster.run(200.0)
        for _ in range(2):
            for member in self.members:
                self.folder(member).scan()
            self.cluster.run(100.0)

    def quiet(self) -> bool:
        return all(
            self.folder(member).status().state is FolderState.IDLE
            and not self.folder(member).status().need.items
            for member in self.members
        )


@pytest.mark.parametrize("seed", range(SEEDS))
def test_one_side_counts_whatever_the_users_do(seed: int, tmp_path: Path) -> None:
    for name in ("plain", "receiver", "sender"):
        (tmp_path / name).mkdir()
    story = Story(seed, tmp_path)
    for _ in range(STEPS):
        story.step()
        sent = b"".join(story.tree(story.sender).values())
        assert b"by plain" not in sent
        assert b"by receiver" not in sent
        assert b"by receiver" not in b"".join(story.tree(story.plain).values())
    story.settle()

    ours = story.tree(story.sender)
    story.folder(story.sender).do(Chore.OVERRIDE)
    story.cluster.run(200.0)
    assert story.tree(story.sender) == ours == story.tree(story.plain)

    kept = story.tree(story.receiver)
    assert set(story.own.values()) <= set(kept.values())
    status = story.folder(story.receiver).status()
    assert (status.receive_only.items == 0) == (kept == ours)

    story.folder(story.receiver).do(Chore.REVERT)
    story.cluster.run_until(story.quiet, 600.0)
    assert story.tree(story.receiver) == ours
    assert story.folder(story.receiver).status().receive_only.items == 0
    assert story.folder(story.receiver).status().errors == ()
    story.cluster.stop()
