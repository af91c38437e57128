"""
Copies of files between disks that cannot be told from the file. Steps of disk workers.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from contextlib import suppress
from hashlib import sha256

from txsyncthing.filesystem.seam import Filesystem, ReadFile
from txsyncthing.vocabulary.name import temporary_name

CHUNK = 4 * 1024 * 1024  # bytes


def copy_file(
    source: Filesystem,
    name: str,
    target: Filesystem,
    new: str,
    goes_on: Callable[[], bool],
    *,
    temporary: str = "",
) -> None:
    """
    Bytes, mode and time; written, synced, compared with what was read, then renamed to a name that is free.

    :param temporary: the name until then; by default the one of ``new``.
    :param goes_on: whether to; asked after each chunk.
    :raises OSError: it could not be done, or the file changed meanwhile; nothing is left.
    """
    temporary = temporary or temporary_name(new)
    with suppress(FileNotFoundError):
        target.remove(temporary)
    opened = source.open(name)
    try:
        before = opened.stat()
        copy = target.create(temporary, 0o600)
        try:
            copy.truncate(before.size)
            size, wanted = _copy(opened, before.size, copy.write, goes_on)
            copy.chmod(before.mode & 0o777)
            copy.utime(before.modified)
            copy.sync()
            same = _copy(copy, size + 1, None, goes_on) == (size, wanted)
        finally:
            copy.close()
        if not same:
            raise OSError(errno.EIO, "the copy is not what was written", new)
        after = opened.stat()
        if (after.size, after.modified, after.changed) != (size, before.modified, before.changed):
            raise OSError(errno.EAGAIN, "the file changed while it was copied", name)
        target.place(temporary, new)
    except OSError:
        with suppress(OSError):
            target.remove(temporary)
        raise
    finally:
        opened.close()


def _copy(
    file: ReadFile,
    most: int,
    write: Callable[[memoryview, int], None] | None,
    goes_on: Callable[[], bool],
) -> tuple[int, bytes]:
    """
    Read a file from its start; holes stay holes.

    :returns: how many bytes there were, and their hash.
    """
    digest = sha256()
    buffer = memoryview(bytearray(min(CHUNK, max(most, 1))))
    zeros = bytes(len(buffer))
    offset = 0
    while True:
        if not goes_on():
            raise OSError(errno.ECANCELED, "the folder is stopped")
        read = file.readinto(buffer, offset)
        if not read:
            return offset, digest.digest()
        part = buffer[:read]
        digest.update(part)
        if write is not None and part != zeros[:read]:
            write(part, offset)
        offset += read
