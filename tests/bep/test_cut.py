"""What would fill our memory is refused before it is parsed; a long index comes in parts."""

from __future__ import annotations

import pytest

from txsyncthing.bep.bep_pb2 import ClusterConfigPb, IndexPb
from txsyncthing.bep.check import (
    CLUSTER_CONFIG,
    DOWNLOAD_PROGRESS,
    INDEX,
    INDEX_UPDATE,
    BadMessage,
)
from txsyncthing.bep.codec import decode, decode_config, decode_index
from txsyncthing.bep.cut import (
    MAX_DEVICES,
    MAX_FOLDERS,
    MESSAGE_BYTES,
    MESSAGE_FILES,
    PART_DEVICES,
    PART_FILES,
)
from txsyncthing.bep.framing import Frame
from txsyncthing.bep.messages import ClusterConfig, Index, IndexUpdate
from txsyncthing.vocabulary.folder import FolderID

FOLDER = FolderID("default")


def index(files: int) -> bytes:
    pb = IndexPb(folder=FOLDER, last_sequence=files)
    for number in range(files):
        pb.files.add(name=f"directory-{number}", type=1, sequence=number + 1)
    encoded: bytes = pb.SerializeToString()
    return encoded


def messages(frame: Frame) -> list[Index | IndexUpdate]:
    return [message for message in decode_index(frame) if message is not None]


def test_an_honest_index_stays_whole_though_it_is_read_in_short_steps() -> None:
    steps = list(decode_index(Frame(INDEX, 0, index(1001))))
    assert steps == [None] * (1001 // PART_FILES) + [decode(Frame(INDEX, 0, index(1001)))]


def test_what_stands_behind_the_files_of_an_update_counts() -> None:
    pb = IndexPb.FromString(index(600))
    pb.prev_sequence = 77
    frame = Frame(INDEX_UPDATE, 0, pb.SerializeToString())
    (message,) = messages(frame)
    assert isinstance(message, IndexUpdate)
    assert (message.prev_sequence, message.last_sequence, len(message.files)) == (77, 600, 600)
    assert message == decode(frame)


def test_a_long_index_comes_in_several_that_replace_once() -> None:
    count = 3 * MESSAGE_FILES
    found = messages(Frame(INDEX, 0, index(count)))
    assert [type(one) for one in found[:3]] == [Index, IndexUpdate, IndexUpdate]
    assert max(len(one.files) for one in found) <= MESSAGE_FILES
    assert {one.folder for one in found} == {FOLDER}
    assert found[-1].last_sequence == count
    assert [file.sequence for one in found for file in one.files] == list(range(1, count + 1))


def test_no_message_of_a_long_index_holds_more_than_a_few_mebibytes() -> None:
    pb = IndexPb(folder=FOLDER)
    for number in range(2000):
        pb.files.add(name=f"{number}", sequence=number + 1, symlink_target=bytes(4000), type=4)
    sizes = [
        sum(len(file.symlink_target) for file in message.files)
        for message in messages(Frame(INDEX, 0, pb.SerializeToString()))
    ]
    assert sum(sizes) == 8_000_000
    assert max(sizes) <= MESSAGE_BYTES


def config(folders: int, devices: int) -> bytes:
    pb = ClusterConfigPb(secondary=True)
    for number in range(folders):
        folder = pb.folders.add(id=f"folder-{number}", label=f"Folder {number}")
        for other in range(devices):
            folder.devices.add(id=other.to_bytes(32), name=f"device {other}", addresses=["dynamic"])
    encoded: bytes = pb.SerializeToString()
    return encoded


@pytest.mark.parametrize(
    ("folders", "devices"),
    [(MAX_FOLDERS, MAX_DEVICES // MAX_FOLDERS), (1, MAX_DEVICES), (1, 0), (0, 0)],
)
def test_a_cluster_config_is_read_in_short_steps_and_stays_whole(
    folders: int, devices: int
) -> None:
    *steps, message = decode_config(Frame(CLUSTER_CONFIG, 0, config(folders, devices)))
    assert set(steps) == {None}
    assert len(steps) >= folders * devices // PART_DEVICES
    assert isinstance(message, ClusterConfig)
    assert message.secondary
    assert [folder.id for folder in message.folders] == [f"folder-{n}" for n in range(folders)]
    assert {len(folder.devices) for folder in message.folders} <= {devices}


def test_a_cluster_config_that_is_too_large_is_refused_on_the_way() -> None:
    for folders, devices in ((MAX_FOLDERS + 1, 0), (1, MAX_DEVICES + 1)):
        with pytest.raises(BadMessage, match="cluster config with more than"):
            list(decode_config(Frame(CLUSTER_CONFIG, 0, config(folders, devices))))


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
