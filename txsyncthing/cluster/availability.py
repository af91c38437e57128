"""
Who can be asked for a block, and over which of its connections.

Source: reference 2.4 ("Requests"), 2.7, 2.8.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from txsyncthing.cluster.link import Link
from txsyncthing.cluster.progress import ReceivedProgress, SentProgress
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID, RemoteState
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector


@dataclass
class Standing:
    """What we know of one device that is present. The bridge writes, ``Availability`` reads."""

    links: list[Link] = field(default_factory=list)  # oldest first
    states: dict[FolderID, RemoteState] = field(default_factory=dict)
    received: dict[FolderID, ReceivedProgress] = field(default_factory=dict)
    sent: dict[FolderID, SentProgress] = field(default_factory=dict)


class PeerTable:
    """The devices that are present."""

    def __init__(self) -> None:
        self._standings: dict[DeviceID, Standing] = {}

    def get(self, device: DeviceID) -> Standing | None:
        return self._standings.get(device)

    def put(self, device: DeviceID) -> Standing:
        """The device's standing, new if it was away."""
        return self._standings.setdefault(device, Standing())

    def drop(self, device: DeviceID) -> None:
        self._standings.pop(device, None)

    def all(self) -> Mapping[DeviceID, Standing]:
        return self._standings

    def state(self, device: DeviceID, folder: FolderID) -> RemoteState:
        standing = self._standings.get(device)
        if standing is None:
            return RemoteState.UNKNOWN
        return standing.states.get(folder, RemoteState.UNKNOWN)


class FolderAvailability:
    """Satisfies ``pull.sources.Availability`` for one folder."""

    def __init__(self, folder: FolderID, peers: PeerTable) -> None:
        self._folder = folder
        self._peers = peers

    def connected(self) -> frozenset[DeviceID]:
        return frozenset(
            device
            for device, standing in self._peers.all().items()
            if standing.states.get(self._folder) is RemoteState.VALID
        )

    def active(self, device: DeviceID) -> int:
        standing = self._peers.get(device)
        return sum(link.outstanding for link in standing.links) if standing is not None else 0

    def temporary(self, device: DeviceID, name: WireName, version: Vector) -> frozenset[int]:
        standing = self._peers.get(device)
        progress = standing.received.get(self._folder) if standing is not None else None
        return progress.blocks(name, version) if progress is not None else frozenset()


def carrier(links: Sequence[Link], random: Callable[[], float]) -> Link | None:
    """
    The connection for a request: any but the first where there are several, since the first carries
    the index.

    :param random: from 0 to below 1.
    """
    if not links:
        return None
    if len(links) == 1:
        return links[0]
    return links[1 + int(random() * (len(links) - 1))]
