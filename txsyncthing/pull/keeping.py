"""
Old files that a pull is about to replace or delete are kept, where the folder asks for that.

Source: reference 5.7 ("When").
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from txsyncthing.filesystem.metadata import same_bytes
from txsyncthing.filesystem.seam import Filesystem, Kind, Stat
from txsyncthing.pull.failure import Cause, ItemFailed
from txsyncthing.vocabulary.name import WireName, parent, temporary_name

_OWNER = 0o300  # write and search


class Keeper(Protocol):
    """Keeps the old files of one job (versions/keeper.py, versions/external_service.py)."""

    def copy(self, filesystem: Filesystem, name: str, found: Stat) -> Callable[[bool], None]:
        """
        Keep a file that something else is about to replace; it may lose its name for that.

        :returns: to be told whether it was replaced; if it was not, all is as before.
        :raises OSError: it cannot be kept, and is as it was; ``strerror`` is for people.
        """

    def move(self, filesystem: Filesystem, name: str, found: Stat) -> bool:
        """
        Keep a file whose name is to be free.

        :returns: False: it turned out to be another file than was found; that is where it was.
        :raises OSError: it cannot be kept, and is where it was; ``strerror`` is for people.
        """

    def end(self, sync: bool) -> None:
        """The job is over; with ``sync``, return when what was kept is on the disk."""


class Versioner(Protocol):
    """Keeps the old files of one folder; used by many workers."""

    def begin(self, now: float) -> Keeper:
        """
        For one job.

        :param now: unix seconds.
        """


def drop(filesystem: Filesystem, keeper: Keeper | None, name: str, found: Stat) -> None:
    """
    Delete a file or symlink; a file is kept as a version first.

    :raises ItemFailed: it cannot be kept, or is not what was found.
    """
    if keeper is None or found.kind is not Kind.FILE:
        _remove(filesystem, name, found)
        return
    try:
        moved = keeper.move(filesystem, name, found)
    except OSError as error:
        raise _not_kept(filesystem, name, error) from error
    if not moved:
        raise ItemFailed(Cause.CHANGED, rescan=True)


def _remove(filesystem: Filesystem, name: str, found: Stat) -> None:
    """
    Delete what was found, and nothing that somebody has put there since: it is looked at without its name.

    Ends the process between, what has lost its name lies there as an unfinished download.

    :raises ItemFailed: it was something else, and is where it was.
    :raises OSError: it cannot be removed, and is where it was.
    """
    aside = temporary_name(WireName(name))
    try:
        filesystem.rename(name, aside)
    except IsADirectoryError:  # in the place of an unfinished download
        filesystem.remove(name)
        return
    try:
        if same_bytes(found, filesystem.lstat(aside)):
            filesystem.remove(aside)
            return
    except OSError:
        _put_back(filesystem, aside, name)
        raise
    _put_back(filesystem, aside, name)
    raise ItemFailed(Cause.CHANGED, rescan=True)


def _put_back(filesystem: Filesystem, aside: str, name: str) -> None:
    with suppress(FileExistsError):  # made anew meanwhile: saved over this one, as its user sees it
        filesystem.place(aside, name)


def keep(
    filesystem: Filesystem, keeper: Keeper | None, name: str, found: Stat
) -> Callable[[bool], None]:
    """
    Keep a file which is about to be replaced.

    :returns: to be told whether it was.
    :raises ItemFailed: it cannot be kept.
    :raises PermissionError: nothing can be replaced there; the file is untouched, to its time of change.
    """
    if keeper is None or found.kind is not Kind.FILE:
        return _nothing
    if filesystem.lstat(parent(name)).mode & _OWNER != _OWNER:
        raise PermissionError(errno.EACCES, "Permission denied", name)
    try:
        return keeper.copy(filesystem, name, found)
    except OSError as error:
        raise _not_kept(filesystem, name, error) from error


def _nothing(replaced: bool) -> None:
    """Nothing was kept."""


def _not_kept(filesystem: Filesystem, name: str, error: OSError) -> ItemFailed | OSError:
    if (
        isinstance(error, PermissionError)
        and filesystem.lstat(parent(name)).mode & _OWNER != _OWNER
    ):
        return error  # the file's own directory: that can be helped, see ``target.in_directory``
    text = error.strerror or str(error)
    return ItemFailed(Cause.NOT_KEPT, sentence=f"{Cause.NOT_KEPT.sentence}: {text}")
