"""
The kinds of events, and the seam through which rooms tell them.

Source: reference 7.5 (lib/events/events.go).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from enum import StrEnum


class EventType(StrEnum):
    """The official names; the value is what REST shows and what ``events=`` takes."""

    STARTING = "Starting"
    STARTUP_COMPLETE = "StartupComplete"
    DEVICE_DISCOVERED = "DeviceDiscovered"
    DEVICE_CONNECTED = "DeviceConnected"
    DEVICE_DISCONNECTED = "DeviceDisconnected"
    DEVICE_REJECTED = "DeviceRejected"
    PENDING_DEVICES_CHANGED = "PendingDevicesChanged"
    DEVICE_PAUSED = "DevicePaused"
    DEVICE_RESUMED = "DeviceResumed"
    CLUSTER_CONFIG_RECEIVED = "ClusterConfigReceived"
    LOCAL_CHANGE_DETECTED = "LocalChangeDetected"
    REMOTE_CHANGE_DETECTED = "RemoteChangeDetected"
    LOCAL_INDEX_UPDATED = "LocalIndexUpdated"
    REMOTE_INDEX_UPDATED = "RemoteIndexUpdated"
    ITEM_STARTED = "ItemStarted"
    ITEM_FINISHED = "ItemFinished"
    STATE_CHANGED = "StateChanged"
    FOLDER_REJECTED = "FolderRejected"
    PENDING_FOLDERS_CHANGED = "PendingFoldersChanged"
    CONFIG_SAVED = "ConfigSaved"
    DOWNLOAD_PROGRESS = "DownloadProgress"
    REMOTE_DOWNLOAD_PROGRESS = "RemoteDownloadProgress"
    FOLDER_SUMMARY = "FolderSummary"
    FOLDER_COMPLETION = "FolderCompletion"
    FOLDER_ERRORS = "FolderErrors"
    FOLDER_SCAN_PROGRESS = "FolderScanProgress"
    FOLDER_PAUSED = "FolderPaused"
    FOLDER_RESUMED = "FolderResumed"
    FOLDER_WATCH_STATE_CHANGED = "FolderWatchStateChanged"
    LISTEN_ADDRESSES_CHANGED = "ListenAddressesChanged"
    LOGIN_ATTEMPT = "LoginAttempt"
    FAILURE = "Failure"
    UPGRADE_RESTART_SCHEDULED = "UpgradeRestartScheduled"
    # Ours alone: whoever wants them names them, so that no client meets what it does not know.
    GUARD_HELD = "GuardHeld"
    GUARD_RELEASED = "GuardReleased"
    GUARD_REFUSED = "GuardRefused"


Mask = frozenset[EventType]
"""Which kinds somebody wants."""

DISK_MASK: Mask = frozenset({EventType.LOCAL_CHANGE_DETECTED, EventType.REMOTE_CHANGE_DETECTED})
GUARD_MASK: Mask = frozenset(
    {EventType.GUARD_HELD, EventType.GUARD_RELEASED, EventType.GUARD_REFUSED}
)
DEFAULT_MASK: Mask = frozenset(EventType) - DISK_MASK - GUARD_MASK

Emit = Callable[[EventType, Mapping[str, object]], None]
"""How a room tells an event: ``emit(EventType.ITEM_STARTED, {"folder": ..., ...})``, with the
data as REST shows it. Devices, times and the like are given as the texts of REST."""


def ignore_events(type: EventType, data: Mapping[str, object]) -> None:
    """The ``Emit`` of a room whose events nobody wants."""


def parse_mask(text: str) -> Mask:
    """The value of ``events=``: names between commas; unknown names count for nothing."""
    known = {type.value: type for type in EventType}
    names = (name.strip() for name in text.split(","))
    return frozenset(known[name] for name in names if name in known)
