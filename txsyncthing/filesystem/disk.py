"""
A folder on a disk.

Every name is walked from the root with one ``openat`` a part and O_NOFOLLOW, so that no call can be led
out of the folder by a symlink, not even by one that is made while the call runs. Only the root itself may
be reached through symlinks. Blocking: for workers only.

Source: reference 5.8 ("Symlink safety").
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from typing_extensions import Buffer

from txsyncthing.filesystem.disk_attributes import NamedAttributes, OpenAttributes
from txsyncthing.filesystem.order import ordered
from txsyncthing.filesystem.ranges import Ranges
from txsyncthing.filesystem.renameat import EXCHANGE, NO_REPLACE, UNSUPPORTED, rename_at
from txsyncthing.filesystem.seam import Entry, Kind, Space, Stat, ThroughSymlink
from txsyncthing.filesystem.statfs import kind_of

_WALK = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_ROOT = os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC
_LIST = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# Without O_NONBLOCK, a fifo in a file's place would hang the worker.
_FILE = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
_KINDS = {stat.S_IFREG: Kind.FILE, stat.S_IFDIR: Kind.DIRECTORY, stat.S_IFLNK: Kind.SYMLINK}
_OPEN_DIRECTORIES = 32  # of one batch


def _stat(found: os.stat_result) -> Stat:
    mode = found.st_mode
    return Stat(
        _KINDS.get(mode & 0o170000, Kind.OTHER),
        found.st_size,
        mode & 0o7777,
        found.st_mtime_ns,
        found.st_ctime_ns,
        found.st_ino,
        found.st_dev,
        found.st_uid,
        found.st_gid,
        found.st_nlink,
    )


def _stat_at(directory: int, base: str) -> Stat | None:
    try:
        return _stat(os.stat(base, dir_fd=directory, follow_symlinks=False))
    except FileNotFoundError:
        return None


def _error(code: int, name: str) -> OSError:
    return OSError(code, os.strerror(code), name)


def _check(name: str) -> None:
    """Names come checked; this is the last door before the disk."""
    if "\0" in name or any(part in ("", ".", "..") for part in name.split("/")):
        raise _error(errno.EINVAL, name)
    if not name.isascii():
        try:
            os.fsencode(name)
        except UnicodeEncodeError:
            raise _error(errno.EILSEQ, name) from None


class DiskFile(Ranges, OpenAttributes):
    """An open regular file; both ReadFile and WriteFile."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def stat(self) -> Stat:
        return _stat(os.fstat(self._descriptor))

    def read(self, size: int, offset: int) -> bytes:
        data = os.pread(self._descriptor, size, offset)
        if len(data) == size or not data:
            return data
        parts = [data]
        done = len(data)
        while done < size and (data := os.pread(self._descriptor, size - done, offset + done)):
            parts.append(data)
            done += len(data)
        return b"".join(parts)

    def readinto(self, buffer: memoryview, offset: int) -> int:
        size = len(buffer)
        done = os.preadv(self._descriptor, [buffer], offset)
        while 0 < done < size:
            more = os.preadv(self._descriptor, [buffer[done:]], offset + done)
            if not more:
                break
            done += more
        return done

    def write(self, data: Buffer, offset: int) -> None:
        view = memoryview(data)
        while view:
            done = os.pwrite(self._descriptor, view, offset)
            offset += done
            view = view[done:]

    def truncate(self, size: int) -> None:
        os.ftruncate(self._descriptor, size)

    def chmod(self, mode: int) -> None:
        os.fchmod(self._descriptor, mode)

    def utime(self, modified: int) -> None:
        os.utime(self._descriptor, ns=(modified, modified))

    def sync(self) -> None:
        os.fsync(self._descriptor)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class DiskFilesystem(NamedAttributes):
    """
    A directory of this machine as a folder's storage. Satisfies ``Filesystem``. A missing root raises
    FileNotFoundError from every call, a root that is no directory NotADirectoryError.
    """

    def __init__(self, root: str) -> None:
        if sys.getfilesystemencoding() != "utf-8":
            raise RuntimeError(
                f"file names are read as {sys.getfilesystemencoding()}, not UTF-8: set PYTHONUTF8=1"
            )
        self._root = root

    @contextmanager
    def batch(self) -> Iterator[DiskFilesystem]:
        batch = _Batch(self._root)
        try:
            yield batch
        finally:
            batch.close()

    def lstat(self, name: str) -> Stat:
        directory, base = self._enter(name)
        try:
            return _stat(os.stat(base, dir_fd=directory, follow_symlinks=False))
        finally:
            self._leave(directory)

    def list(self, name: str) -> list[Entry]:
        bases = self.names(name)
        found = zip(bases, self.stats(name, bases), strict=True)
        return [Entry(base, stat) for base, stat in found if stat is not None]

    def names(self, name: str) -> Sequence[str]:
        directory = self._open(name, _LIST)
        try:
            return ordered(os.listdir(directory))
        finally:
            os.close(directory)

    def stats(self, name: str, bases: Sequence[str]) -> Sequence[Stat | None]:
        directory = self._open(name, _WALK)
        try:
            return [_stat_at(directory, base) for base in bases]
        finally:
            os.close(directory)

    def open(self, name: str) -> DiskFile:
        return self._file(name, os.O_RDONLY | _FILE, 0)

    def create(self, name: str, mode: int) -> DiskFile:
        return self._file(name, os.O_RDWR | os.O_CREAT | _FILE, mode)

    def make_directory(self, name: str, mode: int) -> None:
        if not name:
            os.makedirs(self._root, mode, exist_ok=True)
            return
        directory, base = self._enter(name)
        try:
            os.mkdir(base, mode, dir_fd=directory)
        finally:
            self._leave(directory)

    def remove_directory(self, name: str) -> None:
        self._forget(name)
        directory, base = self._enter(name)
        try:
            os.rmdir(base, dir_fd=directory)
        finally:
            self._leave(directory)

    def remove(self, name: str) -> None:
        directory, base = self._enter(name)
        try:
            os.unlink(base, dir_fd=directory)
        finally:
            self._leave(directory)

    def rename(self, old: str, new: str) -> None:
        with self.both(old, new) as (source, old_base, target, new_base):
            os.rename(old_base, new_base, src_dir_fd=source, dst_dir_fd=target)

    def place(self, old: str, new: str) -> None:
        try:
            with self.both(old, new) as both:
                rename_at(*both, NO_REPLACE)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            self.rename(old, new)

    def exchange(self, a: str, b: str) -> bool:
        try:
            with self.both(a, b) as both:
                rename_at(*both, EXCHANGE)
        except OSError as error:
            if error.errno not in UNSUPPORTED:
                raise
            return False
        return True

    def link(self, old: str, new: str) -> None:
        with self.both(old, new) as (source, old_base, target, new_base):
            os.link(old_base, new_base, src_dir_fd=source, dst_dir_fd=target, follow_symlinks=False)

    @contextmanager
    def both(
        self, old: str, new: str, other: DiskFilesystem | None = None
    ) -> Iterator[tuple[int, str, int, str]]:
        """The open directories of two items (the second of ``other``), each with the item's name in it."""
        there = self if other is None else other
        self._forget(old)
        there._forget(new)
        source, old_base = self._enter(old)
        try:
            target, new_base = there._enter(new)
            try:
                yield source, old_base, target, new_base
            finally:
                there._leave(target)
        finally:
            self._leave(source)

    def symlink(self, target: bytes, name: str) -> None:
        directory, base = self._enter(name)
        try:
            os.symlink(target, os.fsencode(base), dir_fd=directory)
        finally:
            self._leave(directory)

    def read_link(self, name: str) -> bytes:
        directory, base = self._enter(name)
        try:
            return os.readlink(os.fsencode(base), dir_fd=directory)
        finally:
            self._leave(directory)

    def chmod(self, name: str, mode: int) -> None:
        try:
            descriptor = self._open(name, os.O_RDONLY | _FILE)
        except PermissionError:
            self._chmod_unreadable(name, mode)
            return
        try:
            os.fchmod(descriptor, mode)
        finally:
            os.close(descriptor)

    def utime(self, name: str, modified: int) -> None:
        directory, base = self._enter(name)
        try:
            os.utime(base, ns=(modified, modified), dir_fd=directory, follow_symlinks=False)
        finally:
            self._leave(directory)

    def sync_directory(self, name: str) -> None:
        descriptor = self._open(name, _LIST)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def space(self) -> Space:
        found = os.statvfs(self._root)
        free, total = found.f_bavail * found.f_frsize, found.f_blocks * found.f_frsize
        return Space(free, total, found.f_fsid, kind_of(self._root))

    def _chmod_unreadable(self, name: str, mode: int) -> None:
        # fchmod refuses O_PATH descriptors, and Linux has no chmod that stops at a symlink.
        descriptor = self._open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            if stat.S_ISLNK(os.fstat(descriptor).st_mode):
                raise _error(errno.ELOOP, name)
            os.chmod(f"/proc/self/fd/{descriptor}", mode)
        finally:
            os.close(descriptor)

    def _file(self, name: str, flags: int, mode: int) -> DiskFile:
        descriptor = self._open(name, flags, mode)
        kind = os.fstat(descriptor).st_mode & 0o170000
        if kind == stat.S_IFREG:
            return DiskFile(descriptor)
        os.close(descriptor)
        raise _error(errno.EISDIR if kind == stat.S_IFDIR else errno.EINVAL, name)

    def _open(self, name: str, flags: int, mode: int = 0) -> int:
        directory, base = self._enter(name)
        try:
            return os.open(base, flags, mode, dir_fd=directory)
        finally:
            self._leave(directory)

    def _enter(self, name: str) -> tuple[int, str]:
        """
        The open directory that holds the item, and the item's name in it.

        :raises ThroughSymlink: a part of the path is a symlink.
        """
        if not name:
            return self._directory(""), "."
        _check(name)
        parent, _, base = name.rpartition("/")
        return self._directory(parent), base

    def _directory(self, name: str) -> int:
        directory = os.open(self._root, _ROOT)
        if name:
            for part in name.split("/"):
                try:
                    below = self._step(directory, part, name)
                finally:
                    os.close(directory)
                directory = below
        return directory

    def _step(self, directory: int, part: str, name: str) -> int:
        try:
            return os.open(part, _WALK, dir_fd=directory)
        except NotADirectoryError:
            found = os.stat(part, dir_fd=directory, follow_symlinks=False)
            if stat.S_ISLNK(found.st_mode):
                raise ThroughSymlink(errno.ELOOP, "a part of the path is a symlink", name) from None
            raise

    def _leave(self, directory: int) -> None:
        os.close(directory)

    def _forget(self, name: str) -> None:
        """The directory of this name, if it is one, moves or goes."""


