"""PlatformData: every value survives, foreign parts stay, nothing broken or endless gets in."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.bep.values import PLATFORMS
from txsyncthing.bep.bep_pb2 import PlatformPb
from txsyncthing.vocabulary.platform import (
    MAX_XATTRS,
    NOTHING,
    BadPlatform,
    Owner,
    Platform,
    Xattr,
    clean_platform,
    decode_platform,
    encode_platform,
)

# As the official 1.29.5 sends it: root's, with no attributes.
OFFICIAL = bytes.fromhex("0a0c0a04726f6f741204726f6f741a00")
# With parts of Windows and Darwin.
MIXED = bytes.fromhex(
    "0a0a120361646d1889062004120b0a07444f4d5c6a6f6510011a1a0a0b0a06757365722e611201320a0b0a067573"
    "65722e7a12013122120a100a0b636f6d2e6170706c652e78120132"
)


def test_what_the_official_daemon_sends_is_read_and_written_alike() -> None:
    platform = Platform(Owner("root", "root", 0, 0), ())
    assert decode_platform(OFFICIAL) == platform
    assert encode_platform(platform) == OFFICIAL
    mixed = decode_platform(MIXED)
    assert mixed.owner == Owner("", "adm", 777, 4)
    assert mixed.xattrs == (Xattr("user.a", b"2"), Xattr("user.z", b"1"))
    assert mixed.foreign == MIXED[12:25] + MIXED[53:]
    assert PlatformPb.FromString(encode_platform(mixed)) == PlatformPb.FromString(MIXED)


def test_nothing_is_no_bytes() -> None:
    assert encode_platform(NOTHING) == b""
    assert decode_platform(b"") == NOTHING
    assert decode_platform(b"\x1a\x00").xattrs == ()


@given(PLATFORMS)
def test_every_value_survives(platform: Platform) -> None:
    raw = encode_platform(platform)
    assert decode_platform(raw) == platform
    assert clean_platform(raw) == raw
    assert PlatformPb.FromString(raw).unix.uid == _signed(
        platform.owner.uid if platform.owner else 0
    )


def _signed(number: int) -> int:
    return number - 2**32 if number >= 2**31 else number


def test_numbers_above_31_bits_are_negative_on_the_wire() -> None:
    unix = PlatformPb.FromString(
        encode_platform(Platform(Owner("", "", 3_000_000_000, 4_294_967_295)))
    ).unix
    assert (unix.uid, unix.gid) == (-1_294_967_296, -1)
    assert decode_platform(PlatformPb(unix=unix).SerializeToString()).owner == Owner(
        "", "", 3_000_000_000, 4_294_967_295
    )


def test_attributes_come_in_order_and_of_one_name_the_last() -> None:
    pb = PlatformPb()
    for name, value in (("user.b", b"1"), ("user.a", b"2"), ("user.b", b"3")):
        pb.linux.xattrs.add(name=name, value=value)
    assert decode_platform(pb.SerializeToString()).xattrs == (
        Xattr("user.a", b"2"),
        Xattr("user.b", b"3"),
    )


def test_submessages_in_pieces_are_joined() -> None:
    first, second = PlatformPb(), PlatformPb()
    first.unix.owner_name, first.unix.uid = "ann", 5
    first.linux.xattrs.add(name="user.a")
    second.unix.gid = 6
    second.linux.xattrs.add(name="user.b")
    joined = decode_platform(first.SerializeToString() + second.SerializeToString())
    assert joined == Platform(Owner("ann", "", 5, 6), (Xattr("user.a", b""), Xattr("user.b", b"")))


@given(st.binary(max_size=40))
def test_any_bytes_are_a_value_or_refused(raw: bytes) -> None:
    try:
        cleaned = clean_platform(raw)
    except BadPlatform:
        return
    decode_platform(cleaned)
    assert clean_platform(cleaned) == cleaned


@given(PLATFORMS.map(encode_platform).filter(bool), st.data())
def test_what_ends_too_early_is_refused_or_another_value(raw: bytes, data: st.DataObject) -> None:
    cut = raw[: data.draw(st.integers(0, len(raw) - 1))]
    with suppress(BadPlatform):
        assert decode_platform(cut) != decode_platform(raw)


@pytest.mark.parametrize(
    "raw",
    [
        b"\x08\x01",  # an owner that is a number
        b"\x0a\x02\x08\x01",  # a user's name that is a number
        b"\x0a\x02\x1a\x00",  # a user's number that is bytes
        b"\x1a\x02\x08\x01",  # an attribute that is a number
        b"\x0b\x0c",  # a group
        b"\x0a\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",  # a length that does not end
        b"\x0a\xff\xff\xff\xff\x0f",  # more than there is
        b"\x02\x00",  # the field 0
    ],
)
def test_broken_data_is_refused(raw: bytes) -> None:
    with pytest.raises(BadPlatform):
        clean_platform(raw)


def test_more_attributes_than_any_item_has_are_refused() -> None:
    for system in ("linux", "darwin", "freebsd", "netbsd"):
        pb = PlatformPb()
        for _ in range(MAX_XATTRS + 1):
            getattr(pb, system).xattrs.add()
        with pytest.raises(BadPlatform, match="4097 extended attributes"):
            clean_platform(pb.SerializeToString())


def test_texts_that_are_no_texts_are_taken_out() -> None:
    bad_owner = b"\x0a\x09\x0a\x01\xff\x12\x02ok\x18\x05"
    bad_windows = b"\x12\x05\x0a\x01\xff\x10\x01"
    bad_linux = b"\x1a\x0e\x0a\x03\x0a\x01\xff\x0a\x07\x0a\x03u.a\x12\x00"
    cleaned = clean_platform(bad_owner + bad_windows + bad_linux)
    assert PlatformPb.FromString(cleaned) == PlatformPb.FromString(
        b"\x0a\x06\x12\x02ok\x18\x05\x12\x02\x10\x01\x1a\x09\x0a\x07\x0a\x03u.a\x12\x00"
    )
    assert decode_platform(bad_linux).xattrs == (Xattr("u.a", b""), Xattr("\udcff", b""))
