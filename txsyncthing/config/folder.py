"""
Folders as configured.

Source: reference 6.2 (lib/config/folderconfiguration.go, versioningconfiguration.go).
"""

# ruff: noqa: RUF009 (attribute and element make dataclass fields)

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from txsyncthing.config.entry import BASIC, FilesystemType, attribute, element
from txsyncthing.config.size import Size
from txsyncthing.vocabulary.device import EMPTY_DEVICE, DeviceID
from txsyncthing.vocabulary.folder import FolderID, FolderType, PullOrder

MARKER = ".stfolder"


class BlockPullOrder(StrEnum):
    """In which order the blocks of a file are fetched."""

    STANDARD = "standard"
    RANDOM = "random"
    IN_ORDER = "inOrder"


class CopyRangeMethod(StrEnum):
    """How blocks are copied between local files."""

    STANDARD = "standard"
    IOCTL = "ioctl"
    COPY_FILE_RANGE = "copy_file_range"
    SENDFILE = "sendfile"
    DUPLICATE_EXTENTS = "duplicate_extents"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class FolderDevice:
    """One device that shares a folder."""

    id: DeviceID = attribute(EMPTY_DEVICE, "id", json="deviceID")
    introduced_by: DeviceID = attribute(EMPTY_DEVICE, "introducedBy")
    encryption_password: str = element("", "encryptionPassword")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One setting of a versioner."""

    key: str = attribute("", "key")
    value: str = attribute("", "val")


@dataclass(frozen=True, slots=True)
class Versioning:
    """What happens to old files; an empty type means they go."""

    type: str = attribute("", "type", omit_empty=True)
    params: tuple[Parameter, ...] = element((), "param", json="params")  # sorted by key
    cleanup_interval_s: int = element(3600, "cleanupIntervalS")
    fs_path: str = element("", "fsPath")
    fs_type: FilesystemType = element(BASIC, "fsType")

    def param(self, key: str, default: str = "") -> str:
        return next((param.value for param in self.params if param.key == key), default)


@dataclass(frozen=True, slots=True)
class XattrEntry:
    """One rule of the filter, first match wins; ``match`` is a shell pattern."""

    match: str = attribute("", "match")
    permit: bool = attribute(False, "permit")


@dataclass(frozen=True, slots=True)
class XattrFilter:
    """Which extended attributes are synced; sizes are bytes."""

    entries: tuple[XattrEntry, ...] = element((), "entry", json="entries")
    max_single_entry_size: int = element(1024, "maxSingleEntrySize")
    max_total_size: int = element(4096, "maxTotalSize")


@dataclass(frozen=True, slots=True)
class FolderConfig:
    """One folder. Names ending in ``_s`` are seconds, in ``_kib`` KiB."""

    id: FolderID = attribute(FolderID(""), "id")
    label: str = attribute("", "label")
    filesystem_type: FilesystemType = element(BASIC, "filesystemType")
    path: str = attribute("", "path")  # a tilde stands as it is; see ``expand`` in node/home.py
    type: FolderType = attribute(FolderType.SEND_RECEIVE, "type")
    devices: tuple[FolderDevice, ...] = element((), "device", json="devices")
    group: str = attribute("", "group", since=50, omit_empty=True)
    rescan_interval_s: int = attribute(3600, "rescanIntervalS")
    fs_watcher_enabled: bool = attribute(True, "fsWatcherEnabled")
    fs_watcher_delay_s: float = attribute(10.0, "fsWatcherDelayS", whole_until=36)
    fs_watcher_timeout_s: float = attribute(0.0, "fsWatcherTimeoutS", since=37)
    ignore_perms: bool = attribute(False, "ignorePerms")
    auto_normalize: bool = attribute(True, "autoNormalize")
    min_disk_free: Size = element(Size(1.0, "%"), "minDiskFree")
    versioning: Versioning = element(Versioning(), "versioning")
    copiers: int = element(0, "copiers")
    puller_max_pending_kib: int = element(0, "pullerMaxPendingKiB")
    hashers: int = element(0, "hashers")
    order: PullOrder = element(PullOrder.RANDOM, "order")
    ignore_delete: bool = element(False, "ignoreDelete")
    scan_progress_interval_s: int = element(0, "scanProgressIntervalS")
    puller_pause_s: int = element(0, "pullerPauseS")
    puller_delay_s: float = element(1.0, "pullerDelayS", since=50)
    max_conflicts: int = element(10, "maxConflicts")  # -1: without limit
    disable_sparse_files: bool = element(False, "disableSparseFiles")
    disable_temp_indexes: bool = element(False, "disableTempIndexes", until=37)
    paused: bool = element(False, "paused")
    weak_hash_threshold_pct: int = element(25, "weakHashThresholdPct", until=37)
    marker_name: str = element(MARKER, "markerName")
    copy_ownership_from_parent: bool = element(False, "copyOwnershipFromParent")
    mod_time_window_s: int = element(0, "modTimeWindowS")
    max_concurrent_writes: int = element(16, "maxConcurrentWrites", earlier=2, changed=51)
    disable_fsync: bool = element(False, "disableFsync")
    block_pull_order: BlockPullOrder = element(BlockPullOrder.STANDARD, "blockPullOrder")
    copy_range_method: CopyRangeMethod = element(CopyRangeMethod.STANDARD, "copyRangeMethod")
    case_sensitive_fs: bool = element(False, "caseSensitiveFS")
    junctions_as_dirs: bool = element(False, "junctionsAsDirs")
    sync_ownership: bool = element(False, "syncOwnership", since=37)
    send_ownership: bool = element(False, "sendOwnership", since=37)
    sync_xattrs: bool = element(False, "syncXattrs", since=37)
    send_xattrs: bool = element(False, "sendXattrs", since=37)
    block_indexing: bool = element(True, "blockIndexing", since=52)
    xattr_filter: XattrFilter = element(XattrFilter(), "xattrFilter", since=37)

    def device(self, id: DeviceID) -> FolderDevice | None:
        return next((device for device in self.devices if device.id == id), None)

    def shared_with(self, id: DeviceID) -> bool:
        return self.device(id) is not None

    @property
    def description(self) -> str:
        """How logs call the folder."""
        return f'"{self.label}" ({self.id})' if self.label else f'"{self.id}"'
