"""Items and open files of a folder in memory; see memory.py."""

from __future__ import annotations

import errno
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from typing_extensions import Buffer

from txsyncthing.filesystem.case import fold
from txsyncthing.filesystem.seam import CopyMethod, Kind, ReadFile, Stat

BLOCK = 4096  # room is counted in these, so that holes cost nothing
TEXTS = {
    errno.EACCES: "Permission denied",
    errno.EBADF: "Bad file descriptor",
    errno.EEXIST: "File exists",
    errno.EILSEQ: "Invalid or incomplete multibyte or wide character",
    errno.EINVAL: "Invalid argument",
    errno.ENODATA: "No data available",
    errno.EOPNOTSUPP: "Operation not supported",
    errno.EISDIR: "Is a directory",
    errno.ELOOP: "Too many levels of symbolic links",
    errno.ENAMETOOLONG: "File name too long",
    errno.ENOENT: "No such file or directory",
    errno.ENOSPC: "No space left on device",
    errno.ENOTDIR: "Not a directory",
    errno.EPERM: "Operation not permitted",
    errno.ENOTEMPTY: "Directory not empty",
}


def error(code: int, name: str) -> OSError:
    return OSError(code, TEXTS[code], name)


@dataclass(eq=False, slots=True)
class Node:
    """One item; its durable parts are what a power cut leaves at least."""

    kind: Kind
    inode: int
    mode: int
    modified: int
    changed: int
    content: bytearray = field(default_factory=bytearray)
    written: set[int] = field(default_factory=set)  # blocks that are no holes
    children: dict[str, Node] = field(default_factory=dict)
    target: bytes = b""
    uid: int = 1000
    gid: int = 1000
    xattrs: dict[str, bytes] = field(default_factory=dict)
    durable_content: bytes = b""
    durable_children: dict[str, Node] = field(default_factory=dict)
    links: int = 1  # names, at most
    durable_mode: int = 0
    durable_modified: int = 0
    dirty: bool = False  # content is not durable_content
    spoiled: bool = (
        False  # a sync has failed: the system takes the bytes for written, but they are not
    )


class Folded(dict[str, Node]):
    """The items of a directory in which case does not matter; each keeps the spelling it was made with."""

    def __init__(self, items: Mapping[str, Node] | None = None) -> None:
        super().__init__(items or {})
        self._spelled = {fold(base): base for base in self}

    def __contains__(self, base: object) -> bool:
        return isinstance(base, str) and fold(base) in self._spelled

    def __getitem__(self, base: str) -> Node:
        return super().__getitem__(self._spelled[fold(base)])

    def get(self, base: str, default: Node | None = None) -> Node | None:  # type: ignore[override]
        spelled = self._spelled.get(fold(base))
        return default if spelled is None else super().get(spelled, default)

    def __setitem__(self, base: str, node: Node) -> None:
        super().__setitem__(self._spelled.setdefault(fold(base), base), node)

    def __delitem__(self, base: str) -> None:
        super().__delitem__(self._spelled.pop(fold(base)))


class Power(Protocol):
    """What an open file asks of its disk."""

    @property
    def life(self) -> int:
        """How many crashes there were."""

    def spring(self, operation: str, name: str) -> None:
        """Run what a test asked to happen here."""

    def tick(self) -> int:
        """Now in nanoseconds; later than ever before."""

    def take_room(self, node: Node, start: int, end: int, name: str) -> None:
        """:raises OSError: the disk is full."""


