"""
The blocks of a larger file: which are there already, which can be copied, which have to be fetched.

All functions are workers' steps over an open temporary file. Every byte that is reused or copied is
hashed again.

Source: reference 5.5 ("Reuse temp", "Block sources order", "Zero blocks", "Preallocation").
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import NamedTuple

from txsyncthing.filesystem.seam import CopyMethod, Filesystem, ReadFile, WriteFile
from txsyncthing.pull.copying import Copier, Place
from txsyncthing.pull.finish import NEW_FILE, create
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.target import in_directory
from txsyncthing.vocabulary.block import HASH_SIZE, BlockInfo, block_count
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName, parent, temporary_name

CHUNK = 64 * 1024 * 1024  # bytes one job reads, so that others come between


class Opened(NamedTuple):
    """A temporary file, open."""

    file: WriteFile
    fresh: bool  # nothing in it to be reused
    zeros: frozenset[int]  # blocks that are all zero
    made: tuple[str, ...] = ()  # directories above it that were missing


def open_temporary(filesystem: Filesystem, wanted: FileInfo, options: PullOptions) -> Opened:
    """
    Make or find the temporary file of ``wanted``, at its full size.

    :raises OSError: it cannot be.
    """
    name = temporary_name(wanted.name)
    plain = options.ignore_permissions or wanted.no_permissions
    mode = NEW_FILE if plain else (wanted.permissions & 0o777) | 0o600
    made: list[str] = []
    file = in_directory(filesystem, name, lambda: create(filesystem, name, mode), made)
    try:
        for directory in made if options.sync else ():
            filesystem.sync_directory(parent(directory))
        size = file.stat().size
        if size > wanted.size or (options.sparse and size < wanted.size):
            file.truncate(wanted.size)
        return Opened(file, size == 0, frozenset(_zeros(wanted)), tuple(made))
    except OSError:
        file.close()
        raise


def _zeros(wanted: FileInfo) -> Iterable[int]:
    full = sha256(bytes(wanted.cut)).digest()
    last = block_count(wanted.size, wanted.cut) - 1
    tail = wanted.size - last * wanted.cut
    tail_hash = full if tail == wanted.cut else sha256(bytes(tail)).digest()
    for number in range(last + 1):
        hash = wanted.hashes[number * HASH_SIZE : (number + 1) * HASH_SIZE]
        if hash == (tail_hash if number == last else full):
            yield number


def reusable(file: ReadFile, blocks: Sequence[BlockInfo]) -> list[int]:
    """The numbers of the blocks whose bytes are in the file already."""
    if not blocks:
        return []
    buffer = memoryview(bytearray(max(block.size for block in blocks)))
    found = []
    for block in blocks:
        view = buffer[: block.size]
        if file.readinto(view, block.offset) == block.size and (
            sha256(view).digest() == block.hash
        ):
            found.append(block.number)
    return found


class CopyBlock(NamedTuple):
    """A block and the local files that may hold its bytes."""

    block: BlockInfo
    places: tuple[Place, ...]  # none: the block is all zero


def own_copies(blocks: Iterable[BlockInfo], have: FileInfo | None) -> list[CopyBlock]:
    """The blocks that the file's present version holds, wherever in it."""
    if have is None or have.deleted or not have.is_file or not have.hashes:
        return []
    where = {
        have.hashes[start : start + HASH_SIZE]: start // HASH_SIZE * have.cut
        for start in range(0, len(have.hashes), HASH_SIZE)
    }
    return [
        CopyBlock(block, (Place(have.name, where[block.hash]),))
        for block in blocks
        if block.hash in where
    ]


def foreign_copies(
    blocks: Iterable[BlockInfo],
    found: Mapping[bytes, Sequence[tuple[WireName, int]]],
    cut: int,
) -> list[CopyBlock]:
    """
    The blocks that other local files hold.

    :param found: hash to file names and block numbers.
    :param cut: the block size; a file cut differently holds the bytes elsewhere, which the hash tells.
    """
    return [
        CopyBlock(block, tuple(Place(name, number * cut) for name, number in found[block.hash]))
        for block in blocks
        if block.hash in found
    ]


def copy_blocks(
    filesystem: Filesystem,
    file: WriteFile,
    copies: Sequence[CopyBlock],
    methods: Sequence[CopyMethod] = (),
) -> list[int]:
    """
    Copy blocks from local files, each verified.

    :param methods: see ``Copier``.
    :returns: the numbers of those which worked; the others have to be fetched.
    """
    copier = Copier(filesystem, methods)
    done = []
    try:
        for block, places in copies:
            if not places:
                file.write(bytes(block.size), block.offset)
            elif not copier.copy(file, block, places):
                continue
            done.append(block.number)
    finally:
        copier.close()
    return done


class Store(NamedTuple):
    """A block from a peer, on its way into a temporary file."""

    file: WriteFile
    block: BlockInfo
    data: bytes | memoryview


def store_blocks(stores: Sequence[Store]) -> list[bool | OSError]:
    """
    Verify blocks and write them.

    :returns: for each: True; False for wrong bytes; or what the disk said.
    """
    result: list[bool | OSError] = []
    for file, block, data in stores:
        if len(data) != block.size or sha256(data).digest() != block.hash:
            result.append(False)
            continue
        try:
            file.write(data, block.offset)
        except OSError as error:
            result.append(error)
        else:
            result.append(True)
    return result


def chunks(blocks: Sequence[BlockInfo]) -> list[list[BlockInfo]]:
    """Blocks in jobs of at most CHUNK bytes."""
    result: list[list[BlockInfo]] = []
    room = 0
    for block in blocks:
        if block.size > room or not result:
            result.append([])
            room = CHUNK
        result[-1].append(block)
        room -= block.size
    return result
