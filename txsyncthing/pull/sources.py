"""
Where blocks come from: the seam to the devices, written by the room that pulls.

Source: reference 2.7 (requester side), 5.5 ("Peer choice", "On error").
"""

from __future__ import annotations

from collections.abc import Awaitable, Collection
from typing import NamedTuple, Protocol

from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector


class BlockRequest(NamedTuple):
    """What a Request on the wire says."""

    folder: FolderID
    name: WireName
    number: int  # of the block; always told, encrypted peers need it
    offset: int
    size: int
    hash: bytes  # never empty: peers hang up
    from_temporary: bool = False


class SourceRefused(Exception):
    """
    The device answered, and has not got the block.

    :param code: 1 generic, 2 no such file, 3 invalid file.
    """

    def __init__(self, code: int) -> None:
        super().__init__(f"the device answered with code {code}")
        self.code = code


class SourceLost(Exception):
    """The device went away before it answered."""


class Availability(Protocol):
    """Which devices could be asked."""

    def connected(self) -> Collection[DeviceID]:
        """The devices that share the folder, are connected and may be asked now."""

    def active(self, device: DeviceID) -> int:
        """How many requests the device has to answer at this moment."""

    def temporary(self, device: DeviceID, name: WireName, version: Vector) -> frozenset[int]:
        """The blocks which the device has of a file it is itself still pulling."""


class Sources(Availability, Protocol):
    """All devices of one folder, as ``cluster/`` offers them."""

    def request(self, device: DeviceID, block: BlockRequest) -> Awaitable[bytes | memoryview]:
        """
        Ask for one block; edges know the answer as a Deferred. Cancelling forgets it.

        The answer may be shorter than asked and is not verified.

        :raises SourceRefused: the device said no.
        :raises SourceLost: the connection broke.
        """


def least_busy(candidates: Collection[DeviceID], sources: Availability) -> DeviceID:
    """The device with the fewest requests in progress; the first of equals."""
    if len(candidates) == 1:
        return next(iter(candidates))
    return min(candidates, key=sources.active)
