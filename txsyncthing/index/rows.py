"""
FileInfo <-> database row.

Two rows have equal versions exactly when their ``version`` bytes are equal: 16 bytes per counter, id and
value as big-endian u64, ascending by id, without zero counters. Empty byte strings are stored as NULL.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from itertools import pairwise
from struct import Struct
from typing import Any

from txsyncthing.index.schema import INLINE_HASHES
from txsyncthing.index.values import Row
from txsyncthing.vocabulary.block import HASH_SIZE
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Counter, Vector

SHORT = INLINE_HASHES * HASH_SIZE
_TOP = 1 << 63
_ALL = 1 << 64

Values = tuple[Any, ...]
"""What SQLite takes and gives."""

COLUMNS = (
    "name, type, size, modified, modified_by, permissions, no_permissions, deleted, version, sequence,"
    " block_size, hashes, blocks_hash, previous_blocks_hash, symlink_target, platform, encrypted,"
    " local_flags, inode_change"
)
"""What both kinds of record share; behind it come the local ``global``, the remote ``device, state``."""

LOCAL_COLUMNS, REMOTE_COLUMNS = (
    ", ".join(
        f"coalesce({table}.hashes, lists.hashes)" if column == "hashes" else f"{table}.{column}"
        for column in COLUMNS.split(", ")
    )
    for table in ("local", "remote")
)
"""COLUMNS with the hashes of long lists joined in."""

ROW_COLUMNS = (
    "name, type, size, modified, permissions, no_permissions, deleted, local_flags, inode_change,"
    " symlink_target, block_size, platform"
)

_COUNTER = Struct(">QQ")
_TYPES = {kind.value: kind for kind in FileType}
_NONE = LocalFlag.NONE


def signed(number: int) -> int:
    """A u64 as SQLite keeps it."""
    return number - _ALL if number >= _TOP else number


def unsigned(number: int) -> int:
    return number + _ALL if number < 0 else number


def clamped(number: int) -> int:
    """The nearest number that SQLite can keep."""
    return max(-_TOP, min(number, _TOP - 1))


def pack_version(vector: Vector) -> bytes:
    """The canonical bytes of a vector."""
    counters = vector.counters
    if len(counters) == 1:
        id, value = counters[0]
        return _COUNTER.pack(id, value) if value else b""
    if any(not c.value for c in counters) or any(a.id >= b.id for a, b in pairwise(counters)):
        counters = tuple(c for c in Vector.of(counters).counters if c.value)
    return b"".join([_COUNTER.pack(id, value) for id, value in counters])


def unpack_version(packed: bytes) -> Vector:
    return Vector(tuple(map(Counter._make, _COUNTER.iter_unpack(packed))))


def shared_row(file: FileInfo, sequence: int, inode_change: int) -> Values:
    """The values of COLUMNS; the sequence of the file itself is ignored."""
    (
        name,
        kind,
        size,
        modified,
        modified_by,
        permissions,
        no_permissions,
        deleted,
        version,
        _,
        block_size,
        hashes,
        blocks_hash,
        previous_blocks_hash,
        symlink_target,
        platform,
        encrypted,
        local_flags,
        _,
    ) = file
    long = len(hashes) > SHORT
    return (
        name,
        kind.value,
        size,
        modified,
        modified_by if modified_by < _TOP else modified_by - _ALL,
        permissions,
        no_permissions,
        deleted,
        pack_version(version),
        sequence,
        block_size,
        None if long else hashes or None,
        (blocks_hash or sha256(hashes).digest()) if long else None,
        previous_blocks_hash or None,
        symlink_target or None,
        platform or None,
        encrypted or None,
        local_flags.value if local_flags else 0,
        inode_change,
    )


def fitting(file: FileInfo) -> FileInfo:
    """The same with every number inside SQLite's 64 bits; only a hostile peer needs it."""
    return file._replace(
        size=clamped(file.size),
        modified=clamped(file.modified),
        modified_by=ShortID(file.modified_by % _ALL),
        permissions=clamped(file.permissions),
        sequence=clamped(file.sequence),
        block_size=clamped(file.block_size),
        inode_change=clamped(file.inode_change),
    )


def long_lists(files: Iterable[FileInfo]) -> list[tuple[bytes, bytes]]:
    """The rows of table ``lists`` that these files need."""
    return [
        (file.blocks_hash or sha256(file.hashes).digest(), file.hashes)
        for file in files
        if len(file.hashes) > SHORT
    ]


def file_info(row: Sequence[Any]) -> FileInfo:
    """
    A FileInfo from COLUMNS, with ``hashes`` already joined in from ``lists`` where they are long.
    """
    hashes = row[11] or b""
    flags = row[17]
    modified_by = row[4]
    return FileInfo(
        row[0],
        _TYPES[row[1]],
        row[2],
        row[3],
        modified_by if modified_by >= 0 else modified_by + _ALL,
        row[5],
        row[6] != 0,
        row[7] != 0,
        unpack_version(row[8]),
        row[9],
        row[10],
        hashes,
        row[12] or (sha256(hashes).digest() if hashes else b""),
        row[13] or b"",
        row[14] or b"",
        row[15] or b"",
        row[16] or b"",
        LocalFlag(flags) if flags else _NONE,
        row[18],
    )


def scan_row(row: Sequence[Any]) -> Row:
    """A Row from ROW_COLUMNS."""
    (
        name,
        kind,
        size,
        modified,
        permissions,
        bare,
        deleted,
        flags,
        changed,
        target,
        block_size,
        platform,
    ) = row
    return Row(
        WireName(name),
        _TYPES[kind],
        size,
        modified,
        permissions,
        bare != 0,
        deleted != 0,
        flags,
        changed,
        target or b"",
        block_size,
        platform or b"",
    )
