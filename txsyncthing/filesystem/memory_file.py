"""Items and open files of a folder in memory; see memory.py."""

from __future__ import annotations

import errno
from dataclasses import dataclass, field
from typing import Protocol

from typing_extensions import Buffer

from txsyncthing.filesystem.seam import Kind, Stat

BLOCK = 4096  # room is counted in these, so that holes cost nothing
TEXTS = {
    errno.EACCES: "Permission denied",
    errno.EBADF: "Bad file descriptor",
    errno.EEXIST: "File exists",
    errno.EILSEQ: "Invalid or incomplete multibyte or wide character",
    errno.EINVAL: "Invalid argument",
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
    durable_content: bytes = b""
    durable_children: dict[str, Node] = field(default_factory=dict)
    durable_mode: int = 0
    durable_modified: int = 0
    dirty: bool = False  # content is not durable_content
    spoiled: bool = (
        False  # a sync has failed: the system takes the bytes for written, but they are not
    )


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
    return Stat(node.kind, size, node.mode, node.modified, node.changed, node.inode, 1, 1000, 1000)
