"""
Messages to and from the bytes of frames.

Source: reference 2.2 to 2.8 (proto/bep/bep.proto).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from struct import Struct
from typing import Any

from google.protobuf.message import DecodeError
from lz4 import block as lz4

from txsyncthing.bep.bep_pb2 import (
    ClosePb,
    ClusterConfigPb,
    DownloadProgressPb,
    IndexPb,
    RequestPb,
)
from txsyncthing.bep.check import (
    CLOSE,
    CLUSTER_CONFIG,
    DOWNLOAD_PROGRESS,
    INDEX,
    INDEX_UPDATE,
    PING,
    REQUEST,
    RESPONSE,
    BadMessage,
    body_limit,
    check_inflated,
    check_request,
)
from txsyncthing.bep.config_codec import fill_folder, read_config, read_parts
from txsyncthing.bep.cut import (
    MESSAGE_BYTES,
    MESSAGE_FILES,
    check_progress,
    index_parts,
)
from txsyncthing.bep.file_codec import (
    decode_file,
    decode_vector,
    encode_file,
    encode_vector,
    fill_file,
    read_file,
    varint,
)
from txsyncthing.bep.framing import Frame, frame_head
from txsyncthing.bep.hello import shown
from txsyncthing.bep.messages import (
    Block,
    Close,
    ClusterConfig,
    Compression,
    DownloadProgress,
    FileProgress,
    Index,
    IndexUpdate,
    Message,
    Ping,
    Request,
    Response,
    UpdateType,
)
from txsyncthing.bep.response_codec import read_response
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import BadName, check_name

__all__ = [
    "BadMessage",
    "decode",
    "decode_file",
    "decode_index",
    "decode_long",
    "encode",
    "encode_file",
]

_U32 = Struct(">I")
_NONE, _LZ4 = 0, 1  # Header.compression
_MIN_COMPRESSED = 128  # bytes; a shorter body is sent as it is
_U64 = 0xFFFF_FFFF_FFFF_FFFF


def encode(message: Message, compression: Compression) -> list[Block]:
    """
    One message as the pieces of its frame. The data of a Response is not copied.

    :param compression: what the peer's configuration asks for.
    """
    if isinstance(message, Response):
        return _encode_response(message, compression)
    type, body = _body(message)
    return _frame(type, body, compression is not Compression.NEVER)


def _frame(type: int, body: bytes, compress: bool) -> list[Block]:
    if compress and len(body) >= _MIN_COMPRESSED:
        packed = lz4.compress(body, store_size=False)
        if len(packed) + 4 <= len(body) - len(body) // 32:
            return [frame_head(type, _LZ4, len(packed) + 4) + _U32.pack(len(body)), packed]
    head = frame_head(type, _NONE, len(body))
    return [head + body] if len(body) < 1024 else [head, body]


def _encode_response(message: Response, compression: Compression) -> list[Block]:
    data = message.data
    head = b""
    if message.id:
        head += b"\x08" + varint(message.id & _U64)  # a negative number is a long one
    if data:
        head += b"\x12" + varint(len(data))
    tail = b"\x18" + varint(message.code) if message.code else b""
    if compression is Compression.ALWAYS:
        return _frame(RESPONSE, b"".join((head, data, tail)), True)
    front = frame_head(RESPONSE, _NONE, len(head) + len(data) + len(tail)) + head
    if len(data) < 1024:
        return [b"".join((front, data, tail))]
    return [front, data, tail] if tail else [front, data]


def _body(message: Message) -> tuple[int, bytes]:
    """A message's type and its protobuf bytes."""
    pb: Any
    if isinstance(message, Request):
        type, pb = (
            REQUEST,
            RequestPb(
                id=message.id,
                folder=message.folder,
                name=message.name,
                offset=message.offset,
                size=message.size,
                hash=message.hash,
                from_temporary=message.from_temporary,
                block_no=message.block_no,
            ),
        )
    elif isinstance(message, Index | IndexUpdate):
        type, pb = INDEX, IndexPb(folder=message.folder, last_sequence=message.last_sequence)
        if isinstance(message, IndexUpdate):
            type, pb.prev_sequence = INDEX_UPDATE, message.prev_sequence
        for file in message.files:
            fill_file(pb.files.add(), file)
    elif isinstance(message, ClusterConfig):
        type, pb = CLUSTER_CONFIG, ClusterConfigPb(secondary=message.secondary)
        for folder in message.folders:
            fill_folder(pb.folders.add(), folder)
    elif isinstance(message, DownloadProgress):
        type, pb = DOWNLOAD_PROGRESS, DownloadProgressPb(folder=message.folder)
        for update in message.updates:
            pb.updates.add(
                type=update.type,
                name=update.name,
                version=encode_vector(update.version),
                block_indexes=update.block_indexes,
                block_size=update.block_size,
            )
    elif isinstance(message, Close):
        type, pb = CLOSE, ClosePb(reason=message.reason)
    else:
        return PING, b""
    return type, pb.SerializeToString()


def decode(frame: Frame) -> Message | None:
    """
    Read and check one message.

    :returns: None for an unknown type.
    :raises BadMessage: broken, or what no honest peer sends (check.py).
    """
    reader = _READERS.get(frame.type)
    if reader is None:
        return None
    return _read(reader, frame.type, _plain(frame))


