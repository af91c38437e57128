"""
What a folder says of itself: all that ``/rest/db/status`` and ``/rest/folder/errors`` show.

Source: reference 7.4 (lib/model/folder_summary.go).
"""

from __future__ import annotations

from dataclasses import dataclass, field

from txsyncthing.index.values import Totals
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.folder import FolderID, FolderState

_NOTHING = Totals()


@dataclass(frozen=True, slots=True)
class FolderStatus:
    """One folder at one moment."""

    id: FolderID
    state: FolderState
    state_changed: float  # unix seconds
    error: str = ""  # why the state is ``error``
    scan_errors: tuple[ItemError, ...] = ()
    pull_errors: tuple[ItemError, ...] = ()
    local: Totals = _NOTHING
    global_: Totals = _NOTHING
    need: Totals = _NOTHING
    receive_only: Totals = _NOTHING
    need_bytes: int = 0  # without what already lies in temporary files
    sequence: int = 0
    remote_sequence: dict[DeviceID, int] = field(default_factory=dict)
    ignore_patterns: bool = False  # whether there is any
    last_scan: float = 0.0  # unix seconds of the last whole scan, 0: none yet
    last_file: LastFile | None = None
    next_try: float | None = None  # unix seconds, of what could not be pulled
    next_scan: float | None = None  # the same; None: never by itself
    watch_error: str = ""  # why it, or a part of it, is not watched

    @property
    def failed(self) -> int:
        """How many items failed."""
        return len(self.scan_errors) + len(self.pull_errors)

    @property
    def errors(self) -> tuple[ItemError, ...]:
        """What ``/rest/folder/errors`` lists, by name. There may be very many: this is for workers."""
        return tuple(sorted((*self.scan_errors, *self.pull_errors)))

    @property
    def in_sync_files(self) -> int:
        return self.global_.files - self.need.files

    @property
    def in_sync_bytes(self) -> int:
        return max(0, self.global_.bytes - self.need_bytes)


@dataclass(frozen=True, slots=True)
class LastFile:
    """What was pulled last, for ``/rest/stats/folder``."""

    name: str
    at: float  # unix seconds
    deleted: bool
