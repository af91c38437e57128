"""
What a folder asks of its storage. All calls block: workers make them, the reactor never does.

Names are relative to the folder's root, ``/`` between parts, ``""`` is the root itself. No call follows a
symlink, neither as the item nor as a part of its path: where a parent is a symlink, ``ThroughSymlink``
is raised. All other errors are the ``OSError`` that Linux would raise.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from enum import Enum, IntEnum
from typing import NamedTuple, Protocol, runtime_checkable

from typing_extensions import Buffer


class ThroughSymlink(OSError):
    """A part of the path is a symlink: nothing beyond it belongs to the folder."""


class Kind(IntEnum):
    """What an item on disk is."""

    FILE = 0
    DIRECTORY = 1
    SYMLINK = 2
    OTHER = 3  # socket, device, fifo: never synced


class Stat(NamedTuple):
    """One item's metadata; times are nanoseconds since 1970."""

    kind: Kind
    size: int
    mode: int  # mode & 0o7777
    modified: int
    changed: int  # ctime
    inode: int
    device: int
    uid: int
    gid: int
    links: int = 1  # names that the item has


class Entry(NamedTuple):
    """One line of a directory. The name may hold surrogates where it is not UTF-8."""

    base: str
    stat: Stat


class Space(NamedTuple):
    """Room on the storage, in bytes, and which file system that is."""

    free: int
    total: int
    system: int = (
        0  # f_fsid: another one after another was mounted, where the kernel can tell; 0: unknown
    )
    kind: int = 0  # f_type; 0: unknown


class CopyMethod(Enum):
    """How a storage may copy a part of a file by itself."""

    CLONE = "ioctl"  # both files share it, until one is changed
    COPY = "copy_file_range"
    SEND = "sendfile"


class Accounts(Protocol):
    """The users and groups of a machine, as one job sees them."""

    def user(self, uid: int) -> str:
        """The name; empty if there is none."""

    def group(self, gid: int) -> str: ...

    def uid(self, user: str) -> int | None:
        """The number; None if there is no such user."""

    def gid(self, group: str) -> int | None: ...


class Bearer(Protocol):
    """An item that has an owner and extended attributes."""

    def stat(self) -> Stat: ...

    def list_xattrs(self) -> Sequence[str]:
        """
        The names of its attributes, in any order.

        :raises OSError: EOPNOTSUPP where the storage has none at all.
        """

    def get_xattr(self, attribute: str) -> bytes:
        """:raises OSError: ENODATA if it is gone."""


class ReadFile(Bearer, Protocol):
    """An open regular file."""

    def read(self, size: int, offset: int) -> bytes:
        """At most ``size`` bytes; fewer only at the end of the file."""

    def readinto(self, buffer: memoryview, offset: int) -> int:
        """Fill as much of the buffer as the file has; how many bytes that was."""

    def sync(self) -> None:
        """Return when the bytes are on the disk, and whatever else the file has."""

    def close(self) -> None: ...


class WriteFile(ReadFile, Protocol):
    """A file being assembled."""

    def write(self, data: Buffer, offset: int) -> None:
        """All of the bytes."""

    def copy_range(
        self, source: ReadFile, method: CopyMethod, start: int, offset: int, size: int
    ) -> None:
        """
        Copy a part of another file from there to here, which nobody has verified then.

        :param start: in the other file; ``offset``: in this one.
        :raises OSError: the storage cannot do it, or not for these files and bytes; this part of the file
            holds anything.
        """

    def truncate(self, size: int) -> None:
        """Set the size; new room is a hole."""

    def chmod(self, mode: int) -> None: ...

    def chown(self, uid: int, gid: int) -> None: ...

    def set_xattr(self, attribute: str, value: bytes) -> None: ...

    def remove_xattr(self, attribute: str) -> None: ...

    def utime(self, modified: int) -> None: ...


@runtime_checkable
class Filesystem(Protocol):
    """One folder's storage."""

    def batch(self) -> AbstractContextManager[Filesystem]:
        """
        The same storage for one job of many calls: directories stay open until the end, so that
        a name costs no walk from the root. Not for two threads, and not for long.
        """

    def lstat(self, name: str) -> Stat: ...

    def list(self, name: str) -> list[Entry]:
        """
        A directory's items in order of their names; what vanishes meanwhile is left out.

        :raises OSError: also where the directory can be listed but its items cannot be looked at.
        """

    def names(self, name: str) -> Sequence[str]:
        """Only the names of a directory's items, in order; for directories of any size."""

    def stats(self, name: str, bases: Sequence[str]) -> Sequence[Stat | None]:
        """The metadata of items of one directory; None for what is not there any more."""

    def open(self, name: str) -> ReadFile:
        """:raises OSError: also where the item is no regular file."""

    def create(self, name: str, mode: int) -> WriteFile:
        """
        Open for reading and writing, making the file if it is missing; never a symlink.

        :param mode: of a new file; the umask is taken off, ``chmod`` sets the bits as they are.
        """

    def make_directory(self, name: str, mode: int) -> None:
        """The root (``""``) is made with its parents, and may exist."""

    def remove_directory(self, name: str) -> None: ...

    def remove(self, name: str) -> None: ...

    def rename(self, old: str, new: str) -> None:
        """Atomic; replaces a file."""

    def place(self, old: str, new: str) -> None:
        """
        Rename where nothing is to be replaced.

        :raises FileExistsError: the name is taken. A storage that cannot tell replaces it.
        """

    def exchange(self, a: str, b: str) -> bool:
        """Let two items have each other's name, at once; False where the storage cannot."""

    def link(self, old: str, new: str) -> None:
        """
        Give a file a second name, which must be free.

        :raises FileExistsError: the name is taken.
        :raises OSError: also where the storage has no hard links.
        """

    def symlink(self, target: bytes, name: str) -> None: ...

    def read_link(self, name: str) -> bytes: ...

    def chmod(self, name: str, mode: int) -> None: ...

    def accounts(self) -> Accounts:
        """Whom the numbers of owners mean; for one job."""

    def chown(self, name: str, uid: int, gid: int) -> None: ...

    def list_xattrs(self, name: str) -> Sequence[str]:
        """See ``Bearer``."""

    def get_xattr(self, name: str, attribute: str) -> bytes: ...

    def set_xattr(self, name: str, attribute: str, value: bytes) -> None: ...

    def remove_xattr(self, name: str, attribute: str) -> None: ...

    def utime(self, name: str, modified: int) -> None: ...

    def sync_directory(self, name: str) -> None:
        """Return when the directory's names are on the disk."""

    def space(self) -> Space: ...
