"""
How the types of folders differ.

Source: reference 5.1 ("Types"), 5.9.
"""

from __future__ import annotations

from typing import NamedTuple

from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.entry import BASIC
from txsyncthing.config.folder import FolderConfig
from txsyncthing.vocabulary.file import LocalFlag
from txsyncthing.vocabulary.folder import FolderType


class TypeRules(NamedTuple):
    """What one type may do."""

    pulls: bool  # takes what others changed; else only the versions of what is the same here
    local_flags: LocalFlag = LocalFlag.NONE  # of what changed here
    overrides: bool = False  # may make its own state win over what others changed
    reverts: bool = False  # may undo what was changed here
    unsupported: str = ""  # why a folder of this type cannot run


_RULES = {
    FolderType.SEND_RECEIVE: TypeRules(pulls=True),
    FolderType.SEND_ONLY: TypeRules(pulls=False, overrides=True),
    FolderType.RECEIVE_ONLY: TypeRules(
        pulls=True, local_flags=LocalFlag.RECEIVE_ONLY, reverts=True
    ),
    FolderType.RECEIVE_ENCRYPTED: TypeRules(
        pulls=False, unsupported="folders of type receiveencrypted are not supported yet"
    ),
}


def rules(type: FolderType) -> TypeRules:
    return _RULES[type]


def unsupported(folder: FolderConfig) -> str:
    """Why a folder cannot run as it is configured; empty if it can."""
    if folder.filesystem_type not in ("", BASIC):
        return (
            f"filesystemType {folder.filesystem_type!r} is not supported: set it to {BASIC!r} for a directory"
            " of this machine"
        )
    return _RULES[folder.type].unsupported


def verify_types(old: Configuration, new: Configuration) -> None:
    """
    What encrypted folders hold is not what others do: none becomes one, nor the reverse.

    :raises InvalidConfiguration: one would.
    """
    encrypted = FolderType.RECEIVE_ENCRYPTED
    for folder in new.folders:
        was = old.folder(folder.id)
        if was is not None and was.type != folder.type and encrypted in (was.type, folder.type):
            raise InvalidConfiguration(
                f"folder[{folder.id}]/type",
                folder.type.value,
                f"{was.type.value}; folder type must not be changed from/to receive-encrypted",
            )
