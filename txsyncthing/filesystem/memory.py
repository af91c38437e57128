"""
A folder in memory, for tests: behaves like Linux, fails on demand, and can lose power.

What was synced survives ``crash``: a file has its bytes of the last ``sync``, a directory its names of the
last ``sync_directory``; of what came later any part may be lost. ``fail`` and ``intercept`` make single
operations go wrong, ``observe`` hears of all.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from txsyncthing.filesystem.memory_attributes import MemoryAttributes
from txsyncthing.filesystem.memory_crash import Survives, keep_metadata, lose, nothing
from txsyncthing.filesystem.memory_file import (
    Folded,
    MemoryFile,
    Node,
    error,
    stat_of,
)
from txsyncthing.filesystem.memory_tree import READ, SEARCH, WRITE, Tree
from txsyncthing.filesystem.seam import Entry, Kind, Space, Stat

_UMASK = 0o022
_PLENTY = 1 << 40  # bytes


class MemoryFilesystem(Tree, MemoryAttributes):
    """
    Satisfies ``Filesystem``.

    :param unix: wall-clock seconds. Each change gets its own nanosecond even while the clock stands.
    :param total: room in bytes, None for plenty; counted in blocks of 4 KiB, holes are free.
    :param folded: whether names that differ only by case are one, as on exFAT.
    """

    # What tests do from outside.

    def resize(self, total: int | None) -> None:
        """Set the room; less than is used means a full disk."""
        self._total = total

    def crash(self, survives: Survives = nothing) -> None:
        """
        Lose power: what was not synced is lost, open files are dead.

        :param survives: asked of each change of names, and of each block of a file, that nobody synced:
            whether it reached the disk all the same.
        """
        self.life += 1
        self._journal.lose(survives)
        for root in (self._root, self._away):
            if root is not None:
                lose(root, survives)

    def settle(self) -> None:
        """Make all there is durable, as time does."""
        self._journal.settle()
        for _, node in self._items():
            self._settle(node)

    def keep(self, *names: str) -> None:
        """Make items durable with the directories above them, or that they are gone: users do sync."""
        for name in names:
            node = self._root
            for part in name.split("/"):
                if node is None or node.kind is not Kind.DIRECTORY:
                    break
                self._journal.sync(node)
                node = node.children.get(part)
            if node is not None:
                self._settle(node)

    def _settle(self, node: Node) -> None:
        node.durable_content, node.dirty, node.spoiled = bytes(node.content), False, False
        keep_metadata(node)

    def unplug(self) -> None:
        """Take the root away; ``make_directory("")`` makes a new, empty one, ``plug`` brings it back."""
        self._root, self._away = None, self._away or self._root

    def plug(self) -> None:
        """The root is what it was when it was taken away."""
        self._root, self._away = self._away or self._root, None

    @property
    def plugged(self) -> bool:
        return self._root is not None and self._away is None

    def put(self, name: str, data: bytes = b"", mode: int = 0o644) -> None:
        """Write a whole file as a user would, making its parents."""
        parent = name.rpartition("/")[0]
        if parent:
            self.put_directory(parent)
        opened = self.create(name, mode)
        opened.truncate(0)
        opened.write(data, 0)
        opened.chmod(mode)
        opened.close()

    def put_directory(self, name: str, mode: int = 0o755) -> None:
        """Make a directory and its parents; it may exist."""
        parts = name.split("/")
        for count in range(1, len(parts) + 1):
            try:
                self.make_directory("/".join(parts[:count]), mode)
            except FileExistsError:
                continue

    def put_special(self, name: str) -> None:
        """Make a thing that is neither file, directory nor symlink."""
        self._add("create", name, Kind.OTHER, 0o644)

    def take(self, name: str) -> bytes:
        """A file's bytes."""
        opened = self.open(name)
        try:
            return opened.read(opened.stat().size, 0)
        finally:
            opened.close()

    def everything(self) -> list[str]:
        """The names of all items, parents first."""
        return [name for name, _ in self._items()]

    def tree(self) -> dict[str, bytes | None]:
        """All items: a file's bytes, ``-> target`` for a symlink, None for a directory."""
        contents: dict[Kind, Callable[[Node], bytes | None]] = {
            Kind.FILE: lambda node: bytes(node.content),
            Kind.DIRECTORY: lambda node: None,
            Kind.SYMLINK: lambda node: b"-> " + node.target,
            Kind.OTHER: lambda node: b"?",
        }
        return {name: contents[node.kind](node) for name, node in self._items()}

    # Filesystem

    @contextmanager
    def batch(self) -> Iterator[MemoryFilesystem]:
        yield self

    def lstat(self, name: str) -> Stat:
        return stat_of(self._find("lstat", name))

    def list(self, name: str) -> list[Entry]:
        bases = self.names(name)
        found = zip(bases, self.stats(name, bases), strict=True)
        return [Entry(base, stat) for base, stat in found if stat is not None]

    def names(self, name: str) -> Sequence[str]:
        self._allow(node := self._directory("list", name), READ, name)
        return sorted(node.children)

    def stats(self, name: str, bases: Sequence[str]) -> Sequence[Stat | None]:
        node = self._directory("stats", name)
        if bases:
            self._allow(node, SEARCH, name)
        return [stat_of(child) if (child := node.children.get(base)) else None for base in bases]

    def open(self, name: str) -> MemoryFile:
        node = self._find("open", name)
        self._regular(node, name)
        self._allow(node, READ, name)
        return MemoryFile(self, node, name)

    def create(self, name: str, mode: int) -> MemoryFile:
        self.spring("create", name)
        directory, base = self._parent(name)
        if (node := directory.children.get(base)) is None:
            node = self._place(directory, base, self._node(Kind.FILE, mode & ~_UMASK), name)
        else:
            self._regular(node, name)
            self._allow(node, READ | WRITE, name)
        return MemoryFile(self, node, name)

    def make_directory(self, name: str, mode: int) -> None:
        if not name:
            self.spring("make_directory", name)
            self._root = self._root or self._node(Kind.DIRECTORY, mode & ~_UMASK)
            return
        self._add("make_directory", name, Kind.DIRECTORY, mode & ~_UMASK)

    def remove_directory(self, name: str) -> None:
        node = self._directory("remove_directory", name)
        if node.children:
            raise error(errno.ENOTEMPTY, name)
        self._take_out(name)

    def remove(self, name: str) -> None:
        if (node := self._find("remove", name)).kind is Kind.DIRECTORY:
            raise error(errno.EISDIR, name)
        self._take_out(name)
        node.links -= 1

    def rename(self, old: str, new: str) -> None:
        self.spring("rename", old)
        self._rename(old, new)

    def _rename(self, old: str, new: str) -> None:
        node = self._at(old)
        directory, base = self._parent(new)
        there = directory.children.get(base)
        if there is node and not isinstance(directory.children, Folded):
            return
        if there is not None and there is not node:
            self._replaceable(node, there, new)
        if new.startswith(old + "/"):
            raise error(errno.EINVAL, new)
        self._allow(directory, WRITE | SEARCH, new)
        source, name = self._parent(old)
        self._allow(source, WRITE | SEARCH, old)
        del source.children[name]
        directory.children[base] = node
        self._journal.note((source, name, None), (directory, base, node))
        source.modified = source.changed = self.tick()
        directory.modified = directory.changed = node.changed = self.tick()

    def place(self, old: str, new: str) -> None:
        self.spring("place", old)
        directory, base = self._parent(new)
        if base in directory.children:
            raise error(errno.EEXIST, new)
        self._rename(old, new)

    def exchange(self, a: str, b: str) -> bool:
        for name in (a, b):
            self.spring("exchange", name)
        entries = [(*self._parent(a), self._at(b)), (*self._parent(b), self._at(a))]
        for directory, _, _ in entries:
            self._allow(directory, WRITE | SEARCH, a)
        for directory, base, node in entries:
            directory.children[base] = node
            directory.modified = directory.changed = node.changed = self.tick()
        self._journal.note(*entries)
        return True

    def link(self, old: str, new: str) -> None:
        node = self._find("link", old)
        if node.kind is Kind.DIRECTORY:
            raise error(errno.EPERM, old)
        directory, base = self._parent(new)
        if base in directory.children:
            raise error(errno.EEXIST, new)
        self._place(directory, base, node, new)
        node.links += 1
        node.changed = self.tick()

    def symlink(self, target: bytes, name: str) -> None:
        self._add("symlink", name, Kind.SYMLINK, 0o777).target = target

    def read_link(self, name: str) -> bytes:
        node = self._find("read_link", name)
        if node.kind is not Kind.SYMLINK:
            raise error(errno.EINVAL, name)
        return node.target

    def chmod(self, name: str, mode: int) -> None:
        node = self._find("chmod", name)
        if node.kind is Kind.SYMLINK:
            raise error(errno.ELOOP, name)
        node.mode = mode & 0o7777
        node.changed = self.tick()

    def utime(self, name: str, modified: int) -> None:
        node = self._find("utime", name)
        node.modified = modified
        node.changed = self.tick()

    def sync_directory(self, name: str) -> None:
        node = self._directory("sync_directory", name)
        self._journal.sync(node)
        keep_metadata(node)

    def space(self) -> Space:
        self.spring("space", "")
        self._top("")
        total = _PLENTY if self._total is None else self._total
        return Space(max(0, total - self.used), total, self.system, self.kind)
