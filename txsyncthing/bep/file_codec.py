"""
FileInfo to and from protobuf.

Block lists are taken as bytes and joined by hand: an object per block would cost more than all else.

Source: reference 2.6 (BEP v1 "FileInfo"; proto/bep/bep.proto).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

from google.protobuf.message import DecodeError

from txsyncthing.bep.bep_pb2 import BlockInfoPb, CounterPb, FileInfoPb, PlatformPb, VectorPb
from txsyncthing.bep.check import BadMessage, check_block_size, check_extras, check_file
from txsyncthing.vocabulary.block import (
    HASH_SIZE,
    MIN_BLOCK_SIZE,
    block_count,
    blocks_hash,
)
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import INVALID_FLAGS, FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.platform import MAX_XATTRS, BadPlatform, clean_platform
from txsyncthing.vocabulary.vector import Counter, Vector

_NANOSECONDS = 1_000_000_000
_MAX_SECONDS = 9_223_372_035  # so that nanoseconds since 1970 fit 64 bits with sign
_HASH_TAG = b"\x1a\x20"  # BlockInfo field 3 with 32 bytes
_SHORT_VECTOR = 48  # bytes, up to two counters: worth remembering
_SHORT_PLATFORM = 128  # bytes, an owner: worth remembering


def varint(number: int) -> bytes:
    """A number of at least 0 as protobuf writes it."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


@lru_cache(maxsize=4096)
def _block_head(offset: int, size: int) -> bytes:
    """What stands before the hash of a block."""
    head = b""
    if offset:
        head += b"\x08" + varint(offset)
    if size:
        head += b"\x10" + varint(size)
    return head + _HASH_TAG


@lru_cache(maxsize=4096)
def encode_vector(vector: Vector) -> bytes:
    """The counters in order of id, as protobuf bytes."""
    counters = [CounterPb(id=id, value=value) for id, value in vector.counters]
    encoded: bytes = VectorPb(counters=counters).SerializeToString()
    return encoded


def decode_vector(raw: bytes) -> Vector:
    """
    Read the counters, sorted, whatever their order on the wire.

    :raises DecodeError: no Vector.
    """
    return _common_vector(raw) if len(raw) <= _SHORT_VECTOR else _read_vector(raw)


def _read_vector(raw: bytes) -> Vector:
    counters = VectorPb.FromString(raw).counters
    if len(counters) == 1:
        only = counters[0]
        return Vector((Counter(ShortID(only.id), only.value),))
    return Vector.of([(counter.id, counter.value) for counter in counters])


_common_vector = lru_cache(maxsize=4096)(_read_vector)
"""Files that were scanned together share their version."""


def _read_platform(raw: bytes) -> bytes:
    """
    What every other peer can read, since it is sent on as it is.

    :raises BadMessage: no PlatformData.
    """
    try:
        pb = PlatformPb.FromString(raw)
        pb.DiscardUnknownFields()
        lists = (pb.linux, pb.darwin, pb.freebsd, pb.netbsd)
        if pb.SerializeToString() == raw and all(len(one.xattrs) <= MAX_XATTRS for one in lists):
            return raw
    except DecodeError:
        pass
    try:  # no canonical form, or there are texts in it which are none
        return clean_platform(raw)
    except BadPlatform as error:
        raise BadMessage(f"index has broken platform data: {error}") from None


_common_platform = lru_cache(maxsize=4096)(_read_platform)
"""What all files of one owner say."""


def fill_file(into: FileInfoPb, file: FileInfo) -> None:
    """
    Write one entry of an index.

    An item that nobody may take is sent as invalid; a receive-only change moreover without its
    version, so that no device takes it for news.
    """
    into.name = file.name
    if file.type:
        into.type = file.type
    into.modified_s, into.modified_ns = divmod(file.modified, _NANOSECONDS)
    into.modified_by = file.modified_by
    into.sequence = file.sequence
    if file.permissions:
        into.permissions = file.permissions
    if file.no_permissions:
        into.no_permissions = True
    if file.deleted:
        into.deleted = True
    flags = file.local_flags
    if flags:
        into.invalid = bool(flags & INVALID_FLAGS)
    if not flags & LocalFlag.RECEIVE_ONLY:
        into.version = encode_vector(file.version)
    if file.hashes:
        into.size = file.size
        if file.block_size:
            into.block_size = file.block_size
        into.blocks.extend(encode_blocks(file.hashes, file.size, file.cut))
        into.blocks_hash = file.blocks_hash or blocks_hash(file.hashes)
    elif file.size:
        into.size = file.size
        into.block_size = file.block_size
    if file.symlink_target:
        into.symlink_target = file.symlink_target
    if file.platform:
        into.platform = file.platform
    if file.encrypted:
        into.encrypted = file.encrypted
    if file.previous_blocks_hash:
        into.previous_blocks_hash = file.previous_blocks_hash


