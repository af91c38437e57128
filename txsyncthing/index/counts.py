"""
Totals kept by differences: each changed item takes away what it counted and adds what it counts.

They are stored in the transaction that changes the records, so that a start reads a few rows instead
of counting a hundred thousand.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from txsyncthing.index.need import (
    DIRECTORY,
    GLOBAL,
    IGNORED,
    INVALID,
    LOCAL,
    NEEDED,
    Candidate,
    chosen,
    in_sync,
    needed_here,
    owes_deletion,
)
from txsyncthing.index.rows import clamped
from txsyncthing.index.values import Totals
from txsyncthing.vocabulary.file import BYTES_WITHOUT_CONTENT, FileType, LocalFlag

OURS, GLOBALLY, NEED, RECEIVE_ONLY, IN_SYNC = range(5)
"""Kinds of total, column ``kind``."""

FILES, DIRECTORIES, SYMLINKS, DELETED, BYTES = range(5)
_SLOT = {
    FileType.FILE.value: FILES,
    DIRECTORY: DIRECTORIES,
    FileType.SYMLINK.value: SYMLINKS,
}
_CHANGED_HERE = LocalFlag.RECEIVE_ONLY.value


class Tally:
    """The totals of a folder while records change; see ``settle``."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._sums: dict[tuple[int, int], list[int]] = {}
        self._stored: dict[tuple[int, int], tuple[int, ...]] = {}
        self.load()

    def load(self) -> None:
        """Take the stored totals; after a transaction was undone, too."""
        rows = self._connection.execute(
            "SELECT kind, device, files, directories, symlinks, deleted, bytes FROM totals"
        )
        self._stored = {(kind, device): tuple(sums) for kind, device, *sums in rows}
        self._sums = {key: list(sums) for key, sums in self._stored.items()}

    def save(self) -> None:
        """Write what changed since the last time; inside the transaction."""
        changed = {
            key: new
            for key, sums in self._sums.items()
            if (new := tuple(map(clamped, sums))) != self._stored.get(key)
        }
        self._connection.executemany(
            "INSERT OR REPLACE INTO totals VALUES (?, ?, ?, ?, ?, ?, ?)",
            [(*key, *sums) for key, sums in changed.items()],
        )
        self._stored.update(changed)

    def forget(self, device: int) -> None:
        """Drop the totals of a peer whose records are all gone; inside the transaction."""
        self._sums.pop((IN_SYNC, device), None)
        self._stored.pop((IN_SYNC, device), None)
        self._connection.execute("DELETE FROM totals WHERE device = ? AND device > 0", (device,))

    def totals(self, kind: int, device: int = LOCAL) -> Totals:
        sums = self._sums.get((kind, device))
        return Totals(*sums) if sums else Totals()

    def settle(
        self, before: Sequence[Candidate], after: Sequence[Candidate]
    ) -> tuple[Candidate | None, int]:
        """
        Choose the global version of one item anew and count the difference.

        :param before: all records of the item as they are stored, ascending by device.
        :param after: as they will be.
        :returns: the winner and its state; None and 0 when nobody has the item.
        """
        if before:
            old = next(one for one in before if one.state & GLOBAL)
            self._count(before, old, old.state, -1)
        if not after:
            return None, 0
        winner = chosen(after)
        ours = after[0] if after[0].device == LOCAL else None
        state = GLOBAL | NEEDED if needed_here(winner, ours) else GLOBAL
        self._count(after, winner, state, 1)
        return winner, state

    def _count(
        self, records: Sequence[Candidate], winner: Candidate, state: int, sign: int
    ) -> None:
        ours = records[0]
        if ours.device == LOCAL:
            if not ours.flags & IGNORED:
                self._add(OURS, LOCAL, ours, sign)
            if ours.flags & _CHANGED_HERE:
                self._add(RECEIVE_ONLY, LOCAL, ours, sign)
        if winner.flags & INVALID:
            return
        self._add(GLOBALLY, LOCAL, winner, sign)
        if state & NEEDED:
            self._add(NEED, LOCAL, winner, sign)
        for one in records:
            if one.device == LOCAL:
                continue
            if not winner.deleted:
                if in_sync(winner, one):
                    self._add(IN_SYNC, one.device, winner, sign)
            elif owes_deletion(winner, one):
                self._of(IN_SYNC, one.device)[DELETED] += sign

    def _of(self, kind: int, device: int) -> list[int]:
        sums = self._sums.get((kind, device))
        if sums is None:
            sums = self._sums[kind, device] = [0] * 5
        return sums

    def _add(self, kind: int, device: int, item: Candidate, sign: int) -> None:
        sums = self._sums.get((kind, device))
        if sums is None:
            sums = self._of(kind, device)
        if item.deleted:
            sums[DELETED] += sign
            return
        sums[_SLOT[item.type]] += sign
        sums[BYTES] += sign * (item.size if item.type == FileType.FILE else BYTES_WITHOUT_CONTENT)
