"""
The verdict on a peer's Cluster Config: which folders run between us, which are new to us.

Source: reference 2.3, 3.5 (lib/model/model.go, ccHandleFolders).
"""

from __future__ import annotations

from typing import NamedTuple

from txsyncthing.bep.messages import ClusterConfig, Device, Folder
from txsyncthing.cluster.announce import shares
from txsyncthing.config.config import Configuration
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID, RemoteState

MAX_FOLDER_ID = 256  # letters; official ids have 11
MAX_OFFERED = 1000  # folders of one Cluster Config that we do not have; the rest is not remembered
MAX_LABEL = 256  # letters of a label or name that we keep


class Unacceptable(Exception):
    """The peer's Cluster Config cannot be; close the connection with this text."""


class Agreed(NamedTuple):
    """A folder that runs at the peer's end, and what the peer knows of both indexes."""

    folder: FolderID
    about_us: Device
    about_them: Device


class Offered(NamedTuple):
    """A folder that the peer shares and we do not have."""

    folder: FolderID
    label: str
    receive_encrypted: bool
    remote_encrypted: bool


class Verdict(NamedTuple):
    """What a Cluster Config means for us."""

    states: dict[FolderID, RemoteState]  # of the folders which we share with the peer
    agreed: tuple[Agreed, ...]  # index traffic may run, if the folder runs here
    offered: tuple[Offered, ...]
    ignored: frozenset[FolderID]  # offered as well


def judge(
    configuration: Configuration, me: DeviceID, device: DeviceID, config: ClusterConfig
) -> Verdict:
    """
    :raises Unacceptable: a shared folder lacks one end's entry, or wants encryption that we do not do.
    """
    ours = {folder.id: folder for folder in configuration.folders if shares(folder, device)}
    shared = {folder.id for folder in configuration.folders_shared_with(device)}
    settings = configuration.device(device)
    states = dict.fromkeys(ours, RemoteState.NOT_SHARING)
    agreed: dict[FolderID, Agreed] = {}
    offered: dict[FolderID, Offered] = {}
    hidden: set[FolderID] = set()
    for folder in config.folders:
        if folder.id not in ours:
            known = folder.id in shared  # encrypted, which we do not do
            room = len(offered) < MAX_OFFERED and len(folder.id) <= MAX_FOLDER_ID
            if settings is not None and settings.ignores_folder(folder.id):
                hidden.add(folder.id)
            elif folder.id and room and not known:
                ends = _ends(folder, me, device)
                offered[folder.id] = _offer(folder, ends.get(me), ends.get(device))
            continue
        ends = _ends(folder, me, device)
        if device not in ends:
            raise Unacceptable(f"folder {folder.id}: missing remote device in cluster config")
        if me not in ends:
            raise Unacceptable(f"folder {folder.id}: missing local device in cluster config")
        if any(entry.encryption_password_token for entry in ends.values()):
            raise Unacceptable(f"folder {folder.id}: remote encrypts, but we share it plain")
        agreed.pop(folder.id, None)  # the last entry of a folder counts
        if folder.stop_reason:
            states[folder.id] = RemoteState.PAUSED
        else:
            states[folder.id] = RemoteState.VALID
            agreed[folder.id] = Agreed(folder.id, ends[me], ends[device])
    return Verdict(states, tuple(agreed.values()), tuple(offered.values()), frozenset(hidden))


def _ends(folder: Folder, me: DeviceID, device: DeviceID) -> dict[DeviceID, Device]:
    """What the peer says of us both."""
    return {entry.id: entry for entry in folder.devices if entry.id in (me, device)}


def _offer(folder: Folder, about_us: Device | None, about_them: Device | None) -> Offered:
    return Offered(
        folder.id,
        folder.label[:MAX_LABEL],
        about_us is not None and bool(about_us.encryption_password_token),
        about_them is not None and bool(about_them.encryption_password_token),
    )