class MemoryFile:
    """An open file; both ReadFile and WriteFile."""

    def __init__(self, disk: Power, node: Node, name: str) -> None:
        self._disk = disk
        self._node = node
        self._name = name
        self._life = disk.life

    def _reach(self, operation: str) -> Node:
        if self._life != self._disk.life:  # closed, or the power went
            raise error(errno.EBADF, self._name)
        self._disk.spring(operation, self._name)
        return self._node

    def stat(self) -> Stat:
        return stat_of(self._reach("stat"))

    def read(self, size: int, offset: int) -> bytes:
        return bytes(self._reach("read").content[offset : offset + size])

    def readinto(self, buffer: memoryview, offset: int) -> int:
        found = self.read(len(buffer), offset)
        buffer[: len(found)] = found
        return len(found)

    def write(self, data: Buffer, offset: int) -> None:
        node = self._reach("write")
        view = memoryview(data).cast("B")
        end = offset + len(view)
        self._disk.take_room(node, offset, end, self._name)
        if len(node.content) < end:
            node.content.extend(bytes(end - len(node.content)))
        node.content[offset:end] = view
        node.dirty = True
        node.modified = node.changed = self._disk.tick()

    def copy_range(
        self, source: ReadFile, method: CopyMethod, start: int, offset: int, size: int
    ) -> None:
        self._disk.spring("copy_range", self._name)
        self.write(source.read(size, start), offset)

    def truncate(self, size: int) -> None:
        node = self._reach("truncate")
        if size < len(node.content):
            del node.content[size:]
            node.written = {block for block in node.written if block * BLOCK < size}
        else:
            node.content.extend(bytes(size - len(node.content)))
        node.dirty = True
        node.spoiled = node.spoiled and size > 0
        node.modified = node.changed = self._disk.tick()

    def chmod(self, mode: int) -> None:
        node = self._reach("chmod")
        node.mode = mode & 0o7777
        node.changed = self._disk.tick()

    def chown(self, uid: int, gid: int) -> None:
        change_owner(self._reach("chown"), uid, gid, self._disk.tick())

    def list_xattrs(self) -> Sequence[str]:
        return list(self._reach("list_xattrs").xattrs)

    def get_xattr(self, attribute: str) -> bytes:
        return xattr(self._reach("get_xattr"), attribute, self._name)

    def set_xattr(self, attribute: str, value: bytes) -> None:
        node = self._reach("set_xattr")
        put_xattr(node, attribute, value, self._name, self._disk.tick())

    def remove_xattr(self, attribute: str) -> None:
        take_xattr(self._reach("remove_xattr"), attribute, self._name, self._disk.tick())

    def utime(self, modified: int) -> None:
        node = self._reach("utime")
        node.modified = modified
        node.changed = self._disk.tick()

    def sync(self) -> None:
        try:
            node = self._reach("sync")
        except OSError:
            self._node.spoiled = True  # Linux says it once, and forgets
            raise
        node.durable_mode, node.durable_modified = node.mode, node.modified
        if node.dirty and not node.spoiled:
            node.durable_content = bytes(node.content)
            node.dirty = False

    def close(self) -> None:
        self._life = -1


def stat_of(node: Node) -> Stat:
    size = len(node.content) if node.kind is Kind.FILE else len(node.target)
    times = node.modified, node.changed
    return Stat(node.kind, size, node.mode, *times, node.inode, 1, node.uid, node.gid, node.links)


def change_owner(node: Node, uid: int, gid: int, now: int) -> None:
    """As Linux does it: a program loses the right to run as its owner."""
    node.uid, node.gid = uid, gid
    if node.kind is Kind.FILE:
        node.mode &= 0o1777
    node.changed = now


def xattr(node: Node, attribute: str, name: str) -> bytes:
    if attribute not in node.xattrs:
        raise error(errno.ENODATA, name)
    return node.xattrs[attribute]


def put_xattr(node: Node, attribute: str, value: bytes, name: str, now: int) -> None:
    if node.kind is Kind.SYMLINK and attribute.startswith("user."):
        raise error(errno.EPERM, name)
    node.xattrs[attribute] = bytes(value)
    node.changed = now


def take_xattr(node: Node, attribute: str, name: str, now: int) -> None:
    xattr(node, attribute, name)
    del node.xattrs[attribute]
    node.changed = now
