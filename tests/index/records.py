"""Records, devices and an index for the tests of this room."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from os import urandom
from typing import TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from txsyncthing.index.service import FolderIndex
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.block import blocks_hash
from txsyncthing.vocabulary.device import DeviceID, ShortID
from txsyncthing.vocabulary.file import FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

T = TypeVar("T")

ANNA, BERT, CARL = (DeviceID(bytes([number]) * 32) for number in (1, 2, 3))
US = ShortID(0xFFFF_0000_0000_0001)
DAY = 86_400 * 1_000_000_000


def now(deferred: Deferred[T]) -> T:
    """The result of what has already happened, or its failure raised."""
    results: list[T | Failure] = []
    deferred.addBoth(results.append)
    assert results, "not there yet"
    result = results[0]
    if isinstance(result, Failure):
        result.raiseException()
    return result


def counting() -> Callable[[int], bytes]:
    """Random bytes that never repeat."""
    count = 0

    def random(size: int) -> bytes:
        nonlocal count
        count += 1
        return count.to_bytes(size, "big")

    return random


def open_index(path: str = ":memory:") -> FolderIndex:
    index = FolderIndex(InlineWorkers(), path, US, urandom)
    now(index.open())
    return index


def hashes(*contents: str) -> bytes:
    return b"".join(sha256(content.encode()).digest() for content in contents)


def vector(*counters: tuple[int, int]) -> Vector:
    return Vector.of(counters)


def file(
    name: str,
    version: Vector | None = None,
    *,
    content: str = "x",
    sequence: int = 0,
    modified: int = DAY,
    flags: LocalFlag = LocalFlag.NONE,
) -> FileInfo:
    """A regular file of one block."""
    cut = hashes(content)
    return FileInfo(
        name=WireName(name),
        size=len(content),
        modified=modified,
        version=vector((1, 1)) if version is None else version,
        sequence=sequence,
        hashes=cut,
        blocks_hash=blocks_hash(cut),
        local_flags=flags,
    )


def long_file(name: str, *contents: str) -> FileInfo:
    """A file of one block of 128 KiB for each content."""
    cut = hashes(*contents)
    return file(name)._replace(
        size=len(contents) * 131_072, hashes=cut, blocks_hash=blocks_hash(cut)
    )


def gone(name: str, version: Vector, sequence: int = 0) -> FileInfo:
    """A deletion."""
    return FileInfo(WireName(name), modified=DAY, version=version, deleted=True, sequence=sequence)


def directory(name: str, version: Vector) -> FileInfo:
    return FileInfo(WireName(name), FileType.DIRECTORY, version=version, modified=DAY)