def decode_long(frame: Frame) -> Iterator[Message | None] | None:
    """
    Read and check a message of those that may be long, a few milliseconds at a time: None says that there is
    more to read before the next message.

    :returns: None: of this type messages are short, use ``decode``.
    :raises BadMessage: see ``decode``.
    """
    if frame.type in (INDEX, INDEX_UPDATE):
        return decode_index(frame)
    if frame.type == CLUSTER_CONFIG:
        return decode_config(frame)
    return None


def decode_config(frame: Frame) -> Iterator[ClusterConfig | None]:
    """See ``decode_long``; at last comes the one message."""
    return read_parts(memoryview(_plain(frame)))


def decode_index(frame: Frame) -> Iterator[Index | IndexUpdate | None]:
    """
    See ``decode_long``. An index that is too long becomes several, of which all but the first are updates.

    :raises BadMessage: broken, or what no honest peer sends (check.py, cut.py).
    """
    type, body = frame.type, memoryview(_plain(frame))
    whole: Index | IndexUpdate | None = None  # as far as it is read
    files: list[FileInfo] = []
    size = 0
    for start, end in index_parts(body):
        part = _read(_READERS[type], type, body[start:end])
        assert isinstance(part, Index | IndexUpdate)
        size += end - start
        if whole is None:
            whole = part
        elif size > MESSAGE_BYTES or len(files) + len(part.files) > MESSAGE_FILES:
            yield replace(whole, files=tuple(files))
            # The folder stood in the first part, as did what the numbers of all follow.
            whole = IndexUpdate(whole.folder, (), part.last_sequence)
            files, size = [], end - start
        else:
            yield None
            whole = _joined(whole, part)
        files += part.files
        type = INDEX_UPDATE
    if whole is not None:
        yield replace(whole, files=tuple(files))


def _joined(whole: Index | IndexUpdate, part: Index | IndexUpdate) -> Index | IndexUpdate:
    """Fields that are no files stand behind them, or wherever the sender likes."""
    folder, last = part.folder or whole.folder, part.last_sequence or whole.last_sequence
    if isinstance(whole, IndexUpdate) and isinstance(part, IndexUpdate):
        return IndexUpdate(folder, (), last, part.prev_sequence or whole.prev_sequence)
    return replace(whole, folder=folder, last_sequence=last)


def _plain(frame: Frame) -> Block | bytearray:
    """The body of a message, not compressed."""
    if frame.compression == _LZ4:
        return _inflate(frame.body, body_limit(frame.type))
    if frame.compression != _NONE:
        raise BadMessage(f"unknown compression {frame.compression}")
    return frame.body


def _read(
    reader: Callable[[Block | bytearray], Message], type: int, body: Block | bytearray
) -> Message:
    try:
        return reader(body)
    except DecodeError:
        raise BadMessage(f"broken message of type {type}") from None
    except BadName as error:
        raise BadMessage(str(error)) from None


def _inflate(body: Block | bytearray, limit: int) -> bytes:
    if len(body) < 4:
        raise BadMessage("compressed message without a size")
    (size,) = _U32.unpack_from(body)
    check_inflated(size, len(body) - 4, limit)
    try:
        inflated: bytes = lz4.decompress(memoryview(body)[4:], uncompressed_size=size)
    except (lz4.LZ4BlockError, ValueError):
        raise BadMessage("broken LZ4 data") from None
    if len(inflated) != size:
        raise BadMessage(f"compressed message claims {size} bytes, has {len(inflated)}")
    return inflated


def _read_index(body: Block | bytearray) -> Index:
    pb = IndexPb.FromString(bytes(body))
    files = tuple([read_file(file) for file in pb.files])
    return Index(FolderID(pb.folder), files, pb.last_sequence)


def _read_update(body: Block | bytearray) -> IndexUpdate:
    pb = IndexPb.FromString(bytes(body))
    files = tuple([read_file(file) for file in pb.files])
    return IndexUpdate(FolderID(pb.folder), files, pb.last_sequence, pb.prev_sequence)


def _read_request(body: Block | bytearray) -> Request:
    pb = RequestPb.FromString(bytes(body))
    hash = pb.hash
    size = pb.size
    name = check_request(pb.name, size, hash)
    folder = FolderID(pb.folder)
    return Request(pb.id, folder, name, pb.offset, size, hash, pb.from_temporary, pb.block_no)


def _read_progress(body: Block | bytearray) -> DownloadProgress:
    check_progress(memoryview(body))
    pb = DownloadProgressPb.FromString(bytes(body))
    updates = []
    for update in pb.updates:
        indexes = tuple(update.block_indexes)
        if indexes and min(indexes) < 0:
            raise BadMessage(f"download progress of {update.name!r} with a negative block")
        if update.type not in (0, 1):
            continue  # something newer than we are
        version = decode_vector(update.version)
        name = check_name(update.name)
        type = UpdateType(update.type)
        updates.append(FileProgress(type, name, version, indexes, update.block_size))
    return DownloadProgress(FolderID(pb.folder), tuple(updates))


def _read_ping(body: Block | bytearray) -> Ping:
    return Ping()


def _read_close(body: Block | bytearray) -> Close:
    return Close(shown(ClosePb.FromString(bytes(body)).reason))


_READERS: dict[int, Callable[[Block | bytearray], Message]] = {
    CLUSTER_CONFIG: read_config,
    INDEX: _read_index,
    INDEX_UPDATE: _read_update,
    REQUEST: _read_request,
    RESPONSE: read_response,
    DOWNLOAD_PROGRESS: _read_progress,
    PING: _read_ping,
    CLOSE: _read_close,
}
