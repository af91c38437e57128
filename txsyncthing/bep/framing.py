"""
A byte stream to and from frames.

Bytes are copied once, into the body they belong to, however they are cut; memory grows with what has
arrived, never with what a peer announces.

Source: reference 2.2 (BEP v1 "Post-authentication Messages").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from struct import Struct
from typing import NamedTuple

from google.protobuf.message import DecodeError

from txsyncthing.bep.bep_pb2 import HeaderPb

_U16 = Struct(">H")
_U32 = Struct(">I")
MAX_MESSAGE_LENGTH = 500_000_000  # bytes, compressed or not
MAX_HEADER_LENGTH = 32767  # bytes
_FIRST_RESERVE = (1024 + 64) * 1024  # bytes: what we set aside on a mere announcement, at most


class BadFrame(ValueError):
    """The peer breaks the framing; hang up."""


class Frame(NamedTuple):
    """One message, not decoded yet. The numbers are the Header's, known or not."""

    type: int
    compression: int
    body: bytes | bytearray | memoryview


def no_limit(type: int) -> int:
    """The protocol's own limit, for every type."""
    return MAX_MESSAGE_LENGTH


class FrameDecoder:
    """
    Feed it what the socket gave; it hands back the whole frames.

    :param limit: bytes of body that a message of a type may have; negative: read over the message
        without keeping it.
    """

    def __init__(self, limit: Callable[[int], int] = no_limit) -> None:
        self._limit = limit
        self._head = bytearray()  # an unfinished header
        self._type = 0
        self._compression = 0
        self._body: bytearray | None = None  # an unfinished body; None while in the header
        self._length = 0  # of that body
        self._have = 0  # bytes of it that came
        self._skip = 0  # bytes still to read over
        self.used = 0  # bytes of the piece that is fed, up to the frame that came last

    @property
    def buffered(self) -> int:
        """Bytes kept until a frame is whole."""
        return len(self._head) + (len(self._body) if self._body is not None else 0)

    def feed(self, data: bytes | memoryview) -> Iterator[Frame]:
        """
        Go through the next bytes of the stream, cut anywhere. Nothing of ``data`` is kept by reference.

        Run the iterator to its end before the next call, or feed what is behind ``used`` first. A message
        that was read over comes without its body.

        :raises BadFrame: a length above the limit or a broken header; the decoder is spent.
        """
        view = memoryview(data)
        at, end = 0, len(view)
        while at < end:
            if self._skip:
                step = min(self._skip, end - at)
                self._skip -= step
                at += step
                if not self._skip:
                    self.used = at
                    yield Frame(self._type, 0, b"")
                continue
            if self._body is None:
                at = self._read_head(view, at)
                if self._body is None:
                    continue  # all bytes used, or a message to read over
            if self._have == 0 and end - at >= self._length:  # whole in this piece
                body: bytes | bytearray = bytes(view[at : at + self._length])
                at += self._length
            else:
                at = self._read_body(self._body, view, at)
                if self._have < self._length:
                    return
                body = self._body
            self._body = None
            self._have = 0
            self.used = at
            yield Frame(self._type, self._compression, body)
        if self._body is not None and self._length == 0:
            self._body = None
            self.used = end
            yield Frame(self._type, self._compression, b"")

    def _read_head(self, view: memoryview, at: int) -> int:
        """Take bytes until header and lengths are known; returns the place behind them."""
        head = self._head
        need = self._head_length()
        while at < len(view):
            step = min(need - len(head), len(view) - at)
            head += view[at : at + step]
            at += step
            need = self._head_length()
            if len(head) == need:
                self._begin_body(head)
                head.clear()
                break
        return at

    def _head_length(self) -> int:
        """How long the unfinished head will be, as far as we can tell."""
        if len(self._head) < 2:
            return 2
        (length,) = _U16.unpack_from(self._head)
        if length > MAX_HEADER_LENGTH:
            raise BadFrame(f"header of {length} bytes, limit {MAX_HEADER_LENGTH}")
        return 2 + int(length) + 4

    def _begin_body(self, head: bytearray) -> None:
        self._type, self._compression = _parse_header(bytes(head[2:-4]))
        (length,) = _U32.unpack_from(head, len(head) - 4)
        limit = self._limit(self._type)
        if length > (MAX_MESSAGE_LENGTH if limit < 0 else limit):
            raise BadFrame(f"message of type {self._type} with {length} bytes, limit {limit}")
        if limit < 0 and length:
            self._skip = length
            return
        self._length = length
        self._have = 0
        self._body = bytearray()  # room is made when bytes come

    def _read_body(self, body: bytearray, view: memoryview, at: int) -> int:
        step = min(self._length - self._have, len(view) - at)
        if self._have + step > len(body):  # room for it: double what came, within the length
            room = min(self._length, max(2 * (self._have + step), _FIRST_RESERVE))
            if body:
                body += bytes(room - len(body))
            else:
                self._body = body = bytearray(room)
        body[self._have : self._have + step] = view[at : at + step]
        self._have += step
        return at + step


def _parse_header(raw: bytes) -> tuple[int, int]:
    if not raw:
        return 0, 0
    if len(raw) == 2 and raw[0] == 0x08 and raw[1] < 0x80:  # only the type
        return raw[1], 0
    try:
        header = HeaderPb.FromString(raw)
    except DecodeError:
        raise BadFrame("broken message header") from None
    return header.type, header.compression


def frame_head(type: int, compression: int, length: int) -> bytes:
    """What stands before a body of ``length`` bytes."""
    header = b""
    if type:
        header += bytes((0x08, type))
    if compression:
        header += bytes((0x10, compression))
    return _U16.pack(len(header)) + header + _U32.pack(length)
