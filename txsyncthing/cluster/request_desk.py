"""
May this device read this block? And the reading itself, which a worker does.

Source: reference 2.7, 12.6 (lib/model/model.go, Request).
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from hashlib import sha256
from typing import NamedTuple

from txsyncthing.bep.messages import MAX_REQUEST_SIZE, Block, ErrorCode, Request
from txsyncthing.cluster.announce import shares
from txsyncthing.cluster.tables import FolderTable
from txsyncthing.config.config import Configuration
from txsyncthing.filesystem.seam import Filesystem, ReadFile, ThroughSymlink
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import (
    BadName,
    WireName,
    check_name,
    is_internal,
    is_temporary,
    temporary_name,
)

# What a disk says when the machine is at fault and not the name.
_TROUBLE = frozenset({errno.EIO, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EACCES})


class Read(NamedTuple):
    """A block that may be read."""

    filesystem: Filesystem
    folder: FolderID
    name: WireName
    temporary: WireName | None  # try this file first
    offset: int
    size: int
    hash: bytes  # SHA-256 that the block must have; empty: any


class Outcome(NamedTuple):
    """What became of a Read."""

    data: Block
    code: ErrorCode = ErrorCode.NO_ERROR
    mismatch: bool = False  # the file has other bytes than the peer was told


def serves(configuration: Configuration, device: DeviceID, folder: FolderID) -> bool:
    """Whether a device may read a folder at all."""
    config = configuration.folder(folder)
    return config is not None and not config.paused and shares(config, device)


def judge(
    configuration: Configuration, folders: FolderTable, device: DeviceID, request: Request
) -> Read | ErrorCode:
    """Whether and what to read. The order of the checks is the official one: peers see the codes."""
    folder = folders.get(request.folder)
    if folder is None or not serves(configuration, device, request.folder):
        return ErrorCode.GENERIC
    if request.offset < 0 or not 0 <= request.size <= MAX_REQUEST_SIZE:
        return ErrorCode.INVALID_FILE
    try:
        name = check_name(request.name)
    except BadName:
        return ErrorCode.GENERIC
    if is_internal(name) or is_temporary(name) or folder.matcher().match(name).ignored:
        return ErrorCode.INVALID_FILE
    temporary = temporary_name(name) if request.from_temporary else None
    return Read(
        folder.filesystem,
        request.folder,
        name,
        temporary,
        request.offset,
        request.size,
        request.hash,
    )


def read_blocks(reads: Sequence[Read]) -> list[Outcome]:
    """
    Read and check some blocks; a lane job. Neighbours of one file open it once.

    Never raises: whatever fails is an outcome.
    """
    outcomes: list[Outcome] = []
    file: ReadFile | None = None
    key: tuple[object, WireName] | None = None
    try:
        for read in reads:
            if read.temporary is not None:
                data = _from_temporary(read, read.temporary)
                if data is not None:
                    outcomes.append(Outcome(data))
                    continue
            try:
                if file is None or key != (read.filesystem, read.name):
                    if file is not None:
                        file.close()
                        file = None
                    file, key = read.filesystem.open(read.name), (read.filesystem, read.name)
                outcomes.append(_block(file, read))
            except OSError as error:
                outcomes.append(Outcome(b"", _code(error)))
    finally:
        if file is not None:
            file.close()
    return outcomes


def _block(file: ReadFile, read: Read) -> Outcome:
    data = file.read(read.size, read.offset)
    if read.hash and sha256(data).digest() != read.hash:
        return Outcome(b"", ErrorCode.NO_SUCH_FILE, mismatch=True)
    # Whoever asks beyond the end gets zeros: encrypted peers rely on the length.
    return Outcome(data if len(data) == read.size else data.ljust(read.size, b"\0"))


def _from_temporary(read: Read, name: WireName) -> bytes | None:
    """The block from an unfinished file, if it is whole and right there."""
    try:
        file = read.filesystem.open(name)
    except OSError:
        return None
    try:
        data = file.read(read.size, read.offset)
    except OSError:
        return None
    finally:
        file.close()
    whole = len(data) == read.size and (not read.hash or sha256(data).digest() == read.hash)
    return data if whole else None


def _code(error: OSError) -> ErrorCode:
    if isinstance(error, ThroughSymlink) or error.errno not in _TROUBLE:
        return ErrorCode.NO_SUCH_FILE
    return ErrorCode.GENERIC
