"""
Responses, read by hand, since protobuf would copy their data.

Source: reference 2.7.
"""

from __future__ import annotations

from txsyncthing.bep.check import BadMessage
from txsyncthing.bep.messages import Block, ErrorCode, Response

_U64 = 0xFFFF_FFFF_FFFF_FFFF


def read_response(body: Block | bytearray) -> Response:
    """
    The message, whose data is a view of the body.

    :raises BadMessage: this is no Response.
    """
    id, code, data = 0, 0, memoryview(b"")
    view = memoryview(body)
    at, end = 0, len(view)
    while at < end:
        tag, at = _read_varint(view, at)
        kind = tag & 7
        if kind == 0:
            value, at = _read_varint(view, at)
            if tag == 0x08:
                id = value
            elif tag == 0x18:
                code = value
        elif kind == 2:
            length, at = _read_varint(view, at)
            if length > end - at:
                raise BadMessage("broken message of type 4")
            if tag == 0x12:
                data = view[at : at + length]
            at += length
        else:  # fields that nobody defined
            at += {1: 8, 5: 4}.get(kind, end)
    if at != end:
        raise BadMessage("broken message of type 4")
    return Response(id, data, _error_code(code) if code else ErrorCode.NO_ERROR)


def _error_code(number: int) -> ErrorCode:
    try:
        return ErrorCode(number)
    except ValueError:
        return ErrorCode.GENERIC


def _read_varint(view: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    try:
        while True:
            byte = view[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & _U64, at
            shift += 7
            if shift > 63:
                raise BadMessage("broken message of type 4")
    except IndexError:
        raise BadMessage("broken message of type 4") from None
