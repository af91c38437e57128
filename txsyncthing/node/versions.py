"""Where old versions lie on this machine."""

from __future__ import annotations

from txsyncthing.config.folder import FolderConfig
from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.node.paths import Paths
from txsyncthing.versions.place import Place, bad_place, versions_path


def versions_on_disk(paths: Paths, folder: FolderConfig) -> Place:
    """The place that the configuration names; nothing is made or looked at yet."""
    root = str(paths.expand(folder.path))
    there = folder.versioning.fs_path
    path = versions_path(there, root, str(paths.user))
    storage = DiskFilesystem(path)
    if there:
        return Place(storage, path=path, folder=root, trouble=bad_place(path, root))
    return Place(linked=storage, path=path, folder=root)
