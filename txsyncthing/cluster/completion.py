"""
How complete a device is, in the numbers of ``/rest/db/completion``.

Source: reference 7.4 (lib/model/model.go, FolderCompletion).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from txsyncthing.index.values import Counts, Totals
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import RemoteState

ONLY_DELETES = 95.0  # percent, when all bytes are there and deletions are left


@dataclass(frozen=True, slots=True)
class Completion:
    """How much of a folder (or of several) a device has; bytes and items."""

    global_bytes: int = 0
    need_bytes: int = 0
    global_items: int = 0
    need_items: int = 0
    need_deletes: int = 0
    sequence: int = 0
    remote_state: RemoteState = RemoteState.UNKNOWN

    @property
    def completion(self) -> float:
        """In percent."""
        if not self.global_bytes:
            percent = 100.0
        else:
            percent = 100 * (1 - self.need_bytes / self.global_bytes)
        # All bytes there, but not all items: never show it as done.
        if self.need_bytes == 0 and self.need_items == 0 and self.need_deletes:
            return ONLY_DELETES
        return percent


def of_device(counts: Counts, device: DeviceID, state: RemoteState, downloaded: int) -> Completion:
    """
    A peer's completion of one folder.

    :param downloaded: bytes which it has told to have of files that it still needs.
    """
    return _completion(
        counts,
        counts.remote_need(device),
        counts.remote_sequence.get(device, 0),
        state,
        downloaded,
    )


def of_us(counts: Counts, downloaded: int = 0) -> Completion:
    """Our own completion of one folder."""
    return _completion(counts, counts.need, counts.sequence, RemoteState.VALID, downloaded)


def _completion(
    counts: Counts, need: Totals, sequence: int, state: RemoteState, downloaded: int
) -> Completion:
    there = counts.global_
    return Completion(
        global_bytes=there.bytes,
        need_bytes=max(need.bytes - downloaded, 0),
        global_items=there.files + there.directories + there.symlinks,
        need_items=need.files + need.directories + need.symlinks,
        need_deletes=need.deleted,
        sequence=sequence,
        remote_state=state,
    )


def together(parts: Iterable[Completion]) -> Completion:
    """Several folders as one; no sequence, no state."""
    total = Completion()
    for part in parts:
        total = Completion(
            total.global_bytes + part.global_bytes,
            total.need_bytes + part.need_bytes,
            total.global_items + part.global_items,
            total.need_items + part.need_items,
            total.need_deletes + part.need_deletes,
        )
    return total
