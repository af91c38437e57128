"""
The Hello that both sides send before any message.

Source: reference 2.1 (BEP v1 "Pre-authentication Messages"; lib/protocol/hello.go).
"""

from __future__ import annotations

from struct import Struct

from google.protobuf.message import DecodeError

from txsyncthing.bep.bep_pb2 import HelloPb
from txsyncthing.bep.messages import Hello

_PREFIX = Struct(">IH")  # magic, length in bytes
MAGIC = 0x2EA7D90B
OLD_MAGICS = frozenset({0x00010001, 0x00010000, 0x9F79BC40})
MAX_HELLO_LENGTH = 32767  # bytes
MAX_SHOWN = 256  # letters of a name that we keep


class BadHello(ValueError):
    """The peer does not speak our protocol; hang up."""


class TooOld(BadHello):
    """The peer speaks a version of the protocol from before 2017."""


def encode_hello(hello: Hello) -> bytes:
    body: bytes = HelloPb(
        device_name=hello.device_name,
        client_name=hello.client_name,
        client_version=hello.client_version,
        num_connections=hello.num_connections,
        timestamp=hello.timestamp,
    ).SerializeToString()
    if len(body) > MAX_HELLO_LENGTH:
        raise ValueError(f"our Hello has {len(body)} bytes, limit {MAX_HELLO_LENGTH}")
    return _PREFIX.pack(MAGIC, len(body)) + body


class HelloDecoder:
    """Cut the peer's Hello off the front of a stream."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes | memoryview) -> tuple[Hello, bytes] | None:
        """
        :param data: the next bytes of the stream, cut anywhere.
        :returns: the Hello and what follows it; None until it is whole.
        :raises BadHello: other magic, too long, or broken.
        """
        self._buffer += data
        if len(self._buffer) < _PREFIX.size:
            return None
        magic, length = _PREFIX.unpack_from(self._buffer)
        if magic in OLD_MAGICS:
            raise TooOld("the peer's version is too old for us")
        if magic != MAGIC:
            raise BadHello(f"unknown magic {magic:#010x} instead of a Hello")
        if length > MAX_HELLO_LENGTH:
            raise BadHello(f"Hello of {length} bytes, limit {MAX_HELLO_LENGTH}")
        end = _PREFIX.size + length
        if len(self._buffer) < end:
            return None
        return _decode(bytes(self._buffer[_PREFIX.size : end])), bytes(self._buffer[end:])


def _decode(body: bytes) -> Hello:
    try:
        hello = HelloPb.FromString(body)
    except DecodeError:
        raise BadHello("broken Hello") from None
    return Hello(
        device_name=shown(hello.device_name),
        client_name=shown(hello.client_name),
        client_version=shown(hello.client_version),
        num_connections=hello.num_connections,
        timestamp=hello.timestamp,
    )


def shown(text: str) -> str:
    """Words of a stranger that go to the log, to the user and to the configuration."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text[:MAX_SHOWN])
