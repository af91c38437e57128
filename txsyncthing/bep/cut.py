"""
Protobuf bytes judged and cut before they are parsed.

An empty submessage takes two bytes on the wire and hundreds in memory: what a peer sends is counted first.
And what is long is parsed in parts, so that others have their turn in between.

Source: protobuf's encoding; reference 2.5 ("Batch limits") for what is usual.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from txsyncthing.bep.check import MAX_VECTOR, BadMessage

SMALL = 16 * 1024  # bytes; whatever is in a shorter message does no harm
PART_FILES = 250  # about 3 ms of parsing
PART_BYTES = 512 * 1024  # about 5 ms of it
PART_DEVICES = 500  # of a Cluster Config: about 2 ms
MESSAGE_FILES = 1200  # an honest message has at most 1001; of more, several are made
MESSAGE_BYTES = 2 * 1024 * 1024
MAX_FOLDERS = 10_000  # of one Cluster Config
MAX_DEVICES = 50_000  # of all its folders
MAX_UPDATES = 20_000  # of one Download Progress
_LARGE_FILE = 256 * 1024  # bytes of a FileInfo that are looked at more closely
_MIN_BLOCK = 34  # bytes: a BlockInfo holds at least its hash
_FILE = 0x12  # the tag of a file in an index
_VERSION, _BLOCK = 9, 16  # fields of FileInfo
_BYTES = 2  # the wire type of strings and submessages
_FIXED = {1: 8, 5: 4}


class Field(NamedTuple):
    """One field of a message: its number, its wire type, and where its value stands."""

    number: int
    kind: int
    start: int
    end: int


class Part(NamedTuple):
    """A piece of an index message, which is a message of its own."""

    start: int
    end: int


def fields(body: memoryview, at: int, end: int) -> Iterator[Field]:
    """
    Go through the fields between two places.

    :raises BadMessage: this is no protobuf.
    """
    while at < end:
        tag, at = _varint(body, at, end)
        kind = tag & 7
        start = at
        if kind == _BYTES:
            length, start = _varint(body, at, end)
            at = start + length
        elif kind == 0:
            _, at = _varint(body, at, end)
        else:
            at += _FIXED.get(kind, end)
        if at > end:
            raise BadMessage("broken message: a field ends behind it")
        yield Field(tag >> 3, kind, start, at)


def _varint(body: memoryview, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 70:
        byte = body[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
    raise BadMessage("broken message: a number does not end")


def config_parts(body: memoryview) -> Iterator[Part | None]:
    """
    Count the folders and devices of a Cluster Config, and cut it between its folders. None says that there
    is more to count before the next part.

    :raises BadMessage: more than there ever are, or no protobuf.
    """
    end = len(body)
    if end <= SMALL:
        yield Part(0, end)
        return
    start = folders = devices = before = 0
    for folder in fields(body, 0, end):
        if folder.number == 1 and folder.kind == _BYTES:
            folders += 1
            if folders > MAX_FOLDERS:
                raise BadMessage(f"cluster config with more than {MAX_FOLDERS} folders")
            for device in fields(body, folder.start, folder.end):
                devices += device.number == 16
                if devices > MAX_DEVICES:
                    raise BadMessage(f"cluster config with more than {MAX_DEVICES} devices")
                if devices - before >= PART_DEVICES:
                    before = devices
                    yield None
        if folder.end - start >= SMALL:
            yield Part(start, folder.end)
            start = folder.end
    if start < end:
        yield Part(start, end)


def check_progress(body: memoryview) -> None:
    """
    Count the updates of a Download Progress.

    :raises BadMessage: more than anybody fetches at once.
    """
    if len(body) <= SMALL:
        return
    updates = 0
    for field in fields(body, 0, len(body)):
        updates += field.number == 2
        if updates > MAX_UPDATES:
            raise BadMessage(f"download progress of more than {MAX_UPDATES} files")


def index_parts(body: memoryview) -> Iterator[Part]:
    """
    Cut an index between its files, one part as soon as it is found: what the reactor parses at a time.

    Each part can be parsed alone; fields which are no files come in the part where they stand.

    :raises BadMessage: this is no protobuf, or a file cannot be.
    """
    end = len(body)
    if end <= SMALL:
        yield Part(0, end)
        return
    start = at = files = 0
    while at < end:
        at = _end_of_file(body, at, end)
        files += 1
        if files == PART_FILES or at - start >= PART_BYTES:
            yield Part(start, at)
            start, files = at, 0
    if start < end:
        yield Part(start, end)


def _end_of_file(body: memoryview, at: int, end: int) -> int:
    """Where the field that begins here ends; usually it is a file of less than 16 KiB."""
    if end - at > 4 and body[at] == _FILE and (high := body[at + 2]) < 0x80:
        low = body[at + 1]
        after = at + 3 + (low & 0x7F | high << 7) if low & 0x80 else at + 2 + low
        if after <= end:
            return after
    field = next(fields(body, at, end))
    if field.number == 2 and field.end - field.start > _LARGE_FILE:
        _check_large(body, field)
    return field.end


def _check_large(body: memoryview, file: Field) -> None:
    for field in fields(body, file.start, file.end):
        size = field.end - field.start
        if field.number == _BLOCK and size < _MIN_BLOCK:
            raise BadMessage(f"index has a block of {size} bytes, which is none")
        if field.number == _VERSION and size > MAX_VECTOR:
            raise BadMessage(f"index has a version of {size} bytes, limit {MAX_VECTOR}")
