"""
Old versions come back to their places. Steps of disk workers.

What is there is kept as a version first, and the name is never without a file in between.

Source: reference 5.7 ("Restore"); the texts of 1.29.5.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from contextlib import suppress

from txsyncthing.filesystem.across import link_across
from txsyncthing.filesystem.seam import Filesystem, Kind, Stat, ThroughSymlink
from txsyncthing.versions.copying import copy_file
from txsyncthing.versions.keeper import Keeper, Versioner, same_bytes
from txsyncthing.versions.place import look
from txsyncthing.versions.removing import remove_version
from txsyncthing.versions.tag import tagged
from txsyncthing.vocabulary.name import (
    BadName,
    base_name,
    check_name,
    is_internal,
    is_temporary,
    join,
    parent,
    temporary_name,
)

_ANYONE = 0o777  # minus the umask


class CannotRestore(Exception):
    """A version stays where it is; the text says why."""


class Restoring:
    """
    For one job.

    :param take: whether a version is no longer one when it is back; else it stays, and a copy comes back.
    :param sync: let each step be on the disk before the next takes something away.
    """

    def __init__(
        self,
        versioner: Versioner,
        filesystem: Filesystem,
        versions: Filesystem,
        now: float,
        *,
        take: bool,
        sync: bool,
    ) -> None:
        self._filesystem = filesystem
        self._versions = versions
        self._keeper: Keeper = versioner.begin(now, thin=False)
        self._goes_on = versioner.goes_on
        self._take = take
        self._sync = sync
        self._tags = versioner.rule.tags
        self._spent: list[tuple[str, int]] = []  # versions that are back, with their inodes
        self._changed: set[str] = set()  # directories
        self.made: list[str] = []  # directories that were missing

    def restore(self, path: str, version: str, *, over_symlink: bool) -> None:
        """
        Bring one version back.

        :param version: its name among the versions.
        :raises CannotRestore: it stays as it is, and so does what is at ``path``.
        """
        try:
            self._restore(path, version, over_symlink)
        except ThroughSymlink:
            raise CannotRestore(f"a directory of {path} is a symlink") from None
        except OSError as error:
            raise CannotRestore(f"{error.filename or path}: {error.strerror or error}") from None

    def end(self) -> None:
        """The job is over: what was there is kept, what was restored is there, and only then versions go."""
        self._keeper.end(self._sync)
        for directory in sorted(self._changed) if self._sync else ():
            with suppress(FileNotFoundError):
                self._filesystem.sync_directory(directory)
        for version, inode in self._spent:
            found = look(self._versions, version)
            if found is not None and found.inode == inode:
                with suppress(OSError):  # a version too many does no harm
                    remove_version(self._versions, version, found.changed)

    def _restore(self, path: str, version: str, over_symlink: bool) -> None:
        found = look(self._filesystem, path)
        if found is not None and found.kind is Kind.DIRECTORY:
            raise CannotRestore("cannot restore on top of a directory")
        if found is not None and not (
            found.kind is Kind.FILE or (over_symlink and found.kind is Kind.SYMLINK)
        ):
            raise CannotRestore("cannot restore on top of what is no file")
        before = self._versions.lstat(version)
        temporary = temporary_name(join(parent(path), f"~restored~{base_name(path)}"))
        self._make_parents(path)
        self._fetch(version, temporary)
        try:
            self._put(temporary, path, found)
        except (CannotRestore, OSError):
            with suppress(OSError):
                self._filesystem.remove(temporary)
            raise
        self._changed.add(parent(path))
        if self._take:
            self._spent.append((version, before.inode))

    def _make_parents(self, path: str) -> None:
        """Make the missing directories above an item, with the modes of those of the versions."""
        parts = parent(path).split("/") if parent(path) else []
        for count in range(1, len(parts) + 1):
            directory = "/".join(parts[:count])
            if look(self._filesystem, directory) is not None:
                continue
            origin = look(self._versions, directory)
            mode = _ANYONE if origin is None else origin.mode & 0o777
            with suppress(FileExistsError):
                self._filesystem.make_directory(directory, mode)
                self._changed.add(parent(directory))
                self.made.append(directory)

    def _fetch(self, version: str, temporary: str) -> None:
        """Let the version be a temporary file in the folder too."""
        with suppress(FileNotFoundError):
            self._filesystem.remove(temporary)
        if self._take:
            try:
                link_across(self._versions, version, self._filesystem, temporary)
                return
            except FileNotFoundError:
                raise
            except OSError as error:
                if error.errno == errno.ENOSPC:
                    raise
        copy_file(
            self._versions,
            version,
            self._filesystem,
            temporary,
            self._goes_on,
            temporary=temporary_name(temporary),
        )

    def _put(self, temporary: str, path: str, found: Stat | None) -> None:
        filesystem = self._filesystem
        try:
            if found is None:
                filesystem.place(temporary, path)
                return
        except FileExistsError:
            raise CannotRestore("the file has just been made") from None
        if found.kind is not Kind.FILE:
            filesystem.rename(temporary, path)
            return
        over = self._keeper.copy(filesystem, path, found)
        try:
            self._replace(temporary, path, found)
        except (CannotRestore, OSError):
            over(False)
            raise
        if self._sync and not self._tags:  # what was there takes the version's own name now
            self._keeper.flush()
            filesystem.sync_directory(parent(path))
        over(True)

    def _replace(self, temporary: str, path: str, found: Stat) -> None:
        filesystem = self._filesystem
        if look(filesystem, path) is None:  # a storage without hard links
            filesystem.place(temporary, path)
        elif not filesystem.exchange(temporary, path):
            filesystem.rename(temporary, path)
        elif same_bytes(found, filesystem.lstat(temporary)):
            with suppress(OSError):
                filesystem.remove(temporary)
        else:
            filesystem.exchange(temporary, path)
            raise CannotRestore("the file has just been changed")


def restore_versions(
    filesystem: Filesystem,
    versioner: Versioner,
    wanted: Sequence[tuple[str, float]],
    now: float,
    sync: bool,
) -> tuple[dict[str, str], list[str]]:
    """
    Bring back versions by path and time; a worker's job.

    :param wanted: names, and the time that the list of versions tells (unix seconds).
    :returns: why some could not be, by path; and what is to be scanned.
    """
    failed: dict[str, str] = {}
    rescan: list[str] = []
    with filesystem.batch() as batch, versioner.place.open(batch) as versions:
        restoring = Restoring(versioner, batch, versions, now, take=True, sync=sync)
        for path, when in wanted:
            try:
                check_path(path)
                restoring.restore(path, _find(versions, path, when), over_symlink=True)
                rescan.append(path)
            except CannotRestore as error:
                failed[path] = f"{versioner.rule.kind} versioner: restore: {error}"
        restoring.end()
    return failed, [*restoring.made, *rescan]


def check_path(path: str) -> None:
    """:raises CannotRestore: no file of a folder is called so."""
    if path == ".." or path.startswith("../"):
        raise CannotRestore("relative path traversing upwards (starting with ..)")
    try:
        check_name(path)
    except BadName as error:
        raise CannotRestore(str(error)) from None
    if is_internal(path) or is_temporary(path):
        raise CannotRestore("internal name, never restored")


def _find(versions: Filesystem, path: str, when: float) -> str:
    """
    The name of a version.

    :raises CannotRestore: there is none of that file and time.
    """
    try:
        names = (tagged(path, when), path)
        stats = [look(versions, name) for name in names]
    except (OSError, OverflowError, ValueError):
        raise CannotRestore("version not found") from None
    with_time, plain = stats
    if with_time is not None and with_time.kind is Kind.FILE:
        return names[0]
    if plain is not None and plain.kind is Kind.FILE and plain.modified // 10**9 == when // 1:
        return names[1]
    raise CannotRestore("version not found")
