"""
Auto-accept: what a device offers becomes a folder here without a question, if the user said so.

Source: reference 3.5 ("Auto-accept", "Path sanitising"); tried on version 1.29.5.

Where we are stricter than the official daemon: a folder that the user ignores stays ignored, no hidden
directory is made for a label (it might be ``.ssh``), and one device may so share only so many folders.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from txsyncthing.bep.hello import shown
from txsyncthing.bep.messages import ClusterConfig, Folder
from txsyncthing.cluster.accept import MAX_FOLDER_ID, MAX_LABEL
from txsyncthing.cluster.introduce import Decided
from txsyncthing.config.config import Configuration
from txsyncthing.config.folder import FolderConfig, FolderDevice, Versioning
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID, FolderType
from txsyncthing.vocabulary.name import MAX_COMPONENT

MAX_ACCEPTED = 250  # folders shared with one device, above which none is accepted by itself
MAX_FOLDERS = 1000  # in all, likewise
ENCRYPTED_RESCAN_S = 86400  # at least; nothing changes there but by peers
HOLDS_ENCRYPTED = False  # whether we can keep what others encrypt

_FORBIDDEN = frozenset("'/\\[]{};:!@$%&^#<>\"|?*\ufffd")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)


class Candidate(NamedTuple):
    """A folder that may be accepted."""

    folder: FolderID
    label: str
    encrypted: bool
    names: tuple[
        str, ...
    ]  # of a directory for it, the best first; none: the folder is here already


class Candidates(NamedTuple):
    """What of an offer may be accepted, and what not and why."""

    found: tuple[Candidate, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def need_places(self) -> bool:
        """Whether a directory is to be made."""
        return any(one.names for one in self.found)


def sanitized(text: str) -> str:
    """A name for a directory that each system can have; may be empty."""
    kept = "".join(
        " " if letter in _FORBIDDEN or not letter.isprintable() else letter for letter in text
    )
    name = " ".join(kept.split())
    return f"-{name}" if _DEVICES.fullmatch(name) else name


def candidates(
    configuration: Configuration, me: DeviceID, device: DeviceID, config: ClusterConfig
) -> Candidates:
    """:param device: who offers."""
    settings = configuration.device(device)
    if settings is None or not settings.auto_accept_folders or settings.untrusted:
        return Candidates()
    here = {folder.id: folder for folder in configuration.folders}
    shared = len(configuration.folders_shared_with(device))
    room = min(MAX_ACCEPTED - shared, MAX_FOLDERS - len(configuration.folders))
    found: dict[FolderID, Candidate] = {}
    warnings: list[str] = []
    for folder in config.folders:
        ours = here.get(folder.id)
        if folder.id in found or settings.ignores_folder(folder.id):
            continue
        if ours is not None and ours.shared_with(device):
            continue
        if trouble := _trouble(folder, ours, me, device, room - len(found)):
            warnings.append(
                f"Failed to auto-accept folder {_described(folder)} from {device}: {trouble}"
            )
            continue
        names = _names(folder) if ours is None else ()
        label = shown(folder.label)[:MAX_LABEL]
        encrypted = _encrypted(folder, me, device)
        found[folder.id] = Candidate(folder.id, label, encrypted, names)
    return Candidates(tuple(found.values()), tuple(warnings[:MAX_ACCEPTED]))


def _described(folder: Folder) -> str:
    return f'"{shown(folder.label)[:MAX_LABEL]}" ({shown(folder.id)[:MAX_FOLDER_ID]})'


def _trouble(
    folder: Folder, ours: FolderConfig | None, me: DeviceID, device: DeviceID, room: int
) -> str:
    """Why an offer is not accepted; empty if it is."""
    if not {me, device} <= {entry.id for entry in folder.devices}:
        return "it does not name both of us"
    if not folder.id or len(folder.id) > MAX_FOLDER_ID or not folder.id.isprintable():
        return "its ID is not usable"
    encrypted = _encrypted(folder, me, device)
    if ours is not None and encrypted != (ours.type is FolderType.RECEIVE_ENCRYPTED):
        return "one side encrypts it and the other does not"
    if encrypted and not HOLDS_ENCRYPTED:
        return "it is encrypted, which this version cannot keep"
    if room <= 0:
        return (
            f"{MAX_ACCEPTED} folders are shared with this device, or there are {MAX_FOLDERS} in all"
        )
    if ours is None and not _names(folder):
        return "neither its label nor its ID can name a directory"
    return ""


def _encrypted(folder: Folder, *ends: DeviceID) -> bool:
    return any(entry.encryption_password_token for entry in folder.devices if entry.id in ends)


def _names(folder: Folder) -> tuple[str, ...]:
    names = (sanitized(folder.label), sanitized(folder.id))
    return tuple(
        dict.fromkeys(
            name
            for name in names
            if name and name[0] != "." and len(name.encode()) <= MAX_COMPONENT
        )
    )


def new_folder(
    configuration: Configuration, device: DeviceID, candidate: Candidate, path: str
) -> FolderConfig:
    """The folder as it begins: as the defaults say, at a path, shared with who offered it."""
    folder = replace(
        configuration.defaults.folder,
        id=candidate.folder,
        label=candidate.label,
        path=path,
        devices=(FolderDevice(id=device),),
    )
    if not candidate.encrypted:
        return folder
    return replace(
        folder,
        type=FolderType.RECEIVE_ENCRYPTED,
        rescan_interval_s=max(folder.rescan_interval_s, ENCRYPTED_RESCAN_S),
        fs_watcher_enabled=False,
        versioning=Versioning(),
    )


def accept(
    configuration: Configuration,
    me: DeviceID,
    device: DeviceID,
    config: ClusterConfig,
    places: Mapping[FolderID, str],
) -> Decided:
    """
    Take in what a device offers.

    :param places: the path of the directory that was made for each new folder; without one it is refused.
    """
    found, warned = candidates(configuration, me, device, config)
    folders = {folder.id: folder for folder in configuration.folders}
    notes: list[str] = []
    warnings = list(warned)
    for one in found:
        ours, path = folders.get(one.folder), places.get(one.folder)
        if ours is not None:
            members = (*ours.devices, FolderDevice(id=device))
            folders[one.folder] = replace(ours, devices=members)
            notes.append(f"Shared {ours.description} with {device} due to auto-accept")
        elif path is not None:
            folder = folders[one.folder] = new_folder(configuration, device, one, path)
            notes.append(
                f"Auto-accepted {device} folder {folder.description} at path {folder.path}"
            )
        else:
            described = f'"{one.label}" ({one.folder})'
            warnings.append(
                f"Failed to auto-accept folder {described} from {device} due to path conflict"
            )
    changed = replace(configuration, folders=tuple(folders.values()))
    return Decided(changed, tuple(notes), tuple(warnings))
