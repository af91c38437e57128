"""
What a folder stands on, and how it is found to be well.

Source: reference 5.1 ("Marker", "Path checks").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from txsyncthing.clock import Clock
from txsyncthing.config.folder import FolderConfig
from txsyncthing.filesystem.metadata import check_folder, make_marker
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.index.service import FolderIndex
from txsyncthing.runtime.limiter import Permits
from txsyncthing.runtime.worker_service import Workers


@dataclass(frozen=True, slots=True)
class Ground:
    """What a folder stands on."""

    workers: Workers
    clock: Clock
    unix: Callable[[], float]
    filesystem: Filesystem
    index: FolderIndex
    gate: Permits


def is_healthy(filesystem: Filesystem, marker: str) -> bool:
    """
    A worker's job, for scans.

    :raises FolderUnhealthy: it is not.
    """
    check_folder(filesystem, marker)
    return True


def make_folder(filesystem: Filesystem, config: FolderConfig) -> None:
    """A worker's job: the root and the marker of a folder that is new here."""
    filesystem.make_directory("", 0o777)
    make_marker(filesystem, config.id, config.marker_name)


def disk_text(error: OSError) -> str:
    """What to tell of a folder whose storage failed as a whole."""
    return f"the folder's disk failed: {error.strerror or error}"
