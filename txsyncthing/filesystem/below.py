"""
A directory of a folder's storage as a storage of its own: old versions lie in one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from txsyncthing.filesystem.seam import (
    Accounts,
    Entry,
    Filesystem,
    ReadFile,
    Space,
    Stat,
    WriteFile,
)
from txsyncthing.vocabulary.name import join, parent


class Below:
    """
    Satisfies ``Filesystem``.

    :param base: the storage above.
    :param directory: the name of our root there; it may be missing.
    """

    def __init__(self, base: Filesystem, directory: str) -> None:
        self.base = base
        self.directory = directory

    def name(self, name: str) -> str:
        """What the item is called in the storage above."""
        return join(self.directory, name) if name else self.directory

    @contextmanager
    def batch(self) -> Iterator[Below]:
        with self.base.batch() as base:
            yield Below(base, self.directory)

    def lstat(self, name: str) -> Stat:
        return self.base.lstat(self.name(name))

    def list(self, name: str) -> list[Entry]:
        return self.base.list(self.name(name))

    def names(self, name: str) -> Sequence[str]:
        return self.base.names(self.name(name))

    def stats(self, name: str, bases: Sequence[str]) -> Sequence[Stat | None]:
        return self.base.stats(self.name(name), bases)

    def open(self, name: str) -> ReadFile:
        return self.base.open(self.name(name))

    def create(self, name: str, mode: int) -> WriteFile:
        return self.base.create(self.name(name), mode)

    def make_directory(self, name: str, mode: int) -> None:
        if name:
            self.base.make_directory(self.name(name), mode)
            return
        above = parent(self.directory)
        if above:
            Below(self.base, above).make_directory("", mode)
        try:
            self.base.make_directory(self.directory, mode)
        except FileExistsError:
            return

    def remove_directory(self, name: str) -> None:
        self.base.remove_directory(self.name(name))

    def remove(self, name: str) -> None:
        self.base.remove(self.name(name))

    def rename(self, old: str, new: str) -> None:
        self.base.rename(self.name(old), self.name(new))

    def place(self, old: str, new: str) -> None:
        self.base.place(self.name(old), self.name(new))

    def exchange(self, a: str, b: str) -> bool:
        return self.base.exchange(self.name(a), self.name(b))

    def link(self, old: str, new: str) -> None:
        self.base.link(self.name(old), self.name(new))

    def symlink(self, target: bytes, name: str) -> None:
        self.base.symlink(target, self.name(name))

    def read_link(self, name: str) -> bytes:
        return self.base.read_link(self.name(name))

    def chmod(self, name: str, mode: int) -> None:
        self.base.chmod(self.name(name), mode)

    def utime(self, name: str, modified: int) -> None:
        self.base.utime(self.name(name), modified)

    def accounts(self) -> Accounts:
        return self.base.accounts()

    def chown(self, name: str, uid: int, gid: int) -> None:
        self.base.chown(self.name(name), uid, gid)

    def list_xattrs(self, name: str) -> Sequence[str]:
        return self.base.list_xattrs(self.name(name))

    def get_xattr(self, name: str, attribute: str) -> bytes:
        return self.base.get_xattr(self.name(name), attribute)

    def set_xattr(self, name: str, attribute: str, value: bytes) -> None:
        self.base.set_xattr(self.name(name), attribute, value)

    def remove_xattr(self, name: str, attribute: str) -> None:
        self.base.remove_xattr(self.name(name), attribute)

    def sync_directory(self, name: str) -> None:
        self.base.sync_directory(self.name(name))

    def space(self) -> Space:
        return self.base.space()
