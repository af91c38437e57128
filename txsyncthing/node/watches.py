"""Watching the folders of this machine, where it can be done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

from txsyncthing.config.folder import FolderConfig
from txsyncthing.node.paths import Paths
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.watch.seams_service import Watch
from txsyncthing.watch.told import Told


def folder_watches(
    reactor: Any, workers: Workers, paths: Paths
) -> Callable[[FolderConfig, Told], Watch] | None:
    """How a node's folders are watched; None where that is not possible: only Linux has inotify."""
    if sys.platform != "linux":
        return None
    from txsyncthing.watch.inotify_service import InotifyWatches

    watches = InotifyWatches(reactor, workers)

    def watch(folder: FolderConfig, told: Told) -> Watch:
        return watches.open(str(paths.expand(folder.path)), told)

    return watch
