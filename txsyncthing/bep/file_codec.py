"""
FileInfo to and from protobuf.

Block lists are taken as bytes and joined by hand: an object per block would cost more than all else.

Source: reference 2.6 (BEP v1 "FileInfo"; proto/bep/bep.proto).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import lru_cache

from google.protobuf.message import DecodeError

from txsyncthing.bep.bep_pb2 import BlockInfoPb, FileInfoPb, VectorPb
from txsyncthing.bep.check import BadMessage, check_block_size, check_file
from txsyncthing.vocabulary.block import (
    HASH_SIZE,
    MIN_BLOCK_SIZE,
    block_count,
    blocks_hash,
)
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import INVALID_FLAGS, FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Counter, Vector

_NANOSECONDS = 1_000_000_000
_MAX_SECONDS = 9_223_372_035  # so that nanoseconds since 1970 fit 64 bits with sign
_HASH_TAG = b"\x1a\x20"  # BlockInfo field 3 with 32 bytes
_HASH_FIELD = len(_HASH_TAG) + HASH_SIZE


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


def encode_vector(vector: Vector, into: VectorPb) -> None:
    """Write the counters in order of id."""
    add = into.counters.add
    for id, value in vector.counters:
        add(id=id, value=value)


def decode_vector(vector: VectorPb) -> Vector:
    """Read the counters, sorted, whatever their order on the wire."""
    counters = vector.counters
    if len(counters) == 1:
        only = counters[0]
        return Vector((Counter(ShortID(only.id), only.value),))
    return Vector.of([(counter.id, counter.value) for counter in counters])


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
        encode_vector(file.version, into.version)
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
    if len(blocks) != block_count(size, cut):
        return None
    hashes = []
    offset = 0
    for raw in blocks:
        length = min(cut, size - offset)
        head = _block_head(offset, length)
        end = len(head) + HASH_SIZE
        if raw.startswith(head) and (len(raw) == end or raw[end] == 0x20):  # 0x20: old weak hash
            hashes.append(raw[len(head) : end])
        else:  # legal protobuf in another order, or no canonical list
            try:
                block = BlockInfoPb.FromString(raw)
            except DecodeError:
                raise BadMessage("index has a broken block") from None
            if block.offset != offset or block.size != length or len(block.hash) != HASH_SIZE:
                return None
            hashes.append(block.hash)
        offset += cut
    return b"".join(hashes)


def read_file(pb: FileInfoPb) -> FileInfo:
    """
    Check and convert one entry of an index.

    A file whose block list does not cover it is kept as invalid, without blocks: nobody could take it.

    :raises BadName, BadMessage: no honest peer sends this.
    """
    name = pb.name
    size = pb.size
    deleted = pb.deleted
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
    seconds = min(max(pb.modified_s, -_MAX_SECONDS), _MAX_SECONDS)
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
        blocks_hash(hashes),
        pb.previous_blocks_hash,
        pb.symlink_target,
        pb.platform,
        pb.encrypted,
        LocalFlag.REMOTE_INVALID if invalid else LocalFlag.NONE,
    )


def encode_file(file: FileInfo) -> bytes:
    """One FileInfo as protobuf bytes, as ``splice`` takes it."""
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
        pb = FileInfoPb.FromString(raw)
    except DecodeError:
        raise BadMessage("broken FileInfo") from None
    return read_file(pb)


def splice(
    folder: str, files: Iterable[bytes], last_sequence: int, prev_sequence: int = 0
) -> bytes:
    """The body of an Index or IndexUpdate made of encoded FileInfos, which are not looked at."""
    name = folder.encode()
    parts = [b"\x0a", varint(len(name)), name]
    for raw in files:
        parts += (b"\x12", varint(len(raw)), raw)
    if last_sequence:
        parts += (b"\x18", varint(last_sequence))
    if prev_sequence:
        parts += (b"\x20", varint(prev_sequence))
    return b"".join(parts)
