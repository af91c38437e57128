"""
A Cluster Config to and from protobuf; one of ten thousand folders is read a few milliseconds at a time.

Source: reference 2.3 (proto/bep/bep.proto).
"""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.message import DecodeError

from txsyncthing.bep.bep_pb2 import ClusterConfigPb, DevicePb, FolderPb
from txsyncthing.bep.check import CLUSTER_CONFIG, BadMessage
from txsyncthing.bep.cut import PART_DEVICES, config_parts
from txsyncthing.bep.messages import Block, ClusterConfig, Compression, Device, Folder
from txsyncthing.vocabulary.device import BadDeviceID, DeviceID
from txsyncthing.vocabulary.folder import FolderID

_COMPRESSIONS = (Compression.METADATA, Compression.NEVER, Compression.ALWAYS)


def fill_folder(into: FolderPb, folder: Folder) -> None:
    """Write one folder of it."""
    into.id = folder.id
    into.label = folder.label
    into.type = folder.type
    into.stop_reason = folder.stop_reason
    for device in folder.devices:
        into.devices.add(
            id=device.id.raw,
            name=device.name,
            addresses=device.addresses,
            compression=_COMPRESSIONS.index(device.compression),
            cert_name=device.cert_name,
            max_sequence=device.max_sequence,
            introducer=device.introducer,
            index_id=device.index_id,
            skip_introduction_removals=device.skip_introduction_removals,
            encryption_password_token=device.encryption_password_token,
        )


def read_parts(body: memoryview) -> Iterator[ClusterConfig | None]:
    """None says that there is more to read; at last comes the one message."""
    folders: list[Folder] = []
    secondary = False
    for part in config_parts(body):
        yield None
        if part is None:
            continue
        try:
            pb = ClusterConfigPb.FromString(bytes(body[part.start : part.end]))
        except DecodeError:
            raise BadMessage(f"broken message of type {CLUSTER_CONFIG}") from None
        secondary = secondary or pb.secondary
        for folder in pb.folders:
            devices: list[Device] = []
            for device in folder.devices:
                devices.append(_device(folder.id, device))
                if not len(devices) % PART_DEVICES:
                    yield None
            folders.append(_folder(folder, tuple(devices)))
    yield ClusterConfig(tuple(folders), secondary)


def read_config(body: Block | bytearray) -> ClusterConfig:
    """All of it at once."""
    *_, config = read_parts(memoryview(body))
    assert config is not None
    return config


def _folder(pb: FolderPb, devices: tuple[Device, ...]) -> Folder:
    return Folder(FolderID(pb.id), pb.label, pb.type, pb.stop_reason, devices)


def _device(folder: str, pb: DevicePb) -> Device:
    try:
        id = DeviceID(pb.id)
    except BadDeviceID as error:
        raise BadMessage(f"cluster config, folder {folder!r}: {error}") from None
    known = 0 <= pb.compression < len(_COMPRESSIONS)
    return Device(
        id,
        pb.name,
        tuple(pb.addresses),
        _COMPRESSIONS[pb.compression] if known else Compression.METADATA,
        pb.cert_name,
        pb.max_sequence,
        pb.introducer,
        pb.index_id,
        pb.skip_introduction_removals,
        pb.encryption_password_token,
    )
