"""
A file where the cluster has a directory.

One device writes a file (or a symlink) in the place of a directory in which another one writes at the same
time. The cluster then wants both, the file under its name and an item below that name, and nobody can have
them: who has the file cannot take the item, who has the directory cannot take the file. The official daemon
stands still there, with errors (reference 12, "A directory newer than a file").

Whoever has the file can help without losing anything: it becomes a conflict copy, and a directory takes its
place, which the next scan tells as a newer version.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import NamedTuple

from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.pull.conflict import keep_copy, undone_on_failure
from txsyncthing.pull.failure import ItemFailed
from txsyncthing.pull.finish import sync_directories
from txsyncthing.pull.keeping import drop
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.target import NEW_DIRECTORY, expect, still_there
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName, parent

PATIENCE = (
    30.0  # seconds an item must fail: indexes come in parts, and what is on its way may clear it
)


class Obstacle(NamedTuple):
    """A file or symlink above an item that is wanted."""

    have: FileInfo
    wanted: WireName  # the item


class Failing:
    """Since when items have failed, round after round."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def long(self, failed: Iterable[ItemError], now: float) -> list[WireName]:
        """
        Which items have failed for a while.

        :param failed: of the last round.
        """
        self._since = {error.path: self._since.get(error.path, now) for error in failed}
        return [WireName(path) for path, since in self._since.items() if now - since >= PATIENCE]


def above(name: str) -> list[WireName]:
    """The directories above an item, the nearest first."""
    names = []
    while name := parent(name):
        names.append(WireName(name))
    return names


def obstacles(
    names: Iterable[WireName],
    have: Mapping[WireName, FileInfo],
    wanted: Mapping[WireName, FileInfo],
) -> list[Obstacle]:
    """
    What stands above these items, though all agree that it is there.

    :param have: our records of all that could be above.
    :param wanted: the global versions.
    """
    found: dict[WireName, Obstacle] = {}
    for name in names:
        for one in above(name):
            ours, theirs = have.get(one), wanted.get(one)
            if ours is None or theirs is None or ours.deleted or ours.invalid:
                continue
            if not ours.is_directory and ours.version == theirs.version:
                found.setdefault(one, Obstacle(ours, name))
    return list(found.values())


def make_way(
    filesystem: Filesystem,
    obstacles: Sequence[tuple[Obstacle, FileInfo]],
    options: PullOptions,
    now: float,
) -> list[str]:
    """
    A worker's job: put them aside, directories take their places.

    :param obstacles: each with the version of the item for which it gives way.
    :returns: what is to be scanned.
    """
    changed: list[str] = []
    with filesystem.batch() as batch:
        for obstacle, wanted in obstacles:
            name = obstacle.have.name
            copy = None
            try:
                if (found := expect(batch, name, obstacle.have, options)) is not None:
                    copy = keep_copy(
                        batch, name, wanted.modified_by, now, options.max_conflicts, options.sync
                    )
                    if copy is None:  # none is to be kept: then it stays
                        continue
                    changed.append(copy)
                with undone_on_failure(batch, copy, name):
                    if found is not None and still_there(batch, name, found, kept=True):
                        drop(batch, None, name, found)
                    batch.make_directory(name, NEW_DIRECTORY)
            except (ItemFailed, OSError):
                continue  # the next round tries again
            finally:
                changed.append(name)
        if options.sync:
            with suppress(OSError):  # what changed has to be scanned all the same
                sync_directories(batch, {parent(name) for name in changed})
    return changed
