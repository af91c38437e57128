"""FileInfo on the wire: every field kept, block lists by hand, our secrets left out."""

from __future__ import annotations

import contextlib
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.bep.values import FILES
from txsyncthing.bep.bep_pb2 import BlockInfoPb, CounterPb, FileInfoPb, VectorPb
from txsyncthing.bep.check import BadMessage
from txsyncthing.bep.codec import decode_file, encode_file
from txsyncthing.vocabulary.block import blocks_hash
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.name import BadName, WireName
from txsyncthing.vocabulary.vector import Vector

KIB = 1024
CUT = 128 * KIB
EMPTY = sha256(b"").digest()


def pb(**fields: object) -> bytes:
    """A FileInfo as some peer may send it: a file with one block unless said otherwise."""
    base = {"name": "a", "size": 5, "blocks": [block(0, 5)]}
    encoded: bytes = FileInfoPb(**{**base, **fields}).SerializeToString()  # type: ignore[arg-type]
    return encoded


def block(offset: int, size: int, hash: bytes = b"h" * 32) -> bytes:
    encoded: bytes = BlockInfoPb(offset=offset, size=size, hash=hash).SerializeToString()
    return encoded


@given(FILES)
@settings(max_examples=40, deadline=None)
def test_every_field_survives(file: FileInfo) -> None:
    assert decode_file(encode_file(file)) == file


@given(st.binary(max_size=80))
@settings(max_examples=100)
def test_random_bytes_give_a_file_or_a_named_error(raw: bytes) -> None:
    with contextlib.suppress(BadMessage, BadName):
        decode_file(raw)


def test_an_empty_file_has_one_block_of_nothing() -> None:
    raw = encode_file(FileInfo(WireName("a"), hashes=EMPTY))
    (only,) = FileInfoPb.FromString(raw).blocks
    assert only == b"\x1a\x20" + EMPTY
    assert decode_file(raw).hashes == EMPTY


def test_blocks_have_offsets_and_sizes() -> None:
    hashes = bytes(96)
    raw = encode_file(FileInfo(WireName("a"), size=2 * CUT + 7, block_size=CUT, hashes=hashes))
    told = [BlockInfoPb.FromString(each) for each in FileInfoPb.FromString(raw).blocks]
    assert [(each.offset, each.size) for each in told] == [(0, CUT), (CUT, CUT), (2 * CUT, 7)]


def test_the_hash_of_the_blocks_is_computed_never_taken() -> None:
    file = decode_file(pb(blocks_hash=b"of version 1"))
    assert file.blocks_hash == blocks_hash(b"h" * 32)
    sent = FileInfoPb.FromString(encode_file(file._replace(blocks_hash=b"")))
    assert sent.blocks_hash == blocks_hash(b"h" * 32)


def test_a_weak_hash_behind_the_hash_is_passed_over() -> None:
    assert decode_file(pb(blocks=[block(0, 5) + b"\x20\x83\x02"])).hashes == b"h" * 32


def test_a_block_may_have_its_fields_in_any_order() -> None:
    swapped = b"\x1a\x20" + b"h" * 32 + b"\x10\x05"
    assert decode_file(pb(blocks=[swapped])).hashes == b"h" * 32


@pytest.mark.parametrize(
    ("size", "blocks"),
    [
        (5, [block(0, 5), block(5, 5)]),  # too many
        (CUT + 5, [block(0, CUT)]),  # too few
        (5, [block(0, 4)]),  # another size
        (5, [block(1, 5)]),  # another offset
        (5, [block(0, 5, b"h" * 31)]),  # a short hash
        (5, [block(0, 5, b"h" * 33)]),  # a long one
        (CUT + 5, [block(CUT, 5), block(0, CUT)]),  # in disorder
        (5, [block(0, 5, b"")]),
    ],
)
def test_a_file_not_covered_by_its_blocks_is_invalid(size: int, blocks: list[bytes]) -> None:
    file = decode_file(pb(size=size, blocks=blocks))
    assert file.local_flags is LocalFlag.REMOTE_INVALID
    assert file.hashes == file.blocks_hash == b""


def test_a_broken_block_is_refused() -> None:
    with pytest.raises(BadMessage, match="broken block"):
        decode_file(pb(blocks=[b"\xff"]))


