"""
From items on disk to records: the jobs of the hash workers.

A job is a batch of small items or a range of one large file, so that one large file keeps all cores busy.

Source: reference 5.2 ("Hashing", "File changed while hashing"), 2.6 ("FileInfo").
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

from txsyncthing.filesystem.attributes import Named, on_disk
from txsyncthing.filesystem.metadata import PERMISSIONS
from txsyncthing.filesystem.seam import Accounts, Bearer, Filesystem, Kind, ReadFile, Stat
from txsyncthing.scan.values import Work
from txsyncthing.scan.walk import GONE, item_error
from txsyncthing.vocabulary.attributes import NO_ATTRIBUTES, Attributes
from txsyncthing.vocabulary.block import EMPTY_HASH, blocks_hash, rescan_block_size
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

BATCH_ITEMS = 256
BATCH_BYTES = 16 * 1024 * 1024
RANGE = 64 * 1024 * 1024  # bytes of a large file in one job; a multiple of every block size
_READ = 1024 * 1024  # bytes read at once: enough to be fast, and all that a job holds


class FileChanged(OSError):
    """The file is not what it was a moment ago; the next scan will see."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """What all records of one scan have in common; ``version`` is that of new items."""

    by: ShortID
    version: Vector
    ignore_permissions: bool
    local_flags: LocalFlag
    attributes: Attributes = NO_ATTRIBUTES


@dataclass(frozen=True, slots=True)
class Batch:
    """Items that one job examines."""

    items: tuple[Work, ...]

    @property
    def size(self) -> int:
        """All bytes."""
        return sum(max(item.size, 0) for item in self.items)


@dataclass(frozen=True, slots=True)
class Range:
    """A part of a large file, from ``start`` to ``end``, that one job hashes."""

    item: Work
    start: int
    end: int

    @property
    def last(self) -> bool:
        return self.end == self.item.size


class Part(NamedTuple):
    """What became of a Range: the file's metadata and the hashes, or an error."""

    stat: Stat | None
    hashes: bytes
    error: ItemError | None = None
    platform: bytes = b""  # in the first part


Outcome = FileInfo | ItemError | None
"""What became of an item: its record, an error, or it is gone since the walk."""


def plan(work: Iterable[Work]) -> Iterator[Batch | Range]:
    """Cut the work into jobs, in order."""
    items: list[Work] = []
    size = 0
    for item in work:
        if item.size > BATCH_BYTES:
            if items:
                yield Batch(tuple(items))
                items, size = [], 0
            for start in range(0, item.size, RANGE):
                yield Range(item, start, min(start + RANGE, item.size))
            continue
        items.append(item)
        size += max(item.size, 0)
        if len(items) >= BATCH_ITEMS or size >= BATCH_BYTES:
            yield Batch(tuple(items))
            items, size = [], 0
    if items:
        yield Batch(tuple(items))


def perform(filesystem: Filesystem, job: Batch | Range, stamp: Stamp) -> list[Outcome] | Part:
    """What a worker does."""
    if isinstance(job, Batch):
        return examine(filesystem, job.items, stamp)
    return hash_range(filesystem, job, stamp)


def examine(filesystem: Filesystem, items: Sequence[Work], stamp: Stamp) -> list[Outcome]:
    """The record of each item."""
    results: list[Outcome] = []
    with filesystem.batch() as batch:
        accounts = batch.accounts()
        for item in items:
            try:
                results.append(_examine(batch, item, stamp, accounts))
            except GONE:
                results.append(None)
            except OSError as error:
                results.append(_failed(item, error))
    return results


def hash_range(filesystem: Filesystem, part: Range, stamp: Stamp) -> Part:
    """A part of a large file."""
    item = part.item
    try:
        opened = filesystem.open(item.name)
        try:
            before = opened.stat()
            if before.size != item.size:
                raise FileChanged("file changed during hashing")
            block = rescan_block_size(item.size, item.block_size)
            hashes = hash_blocks(opened, part.start, part.end, block)
            _unchanged(before, opened.stat())
            told = b"" if part.start else _told(opened, before, stamp, filesystem.accounts())
            return Part(before, hashes, platform=told)
        finally:
            opened.close()
    except GONE:
        return Part(None, b"")
    except OSError as error:
        return Part(None, b"", _failed(item, error))


def join_parts(item: Work, parts: Sequence[Part], stamp: Stamp) -> Outcome:
    """The record of a large file from all its parts."""
    for part in parts:
        if part.error is not None or part.stat is None:
            return part.error
    first = parts[0].stat
    assert first is not None
    try:
        for part in parts:
            assert part.stat is not None
            _unchanged(first, part.stat)
    except FileChanged as error:
        return _failed(item, error)
    block = rescan_block_size(item.size, item.block_size)
    hashes = b"".join(part.hashes for part in parts)
    return _file(item.name, first, block, hashes, stamp, parts[0].platform)


