"""
Users at two or three nodes edit, delete and rename at random, while wires break and nodes restart.

Whatever happens: the nodes come to the same tree; what a user wrote is in it, under its name or as a conflict
copy, unless somebody who had it replaced or deleted it.

Of two nodes, what was deleted or replaced does not return either. Of three it may: an edit that lost a
conflict still wins against the deletion of the winner, as long as a device that is away is known to have it.
"""

from __future__ import annotations

import errno
import os
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from txsyncthing.config.config import Configuration
from txsyncthing.node.world import DatabaseDirectory
from txsyncthing.testing.cluster import Cluster, Member
from txsyncthing.vocabulary.folder import FolderID, FolderState
from txsyncthing.vocabulary.name import WireName, is_conflict, is_internal, is_temporary

DOCS = FolderID("docs")
NAMES = ("a", "b", "c.txt", "d/e", "d/f.txt", "g/h/i", "g/h/j")
STEPS = 40
OPERATIONS = (
    "lstat",
    "list",
    "stats",
    "open",
    "read",
    "create",
    "write",
    "truncate",
    "utime",
    "sync",
    "sync_directory",
    "make_directory",
    "remove",
    "remove_directory",
    "rename",
    "place",
    "exchange",
    "link",
    "chmod",
    "space",
)
SIZES = (200_000, 1_200_000)  # bytes of the larger files: one of two blocks, one assembled on disk

Tree = dict[str, bytes]


