"""
Owners and extended attributes of what is on a disk, by open file or by name; a symlink's are its own.

Python has no call for attributes below an open directory. The kernel's names of open files give the same:
what ``/proc/self/fd/7/name`` means cannot be moved elsewhere while directory 7 is open. Blocking: for workers
only.

Source: reference 5.8.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from txsyncthing.filesystem.accounts import MachineAccounts

_PROBE = "user.txsyncthing"  # no item has it
_ALIEN = (errno.EOPNOTSUPP, errno.ENOSYS)


class OpenAttributes:
    """Those of an open file."""

    _descriptor: int

    def chown(self, uid: int, gid: int) -> None:
        os.fchown(self._descriptor, uid, gid)

    def list_xattrs(self) -> Sequence[str]:
        return _list(self._descriptor, True)

    def get_xattr(self, attribute: str) -> bytes:
        return os.getxattr(self._descriptor, attribute)

    def set_xattr(self, attribute: str, value: bytes) -> None:
        os.setxattr(self._descriptor, attribute, value)

    def remove_xattr(self, attribute: str) -> None:
        os.removexattr(self._descriptor, attribute)


class NamedAttributes:
    """Those of a folder's items."""

    def _enter(self, name: str) -> tuple[int, str]:
        raise NotImplementedError

    def _leave(self, directory: int) -> None:
        raise NotImplementedError

    _people: MachineAccounts | None = None  # of a batch

    def accounts(self) -> MachineAccounts:
        return self._people or MachineAccounts()

    def keep_accounts(self) -> None:
        """Look up each user and group only once from now on."""
        self._people = MachineAccounts()

    def chown(self, name: str, uid: int, gid: int) -> None:
        directory, base = self._enter(name)
        try:
            os.chown(base, uid, gid, dir_fd=directory, follow_symlinks=False)
        finally:
            self._leave(directory)

    def list_xattrs(self, name: str) -> Sequence[str]:
        with self._path(name) as path:
            return _list(path, False)

    def get_xattr(self, name: str, attribute: str) -> bytes:
        with self._path(name) as path:
            return os.getxattr(path, attribute, follow_symlinks=False)

    def set_xattr(self, name: str, attribute: str, value: bytes) -> None:
        with self._path(name) as path:
            os.setxattr(path, attribute, value, follow_symlinks=False)

    def remove_xattr(self, name: str, attribute: str) -> None:
        with self._path(name) as path:
            os.removexattr(path, attribute, follow_symlinks=False)

    @contextmanager
    def _path(self, name: str) -> Iterator[str]:
        directory, base = self._enter(name)
        try:
            yield f"/proc/self/fd/{directory}/{base}"
        except FileNotFoundError:
            os.stat(base, dir_fd=directory, follow_symlinks=False)
            # It is there, so it is /proc that is not.
            raise OSError(errno.EOPNOTSUPP, "no attributes without /proc", name) from None
        finally:
            self._leave(directory)


def _list(item: int | str, follow: bool) -> list[str]:
    """:raises OSError: also where the storage has no attributes, though it would say that there are none."""
    names = os.listxattr(item, follow_symlinks=follow)
    if not names:
        try:
            os.getxattr(item, _PROBE, follow_symlinks=follow)
        except OSError as error:
            if error.errno in _ALIEN:
                raise
    return names
