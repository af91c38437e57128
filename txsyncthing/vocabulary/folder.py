"""
What a folder is called, of which type it is, and the state words that REST shows.

Source: reference 5.1 (lib/config/foldertype.go, lib/model/folderstate.go).
"""

from __future__ import annotations

from enum import StrEnum
from typing import NewType

FolderID = NewType("FolderID", str)


class FolderType(StrEnum):
    """Which way changes may go."""

    SEND_RECEIVE = "sendreceive"
    SEND_ONLY = "sendonly"
    RECEIVE_ONLY = "receiveonly"
    RECEIVE_ENCRYPTED = "receiveencrypted"


class FolderState(StrEnum):
    """What a folder does now, in the words of ``/rest/db/status``."""

    STARTING = "starting"
    IDLE = "idle"
    SCAN_WAITING = "scan-waiting"
    SCANNING = "scanning"
    SYNC_WAITING = "sync-waiting"
    SYNC_PREPARING = "sync-preparing"
    SYNCING = "syncing"
    CLEAN_WAITING = "clean-waiting"
    CLEANING = "cleaning"
    ERROR = "error"
    PAUSED = "paused"


class RemoteState(StrEnum):
    """What a peer says of a folder, in the words of ``/rest/db/completion``."""

    UNKNOWN = "unknown"
    NOT_SHARING = "notSharing"
    PAUSED = "paused"
    VALID = "valid"


class PullOrder(StrEnum):
    """In which order needed files are fetched."""

    RANDOM = "random"
    ALPHABETIC = "alphabetic"
    SMALLEST_FIRST = "smallestFirst"
    LARGEST_FIRST = "largestFirst"
    OLDEST_FIRST = "oldestFirst"
    NEWEST_FIRST = "newestFirst"
