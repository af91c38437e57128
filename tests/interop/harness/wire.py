"""Messages written by hand, so that they may hold what no codec of ours would write."""

from __future__ import annotations

from struct import pack

Value = int | bytes | list[bytes]


def varint(number: int) -> bytes:
    """Negative numbers as protobuf has them, in ten bytes."""
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def fields(values: dict[int, Value]) -> bytes:
    """A protobuf message: numbers of fields, and integers, bytes or repeated bytes in them."""
    body = b""
    for number, value in values.items():
        if isinstance(value, int):
            body += varint(number << 3) + varint(value)
            continue
        for piece in [value] if isinstance(value, bytes) else value:
            body += varint(number << 3 | 2) + varint(len(piece)) + piece
    return body


def head(type: int, compression: int, length: int) -> bytes:
    """The header of a message, with whatever length it claims."""
    header = fields({1: type, 2: compression})
    return pack(">H", len(header)) + header + pack(">I", length)


def message(type: int, body: bytes, compression: int = 0) -> bytes:
    """A whole message."""
    return head(type, compression, len(body)) + body
