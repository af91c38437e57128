"""
What REST shows of a node's values: documents in the order of Go's keys.

Go sorts the keys of maps and keeps the order of structures; each function says by its order which
of the two it is. Source: reference 7.2, 7.4; the official daemon 1.29.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from txsyncthing.api.encoding import (
    EPOCH,
    ZERO_TIME,
    body,
    exact_text,
    number,
    seconds_text,
)
from txsyncthing.api.seams import Usage, Version
from txsyncthing.cluster.completion import Completion
from txsyncthing.cluster.pending import PendingDevice, PendingFolder
from txsyncthing.cluster.status import Bytes, ConnectionStatus, DeviceStatus
from txsyncthing.connections.service import DialStatus, ListenerStatus
from txsyncthing.folder.status import FolderStatus
from txsyncthing.runtime.lines import Level, Line
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID

V = TypeVar("V")

_LEVELS = {Level.DEBUG: 0, Level.INFO: 2, Level.WARN: 3, Level.ERROR: 3}
"""The numbers of version 1 of the official daemon, which knows no errors beside warnings."""


def version(value: Version) -> dict[str, Any]:
    """``/rest/system/version``."""
    return {
        "arch": value.arch,
        "codename": value.codename,
        "container": value.container,
        "date": value.date,
        "extra": "",
        "isBeta": False,
        "isCandidate": False,
        "isRelease": True,
        "longVersion": value.long_version,
        "os": value.os,
        "stamp": value.stamp,
        "tags": list(value.tags),
        "user": value.user,
        "version": value.version,
    }


def status(
    *,
    me: DeviceID,
    usage: Usage,
    listeners: Mapping[str, ListenerStatus],
    dialled: Mapping[str, DialStatus],
    discovery: Mapping[str, str | None] | None,
    address: str,
    overridden: bool,
    started: float,
    now: float,
    home: str,
) -> dict[str, Any]:
    """``/rest/system/status``; times in Unix seconds."""
    document: dict[str, Any] = {
        "alloc": usage.alloc,
        "connectionServiceStatus": {
            name: {
                "error": listener.error,
                "lanAddresses": list(listener.lan_addresses),
                "wanAddresses": list(listener.wan_addresses),
            }
            for name, listener in sorted(listeners.items())
        },
        "cpuPercent": 0,
        "goroutines": usage.tasks,
        "guiAddressOverridden": overridden,
        "guiAddressUsed": address,
        "lastDialStatus": {
            name: {"when": seconds_text(dial.when), "error": dial.error}
            for name, dial in sorted(dialled.items())
        },
        "myID": str(me),
        "pathSeparator": "/",
        "startTime": seconds_text(started),
        "sys": usage.sys,
        "tilde": home,
        "uptime": int(now - started),
        "urVersionMax": 3,
    }
    if discovery is not None:
        document["discoveryEnabled"] = True
        document["discoveryErrors"] = {
            name: error for name, error in sorted(discovery.items()) if error is not None
        }
        document["discoveryMethods"] = len(discovery)
        document["discoveryStatus"] = {
            name: {"error": error} for name, error in sorted(discovery.items())
        }
        document = dict(sorted(document.items()))
    return document


def connections(
    devices: Mapping[DeviceID, DeviceStatus], total: Bytes, now: float
) -> dict[str, Any]:
    """``/rest/system/connections``; ``now`` in Unix seconds."""
    return {
        "connections": {
            id: _device(device, now) for id, device in sorted(_by_text(devices).items())
        },
        "total": {
            "at": seconds_text(now),
            "inBytesTotal": total.received,
            "outBytesTotal": total.sent,
        },
    }


def _device(device: DeviceStatus, now: float) -> dict[str, Any]:
    primary = device.primary
    at = seconds_text(now) if device.connected else ZERO_TIME
    document: dict[str, Any] = {
        "at": at,
        "inBytesTotal": device.bytes.received,
        "outBytesTotal": device.bytes.sent,
        "startedAt": seconds_text(primary.info.started) if primary else ZERO_TIME,
        "connected": device.connected,
        "paused": device.paused,
        "clientVersion": device.client_version,
        **_way(primary),
        "primary": _connection(primary, at),
    }
    if len(device.connections) > 1:
        document["secondary"] = [_connection(one, at) for one in device.connections[1:]]
    return document


def _connection(connection: ConnectionStatus | None, at: str) -> dict[str, Any]:
    moved = connection.bytes if connection else Bytes()
    return {
        "at": at if connection else ZERO_TIME,
        "inBytesTotal": moved.received,
        "outBytesTotal": moved.sent,
        "startedAt": seconds_text(connection.info.started) if connection else ZERO_TIME,
        **_way(connection),
    }


def _way(connection: ConnectionStatus | None) -> dict[str, Any]:
    if connection is None:
        return {"address": "", "type": "", "isLocal": False, "crypto": ""}
    info = connection.info
    return {
        "address": info.address,
        "type": info.type,
        "isLocal": info.is_local,
        "crypto": info.crypto,
    }


def lines(value: Iterable[Line]) -> list[dict[str, Any]] | None:
    """Lines of the log; none are null."""
    return [
        {
            "when": exact_text(line.time),
            "message": line.message,
            "level": _LEVELS[line.level],
        }
        for line in value
    ] or None


def log_text(value: Iterable[Line]) -> str:
    """``/rest/system/log.txt``."""
    return "".join(f"{seconds_text(line.time)}: {line.message}\n" for line in value)


def folder_status(value: FolderStatus) -> dict[str, Any]:
    """``/rest/db/status``, and the event FolderSummary's ``summary``."""
    world, here, need, changed = value.global_, value.local, value.need, value.receive_only
    return {
        "errors": value.failed,
        "pullErrors": value.failed,
        "invalid": "",
        "globalFiles": world.files,
        "globalDirectories": world.directories,
        "globalSymlinks": world.symlinks,
        "globalDeleted": world.deleted,
        "globalBytes": world.bytes,
        "globalTotalItems": world.items,
        "localFiles": here.files,
        "localDirectories": here.directories,
        "localSymlinks": here.symlinks,
        "localDeleted": here.deleted,
        "localBytes": here.bytes,
        "localTotalItems": here.items,
        "needFiles": need.files,
        "needDirectories": need.directories,
        "needSymlinks": need.symlinks,
        "needDeletes": need.deleted,
        "needBytes": value.need_bytes,
        "needTotalItems": need.items,
        "receiveOnlyChangedFiles": changed.files,
        "receiveOnlyChangedDirectories": changed.directories,
        "receiveOnlyChangedSymlinks": changed.symlinks,
        "receiveOnlyChangedDeletes": changed.deleted,
        "receiveOnlyChangedBytes": changed.bytes,
        "receiveOnlyTotalItems": changed.items,
        "inSyncFiles": value.in_sync_files,
        "inSyncBytes": value.in_sync_bytes,
        "state": value.state.value,
        "stateChanged": seconds_text(value.state_changed),
        "error": value.error,
        "version": value.sequence,
        "sequence": value.sequence,
        "remoteSequence": dict(sorted(_by_text(value.remote_sequence).items())),
        "ignorePatterns": value.ignore_patterns,
        "watchError": value.watch_error,
    }


