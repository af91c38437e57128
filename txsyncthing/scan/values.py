"""What a scan is told, and what it tells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from txsyncthing.vocabulary.attributes import NO_ATTRIBUTES, Attributes
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import LocalFlag


class ScanStopped(Exception):
    """The folder became unhealthy while it was scanned; no deletion was recorded."""


class BadSub(ValueError):
    """A part of the folder to be scanned that lies outside of it."""


@dataclass(frozen=True, slots=True)
class ScanOptions:
    """
    What a folder's configuration says of scans (reference 6.2).

    :ivar modified_window: nanoseconds, modTimeWindowS.
    :ivar keep_temporaries: seconds, keepTemporariesH.
    :ivar local_flags: of all that changed here; RECEIVE_ONLY in such folders.
    :ivar hashers: jobs at once; 0: one for each core.
    :ivar author: whose counter in versions counts our changes, if not our own.
    :ivar attributes: which owners and extended attributes are told to peers.
    :ivar thorough: look for those of all items, whether they seem to have changed or not.
    """

    ignore_permissions: bool = False
    auto_normalize: bool = True
    modified_window: int = 0
    keep_temporaries: float = 24 * 3600.0
    local_flags: LocalFlag = LocalFlag.NONE
    hashers: int = 0
    author: ShortID | None = None
    attributes: Attributes = NO_ATTRIBUTES
    thorough: bool = False


class ScanProgress(NamedTuple):
    """How far the hashing is, in bytes; told when the whole is known."""

    done: int
    total: int


class ScanResult(NamedTuple):
    """How a scan ended."""

    errors: tuple[ItemError, ...]
    changed: int  # items recorded, but for deletions
    deleted: int


class Work(NamedTuple):
    """
    An item that needs a new record.

    :ivar size: bytes to hash; -1 for what is no file.
    :ivar block_size: of the record we have; 0 without one.
    :ivar known: whether there is a record, be it of a deleted item.
    """

    name: str
    size: int
    block_size: int
    known: bool
