"""Messages to bytes and back; what is broken, or larger than it says, is refused by one named error."""

from __future__ import annotations

import shutil
import subprocess
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from struct import pack

import lz4.block
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import txsyncthing.bep
from tests.bep.values import MESSAGES
from txsyncthing.bep.bep_pb2 import DownloadProgressPb, FileProgressPb
from txsyncthing.bep.check import (
    CLUSTER_CONFIG,
    DOWNLOAD_PROGRESS,
    INDEX,
    PING,
    REQUEST,
    RESPONSE,
)
from txsyncthing.bep.codec import BadMessage, decode, encode
from txsyncthing.bep.framing import Frame, FrameDecoder
from txsyncthing.bep.messages import (
    Block,
    Close,
    Compression,
    DownloadProgress,
    ErrorCode,
    FileProgress,
    Message,
    Ping,
    Request,
    Response,
    UpdateType,
)
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

FOLDER = FolderID("f")


def frame(pieces: list[Block]) -> Frame:
    (only,) = list(FrameDecoder().feed(b"".join(pieces)))
    return only


def through(message: Message, compression: Compression = Compression.METADATA) -> Message | None:
    decoded = decode(frame(encode(message, compression)))
    return replace(decoded, data=bytes(decoded.data)) if isinstance(decoded, Response) else decoded


@given(MESSAGES, st.sampled_from(Compression))
@settings(max_examples=40, deadline=None)
def test_a_message_survives_its_journey(message: Message, compression: Compression) -> None:
    assert through(message, compression) == message


@given(st.integers(0, 8), st.integers(0, 1), st.binary(max_size=60))
@settings(max_examples=100)
def test_random_bytes_give_a_message_or_one_named_error(
    type: int, compression: int, body: bytes
) -> None:
    with suppress(BadMessage):
        decode(Frame(type, compression, body))


@given(MESSAGES, st.integers(0, 10_000), st.integers(0, 255))
@settings(max_examples=40, deadline=None)
def test_a_damaged_message_gives_a_message_or_one_named_error(
    message: Message, at: int, byte: int
) -> None:
    sound = frame(encode(message, Compression.NEVER))
    body = bytearray(sound.body)
    if body:
        body[at % len(body)] = byte
    with suppress(BadMessage):
        decode(sound._replace(body=bytes(body)))


def test_an_unknown_type_is_no_message() -> None:
    assert decode(Frame(8, 0, b"whatever")) is None


def test_a_reason_is_cut_before_it_goes_to_logs_and_users() -> None:
    told = frame(encode(Close("why\x1b" + "x" * 100_000), Compression.NEVER))
    assert decode(told) == Close("why\ufffd" + "x" * 252)


# Compression.


def long() -> Close:
    return Close("a long reason " * 100)


@pytest.mark.parametrize(
    ("compression", "message", "packed"),
    [
        (Compression.METADATA, long(), True),
        (Compression.METADATA, Response(1, bytes(10_000)), False),
        (Compression.ALWAYS, long(), True),
        (Compression.ALWAYS, Response(1, bytes(10_000)), True),
        (Compression.NEVER, long(), False),
        (Compression.METADATA, Close("x" * 100), False),  # too short
    ],
)
def test_what_is_compressed(compression: Compression, message: Message, packed: bool) -> None:
    assert frame(encode(message, compression)).compression == int(packed)


def test_what_hardly_shrinks_is_sent_as_it_is() -> None:
    noise = bytes((i * i * 7919 >> 5) & 0xFF for i in range(4000))
    assert frame(encode(Response(1, noise), Compression.ALWAYS)).compression == 0


def test_the_size_before_lz4_is_big_endian() -> None:
    packed = frame(encode(long(), Compression.METADATA))
    plain = frame(encode(long(), Compression.NEVER))
    assert packed.body[:4] == pack(">I", len(plain.body))


def packed(type: int, body: bytes, claimed: int | None = None) -> Frame:
    size = len(body) if claimed is None else claimed
    return Frame(type, 1, pack(">I", size) + lz4.block.compress(body, store_size=False))


def test_an_unknown_compression_is_refused() -> None:
    with pytest.raises(BadMessage, match="unknown compression 2"):
        decode(Frame(PING, 2, b""))


@pytest.mark.parametrize("claimed", [2999, 3001, 0])
def test_a_wrong_size_before_lz4_is_refused(claimed: int) -> None:
    with pytest.raises(BadMessage):
        decode(packed(INDEX, bytes(3000), claimed))


def test_broken_lz4_is_refused() -> None:
    with pytest.raises(BadMessage, match="broken LZ4"):
        decode(Frame(INDEX, 1, pack(">I", 100) + b"\xf0garbage"))


def test_lz4_without_a_size_is_refused() -> None:
    with pytest.raises(BadMessage, match="without a size"):
        decode(Frame(INDEX, 1, b"abc"))


def test_a_claim_that_lz4_cannot_keep_costs_no_memory() -> None:
    with pytest.raises(BadMessage, match="claims 99999999 bytes from only 10"):
        decode(Frame(INDEX, 1, pack(">I", 99_999_999) + bytes(10)))


def test_a_claim_above_the_limit_is_refused() -> None:
    with pytest.raises(BadMessage, match="limit 134217728"):
        decode(Frame(INDEX, 1, pack(">I", 500_000_001) + bytes(3_000_000)))