def paused_status(value: FolderStatus) -> dict[str, Any]:
    """``/rest/db/status`` of a folder that does not run: nothing is known of it."""
    return {
        **folder_status(value),
        "state": "",
        "stateChanged": ZERO_TIME,
        "remoteSequence": None,
    }


def completion(value: Completion) -> dict[str, Any]:
    """``/rest/db/completion``."""
    return {
        "completion": number(value.completion),
        "globalBytes": value.global_bytes,
        "globalItems": value.global_items,
        "needBytes": value.need_bytes,
        "needDeletes": value.need_deletes,
        "needItems": value.need_items,
        "remoteState": value.remote_state.value,
        "sequence": value.sequence,
    }


def errors_body(value: FolderStatus, page: int, perpage: int) -> bytes:
    """``/rest/folder/errors`` as JSON, from page 1 on; none are null. A job for a worker."""
    first = (page - 1) * perpage
    some = value.errors[first : first + perpage]
    return body(
        {
            "errors": [{"path": one.path, "error": one.error} for one in some] or None,
            "folder": value.id,
            "page": page,
            "perpage": perpage,
        }
    )


def device_statistics(
    devices: Mapping[DeviceID, DeviceStatus], me: DeviceID, now: float
) -> dict[str, Any]:
    """``/rest/stats/device``: our own device is there too, never seen."""
    document: dict[str, Any] = {str(me): {"lastSeen": EPOCH, "lastConnectionDurationS": 0}}
    for id, device in devices.items():
        seen = now if device.connected else device.statistics.last_seen
        document[str(id)] = {
            "lastSeen": seconds_text(seen) if seen > 0 else EPOCH,
            "lastConnectionDurationS": number(float(device.statistics.last_connection_s)),
        }
    return dict(sorted(document.items()))


def folder_statistics(value: FolderStatus) -> dict[str, Any]:
    """One folder of ``/rest/stats/folder``."""
    last = value.last_file
    return {
        "lastFile": {
            "at": seconds_text(last.at) if last else ZERO_TIME,
            "filename": last.name if last else "",
            "deleted": last.deleted if last else False,
        },
        "lastScan": seconds_text(value.last_scan),
    }


def pending_devices(value: Mapping[DeviceID, PendingDevice]) -> dict[str, Any]:
    """``/rest/cluster/pending/devices``."""
    return {
        id: {"time": seconds_text(one.time), "name": one.name, "address": one.address}
        for id, one in sorted(_by_text(value).items())
    }


def pending_folders(
    value: Mapping[FolderID, Mapping[DeviceID, PendingFolder]],
) -> dict[str, Any]:
    """``/rest/cluster/pending/folders``."""
    return {
        folder: {
            "offeredBy": {
                id: {
                    "time": seconds_text(one.time),
                    "label": one.label,
                    "receiveEncrypted": one.receive_encrypted,
                    "remoteEncrypted": one.remote_encrypted,
                }
                for id, one in sorted(_by_text(offers).items())
            }
        }
        for folder, offers in sorted(value.items())
    }


def _by_text(value: Mapping[DeviceID, V]) -> dict[str, V]:
    return {str(id): one for id, one in value.items()}
