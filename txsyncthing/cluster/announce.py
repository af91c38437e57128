"""
Our Cluster Config for a device: what we share with it, and how far we know each other's index.

Source: reference 2.3 (lib/model/model.go, generateClusterConfig).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from txsyncthing.bep.messages import ClusterConfig, Compression, Device, Folder
from txsyncthing.config.config import Configuration
from txsyncthing.config.device import DeviceConfig
from txsyncthing.config.folder import FolderConfig
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID, FolderType

PAUSED = 1  # a stop_reason

SECONDARY = ClusterConfig(secondary=True)
"""What we say on a connection that carries no index of ours."""


class IndexFacts(NamedTuple):
    """What a running folder's index says of us and of the device we announce it to."""

    index_id: int
    sequence: int
    their_index_id: int
    their_sequence: int


def shares(folder: FolderConfig, device: DeviceID) -> bool:
    """
    Whether a folder goes to a device as it is. Encrypted ones do not: an untrusted device must never
    see plain names or bytes.
    """
    member = folder.device(device)
    return (
        member is not None
        and not member.encryption_password
        and folder.type is not FolderType.RECEIVE_ENCRYPTED
    )


def announcement(
    configuration: Configuration,
    me: DeviceID,
    device: DeviceID,
    facts: Mapping[FolderID, IndexFacts],
) -> ClusterConfig:
    """
    :param facts: of the folders that run. One that does not run yet is announced as paused: without its
        index facts the peer would drop what it knows.
    """
    devices = {one.id: one for one in configuration.devices}
    folders = [
        _folder(devices, folder, me, device, facts.get(folder.id))
        for folder in configuration.folders
        if shares(folder, device)
    ]
    return ClusterConfig(tuple(folders))


def _folder(
    known: Mapping[DeviceID, DeviceConfig],
    folder: FolderConfig,
    me: DeviceID,
    device: DeviceID,
    facts: IndexFacts | None,
) -> Folder:
    devices: list[Device] = []
    for member in folder.devices:
        config = known.get(member.id)
        if config is None or member.encryption_password:
            continue  # told without its token, it would be introduced as one that gets plain bytes
        entry = _device(config)
        if facts is not None and member.id == me:
            entry = _device(config, facts.index_id, facts.sequence)
        elif facts is not None and member.id == device:
            entry = _device(config, facts.their_index_id, facts.their_sequence)
        elif config.untrusted and member.id not in (me, device):
            continue
        devices.append(entry)
    stopped = folder.paused or facts is None
    return Folder(
        id=folder.id,
        label=folder.label,
        stop_reason=PAUSED if stopped else 0,
        devices=tuple(devices),
    )


def _device(config: DeviceConfig, index_id: int = 0, sequence: int = 0) -> Device:
    return Device(
        id=config.id,
        name=config.name,
        addresses=config.addresses,
        compression=Compression(config.compression.value),
        cert_name=config.cert_name,
        max_sequence=sequence,
        introducer=config.introducer,
        index_id=index_id,
    )
