"""Frames cut out of a stream, however the stream is cut."""

from __future__ import annotations

import contextlib
import time
from struct import pack

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txsyncthing.bep.framing import (
    MAX_MESSAGE_LENGTH,
    BadFrame,
    Frame,
    FrameDecoder,
    frame_head,
)

FRAMES = st.builds(Frame, st.integers(0, 7), st.integers(0, 1), st.binary(max_size=200))


def stream(frames: list[Frame]) -> bytes:
    return b"".join(frame_head(f.type, f.compression, len(f.body)) + f.body for f in frames)


def cut(data: bytes, step: int) -> list[bytes]:
    return [data[at : at + step] for at in range(0, len(data), step)]


def feed(decoder: FrameDecoder, pieces: list[bytes]) -> list[Frame]:
    """Each piece lies in a buffer that is used again, as with the real transport."""
    frames = []
    for piece in pieces:
        buffer = bytearray(piece)
        frames += list(decoder.feed(memoryview(buffer)))
        buffer[:] = bytes(len(buffer))
    return [frame._replace(body=bytes(frame.body)) for frame in frames]


@given(st.lists(FRAMES, max_size=5), st.integers(1, 50))
@settings(max_examples=60)
def test_frames_survive_any_cut(frames: list[Frame], step: int) -> None:
    decoder = FrameDecoder()
    assert feed(decoder, cut(stream(frames), step)) == frames
    assert decoder.buffered == 0


@given(st.lists(st.binary(max_size=40), max_size=6))
@settings(max_examples=100)
def test_random_bytes_give_frames_or_one_named_error(pieces: list[bytes]) -> None:
    decoder = FrameDecoder()
    with contextlib.suppress(BadFrame):
        feed(decoder, pieces)
    assert decoder.buffered < 2 * sum(map(len, pieces)) + 2_000_000


def test_an_uncompressed_cluster_config_has_an_empty_header() -> None:
    assert feed(FrameDecoder(), [b"\0\0" + pack(">I", 3) + b"abc"]) == [Frame(0, 0, b"abc")]


def test_a_header_may_have_fields_nobody_knows() -> None:
    header = b"\x08\x03\x10\x01\x98\x06\x05"  # type, compression, field 99
    data = pack(">H", len(header)) + header + pack(">I", 1) + b"x"
    assert feed(FrameDecoder(), [data]) == [Frame(3, 1, b"x")]


def test_a_broken_header_is_refused() -> None:
    with pytest.raises(BadFrame, match="broken message header"):
        feed(FrameDecoder(), [b"\0\x01\xff\0\0\0\0"])


def test_a_header_length_above_the_limit_is_refused() -> None:
    with pytest.raises(BadFrame, match="header of 32768 bytes"):
        feed(FrameDecoder(), [b"\x80\x00"])


def test_a_body_above_the_limit_is_refused_before_it_comes() -> None:
    decoder = FrameDecoder()
    with pytest.raises(BadFrame, match="500000001 bytes"):
        feed(decoder, [frame_head(1, 0, MAX_MESSAGE_LENGTH + 1)])
    assert decoder.buffered < 100


def test_a_type_may_have_a_limit_of_its_own() -> None:
    decoder = FrameDecoder(lambda type: 3 if type == 3 else 100)
    assert feed(decoder, [frame_head(3, 0, 3) + b"abc"]) == [Frame(3, 0, b"abc")]
    with pytest.raises(BadFrame, match="type 3 with 4 bytes, limit 3"):
        feed(decoder, [frame_head(3, 0, 4)])


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_an_unknown_message_is_read_over_and_not_kept(step: int) -> None:
    decoder = FrameDecoder(lambda type: -1 if type == 99 else 100)
    data = frame_head(99, 0, 500) + bytes(500) + frame_head(6, 0, 0)
    pieces = cut(data, step)
    came = feed(decoder, pieces[:-1])
    assert decoder.buffered < 20
    assert [*came, *feed(decoder, pieces[-1:])] == [Frame(99, 0, b""), Frame(6, 0, b"")]


def test_an_announced_length_costs_nothing() -> None:
    decoder = FrameDecoder()
    assert feed(decoder, [frame_head(1, 0, MAX_MESSAGE_LENGTH)]) == []
    assert decoder.buffered == 0
    assert feed(decoder, [b"x"]) == []
    assert decoder.buffered <= 1_200_000


def test_memory_grows_with_what_came() -> None:
    decoder = FrameDecoder()
    feed(decoder, [frame_head(1, 0, MAX_MESSAGE_LENGTH)])
    piece = bytes(256 * 1024)
    for number in range(1, 41):
        feed(decoder, [piece])
        assert decoder.buffered <= max(1_200_000, 2 * number * len(piece))


def test_a_large_body_in_small_pieces_takes_linear_time() -> None:
    body = bytes(16 * 1024 * 1024)
    pieces = cut(frame_head(4, 0, len(body)) + body, 16 * 1024)
    decoder = FrameDecoder()
    begun = time.process_time()
    (frame,) = [frame for piece in pieces for frame in decoder.feed(piece)]
    assert time.process_time() - begun < 0.5  # some 10 ms; copying anew for each piece takes 8 s
    assert frame.body == body
