"""
The messages of the Block Exchange Protocol as values.

Source: reference 2.1 to 2.8 (BEP v1; proto/bep/bep.proto).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, IntEnum

from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

Block = bytes | memoryview
"""The bytes of a block; a memoryview when they lie in the message they came with."""

MAX_REQUEST_SIZE = 32 * 1024 * 1024  # bytes; twice the largest block


class Compression(Enum):
    """Which messages we compress towards a device, in the words of the configuration."""

    METADATA = "metadata"  # all but Responses
    ALWAYS = "always"
    NEVER = "never"


class ErrorCode(IntEnum):
    """What a Response says when it brings no data."""

    NO_ERROR = 0
    GENERIC = 1
    NO_SUCH_FILE = 2
    INVALID_FILE = 3


class UpdateType(IntEnum):
    """What an entry of a Download Progress says."""

    APPEND = 0
    FORGET = 1


@dataclass(frozen=True, slots=True)
class Hello:
    """The first words on a connection, before any message."""

    device_name: str = ""  # empty towards strangers
    client_name: str = ""
    client_version: str = ""
    num_connections: int = 0  # how many we wish for; 0 counts as 1
    timestamp: int = 0  # nanoseconds since 1970


@dataclass(frozen=True, slots=True)
class Device:
    """One device of a folder, as a Cluster Config tells of it."""

    id: DeviceID
    name: str = ""
    addresses: tuple[str, ...] = ()
    compression: Compression = Compression.METADATA
    cert_name: str = ""
    max_sequence: int = 0
    introducer: bool = False
    index_id: int = 0
    skip_introduction_removals: bool = False
    encryption_password_token: bytes = b""


@dataclass(frozen=True, slots=True)
class Folder:
    """One folder that the sender shares with us."""

    id: FolderID
    label: str = ""
    type: int = 0  # peers do not fill it; never depend on it
    stop_reason: int = 0  # not 0: paused
    devices: tuple[Device, ...] = ()


@dataclass(frozen=True, slots=True)
class ClusterConfig:
    """What the sender shares; the first message, and again after each change."""

    folders: tuple[Folder, ...] = ()
    secondary: bool = False  # no index traffic on this connection


@dataclass(frozen=True, slots=True)
class Index:
    """All that the sender has in a folder, from the start: forget what you knew."""

    folder: FolderID
    files: tuple[FileInfo, ...] = ()
    last_sequence: int = 0


@dataclass(frozen=True, slots=True)
class IndexUpdate:
    """What changed in a folder since ``prev_sequence`` (0: unknown)."""

    folder: FolderID
    files: tuple[FileInfo, ...] = ()
    last_sequence: int = 0
    prev_sequence: int = 0


@dataclass(frozen=True, slots=True)
class Request:
    """Send me a block."""

    id: int
    folder: FolderID
    name: WireName
    offset: int = 0
    size: int = 0
    hash: bytes = b""
    from_temporary: bool = False
    block_no: int = 0


@dataclass(frozen=True, slots=True)
class Response:
    """The block, or why not."""

    id: int
    data: Block = b""
    code: ErrorCode = ErrorCode.NO_ERROR


@dataclass(frozen=True, slots=True)
class FileProgress:
    """Blocks which the sender has in a temporary file (or no longer has: FORGET)."""

    type: UpdateType
    name: WireName
    version: Vector
    block_indexes: tuple[int, ...] = ()
    block_size: int = 0


@dataclass(frozen=True, slots=True)
class DownloadProgress:
    """What the sender has of files it is still fetching."""

    folder: FolderID
    updates: tuple[FileProgress, ...] = ()


@dataclass(frozen=True, slots=True)
class Ping:
    """I am still here; needs no answer."""


@dataclass(frozen=True, slots=True)
class Close:
    """I hang up; nothing follows."""

    reason: str = ""


Message = ClusterConfig | Index | IndexUpdate | Request | Response | DownloadProgress | Ping | Close
