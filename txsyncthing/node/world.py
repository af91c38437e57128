"""
All of the outside world that a node touches, in one value.

A real node gets the reactor, the disk and the network; a test gets a ``Clock``, memory and wires, and may
run many nodes in one process.
"""

from __future__ import annotations

import os
import posixpath
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Protocol

from txsyncthing.clock import Clock
from txsyncthing.config.folder import FolderConfig
from txsyncthing.config.own_service import OwnSettings
from txsyncthing.connections.service import Network
from txsyncthing.filesystem.seam import Filesystem, Space
from txsyncthing.index.connection import move_aside
from txsyncthing.runtime.log_service import Logs
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.versions.place import IN_FOLDER, Place
from txsyncthing.vocabulary.address import IPInterface
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.watch.seams_service import Watch
from txsyncthing.watch.told import Told


class Databases(Protocol):
    """Where the databases of a node are. All but ``path`` block."""

    def path(self, name: str) -> str:
        """The path of a database by its file name; ``:memory:`` for none."""

    def names(self) -> list[str]:
        """The databases that there are."""

    def remove(self, name: str) -> None:
        """Delete a database that nobody has open; harmless if there is none."""

    def put_aside(self, name: str) -> None:
        """Give a database that nobody has open another name; harmless if there is none."""


def in_folder(folder: FolderConfig) -> Place:
    """Old versions lie in the folder itself, whatever it says."""
    return IN_FOLDER


@dataclass(frozen=True, slots=True)
class World:
    """
    What is injected into a node.

    ``unix`` gives wall-clock seconds, ``random`` so many random bytes, ``interfaces`` this machine's
    addresses (None: cannot be asked), ``filesystem`` the storage of a folder, ``whereabouts`` one text for
    each place, however a folder's path is written (blocks), ``home_space`` the room on the disk of the
    databases (None: unknown; blocks), ``versions`` the place of a folder's old versions,
    ``own`` the settings that only we have, ``watch`` the watch of a folder (None: nothing can be watched
    here).
    """

    clock: Clock
    unix: Callable[[], float]
    random: Callable[[int], bytes]
    workers: Workers
    network: Network
    interfaces: Callable[[], Sequence[IPInterface] | None]
    filesystem: Callable[[FolderConfig], Filesystem]
    databases: Databases
    logs: Logs
    whereabouts: Callable[[str], str] = posixpath.normpath
    home_space: Callable[[], Space | None] = lambda: None
    versions: Callable[[FolderConfig], Place] = in_folder
    own: OwnSettings = field(default_factory=OwnSettings)
    watch: Callable[[FolderConfig, Told], Watch] | None = None

    def fraction(self) -> float:
        """A random number from 0 to below 1."""
        return int.from_bytes(self.random(6), "big") / (1 << 48)


def database_name(folder: FolderID) -> str:
    """The file name of a folder's database: ids may hold what file names may not."""
    return f"folder-{sha256(folder.encode()).hexdigest()[:16]}.db"


NODE_DATABASE = "node.db"
"""Facts of the whole node: what is pending, who was seen when."""


class DatabaseDirectory:
    """Databases as files of one directory; satisfies ``Databases``."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)

    def path(self, name: str) -> str:
        return str(self._directory / name)

    def names(self) -> list[str]:
        return sorted(path.name for path in self._directory.glob("*.db"))

    def remove(self, name: str) -> None:
        for suffix in ("", "-wal", "-shm"):
            (self._directory / f"{name}{suffix}").unlink(missing_ok=True)

    def space(self) -> Space:
        """The room on their disk."""
        found = os.statvfs(self._directory)
        return Space(found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize)

    def put_aside(self, name: str) -> None:
        path = self.path(name)
        if os.path.lexists(path):
            move_aside(path)