class Story:
    """What the users did, and what must come of it."""

    def __init__(
        self, seed: int, count: int, databases: Path | None, bad_disks: bool = False
    ) -> None:
        self.random = Random(seed)
        self.bad_disks = bad_disks
        if databases is None:
            self.cluster = Cluster(seed)
        else:
            self.cluster = Cluster(seed, lambda name: DatabaseDirectory(databases / name))
        self.members = [self.cluster.add(name) for name in ("ann", "bob", "cid")[:count]]
        self.cluster.share(DOCS, *self.members)
        for member in self.members:
            member.holder.modify(unlimited_conflicts)
        self.cluster.run(5.0)
        self.log: list[str] = []
        self.written: dict[bytes, set[str]] = {}  # content: the names it was given
        self.replaced: set[tuple[str, bytes]] = set()  # by somebody who had it
        self.cut: set[tuple[int, int]] = set()

    def tree(self, member: Member) -> Tree:
        """The files that a user sees."""
        return {
            name: content
            for name, content in member.disk(DOCS).tree().items()
            if content is not None and not is_internal(name) and not is_temporary(name)
        }

    def step(self) -> None:
        users = [self.write, self.write, self.write, self.delete, self.rename]
        world = [self.break_wire, self.heal_wire, self.scan, self.restart, self.wait, self.wait]
        if self.bad_disks:
            world += [self.fail, self.fail, self.fail, self.power_cut]
        self.random.choice(users + world)(self.random.choice(self.members))

    def write(self, member: Member) -> None:
        name = self.random.choice(NAMES)
        self.replace(member, name)
        content = f"{len(self.written)} by {member.name}".encode()
        if self.random.random() < 0.2:
            content = content.ljust(self.random.choice(SIZES), b".")
        self.written[content] = {name}
        member.disk(DOCS).put(name, content)
        self.changed(member, f"write {name}", name)

    def delete(self, member: Member) -> None:
        if names := self.plain(member):
            name = self.random.choice(names)
            self.replace(member, name)
            member.disk(DOCS).remove(name)
            self.changed(member, f"delete {name}", name)

    def rename(self, member: Member) -> None:
        if names := self.plain(member):
            old, new = self.random.choice(names), self.random.choice(NAMES)
            content = self.tree(member)[old]
            if old != new:
                self.replace(member, old)
                self.replace(member, new)
                self.replaced.discard((new, content))  # written again
                self.written[content].add(new)
                disk = member.disk(DOCS)
                if "/" in new:
                    disk.put_directory(new.rpartition("/")[0])
                disk.rename(old, new)
                self.changed(member, f"rename {old} to {new}", old, new)

    def plain(self, member: Member) -> list[str]:
        return [name for name in self.tree(member) if name in NAMES]

    def replace(self, member: Member, name: str) -> None:
        content = self.tree(member).get(name)
        if content is not None:
            self.replaced.add((name, content))

    def changed(self, member: Member, what: str, *names: str) -> None:
        member.disk(DOCS).settle()
        self.note(f"{member.name}: {what}")
        folder = member.node.folders.get(DOCS)
        if folder is not None and self.random.random() < 0.8:  # else the next scan has to see
            folder.rescan([WireName(name) for name in names])
            self.note(f"{member.name}: sees it")

    def scan(self, member: Member) -> None:
        folder = member.node.folders.get(DOCS)
        if folder is not None:
            folder.scan().addErrback(lambda failure: None)
            self.note(f"{member.name}: scan")

    def wait(self, member: Member) -> None:
        seconds = self.random.choice((0.01, 0.1, 1.0, 5.0, 30.0))
        self.cluster.run(seconds)
        self.note(f"wait {seconds}")

    def restart(self, member: Member) -> None:
        if self.random.random() < 0.3:
            member.restart()
            self.cluster.run(1.0)
            self.note(f"{member.name}: restart")

    def fail(self, member: Member) -> None:
        """The disk refuses an operation or more."""
        operation = self.random.choice(OPERATIONS)
        code, count = self.random.choice((errno.EIO, errno.ENOSPC)), self.random.choice((1, 2, -1))
        disk = member.disk(DOCS)
        disk.fail(operation, "*", OSError(code, os.strerror(code)), times=count)
        self.note(f"{member.name}: {operation} fails {count} times")
        self.scan(member)
        self.wait(member)
        disk.heal()

    def power_cut(self, member: Member) -> None:
        """What we did not sync is lost; users do."""
        member.disk(DOCS).crash()
        self.note(f"{member.name}: power cut")
        member.restart()
        self.cluster.run(1.0)

    def break_wire(self, member: Member) -> None:
        other = self.random.choice([one for one in self.members if one is not member])
        if self.random.random() < 0.5:
            self.cluster.network.drop(member.device, other.device)
        else:
            self.cluster.network.cut(member.device, other.device)
        self.note(f"cut or drop {member.name} {other.name}")

    def heal_wire(self, member: Member) -> None:
        for other in self.members:
            if other is not member:
                self.cluster.network.heal(member.device, other.device)
        self.note(f"heal {member.name}")

    def note(self, what: str) -> None:
        self.log.append(f"{self.cluster.clock.seconds():.2f} {what}")

    def calm_down(self) -> None:
        """Wires are whole, all is scanned, nothing is missing."""
        for member in self.members:
            self.heal_wire(member)
        for _ in range(6):
            self.cluster.run(70.0)
            for member in self.members:
                self.scan(member)
            self.cluster.run(20.0)
            if self.quiet():
                return
        raise AssertionError(self.report("the nodes did not come to rest"))

    def quiet(self) -> bool:
        trees = [self.tree(member) for member in self.members]
        for member in self.members:
            folder = member.node.folders.get(DOCS)
            if folder is None or folder.status().state is not FolderState.IDLE:
                return False
            if folder.status().need.items:
                return False
        return all(tree == trees[0] for tree in trees)

    def check(self, returns: bool = False) -> None:
        tree = self.tree(self.members[0])
        there = set(tree.values())
        for content, names in self.written.items():
            if any((name, content) not in self.replaced for name in names):
                assert content in there, self.report(f"lost: {content[:30]!r}, {names}")
        if returns or len(self.members) > 2:
            return
        for name, content in tree.items():
            if not is_conflict(name):
                back = (name, content) in self.replaced
                assert not back, self.report(f"returned: {name}, {content[:30]!r}")

    def report(self, what: str) -> str:
        lines = [what, *self.log]
        for member in self.members:
            tree = {name: content[:20] for name, content in self.tree(member).items()}
            lines.append(f"{member.name}: {tree}")
            folder = member.node.folders.get(DOCS)
            if folder is not None:
                lines += [str(folder.status().state), str(folder.status().errors)]
        return "\n".join(lines)


def unlimited_conflicts(old: Configuration) -> Configuration:
    folders = tuple(replace(folder, max_conflicts=-1) for folder in old.folders)
    return replace(old, folders=folders)


@pytest.mark.parametrize("seed", range(20))
def test_nothing_is_lost_and_nothing_returns(seed: int, tmp_path: Path) -> None:
    story = Story(seed, 2 + seed % 2, tmp_path)
    for _ in range(STEPS):
        story.step()
    story.calm_down()
    story.check()
    story.cluster.stop()


@pytest.mark.parametrize("seed", range(5))
def test_nothing_is_lost_even_when_databases_are(seed: int) -> None:
    story = Story(seed, 2 + seed % 2, None)
    for _ in range(STEPS):
        story.step()
    story.calm_down()
    story.check(returns=True)  # who forgets a deletion before anybody heard of it cannot tell of it
    story.cluster.stop()


@pytest.mark.parametrize("seed", range(10))
def test_nothing_is_lost_and_nothing_returns_with_bad_disks(seed: int, tmp_path: Path) -> None:
    story = Story(seed, 2 + seed % 2, tmp_path, bad_disks=True)
    for _ in range(STEPS):
        story.step()
    story.calm_down()
    story.check()
    story.cluster.stop()