class _Batch(DiskFilesystem):
    """Keeps the directories of one job open, the latest used ones."""

    def __init__(self, root: str) -> None:
        super().__init__(root)
        self.keep_accounts()
        self._directories: dict[str, int] = {}  # in order of use

    def close(self) -> None:
        while self._directories:
            os.close(self._directories.popitem()[1])

    def _directory(self, name: str) -> int:
        directory = self._directories.pop(name, None)
        if directory is None:
            directory = self._walk(name)
        self._directories[name] = directory
        return directory

    def _walk(self, name: str) -> int:
        """Open a directory, and all above it which are not yet open."""
        if not name:
            return os.open(self._root, _ROOT)
        parts = []
        above = name
        while above and above not in self._directories:
            above, _, part = above.rpartition("/")
            parts.append(part)
        directory = self._directory(above)
        while len(parts) > 1:
            part = parts.pop()
            above = f"{above}/{part}" if above else part
            directory = self._directories[above] = self._step(directory, part, above)
        return self._step(directory, parts[0], name)

    def _leave(self, directory: int) -> None:
        # The oldest go; those of the call that just ended are the newest.
        while len(self._directories) > _OPEN_DIRECTORIES:
            os.close(self._directories.pop(next(iter(self._directories))))

    def _forget(self, name: str) -> None:
        below = name + "/"
        for held in [key for key in self._directories if key == name or key.startswith(below)]:
            os.close(self._directories.pop(held))
