"""
May this device tell us its index of this folder, and is what it tells in order?

Source: reference 2.5 ("Not for us", "Sequence checks on receive"), 2.3.
"""

from __future__ import annotations

from txsyncthing.bep.messages import Index, IndexUpdate
from txsyncthing.cluster.announce import shares
from txsyncthing.config.config import Configuration
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID


class NotForUs(Exception):
    """The peer sends what it may not; close the connection with this text."""


def authorize(configuration: Configuration, device: DeviceID, folder: FolderID) -> None:
    """
    :raises NotForUs: the folder is unknown, not shared with this device, or paused here.
    """
    config = configuration.folder(folder)
    if config is None or not shares(config, device):
        raise NotForUs(f"index for folder {folder!r}, which we do not share with you")
    if config.paused:
        raise NotForUs(f"index for folder {folder!r}, which is paused")


def disorder(message: Index | IndexUpdate, stored: int) -> str | None:
    """
    What is odd about the sequence numbers; the message counts all the same.

    :param stored: the highest sequence of this device that we have.
    """
    previous = 0
    if isinstance(message, IndexUpdate):
        previous = message.prev_sequence
        # What a connection brought when it ended may come again with the next one.
        if previous > stored:
            return f"update follows sequence {previous}, but we have {stored}"
    last = previous
    for file in message.files:
        if file.sequence <= last:
            return f"sequence {file.sequence} follows {last}"
        last = file.sequence
    if message.last_sequence and message.files and last != message.last_sequence:
        return f"last sequence {last} is announced as {message.last_sequence}"
    return None