def test_a_bomb_is_refused() -> None:
    with pytest.raises(BadMessage, match="swells to 100000000"):
        decode(packed(INDEX, bytes(100_000_000)))


def test_a_small_type_cannot_swell_beyond_its_own_limit() -> None:
    with pytest.raises(BadMessage, match="limit 131072"):
        decode(packed(REQUEST, bytes(200_000)))


# Single messages.


def test_the_data_of_a_response_is_not_copied() -> None:
    data = bytes(100_000)
    pieces = encode(Response(1, data), Compression.METADATA)
    assert any(piece is data for piece in pieces)
    body = b"".join(pieces)
    (only,) = list(FrameDecoder().feed(body))
    decoded = decode(only)
    assert isinstance(decoded, Response)
    assert isinstance(decoded.data, memoryview) and decoded.data.obj is only.body


def test_a_response_may_have_fields_nobody_knows() -> None:
    body = b"\x08\x05\x12\x02ab" + b"\xa0\x06\x01" + b"\xa9\x06" + bytes(8) + b"\xad\x06" + bytes(4)
    decoded = decode(Frame(RESPONSE, 0, body))
    assert isinstance(decoded, Response)
    assert (decoded.id, bytes(decoded.data)) == (5, b"ab")


@pytest.mark.parametrize("body", [b"\x12\x05ab", b"\x08", b"\x08" + b"\xff" * 12, b"\x0b", b"\x0d"])
def test_a_broken_response_is_refused(body: bytes) -> None:
    with pytest.raises(BadMessage, match="broken message of type 4"):
        decode(Frame(RESPONSE, 0, body))


def test_an_unknown_error_code_is_an_error() -> None:
    decoded = decode(Frame(RESPONSE, 0, b"\x08\x01\x18\x09"))
    assert isinstance(decoded, Response) and decoded.code is ErrorCode.GENERIC


def test_a_request_with_a_negative_id_is_answered_under_that_id() -> None:
    request = Request(-5, FOLDER, WireName("a"), 0, 1, b"h" * 32)
    assert through(request) == request
    pieces = encode(Response(-5, b"x"), Compression.NEVER)
    decoded = decode(frame(pieces))
    assert isinstance(decoded, Response) and decoded.id == 2**64 - 5


def test_a_device_with_a_short_id_is_refused() -> None:
    body = bytes.fromhex("0a0b 0a0166 820105 0a03") + b"abc"
    with pytest.raises(BadMessage, match="32 bytes, not 3"):
        decode(Frame(CLUSTER_CONFIG, 0, body))


def test_a_text_that_is_no_utf8_is_refused() -> None:
    with pytest.raises(BadMessage, match="broken message of type 0"):
        decode(Frame(CLUSTER_CONFIG, 0, bytes.fromhex("0a03 0a01ff")))


def test_block_indexes_are_sent_unpacked_and_read_either_way() -> None:
    update = FileProgress(UpdateType.APPEND, WireName("a"), Vector(), (1, 2), 131072)
    message = DownloadProgress(FOLDER, (update,))
    body = bytes(frame(encode(message, Compression.NEVER)).body)
    assert b"\x20\x01\x20\x02" in body
    packed = body.replace(b"\x20\x01\x20\x02", b"\x22\x02\x01\x02")
    assert decode(Frame(DOWNLOAD_PROGRESS, 0, packed)) == message


def test_a_progress_of_a_negative_block_is_refused() -> None:
    updates = [FileProgressPb(name="a", block_indexes=[-1])]
    body = DownloadProgressPb(folder="f", updates=updates).SerializeToString()
    with pytest.raises(BadMessage, match="negative block"):
        decode(Frame(DOWNLOAD_PROGRESS, 0, body))


def test_a_progress_of_an_unknown_kind_is_passed_over() -> None:
    updates = [FileProgressPb(name="a", type=7), FileProgressPb(name="b", type=1)]
    body = DownloadProgressPb(folder="f", updates=updates).SerializeToString()
    decoded = decode(Frame(DOWNLOAD_PROGRESS, 0, body))
    assert isinstance(decoded, DownloadProgress)
    assert [update.name for update in decoded.updates] == ["b"]


def test_a_ping_is_empty() -> None:
    assert encode(Ping(), Compression.ALWAYS) == [bytes.fromhex("0002 0806 00000000")]


def test_the_generated_code_is_what_protoc_makes_of_our_proto(tmp_path: Path) -> None:
    protoc = shutil.which("protoc")
    said = subprocess.run([protoc, "--version"], capture_output=True, text=True) if protoc else None
    if protoc is None or said is None or "3.21.12" not in said.stdout:
        pytest.skip("protoc 3.21.12 is not here: apt-get install protobuf-compiler")
    home = Path(next(iter(txsyncthing.bep.__path__)))
    source = "txsyncthing/bep/bep.proto"
    outputs = [f"--python_out={tmp_path}", f"--pyi_out={tmp_path}"]
    subprocess.run([protoc, *outputs, source], cwd=home.parent.parent, check=True)
    for name in ("bep_pb2.py", "bep_pb2.pyi"):
        made = (tmp_path / "txsyncthing/bep" / name).read_text()
        assert made == (home / name).read_text(), f"{name} is stale: protoc {outputs} {source}"
