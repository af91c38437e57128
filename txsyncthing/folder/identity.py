"""
Whether the root of a folder lies on the file system on which it lay when the folder ran last.

The numbers of devices do not tell: the kernel gives them anew with each boot. Nor does ``f_fsid`` everywhere:
XFS, FAT and others make it of that number, tmpfs and overlay of what a mount happens to be. What lasts:

- ext2 to ext4, btrfs, ZFS and bcachefs make it of the identity that stands on the disk;
- XFS keeps the numbers of inodes on the disk, while FAT, FUSE and network file systems may make them up.

Where nothing is known to last nothing is said: no ordinary reboot may stop a folder.
"""

from __future__ import annotations

from typing import NamedTuple

import orjson

EXT, BTRFS, ZFS, BCACHEFS, XFS = 0xEF53, 0x9123683E, 0x2FC12FC1, 0xCA451A4E, 0x58465342
_MARKED = frozenset({EXT, BTRFS, ZFS, BCACHEFS})
_NUMBERED = frozenset({XFS})


class Identity(NamedTuple):
    """
    A root as it was found.

    :ivar kind: of file system, ``f_type``; 0: unknown.
    :ivar system: ``f_fsid``; 0: unknown.
    :ivar inode: of the root; ``marker``: of its marker.
    """

    kind: int = 0
    system: int = 0
    inode: int = 0
    marker: int = 0

    def is_other(self, before: Identity) -> bool:
        """Whether this is surely another file system than before, be there a reboot in between or not."""
        if not (self.kind and self.system and before.system):
            return False
        if self.kind != before.kind:
            return before.kind in _MARKED | _NUMBERED
        if self.system == before.system:
            return False
        if self.kind in _MARKED:
            return True
        moved = (self.inode, self.marker) != (before.inode, before.marker)
        return moved and self.kind in _NUMBERED

    def encode(self) -> bytes:
        return orjson.dumps([str(number) for number in self])


def remembered(data: bytes | None) -> Identity | None:
    """What was kept; None if it is of no use."""
    try:
        numbers = [int(text) for text in orjson.loads(data or b"")]
        return Identity(*numbers) if len(numbers) == len(Identity()) else None
    except (ValueError, TypeError):
        return None
