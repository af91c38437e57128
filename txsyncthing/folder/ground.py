"""
What a folder stands on, and how it is found to be well.

Source: reference 5.1 ("Marker", "Path checks").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from txsyncthing.clock import Clock
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.folder.surroundings import NOWHERE, Surroundings
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
    surroundings: Surroundings = NOWHERE


def disk_text(error: OSError) -> str:
    """What to tell of a folder whose storage failed as a whole."""
    return f"the folder's disk failed: {error.strerror or error}"
