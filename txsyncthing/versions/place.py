"""
Where the old versions of a folder lie.

Source: reference 5.7 ("Location").
"""

from __future__ import annotations

import errno
import posixpath
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from txsyncthing.filesystem.below import Below
from txsyncthing.filesystem.seam import Filesystem, Kind, Stat

VERSIONS = ".stversions"


def versions_path(fs_path: str, folder: str, home: str) -> str:
    """
    The absolute path of the versions, without any ``.`` or ``..``.

    :param fs_path: as configured: empty, absolute, relative to the folder, or from ``~`` on.
    :param folder: the absolute path of the folder.
    :param home: the user's home.
    """
    if fs_path == "~" or fs_path.startswith("~/"):
        return posixpath.normpath(posixpath.join(home, fs_path[2:]))
    return posixpath.normpath(posixpath.join(folder, fs_path or VERSIONS))


def bad_place(path: str, folder: str) -> str:
    """
    Why versions cannot lie there; empty if they can.

    Below the folder's own root, or above it, the clean-up would take the user's files for versions.
    """
    root = posixpath.normpath(folder)
    if path == root or path == "/" or root.startswith(path + "/"):
        return (
            f"versioning/fsPath: {path!r} is not valid; allowed: a directory that does not hold the"
            " folder itself"
        )
    return ""


@dataclass(frozen=True, slots=True)
class Place:
    """
    :param elsewhere: the storage of the versions; None: a directory of the folder.
    :param linked: the same where the folder's directory is a symlink.
    :param path: what messages call it.
    :param folder: the absolute path of the folder itself, for commands.
    :param trouble: why no versions can be kept there; empty if they can.
    """

    elsewhere: Filesystem | None = None
    linked: Filesystem | None = None
    path: str = VERSIONS
    folder: str = ""
    trouble: str = ""

    @contextmanager
    def open(self, filesystem: Filesystem) -> Iterator[Filesystem]:
        """
        The versions as a storage, for one job; its root may be missing.

        :param filesystem: the folder.
        :raises OSError: the place is the folder itself.
        """
        away = self.elsewhere
        if away is None and self.linked is not None:
            found = look(filesystem, VERSIONS)
            if found is not None and found.kind is Kind.SYMLINK:
                away = self.linked
        if away is None:
            yield Below(filesystem, VERSIONS)
            return
        with away.batch() as versions:
            there, here = look(versions, ""), filesystem.lstat("")
            if there is not None and (there.device, there.inode) == (here.device, here.inode):
                raise OSError(errno.EINVAL, "versioning/fsPath is the folder itself", self.path)
            yield versions


IN_FOLDER = Place()


def look(filesystem: Filesystem, name: str) -> Stat | None:
    """The item's metadata; None where there is none."""
    try:
        return filesystem.lstat(name)
    except (FileNotFoundError, NotADirectoryError):
        return None