def _failed(item: Work, error: OSError) -> ItemError:
    cause = "changed-locally" if isinstance(error, FileChanged) else "unreadable"
    text = str(error) if isinstance(error, FileChanged) else error
    return item_error(item.name, "hashing" if item.size >= 0 else "scan", text, cause)


def _told(item: Bearer, stat: Stat, stamp: Stamp, accounts: Accounts) -> bytes:
    """What the record says of owner and extended attributes."""
    return on_disk(item, stat, stamp.attributes, accounts) if stamp.attributes.tells else b""


def _examine(
    filesystem: Filesystem, item: Work, stamp: Stamp, accounts: Accounts
) -> FileInfo | None:
    name = item.name
    if item.size < 0:
        stat = filesystem.lstat(name)
        told = _told(Named(filesystem, name), stat, stamp, accounts)
        return _other(filesystem, name, stat, stamp, told)
    opened = filesystem.open(name)
    try:
        before = opened.stat()
        size = before.size
        block = rescan_block_size(size, item.block_size)
        told = _told(opened, before, stamp, accounts)
        if size == 0:
            return _file(name, before, block, EMPTY_HASH, stamp, told)
        if size <= block:
            data = opened.read(size, 0)
            if len(data) != size:
                raise FileChanged("file changed during hashing")
            hashes = sha256(data).digest()
        else:
            hashes = hash_blocks(opened, 0, size, block)
        _unchanged(before, opened.stat())
        return _file(name, before, block, hashes, stamp, told)
    finally:
        opened.close()


def hash_blocks(opened: ReadFile, start: int, end: int, block: int) -> bytes:
    """
    The hashes of a part of a file, joined.

    :param start: in bytes, where a block begins; ``end``: where one ends, or the file does.
    :raises FileChanged: the file is shorter than ``end``.
    """
    buffer = memoryview(bytearray(min(_READ, end - start)))
    hashes = []
    hasher = sha256()
    left = block  # bytes missing to the end of the block
    for offset in range(start, end, _READ):
        view = buffer[: min(_READ, end - offset)]
        if opened.readinto(view, offset) != len(view):
            raise FileChanged("file changed during hashing")
        if block <= _READ:
            for at in range(0, len(view), block):
                hashes.append(sha256(view[at : at + block]).digest())
            continue
        hasher.update(view)
        left -= len(view)
        if not left or offset + len(view) == end:
            hashes.append(hasher.digest())
            hasher, left = sha256(), block
    return b"".join(hashes)


def _unchanged(before: Stat, after: Stat) -> None:
    if (before.size, before.modified, before.inode) != (after.size, after.modified, after.inode):
        raise FileChanged("file changed during hashing")


def _file(
    name: str, stat: Stat, block: int, hashes: bytes, stamp: Stamp, platform: bytes
) -> FileInfo:
    return FileInfo(
        name=WireName(name),
        type=FileType.FILE,
        size=stat.size,
        modified=stat.modified,
        modified_by=stamp.by,
        permissions=stat.mode & PERMISSIONS,
        no_permissions=stamp.ignore_permissions,
        version=stamp.version,
        block_size=block,
        hashes=hashes,
        blocks_hash=blocks_hash(hashes),
        platform=platform,
        local_flags=stamp.local_flags,
        inode_change=stat.changed,
    )


def _other(
    filesystem: Filesystem, name: str, stat: Stat, stamp: Stamp, platform: bytes
) -> FileInfo | None:
    """A directory or symlink, if it still is one."""
    if stat.kind is Kind.DIRECTORY:
        return FileInfo(
            name=WireName(name),
            type=FileType.DIRECTORY,
            modified=stat.modified,
            modified_by=stamp.by,
            permissions=stat.mode & PERMISSIONS,
            no_permissions=stamp.ignore_permissions,
            version=stamp.version,
            platform=platform,
            local_flags=stamp.local_flags,
            inode_change=stat.changed,
        )
    if stat.kind is Kind.SYMLINK:
        return FileInfo(
            name=WireName(name),
            type=FileType.SYMLINK,
            modified=stat.modified,
            modified_by=stamp.by,
            no_permissions=True,  # symlinks have none of their own
            version=stamp.version,
            symlink_target=filesystem.read_link(name),
            platform=platform,
            local_flags=stamp.local_flags,
            inode_change=stat.changed,
        )
    return None
