"""
FileInfo: what one device says of one file, directory or symlink.

Source: reference 2.6 (BEP v1 "FileInfo"; lib/protocol/bep_fileinfo.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import IntEnum, IntFlag
from typing import NamedTuple

from txsyncthing.vocabulary.attributes import NO_ATTRIBUTES, Attributes
from txsyncthing.vocabulary.block import MIN_BLOCK_SIZE, BlockInfo, blocks
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Order, Vector

BYTES_WITHOUT_CONTENT = 128
"""What a directory or symlink counts in every total of bytes (reference 11.16; seen on 1.19 and 1.29)."""


class FileType(IntEnum):
    """Kinds of items; 2 and 3 are old kinds of symlink and become SYMLINK on input."""

    FILE = 0
    DIRECTORY = 1
    SYMLINK = 4


class LocalFlag(IntFlag):
    """Why a local item is not like the others; never sent, REST shows the number."""

    NONE = 0
    UNSUPPORTED = 1
    IGNORED = 2
    MUST_RESCAN = 4
    RECEIVE_ONLY = 8
    REMOTE_INVALID = 64  # a peer said invalid


INVALID_FLAGS = (
    LocalFlag.UNSUPPORTED
    | LocalFlag.IGNORED
    | LocalFlag.MUST_RESCAN
    | LocalFlag.RECEIVE_ONLY
    | LocalFlag.REMOTE_INVALID
)
CONFLICT_FLAGS = LocalFlag.UNSUPPORTED | LocalFlag.IGNORED | LocalFlag.RECEIVE_ONLY


class FileInfo(NamedTuple):
    """
    One version of one item. A NamedTuple, since a folder has them by the hundred thousand.

    Deleted items, directories and symlinks have size 0 and no hashes; every valid file has at least
    one hash. ``modified`` and ``inode_change`` are nanoseconds since 1970 (may be negative).
    """

    name: WireName
    type: FileType = FileType.FILE
    size: int = 0
    modified: int = 0
    modified_by: ShortID = ShortID(0)
    permissions: int = 0  # mode & 0o777
    no_permissions: bool = False
    deleted: bool = False
    version: Vector = Vector()
    sequence: int = 0  # of the device that tells
    block_size: int = 0  # as told; 0 means 128 KiB, see ``cut``
    hashes: bytes = b""  # see vocabulary/block.py
    blocks_hash: bytes = b""  # always computed here, never taken from a peer
    previous_blocks_hash: bytes = b""
    symlink_target: bytes = b""
    platform: bytes = b""  # PlatformData, still protobuf: kept untouched
    encrypted: bytes = b""
    local_flags: LocalFlag = LocalFlag.NONE
    inode_change: int = 0  # ctime; stays here

    @property
    def invalid(self) -> bool:
        """Whether nobody may take this item from its owner."""
        flags = self.local_flags  # mostly none, and the operators of enums are slow
        return bool(flags and flags & INVALID_FLAGS)

    @property
    def cut(self) -> int:
        """The block size in bytes."""
        return max(self.block_size, MIN_BLOCK_SIZE)

    @property
    def blocks(self) -> Iterator[BlockInfo]:
        return blocks(self.hashes, self.size, self.cut)

    @property
    def counted_bytes(self) -> int:
        """What the item counts in totals of bytes."""
        if self.deleted:
            return 0
        return self.size if self.type is FileType.FILE else BYTES_WITHOUT_CONTENT

    @property
    def is_file(self) -> bool:
        return self.type is FileType.FILE

    @property
    def is_directory(self) -> bool:
        return self.type is FileType.DIRECTORY

    @property
    def is_symlink(self) -> bool:
        return self.type is FileType.SYMLINK

    def as_deleted(self, by: ShortID, modified: int, version: Vector) -> FileInfo:
        """The entry that tells of this item's deletion (reference 2.6, "Deleted entries")."""
        return FileInfo(
            name=self.name,
            type=self.type,
            modified=modified,
            modified_by=by,
            deleted=True,
            version=version,
        )


def same_content(a: FileInfo, b: FileInfo) -> bool:
    """Whether both say the same of the item's bytes (or target); times and modes may differ."""
    if a.type is not b.type or a.deleted != b.deleted:
        return False
    if a.deleted or a.type is FileType.DIRECTORY:
        return True
    if a.type is FileType.SYMLINK:
        return a.symlink_target == b.symlink_target
    if a.size != b.size:
        return False
    return a.hashes == b.hashes if a.cut == b.cut else False


def equivalent(
    a: FileInfo,
    b: FileInfo,
    *,
    ignore_permissions: bool = False,
    window: int = 0,
    attributes: Attributes = NO_ATTRIBUTES,
    silent: bool = False,
) -> bool:
    """
    Whether both describe the same item, so that no work is needed (reference 2.6, "Equality check").

    :param attributes: which owners and extended attributes count; none unless said.
    :param silent: whether what ``a`` does not say of them agrees with anything.
    :param window: nanoseconds by which modification times may differ (strictly less; 0: not at all).
    """
    if a.invalid != b.invalid or not same_content(a, b):
        return False
    if a.deleted:
        return True
    if attributes.tells and not attributes.same(a.platform, b.platform, silent=silent):
        return False
    if a.type is FileType.SYMLINK:
        return True
    if not (ignore_permissions or a.no_permissions or b.no_permissions) and (
        a.permissions & 0o777 != b.permissions & 0o777
    ):
        return False
    if a.type is FileType.DIRECTORY:
        return True
    return a.modified == b.modified or abs(a.modified - b.modified) < window


def wins(a: FileInfo, b: FileInfo) -> bool:
    """
    Whether ``a`` is more global than ``b``: every device must decide this alike (reference 2.6).

    Of equal versions a valid one wins; of concurrent ones the valid, then what is not deleted, then the
    newer, then the one whose vector is greater at the first difference.
    """
    order = a.version.compare(b.version)
    if order is Order.EQUAL:
        return b.invalid and not a.invalid
    if order is Order.GREATER:
        return True
    if order is Order.LESSER:
        return False
    return wins_conflict(a, b)


def wins_conflict(a: FileInfo, b: FileInfo) -> bool:
    """
    Whether ``a`` wins against the concurrent ``b``.

    That an edit wins against a deletion is the rule of 1.x (reference 5.6, "Deletes"; 12.2).
    """
    if a.invalid != b.invalid:
        return b.invalid
    if a.deleted != b.deleted:
        return b.deleted
    if a.modified != b.modified:
        return a.modified > b.modified
    return a.version.compare(b.version) is Order.CONCURRENT_GREATER
