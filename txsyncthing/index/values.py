"""
What the index answers: rows for scans, needs for pulls, totals for status; and what it raises.

Source: reference 5.10 and 7.4 (which numbers REST shows).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo, FileType
from txsyncthing.vocabulary.name import WireName


class IndexFailed(Exception):
    """The database could not do its work now (disk full, no permission); it may be tried again."""


class DatabaseDamaged(IndexFailed):
    """
    The database is no database, or broken, or of another layout.

    The text names the file and the remedy. ``FolderIndex.rebuild`` is that remedy: nothing is lost,
    since the index only repeats what the folder and the peers can tell again.
    """


class Row(NamedTuple):
    """What a scan compares with the disk: a local record without hashes."""

    name: WireName
    type: FileType
    size: int
    modified: int  # ns
    permissions: int
    no_permissions: bool
    deleted: bool
    local_flags: int  # vocabulary LocalFlag
    inode_change: int  # ns
    symlink_target: bytes
    block_size: int
    platform: bytes = b""


class Need(NamedTuple):
    """One item to be pulled."""

    wanted: FileInfo  # the global version, with hashes
    have: FileInfo | None  # what we have now
    devices: tuple[DeviceID, ...]  # who has exactly the wanted version, valid


class Totals(NamedTuple):
    """How many items of each kind, and their bytes (a directory counts 128)."""

    files: int = 0
    directories: int = 0
    symlinks: int = 0
    deleted: int = 0
    bytes: int = 0

    @property
    def items(self) -> int:
        return self.files + self.directories + self.symlinks + self.deleted

    def without(self, other: Totals) -> Totals:
        return Totals(*(a - b for a, b in zip(self, other, strict=True)))


class Counts(NamedTuple):
    """All totals of one folder after one transaction."""

    local: Totals = Totals()  # ours, the ignored left out
    global_: Totals = Totals()  # valid ones
    need: Totals = Totals()  # ``deleted``: deletions we have to make
    receive_only: Totals = Totals()  # changed here in a receive-only folder
    in_sync: Mapping[DeviceID, Totals] = {}  # per peer; ``deleted``: deletions it has yet to make
    remote_sequence: Mapping[DeviceID, int] = {}
    sequence: int = 0  # ours

    def remote_need(self, device: DeviceID) -> Totals:
        """What a peer lacks, by what it told us; a peer that told nothing lacks all that exists."""
        have = self.in_sync.get(device, Totals())
        return self.global_.without(have)._replace(deleted=have.deleted)
