"""
Whose records are in a database: their row numbers, index IDs, sequences and how many records they have.

Source: reference 2.5.
"""

from __future__ import annotations

import apsw

from txsyncthing.index.need import LOCAL
from txsyncthing.index.rows import signed, unsigned
from txsyncthing.vocabulary.device import LOCAL_DEVICE, DeviceID


class DeviceTable:
    """Table ``devices`` with a copy in memory; all changes belong inside a transaction."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.rows: dict[DeviceID, int] = {}  # LOCAL_DEVICE too, as LOCAL
        self._index_ids: dict[int, int] = {}
        self._sequences: dict[int, int] = {}
        self._files: dict[int, int] = {}
        self.load()

    def load(self) -> None:
        """Take what is stored; after a transaction was undone, too."""
        self.rows, self._index_ids, self._sequences, self._files = {}, {}, {}, {}
        for row, raw, index_id, sequence, files in self._connection.execute(
            "SELECT id, device, index_id, sequence, files FROM devices"
        ):
            self.rows[DeviceID(raw)] = row
            self._index_ids[row] = unsigned(index_id)
            self._sequences[row] = sequence
            self._files[row] = files

    def peers(self) -> dict[DeviceID, int]:
        return {device: row for device, row in self.rows.items() if row != LOCAL}

    def add_ourselves(self, index_id: int) -> None:
        self._connection.execute(
            "INSERT INTO devices (id, device, index_id) VALUES (?, ?, ?)",
            (LOCAL, LOCAL_DEVICE.raw, signed(index_id)),
        )
        self.load()

    def row_of(self, device: DeviceID) -> int:
        """The row of a peer, made if need be."""
        row = self.rows.get(device)
        if row is None:
            self._connection.execute("INSERT INTO devices (device) VALUES (?)", (device.raw,))
            row = self.rows[device] = self._connection.last_insert_rowid()
            self._index_ids[row] = self._sequences[row] = self._files[row] = 0
        return row

    def forget(self, device: DeviceID) -> None:
        row = self.rows.pop(device)
        del self._index_ids[row], self._sequences[row], self._files[row]
        self._connection.execute("DELETE FROM devices WHERE id = ?", (row,))

    def index_id(self, row: int | None) -> int:
        return self._index_ids.get(row, 0) if row is not None else 0

    def sequence(self, row: int) -> int:
        return self._sequences[row]

    def files(self, row: int | None) -> int:
        return self._files.get(row, 0) if row is not None else 0

    def set_index_id(self, row: int, index_id: int) -> None:
        self._index_ids[row] = index_id
        self._connection.execute(
            "UPDATE devices SET index_id = ? WHERE id = ?", (signed(index_id), row)
        )

    def set_sequence(self, row: int, sequence: int) -> None:
        self._sequences[row] = sequence
        self._connection.execute("UPDATE devices SET sequence = ? WHERE id = ?", (sequence, row))

    def add_files(self, row: int, count: int) -> None:
        self._files[row] += count
        self._connection.execute(
            "UPDATE devices SET files = ? WHERE id = ?", (self._files[row], row)
        )
