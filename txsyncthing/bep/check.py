"""
What a peer must never send us. Every breach ends that connection, with the sentence as the reason.

Source: reference 2.6 "Index validation", 2.7, 12.6, 12.9 (lib/protocol/protocol.go checkFileInfoConsistency).
"""

from __future__ import annotations

from txsyncthing.bep.messages import MAX_REQUEST_SIZE
from txsyncthing.vocabulary.file import BYTES_WITHOUT_CONTENT, FileType
from txsyncthing.vocabulary.name import WireName, check_name, is_internal

CLUSTER_CONFIG, INDEX, INDEX_UPDATE, REQUEST, RESPONSE, DOWNLOAD_PROGRESS, PING, CLOSE = range(8)
"""The numbers of the message types."""

_LIMITS = {
    CLUSTER_CONFIG: 8 * 1024 * 1024,
    INDEX: 128 * 1024 * 1024,  # one file of 40 TiB; the protocol would allow 500 MB
    INDEX_UPDATE: 128 * 1024 * 1024,
    REQUEST: 128 * 1024,
    RESPONSE: MAX_REQUEST_SIZE + 1024,
    DOWNLOAD_PROGRESS: 4 * 1024 * 1024,
    PING: 64 * 1024,
    CLOSE: 1024 * 1024,
}
_LZ4_MAX_RATIO = 255  # what one byte of an LZ4 block can stand for
_LARGE = 32 * 1024 * 1024  # bytes; honest messages above it are hashes, which do not shrink
_LARGE_MAX_RATIO = 20
_OLD_SYMLINKS = (2, 3)
MAX_NAME = 32767  # letters, of Windows; no other system has longer paths
MAX_VECTOR = 64 * 1024  # bytes of a version; a counter takes some 18
_MAX_PLATFORM = 1024 * 1024  # bytes; the official daemon sends 4096
_MAX_HASH = 128  # bytes; encrypted ones are longer than SHA-256
_BLOCKS_LIMIT = MAX_REQUEST_SIZE  # bytes: a larger block could not be asked for


class BadMessage(ValueError):
    """The peer breaks the protocol; hang up."""


def body_limit(type: int) -> int:
    """
    How long a message of a type may be, compressed or not, in bytes; -1: an unknown type, read over it.

    Honest messages have far to go to these limits; a peer must not fill our memory before we look.
    """
    return _LIMITS.get(type, -1)


def check_inflated(claimed: int, compressed: int, limit: int) -> None:
    """
    Judge the size that a compressed message claims to have, before room is made for it.

    :raises BadMessage: above the limit, more than LZ4 can express, or a bomb.
    """
    if claimed > limit:
        raise BadMessage(f"compressed message claims {claimed} bytes, limit {limit}")
    if claimed > compressed * _LZ4_MAX_RATIO:
        raise BadMessage(f"compressed message claims {claimed} bytes from only {compressed}")
    if claimed > _LARGE and claimed > compressed * _LARGE_MAX_RATIO:
        raise BadMessage(f"compressed message of {compressed} bytes swells to {claimed}")


def check_file(
    name: str, type: int, size: int, deleted: bool, invalid: bool, blocks: int, sequence: int
) -> FileType:
    """
    Let an entry of an index through if it is consistent.

    :param type: the number on the wire; the old kinds of symlink are understood.
    :param blocks: how many blocks came with it.
    :raises BadName: the name is not canonical.
    :raises BadMessage: anything else that no honest peer says.
    """
    check_name(name)
    if name.startswith(".st") and is_internal(name):
        raise BadMessage(f"index has {name!r}, which is never synced")
    if type == FileType.FILE:
        if deleted:
            if blocks:
                raise BadMessage(f"index has {name!r}, deleted and with blocks")
        elif size < 0:
            raise BadMessage(f"index has {name!r} with {size} bytes")
        elif not blocks and not invalid:
            raise BadMessage(f"index has {name!r}, a file without blocks")
        kind = FileType.FILE
    else:
        if type == FileType.DIRECTORY:
            kind = FileType.DIRECTORY
        elif type == FileType.SYMLINK or type in _OLD_SYMLINKS:
            kind = FileType.SYMLINK
        else:
            raise BadMessage(f"index has {name!r} of the unknown type {type}")
        if blocks:
            raise BadMessage(f"index has {name!r}, a {kind.name.lower()} with blocks")
        if size not in (0, BYTES_WITHOUT_CONTENT) and not deleted:
            raise BadMessage(f"index has {name!r}, a {kind.name.lower()} of {size} bytes")
    if sequence < 0:
        raise BadMessage(f"index has {name!r} with the sequence {sequence}")
    return kind


def check_extras(name: str, version: int, target: int, platform: int) -> None:
    """
    :param version: and the others: lengths in bytes.
    :raises BadMessage: longer than any system has it.
    """
    if version > MAX_VECTOR or target > MAX_NAME or platform > _MAX_PLATFORM:
        raise BadMessage(f"index has {name!r} with more than any file has")


def check_block_size(name: str, block_size: int) -> None:
    """
    :raises BadMessage: negative, or blocks that nobody could ask for.
    """
    if not 0 <= block_size <= _BLOCKS_LIMIT:
        raise BadMessage(f"index has {name!r} with blocks of {block_size} bytes")


def check_request(name: str, size: int, hash: bytes) -> WireName:
    """
    Let a Request through if its form is right; what it asks for is judged later.

    :raises BadName: the name is not canonical.
    :raises BadMessage: its size is out of bounds or its hash missing.
    """
    if not 0 <= size <= MAX_REQUEST_SIZE:
        raise BadMessage(f"request for {size} bytes of {name!r}, limit {MAX_REQUEST_SIZE}")
    if not hash:
        raise BadMessage(f"request for {name!r} without a hash")
    if len(hash) > _MAX_HASH or len(name) > MAX_NAME:
        raise BadMessage(f"request with a name of {len(name)} letters, a hash of {len(hash)} bytes")
    return check_name(name)
