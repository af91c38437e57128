"""
Devices as configured, and what the user chose to ignore.

Source: reference 6.3 (lib/config/deviceconfiguration.go, observed.go).
"""

# ruff: noqa: RUF009 (attribute and element make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from txsyncthing.config.entry import Timestamp, attribute, element
from txsyncthing.vocabulary.device import EMPTY_DEVICE, DeviceID

DYNAMIC = "dynamic"
"""The address that stands for whatever discovery finds."""

NEVER = Timestamp("0001-01-01T00:00:00Z")
DEFAULT_CONNECTIONS = 3  # version 2; what 0 means


class Compression(StrEnum):
    """What is compressed on the way to a device."""

    METADATA = "metadata"  # first: what an absent value means
    NEVER = "never"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class ObservedFolder:
    """A folder that a device offered and the user ignores."""

    time: Timestamp = attribute(NEVER, "time")
    id: str = attribute("", "id")
    label: str = attribute("", "label")


@dataclass(frozen=True, slots=True)
class ObservedDevice:
    """A device that tried to connect and that the user ignores."""

    time: Timestamp = attribute(NEVER, "time")
    id: DeviceID = attribute(EMPTY_DEVICE, "id", json="deviceID")
    name: str = attribute("", "name")
    address: str = attribute("", "address")


@dataclass(frozen=True, slots=True)
class DeviceConfig:
    """One device, ours or a remote one. Rates are KiB/s, 0 is without limit."""

    id: DeviceID = attribute(EMPTY_DEVICE, "id", json="deviceID")
    name: str = attribute("", "name", omit_empty=True)
    addresses: tuple[str, ...] = element((DYNAMIC,), "address", json="addresses", stated=True)
    compression: Compression = attribute(Compression.METADATA, "compression")
    cert_name: str = attribute("", "certName", omit_empty=True)
    introducer: bool = attribute(False, "introducer")
    skip_introduction_removals: bool = attribute(False, "skipIntroductionRemovals")
    introduced_by: DeviceID = attribute(EMPTY_DEVICE, "introducedBy")
    paused: bool = element(False, "paused")
    allowed_networks: tuple[str, ...] = element((), "allowedNetwork", json="allowedNetworks")
    auto_accept_folders: bool = element(False, "autoAcceptFolders")
    max_send_kbps: int = element(0, "maxSendKbps")
    max_recv_kbps: int = element(0, "maxRecvKbps")
    ignored_folders: tuple[ObservedFolder, ...] = element(
        (), "ignoredFolder", json="ignoredFolders"
    )
    max_request_kib: int = element(0, "maxRequestKiB")
    untrusted: bool = element(False, "untrusted")
    remote_gui_port: int = element(0, "remoteGUIPort")
    num_connections: int = element(0, "numConnections", since=37)
    group: str = attribute("", "group", since=50, omit_empty=True)

    @property
    def connections(self) -> int:
        """How many connections are wanted."""
        return DEFAULT_CONNECTIONS if self.num_connections == 0 else max(1, self.num_connections)

    def ignores_folder(self, folder: str) -> bool:
        return any(ignored.id == folder for ignored in self.ignored_folders)
