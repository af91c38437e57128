"""What would fill our memory is refused before it is parsed; a long index comes in parts."""

from __future__ import annotations

import pytest

from txsyncthing.bep.bep_pb2 import IndexPb
from txsyncthing.bep.check import CLUSTER_CONFIG, DOWNLOAD_PROGRESS, INDEX, BadMessage
from txsyncthing.bep.codec import decode, decode_index
from txsyncthing.bep.cut import PART_FILES
from txsyncthing.bep.framing import Frame
from txsyncthing.bep.messages import Index, IndexUpdate
from txsyncthing.vocabulary.folder import FolderID

FOLDER = FolderID("default")


def index(files: int) -> bytes:
    pb = IndexPb(folder=FOLDER, last_sequence=files)
    for number in range(files):
        pb.files.add(name=f"directory-{number}", type=1, sequence=number + 1)
    encoded: bytes = pb.SerializeToString()
    return encoded


def test_an_honest_index_stays_whole() -> None:
    (message,) = decode_index(Frame(INDEX, 0, index(1001)))
    assert message == decode(Frame(INDEX, 0, index(1001)))


def test_a_long_index_comes_in_parts_that_replace_once() -> None:
    parts = list(decode_index(Frame(INDEX, 0, index(3 * PART_FILES))))
    assert [type(part) for part in parts[:3]] == [Index, IndexUpdate, IndexUpdate]
    assert {part.folder for part in parts} == {FOLDER}
    assert [file.sequence for part in parts for file in part.files] == list(
        range(1, 3 * PART_FILES + 1)
    )


BOMBS = {
    "empty folders": (CLUSTER_CONFIG, b"\x0a\x00" * 500_000),
    "empty devices": (
        CLUSTER_CONFIG,
        b"\x0a\xc0\x8d\xb7\x01" + b"\x82\x01\x00" * 1_000_000,
    ),
    "empty updates": (DOWNLOAD_PROGRESS, b"\x12\x00" * 500_000),
    "a field behind the end": (CLUSTER_CONFIG, bytes(20_000)[:0] + b"\x0a\xff\xff\x7f" * 5000),
    "a number without end": (CLUSTER_CONFIG, b"\xff" * 20_000),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_message_that_swells_is_refused(name: str) -> None:
    with pytest.raises(BadMessage):
        decode(Frame(*BOMBS[name][:1], 0, BOMBS[name][1]))


def test_an_index_of_empty_files_is_refused_at_its_first_part() -> None:
    with pytest.raises(BadMessage):
        next(decode_index(Frame(INDEX, 0, b"\x12\x00" * 5_000_000)))


@pytest.mark.parametrize("field", [b"\x82\x01\x00", b"\x4a\xe0\xa7\x12" + b"\x0a\x00" * 150_000])
def test_a_file_that_swells_is_refused(field: bytes) -> None:
    inner = field * (200_000 if len(field) == 3 else 1)
    inner += bytes([0x7A]) + b"\xe0\xa7\x12" + bytes(300_000)
    length = bytearray()
    size = len(inner)
    while size > 0x7F:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    with pytest.raises(BadMessage, match=r"which is none|a version of"):
        list(decode_index(Frame(INDEX, 0, b"\x12" + bytes(length) + inner)))
