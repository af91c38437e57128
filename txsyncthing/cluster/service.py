"""
The bridge: which device has which folder; index exchange; serve and ask for blocks.

Source: reference 2.3 to 2.8, 3.5.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred

from txsyncthing.bep.messages import (
    Block,
    ClusterConfig,
    DownloadProgress,
    Hello,
    Index,
    IndexUpdate,
    Request,
)
from txsyncthing.bep.protocol import BepProtocol
from txsyncthing.clock import Clock
from txsyncthing.cluster.tables import FolderTable
from txsyncthing.connections.score import ConnectionInfo
from txsyncthing.events.types import Emit
from txsyncthing.pull.sources import Sources
from txsyncthing.runtime.log_service import Log
from txsyncthing.runtime.worker_service import Workers
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID, RemoteState
from txsyncthing.vocabulary.name import WireName


class Facts(Protocol):
    """A small store of the whole node (index/misc.py): what is pending, who was seen when."""

    def get_fact(self, key: str) -> Deferred[bytes | None]: ...

    def set_fact(self, key: str, value: bytes) -> Deferred[None]: ...


@dataclass(frozen=True, slots=True)
class Traffic:
    """Bytes of one connection, or of several together."""

    in_bytes: int = 0
    out_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ConnectionStatus:
    """One connection, as ``/rest/system/connections`` tells of it."""

    info: ConnectionInfo
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class DeviceStatus:
    """One configured device, as ``/rest/system/connections`` and ``/rest/stats/device`` tell of it."""

    connected: bool
    paused: bool
    client_version: str  # plain for the official client, else "Name version"; empty if away
    primary: ConnectionStatus | None
    secondary: tuple[ConnectionStatus, ...]
    traffic: Traffic  # since the device came, all connections
    last_seen: float  # Unix seconds; 0 never
    last_connection_s: float  # how long the last connection stood


@dataclass(frozen=True, slots=True)
class Completion:
    """How much of a folder (or all folders) a device has; bytes and items."""

    completion: float  # percent
    global_bytes: int
    need_bytes: int
    global_items: int
    need_items: int
    need_deletes: int
    sequence: int
    remote_state: RemoteState


@dataclass(frozen=True, slots=True)
class PendingDevice:
    time: float  # Unix seconds
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class PendingFolder:
    time: float  # Unix seconds
    label: str
    receive_encrypted: bool
    remote_encrypted: bool


class ClusterService(Service):
    """
    All devices over all their connections; satisfies ``connections.service.ClusterSeam``.

    :param unix: wall clock, Unix seconds.
    :param random: so many random bytes.
    :param me: our own device.
    :param holder: the configuration; its changes are followed.
    :param folders: the folders that run; node/ keeps it.
    :param facts: where what is pending survives a restart.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        unix: Callable[[], float],
        random: Callable[[int], bytes],
        me: DeviceID,
        holder: object,  # config.holder.ConfigHolder
        folders: FolderTable,
        workers: Workers,
        facts: Facts,
        emit: Emit,
        log: Log,
    ) -> None: ...

    # What connections/ tells.

    def connected(self, protocol: BepProtocol, info: ConnectionInfo) -> None:
        """A configured device is greeted and all rules are kept: begin the exchange."""

    def stranger(self, device: DeviceID, hello: Hello, address: str) -> None:
        """A device that is not configured said Hello; it becomes pending."""

    # bep.protocol.Receiver

    def cluster_config(self, protocol: BepProtocol, message: ClusterConfig) -> None: ...

    def index(self, protocol: BepProtocol, message: Index | IndexUpdate) -> Deferred[None] | None:
        raise NotImplementedError

    def serve(self, protocol: BepProtocol, request: Request) -> Deferred[Block]:
        raise NotImplementedError

    def download_progress(self, protocol: BepProtocol, message: DownloadProgress) -> None: ...

    def lost(self, protocol: BepProtocol, reason: str) -> None: ...

    # What folders and REST ask.

    def sources(self, folder: FolderID) -> Sources:
        """Where the folder's puller gets its blocks."""
        raise NotImplementedError

    def devices(self) -> Mapping[DeviceID, DeviceStatus]:
        """Every configured device but us."""
        raise NotImplementedError

    def total_traffic(self) -> Traffic:
        """Since the start, connections that ended included."""
        raise NotImplementedError

    def completion(self, device: DeviceID, folder: FolderID | None) -> Completion:
        """
        :param device: may be ours.
        :param folder: None: all running folders that are shared with the device.
        :raises KeyError: the folder is unknown, paused or not running.
        """
        raise NotImplementedError

    def remote_state(self, device: DeviceID, folder: FolderID) -> RemoteState:
        raise NotImplementedError

    def availability(
        self, folder: FolderID, name: WireName
    ) -> Deferred[list[tuple[DeviceID, bool]]]:
        """Who has the global version of a file; True: (also) in a temporary file."""
        raise NotImplementedError

    def pending_devices(self) -> Mapping[DeviceID, PendingDevice]:
        raise NotImplementedError

    def pending_folders(
        self, device: DeviceID | None = None
    ) -> Mapping[FolderID, Mapping[DeviceID, PendingFolder]]:
        raise NotImplementedError

    def dismiss_device(self, device: DeviceID) -> None:
        """:raises KeyError: not pending."""

    def dismiss_folder(self, folder: FolderID, device: DeviceID | None = None) -> None:
        """:raises KeyError: not pending."""
