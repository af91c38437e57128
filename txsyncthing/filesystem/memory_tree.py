"""
The items of a folder in memory: how they lie in directories, who may touch them, and how much room they take.
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator

from txsyncthing.filesystem.memory_attributes import MemoryAccounts
from txsyncthing.filesystem.memory_crash import Journal
from txsyncthing.filesystem.memory_faults import Faults
from txsyncthing.filesystem.memory_file import BLOCK, Folded, Node, error
from txsyncthing.filesystem.seam import Kind, ThroughSymlink

READ, WRITE, SEARCH = 0o400, 0o200, 0o100
_SET_BACK = 1_000_000_000  # ns that the clock must fall behind to be believed


class Tree(Faults):
    """What ``MemoryFilesystem`` stands on; its docstring tells of the parameters."""

    def __init__(
        self, unix: Callable[[], float], total: int | None = None, folded: bool = False
    ) -> None:
        super().__init__()
        self._unix = unix
        self._names: type[dict[str, Node]] = Folded if folded else dict
        self._total = total
        self.system, self.kind = 1, 0
        self._last = 0
        self._inodes = 0
        self.people = MemoryAccounts()
        self._journal = Journal()
        self.life = 0  # how many crashes
        self._root: Node | None = self._node(Kind.DIRECTORY, 0o755)
        self._away: Node | None = None

    # What open files ask of their disk.

    def tick(self) -> int:
        """Now in nanoseconds; later than ever before, unless the clock was set back."""
        now = int(self._unix() * 1_000_000_000)
        self._last = now if now < self._last - _SET_BACK else max(self._last + 1, now)
        return self._last

    def take_room(self, node: Node, start: int, end: int, name: str) -> None:
        """:raises OSError: the disk is full."""
        blocks = set(range(start // BLOCK, -(-end // BLOCK))) - node.written
        total = None if self._quiet else self._total
        if total is not None and blocks and self.used + len(blocks) * BLOCK > total:
            raise error(errno.ENOSPC, name)
        node.written |= blocks

    @property
    def used(self) -> int:
        """Bytes of files, in whole blocks."""
        return sum(len(node.written) for _, node in self._items()) * BLOCK

    def _node(self, kind: Kind, mode: int) -> Node:
        self._inodes += 1
        now = self.tick()
        return Node(
            kind,
            self._inodes,
            mode,
            now,
            now,
            children=self._names(),
            durable_mode=mode,
            durable_modified=now,
        )

    def _items(self) -> Iterator[tuple[str, Node]]:
        """All items with their names, parents first, in order."""
        waiting = [("", self._root)] if self._root is not None else []
        while waiting:
            name, node = waiting.pop()
            if name:
                yield name, node
            for base, child in sorted(node.children.items(), reverse=True):
                waiting.append((f"{name}/{base}" if name else base, child))

    def _top(self, name: str) -> Node:
        if self._root is None:
            raise error(errno.ENOENT, name)
        return self._root

    def _parent(self, name: str) -> tuple[Node, str]:
        """:raises ThroughSymlink: a part of the path is a symlink."""
        parts = name.split("/")
        if "\0" in name or any(part in ("", ".", "..") for part in parts):
            raise error(errno.EINVAL, name)
        try:
            if any(len(part.encode("utf-8", "surrogateescape")) > 255 for part in parts):
                raise error(errno.ENAMETOOLONG, name)
        except UnicodeEncodeError:
            raise error(errno.EILSEQ, name) from None
        node = self._top(name)
        for part in parts[:-1]:
            self._allow(node, SEARCH, name)
            below = node.children.get(part)
            if below is None:
                raise error(errno.ENOENT, name)
            if below.kind is Kind.SYMLINK:
                raise ThroughSymlink(errno.ELOOP, "a part of the path is a symlink", name)
            if below.kind is not Kind.DIRECTORY:
                raise error(errno.ENOTDIR, name)
            node = below
        self._allow(node, SEARCH, name)
        return node, parts[-1]

    def _find(self, operation: str, name: str) -> Node:
        self.spring(operation, name)
        return self._at(name)

    def _at(self, name: str) -> Node:
        if not name:
            return self._top(name)
        directory, base = self._parent(name)
        if base not in directory.children:
            raise error(errno.ENOENT, name)
        return directory.children[base]

    def _directory(self, operation: str, name: str) -> Node:
        node = self._find(operation, name)
        if node.kind is not Kind.DIRECTORY:
            raise error(errno.ENOTDIR, name)
        return node

    def _add(self, operation: str, name: str, kind: Kind, mode: int) -> Node:
        self.spring(operation, name)
        directory, base = self._parent(name)
        if base in directory.children:
            raise error(errno.EEXIST, name)
        return self._place(directory, base, self._node(kind, mode), name)

    def _place(self, directory: Node, base: str, node: Node, name: str) -> Node:
        self._allow(directory, WRITE | SEARCH, name)
        directory.children[base] = node
        self._journal.note((directory, base, node))
        directory.modified = directory.changed = self.tick()
        return node

    def _take_out(self, name: str) -> None:
        directory, base = self._parent(name)
        self._allow(directory, WRITE | SEARCH, name)
        del directory.children[base]
        self._journal.note((directory, base, None))
        directory.modified = directory.changed = self.tick()

    def _replaceable(self, node: Node, there: Node, name: str) -> None:
        if there.kind is Kind.DIRECTORY:
            if node.kind is not Kind.DIRECTORY:
                raise error(errno.EISDIR, name)
            if there.children:
                raise error(errno.ENOTEMPTY, name)
        elif node.kind is Kind.DIRECTORY:
            raise error(errno.ENOTDIR, name)

    def _allow(self, node: Node, bits: int, name: str) -> None:
        if node.mode & bits != bits:
            raise error(errno.EACCES, name)

    def _regular(self, node: Node, name: str) -> None:
        if node.kind is Kind.DIRECTORY:
            raise error(errno.EISDIR, name)
        if node.kind is not Kind.FILE:
            raise error(errno.ELOOP if node.kind is Kind.SYMLINK else errno.EINVAL, name)
