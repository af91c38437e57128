"""
What the fields of the configuration are called on the command line.

The official tool makes its names from those in its source: words divided by dashes, and a single capital
at the end belongs to the word before it (``rescan-intervals``). We make the same ones from the JSON names;
where the two differ, the table tells. The JSON and XML names are understood as well.

Source: the output of ``syncthing cli config`` of 1.29.5; ``tests/interop/test_cli.py`` compares all of it.
"""

from __future__ import annotations

import re
from typing import Any

from txsyncthing.config.config import Configuration
from txsyncthing.config.entry import layout
from txsyncthing.config.folder import FolderConfig, Versioning
from txsyncthing.config.gui import GuiConfig
from txsyncthing.config.options import Options

_BORDER = re.compile(r"(?<=[a-z0-9])(?=[A-Z].)")
_OWN: dict[type, dict[str, str]] = {
    Configuration: {"remoteIgnoredDevices": "ignored-devices"},
    FolderConfig: {
        "fsWatcherEnabled": "fswatcher-enabled",
        "fsWatcherDelayS": "fswatcher-delays",
        "fsWatcherTimeoutS": "fswatcher-timeouts",
        "modTimeWindowS": "raw-mod-time-windows",
    },
    Versioning: {"fsPath": "fspath", "fsType": "fstype"},
    GuiConfig: {
        "address": "raw-address",
        "unixSocketPermissions": "raw-unix-socket-permissions",
        "useTLS": "raw-use-tls",
        "apiKey": "apikey",
        "insecureSkipHostcheck": "insecure-skip-host-check",
    },
    Options: {
        "listenAddresses": "raw-listen-addresses",
        "globalAnnounceServers": "raw-global-ann-servers",
        "globalAnnounceEnabled": "global-ann-enabled",
        "localAnnounceEnabled": "local-ann-enabled",
        "localAnnouncePort": "local-ann-port",
        "localAnnounceMCAddr": "local-ann-mcaddr",
        "reconnectionIntervalS": "reconnect-intervals",
        "natEnabled": "natenabled",
        "natLeaseMinutes": "natleasem",
        "natRenewalMinutes": "natrenewalm",
        "natTimeoutSeconds": "nattimeouts",
        "urAccepted": "uraccepted",
        "urSeen": "urseen",
        "urUniqueId": "urunique-id",
        "urURL": "ururl",
        "urPostInsecurely": "urpost-insecurely",
        "urInitialDelayS": "urinitial-delays",
        "overwriteRemoteDeviceNamesOnConnect": "overwrite-remote-dev-names",
        "maxFolderConcurrency": "raw-max-folder-concurrency",
        "crURL": "crurl",
        "crashReportingEnabled": "crenabled",
        "stunServers": "raw-stun-servers",
        "maxConcurrentIncomingRequestKiB": "raw-max-cirequest-kib",
        "connectionPriorityTcpLan": "connection-priority-tcplan",
        "connectionPriorityQuicLan": "connection-priority-quiclan",
        "connectionPriorityTcpWan": "connection-priority-tcpwan",
        "connectionPriorityQuicWan": "connection-priority-quicwan",
    },
}
_EVERYWHERE = {"numConnections": "raw-num-connections"}


def dashed(name: str) -> str:
    """A JSON name in words: ``maxSendKbps`` is ``max-send-kbps``."""
    return _BORDER.sub("-", name).lower()


def name_of(value: Any, json: str) -> str:
    """
    What the official tool calls a field.

    :param value: the class that has it; None where only the JSON is known.
    """
    return _OWN.get(value, {}).get(json) or _EVERYWHERE.get(json) or dashed(json)


def meaning(value: Any, keys: list[str], word: str) -> str | None:
    """
    The key that somebody means by a word, in any of its spellings.

    :param value: the class that has the keys, or None.
    """
    by_word = {name_of(value, key): key for key in keys}
    if word in by_word:
        return by_word[word]
    others = {spelling: key for key in keys for spelling in (key.lower(), dashed(key))}
    if value is not None:
        for column in layout(value):
            if column.entry.json in keys:
                others.setdefault(column.entry.name.lower(), column.entry.json)
    return others.get(word.lower())
