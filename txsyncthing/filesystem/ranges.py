"""
Linux's ways to copy a part of a file without reading it: shared extents, and copies inside the kernel.

Which way there is depends on the file systems: a clone needs Btrfs, XFS or another that can let files share
their extents; the others always work between files of one file system. Blocking: for workers only.

Source: reference 5.5 ("copyRangeMethod"), 6.2; ioctl_ficlonerange(2), copy_file_range(2), sendfile(2).
"""

from __future__ import annotations

import errno
import fcntl
import os
from struct import pack

from txsyncthing.filesystem.seam import CopyMethod, ReadFile

_CLONE_RANGE = 0x4020940D  # FICLONERANGE of linux/fs.h: _IOW(0x94, 13, struct file_clone_range)


class Ranges:
    """The copying of an open file of a disk."""

    _descriptor: int

    def copy_range(
        self, source: ReadFile, method: CopyMethod, start: int, offset: int, size: int
    ) -> None:
        if not isinstance(source, Ranges):
            raise OSError(errno.EXDEV, os.strerror(errno.EXDEV))
        _COPIES[method](source._descriptor, self._descriptor, start, offset, size)


def _clone(source: int, target: int, start: int, offset: int, size: int) -> None:
    fcntl.ioctl(target, _CLONE_RANGE, pack("qQQQ", source, start, size, offset))


def _copy(source: int, target: int, start: int, offset: int, size: int) -> None:
    while size:
        done = os.copy_file_range(source, target, size, start, offset)
        if not done:
            raise _ends_early()
        start, offset, size = start + done, offset + done, size - done


def _send(source: int, target: int, start: int, offset: int, size: int) -> None:
    # sendfile writes where the file stands; others write to it too, so it gets a place of its own.
    own = os.open(f"/proc/self/fd/{target}", os.O_WRONLY | os.O_CLOEXEC)
    try:
        os.lseek(own, offset, os.SEEK_SET)
        while size:
            done = os.sendfile(own, source, start, size)
            if not done:
                raise _ends_early()
            start, size = start + done, size - done
    finally:
        os.close(own)


def _ends_early() -> OSError:
    return OSError(errno.EIO, "the file that is copied from has become shorter")


_COPIES = {
    CopyMethod.CLONE: _clone,
    CopyMethod.COPY: _copy,
    CopyMethod.SEND: _send,
}
