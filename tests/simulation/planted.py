"""
Bugs to be planted in a node, each of which has cost somebody files: the simulation must find them.

A bug is planted from outside, in the place of a function or a disk; the node's own code has no switches.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext

import pytest

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.memory_file import MemoryFile
from txsyncthing.filesystem.seam import Filesystem, Kind, Stat
from txsyncthing.folder import root
from txsyncthing.index import store
from txsyncthing.index.store import FolderStore
from txsyncthing.index.values import Counts
from txsyncthing.pull import renames, target, tree
from txsyncthing.pull.options import PullOptions
from txsyncthing.versions.keeper import Keeper, Over
from txsyncthing.vocabulary.device import DeviceID, ShortID
from txsyncthing.vocabulary.file import FileInfo, LocalFlag
from txsyncthing.vocabulary.vector import Vector

Plant = Callable[[pytest.MonkeyPatch], type[MemoryFilesystem]]
"""Plants a bug and says which kind of disk to use."""


class UnsyncedFile(MemoryFile):
    """A file whose bytes nobody waits for."""

    def sync(self) -> None:
        """Says that it is done."""


class UnsyncedFiles(MemoryFilesystem):
    """A disk under a node that renames before it syncs."""

    def create(self, name: str, mode: int) -> MemoryFile:
        opened = super().create(name, mode)
        return UnsyncedFile(self, opened._node, name)


class UnsyncedNames(MemoryFilesystem):
    """A disk under a node that does not sync directories."""

    def sync_directory(self, name: str) -> None:
        """Says that it is done."""


def rename_before_fsync(patch: pytest.MonkeyPatch) -> type[MemoryFilesystem]:
    return UnsyncedFiles


def no_sync_of_directories(patch: pytest.MonkeyPatch) -> type[MemoryFilesystem]:
    return UnsyncedNames


def peers_index_is_local_state(patch: pytest.MonkeyPatch) -> type[MemoryFilesystem]:
    """What a peer tells of is recorded as if it were here; the next scan finds it gone."""
    honest = FolderStore.update_remote

    def update_remote(
        self: FolderStore, device: DeviceID, files: Sequence[FileInfo], replace: bool = False
    ) -> Counts:
        counts = honest(self, device, files, replace)
        here = [file for file in files if not file.deleted and not file.invalid]
        return self.update_local([file._replace(sequence=0) for file in here]) if here else counts

    patch.setattr(FolderStore, "update_remote", update_remote)
    return MemoryFilesystem


def deletion_without_a_root(patch: pytest.MonkeyPatch) -> type[MemoryFilesystem]:
    """Nobody looks whether the folder is there at all."""

    def check(filesystem: Filesystem, marker: str) -> Stat:
        """All is well."""
        nothing = Stat._make(0 for _ in Stat._fields)
        return nothing._replace(kind=Kind.DIRECTORY, mode=0o755, device=1)

    patch.setattr(root, "check_folder", check)
    return MemoryFilesystem


def bump_forgets_others(patch: pytest.MonkeyPatch) -> type[MemoryFilesystem]:
    """A new version knows nothing of those before it."""

    def bump(self: Vector, id: ShortID, now: int) -> Vector:
        return Vector.of([(id, max(self.value(id) + 1, now))])

    patch.setattr(Vector, "bump", bump)
    return MemoryFilesystem


def bump_outdoes_others(patch: pytest.MonkeyPatch) -> type[MemoryFilesystem]:
    """A new version seems to know what others did meanwhile."""

    def bump(self: Vector, id: ShortID, now: int) -> Vector:
        counters = [(other, max(value, now)) for other, value in self.counters if other != id]
        return Vector.of([*counters, (id, max(self.value(id) + 1, now))])

    patch.setattr(Vector, "bump", bump)
    return MemoryFilesystem


def no_conflict_copies(patch: pytest.MonkeyPatch) -> type[MemoryFilesystem]:
    """Who loses a conflict is simply replaced."""

    def in_conflict(have: FileInfo | None, wanted: FileInfo, me: ShortID) -> bool:
        return False

    for module in (renames, target, tree):
        patch.setattr(module, "in_conflict", in_conflict)
    return MemoryFilesystem


def no_look_before_the_commit(patch: pytest.MonkeyPatch) -> type[MemoryFilesystem]:
    """What is on the disk is taken for what is on record."""

    def unchanged(
        filesystem: Filesystem, name: str, found: Stat, have: FileInfo, options: PullOptions
    ) -> bool:
        return not have.local_flags & LocalFlag.MUST_RESCAN

    for module in (renames, target, tree):
        patch.setattr(module, "unchanged", unchanged)
    return MemoryFilesystem


def no_version_of_what_is_replaced(patch: pytest.MonkeyPatch) -> type[MemoryFilesystem]:
    """Old versions are kept of what is deleted only."""

    def copy(self: Keeper, filesystem: Filesystem, name: str, found: Stat) -> Over:
        return lambda replaced: None

    patch.setattr(Keeper, "copy", copy)
    return MemoryFilesystem


def no_sync_of_records(patch: pytest.MonkeyPatch) -> type[MemoryFilesystem]:
    """After a power cut sequence numbers are used again that peers have seen."""
    patch.setattr(store, "durable", nullcontext)
    return MemoryFilesystem


BUGS: dict[str, tuple[Plant, int]] = {
    "rename before fsync": (rename_before_fsync, 40),
    "no sync of directories": (no_sync_of_directories, 60),
    "a peer's index is local state": (peers_index_is_local_state, 5),
    "deletion without a root": (deletion_without_a_root, 40),
    "a bump forgets others": (bump_forgets_others, 10),
    "a bump outdoes others": (bump_outdoes_others, 40),
    "no conflict copies": (no_conflict_copies, 20),
    "no look before the commit": (no_look_before_the_commit, 60),
    "no version of what is replaced": (no_version_of_what_is_replaced, 40),
    "no sync of records": (no_sync_of_records, 60),
}
"""Each with the number of seeds, from 0 on, within which it must be found."""