def test_a_broken_file_is_refused() -> None:
    with pytest.raises(BadMessage, match="broken FileInfo"):
        decode_file(b"\xff")


def test_the_flags_of_a_peer_are_discarded() -> None:
    internal = b"\xc0\x3e\x08" + b"\xca\x3e\x02ab" + b"\xd0\x3e\x09"  # 1000, 1001, 1002
    file = decode_file(pb() + internal)
    assert file.local_flags is LocalFlag.NONE and file.inode_change == 0


def test_an_invalid_file_of_a_peer_is_marked() -> None:
    assert decode_file(pb(invalid=True)).local_flags is LocalFlag.REMOTE_INVALID


@pytest.mark.parametrize("flag", [LocalFlag.UNSUPPORTED, LocalFlag.IGNORED, LocalFlag.MUST_RESCAN])
def test_what_nobody_may_take_is_sent_as_invalid_with_its_version(flag: LocalFlag) -> None:
    version = Vector.of([(1, 2)])
    file = FileInfo(WireName("a"), version=version, hashes=EMPTY, local_flags=flag)
    sent = FileInfoPb.FromString(encode_file(file))
    assert sent.invalid and VectorPb.FromString(sent.version).counters[0].value == 2


def test_a_receive_only_change_is_sent_without_its_version() -> None:
    version = Vector.of([(1, 2)])
    flags = LocalFlag.RECEIVE_ONLY
    file = FileInfo(WireName("a"), version=version, hashes=EMPTY, local_flags=flags)
    sent = FileInfoPb.FromString(encode_file(file))
    assert sent.invalid and sent.version == b""


def test_our_own_facts_stay_here() -> None:
    file = FileInfo(WireName("a"), hashes=EMPTY, inode_change=123)
    assert encode_file(file) == encode_file(file._replace(inode_change=0))


@pytest.mark.parametrize("number", [2, 3, 4])
def test_old_symlinks_are_symlinks(number: int) -> None:
    file = decode_file(pb(type=number, size=0, blocks=[], symlink_target=b"t"))
    assert file.type is FileType.SYMLINK and file.symlink_target == b"t"


@pytest.mark.parametrize("type", [1, 4])
def test_a_directory_counts_nothing_even_if_an_old_peer_says_128(type: int) -> None:
    assert decode_file(pb(type=type, size=128, blocks=[])).size == 0


def test_a_time_before_1970_survives() -> None:
    file = FileInfo(WireName("a"), hashes=EMPTY, modified=-1)
    sent = FileInfoPb.FromString(encode_file(file))
    assert (sent.modified_s, sent.modified_ns) == (-1, 999_999_999)
    assert decode_file(encode_file(file)).modified == -1


@pytest.mark.parametrize("seconds", [2**63 - 1, -(2**63)])
def test_an_absurd_time_still_fits_64_bits(seconds: int) -> None:
    assert abs(decode_file(pb(modified_s=seconds)).modified) < 2**63


def test_counters_in_disorder_are_sorted() -> None:
    counters = [CounterPb(id=9, value=1), CounterPb(id=2, value=5)]
    file = decode_file(pb(version=VectorPb(counters=counters).SerializeToString()))
    assert file.version == Vector.of([(ShortID(2), 5), (ShortID(9), 1)])


@pytest.mark.parametrize("size", [-1, 64 * KIB * KIB])
def test_a_block_size_nobody_can_ask_for_is_refused(size: int) -> None:
    with pytest.raises(BadMessage, match=f"blocks of {size} bytes"):
        decode_file(pb(block_size=size))


def test_only_the_permission_bits_are_taken() -> None:
    assert decode_file(pb(permissions=0o4755)).permissions == 0o755


def test_platform_data_that_no_peer_could_read_is_not_taken() -> None:
    directory = FileInfo(WireName("d"), FileType.DIRECTORY)
    unix = (
        b"\x0a\x03\x0a\x01\xff"  # an owner whose name is no text: sent on, it would spoil an index
    )
    assert decode_file(encode_file(directory._replace(platform=unix))).platform == b"\x0a\x00"
    linux = b"\x1a\x06\x0a\x04\x0a\x02u."
    assert decode_file(encode_file(directory._replace(platform=linux))).platform == linux
    with pytest.raises(BadMessage, match="platform data"):
        decode_file(encode_file(directory._replace(platform=b"\x0a\x02\x08\x01")))
