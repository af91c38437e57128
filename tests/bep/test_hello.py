"""The first words, cut anywhere."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from txsyncthing.bep.hello import BadHello, HelloDecoder, TooOld, encode_hello
from txsyncthing.bep.messages import Hello

TEXTS = st.text(max_size=20).filter(str.isprintable)
HELLOS = st.builds(
    Hello,
    TEXTS,
    TEXTS,
    TEXTS,
    st.integers(-(2**31), 2**31 - 1),
    st.integers(-(2**63), 2**63 - 1),
)


@given(HELLOS, st.binary(max_size=20), st.integers(1, 30))
@settings(max_examples=50)
def test_a_hello_survives_any_cut(hello: Hello, rest: bytes, step: int) -> None:
    data = encode_hello(hello) + rest
    decoder = HelloDecoder()
    for at in range(0, len(data), step):
        found = decoder.feed(data[at : at + step])
        if found is not None:
            assert found == (hello, data[len(data) - len(rest) : at + step])
            return
    raise AssertionError("no Hello found")


@given(st.binary(max_size=100))
def test_random_bytes_give_a_hello_or_one_named_error(data: bytes) -> None:
    with contextlib.suppress(BadHello):
        HelloDecoder().feed(data)


def test_it_begins_with_the_magic_number_and_its_length() -> None:
    assert encode_hello(Hello("ab")) == bytes.fromhex("2ea7d90b 0004 0a02") + b"ab"


@pytest.mark.parametrize("magic", ["00010001", "00010000", "9f79bc40"])
def test_an_old_version_is_told_apart(magic: str) -> None:
    with pytest.raises(TooOld, match="too old"):
        HelloDecoder().feed(bytes.fromhex(magic) + b"\0\0")


def test_another_protocol_is_refused() -> None:
    with pytest.raises(BadHello, match="unknown magic 0x47455420"):
        HelloDecoder().feed(b"GET / HTTP/1.1\r\n")


def test_a_hello_above_the_limit_is_refused_before_it_comes() -> None:
    with pytest.raises(BadHello, match="32768 bytes"):
        HelloDecoder().feed(bytes.fromhex("2ea7d90b 8000"))


def test_a_broken_hello_is_refused() -> None:
    with pytest.raises(BadHello, match="broken"):
        HelloDecoder().feed(bytes.fromhex("2ea7d90b 0001 ff"))


def test_a_hello_of_ours_that_is_too_long_is_our_error() -> None:
    with pytest.raises(ValueError, match="limit 32767"):
        encode_hello(Hello("x" * 40_000))


def test_the_words_of_a_stranger_are_short_and_on_one_line() -> None:
    said = Hello("a\nb\x1b" + "x" * 10_000, "c", "v", 1, 1)
    found = HelloDecoder().feed(encode_hello(said))
    assert found is not None
    assert found[0].device_name == "a\ufffdb\ufffd" + "x" * 252