def encode_blocks(hashes: bytes, size: int, cut: int) -> list[bytes]:
    """The BlockInfos of a block list, each as protobuf bytes."""
    count = len(hashes) // HASH_SIZE
    if count == 1:
        return [_block_head(0, size) + hashes]
    encoded = []
    for number in range(count):
        offset = number * cut
        hash = hashes[number * HASH_SIZE : (number + 1) * HASH_SIZE]
        encoded.append(_block_head(offset, min(cut, size - offset)) + hash)
    return encoded


def decode_blocks(blocks: Sequence[bytes], size: int, cut: int) -> bytes | None:
    """
    Join the hashes of a block list.

    :param blocks: BlockInfos as protobuf bytes.
    :returns: None if the blocks do not cover a file of this size one after the other.
    :raises BadMessage: a block is no BlockInfo.
    """
    count = len(blocks)
    if count != (block_count(size, cut) if size > cut else 1):
        return None
    if count == 1:
        return _block_hash(blocks[0], 0, size)
    hashes = []
    offset = 0
    for raw in blocks:
        hash = _block_hash(raw, offset, min(cut, size - offset))
        if hash is None:
            return None
        hashes.append(hash)
        offset += cut
    return b"".join(hashes)


def _block_hash(raw: bytes, offset: int, size: int) -> bytes | None:
    """The hash of one block; None if it is not where it should be."""
    head = _block_head(offset, size)
    end = len(head) + HASH_SIZE
    if raw.startswith(head) and (len(raw) == end or raw[end : end + 1] == b"\x20"):
        return raw[len(head) : end]  # field 4, if there is one, is an old weak hash
    try:  # legal protobuf in another order, or no canonical list
        block = BlockInfoPb.FromString(raw)
    except DecodeError:
        raise BadMessage("index has a broken block") from None
    if block.offset != offset or block.size != size or len(block.hash) != HASH_SIZE:
        return None
    hash: bytes = block.hash
    return hash


def read_file(pb: FileInfoPb) -> FileInfo:
    """
    Check and convert one entry of an index.

    A file whose block list does not cover it is kept as invalid, without blocks: nobody could take it.

    :raises BadName, BadMessage: no honest peer sends this.
    :raises DecodeError: no FileInfo at all.
    """
    name = pb.name
    size = pb.size
    deleted = pb.deleted
    check_extras(name, len(pb.version), len(pb.symlink_target), len(pb.platform))
    invalid = pb.invalid
    blocks = pb.blocks
    sequence = pb.sequence
    type = check_file(name, pb.type, size, deleted, invalid, len(blocks), sequence)
    block_size = pb.block_size
    hashes = b""
    if blocks:
        check_block_size(name, block_size)
        cut = block_size if block_size > MIN_BLOCK_SIZE else MIN_BLOCK_SIZE
        joined = decode_blocks(blocks, size, cut)
        if joined is None:
            invalid = True
        else:
            hashes = joined
    elif block_size < 0:
        check_block_size(name, block_size)
    if deleted or type is not FileType.FILE:
        size = 0
    platform = pb.platform
    if platform:
        platform = (_common_platform if len(platform) <= _SHORT_PLATFORM else _read_platform)(
            platform
        )
    seconds = pb.modified_s
    if not -_MAX_SECONDS <= seconds <= _MAX_SECONDS:
        seconds = _MAX_SECONDS if seconds > 0 else -_MAX_SECONDS
    return FileInfo(
        WireName(name),
        type,
        size,
        seconds * _NANOSECONDS + pb.modified_ns,
        ShortID(pb.modified_by),
        pb.permissions & 0o777,
        pb.no_permissions,
        deleted,
        decode_vector(pb.version),
        sequence,
        block_size,
        hashes,
        blocks_hash(hashes) if hashes else b"",
        pb.previous_blocks_hash,
        pb.symlink_target,
        platform,
        pb.encrypted,
        LocalFlag.REMOTE_INVALID if invalid else LocalFlag.NONE,
    )


def weight(file: FileInfo) -> int:
    """About how many bytes the file takes in memory."""
    counters = len(file.version.counters)
    texts = len(file.name) + len(file.symlink_target) + len(file.platform) + len(file.encrypted)
    return 200 + 100 * counters + texts + len(file.hashes)


def encode_file(file: FileInfo) -> bytes:
    """One FileInfo as protobuf bytes."""
    pb = FileInfoPb()
    fill_file(pb, file)
    encoded: bytes = pb.SerializeToString()
    return encoded


def decode_file(raw: bytes) -> FileInfo:
    """
    The inverse of ``encode_file``.

    :raises BadName, BadMessage: broken, or what no honest peer sends.
    """
    try:
        return read_file(FileInfoPb.FromString(raw))
    except DecodeError:
        raise BadMessage("broken FileInfo") from None
