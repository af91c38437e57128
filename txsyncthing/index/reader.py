"""
One folder's database: the reader's side. Blocking; only one thread may use an object of it.

Every call reads what was committed when it began. Nothing returns more than its limits allow.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import apsw

from txsyncthing.index.blocks import find_blocks, find_content
from txsyncthing.index.connection import connect
from txsyncthing.index.need import INVALID
from txsyncthing.index.rows import (
    COLUMNS,
    LOCAL_COLUMNS,
    REMOTE_COLUMNS,
    ROW_COLUMNS,
    file_info,
    scan_row,
)
from txsyncthing.index.values import Need, Row
from txsyncthing.vocabulary.block import HASH_SIZE
from txsyncthing.vocabulary.device import LOCAL_DEVICE, DeviceID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import PullOrder
from txsyncthing.vocabulary.name import WireName

CACHE = 2048  # KiB
NEED_BYTES = 16 * 1024 * 1024  # of block hashes in one answer


def _lists(table: str) -> str:
    return f"LEFT JOIN lists ON lists.blocks_hash = {table}.blocks_hash"


_AFTER = f"SELECT {LOCAL_COLUMNS} FROM local {_lists('local')} WHERE sequence > ? ORDER BY sequence LIMIT ?"
_NAMED_LOCAL = (
    f"SELECT {LOCAL_COLUMNS}, 0, global FROM carray(?) AS asked"
    f" CROSS JOIN local ON name = asked.value {_lists('local')}"
)
_NAMED_REMOTE = (
    f"SELECT {REMOTE_COLUMNS}, device, state FROM carray(?) AS asked"
    f" CROSS JOIN remote ON name = asked.value {_lists('remote')}"
)
_NEED = (
    f"SELECT {REMOTE_COLUMNS} FROM remote {_lists('remote')}"
    " WHERE state = 3 AND name > ? ORDER BY name LIMIT ?"
)
_NEEDED = (
    f"SELECT {REMOTE_COLUMNS} FROM carray(?) AS asked"
    f" CROSS JOIN remote ON name = asked.value AND state = 3 {_lists('remote')}"
)
_OWNERS = (
    "SELECT name, version, device FROM carray(?) AS asked CROSS JOIN remote ON name = asked.value"
    f" WHERE local_flags & {INVALID} = 0"
)
_ORDERS = {
    PullOrder.RANDOM: "name",
    PullOrder.ALPHABETIC: "name",
    PullOrder.SMALLEST_FIRST: "size, name",
    PullOrder.LARGEST_FIRST: "size DESC, name",
    PullOrder.OLDEST_FIRST: "modified, name",
    PullOrder.NEWEST_FIRST: "modified DESC, name",
}


class FolderReader:
    """Questions to one folder's database."""

    def __init__(self, connection: apsw.Connection) -> None:
        self.connection = connection

    @classmethod
    def open(cls, path: str) -> FolderReader:
        """A reader with a connection of its own; the database exists."""
        return cls(connect(path, cache=CACHE, reading=True))

    def close(self) -> None:
        self.connection.close()

    def rows(self, after: str, prefix: str, limit: int) -> list[Row]:
        """Local records for a scan, in the order of their names' code points."""
        if not prefix:
            return self._rows("name > ?", after, limit=limit)
        rows: list[Row] = []
        if after < prefix:
            rows += self._rows("name = ?", prefix, limit=limit)
        below = prefix + "/"  # and "0" follows "/"
        limit -= len(rows)
        rows += self._rows("name > ? AND name < ?", max(after, below), prefix + "0", limit=limit)
        return rows

    def _rows(self, condition: str, *bounds: str, limit: int) -> list[Row]:
        found = self.connection.execute(
            f"SELECT {ROW_COLUMNS} FROM local WHERE {condition} ORDER BY name LIMIT ?",
            (*bounds, limit),
        )
        return list(map(scan_row, found))

    def local_after(self, sequence: int, max_files: int, max_blocks: int) -> list[FileInfo]:
        """
        Local records in ascending sequence, for one Index message.

        At most one record too many, a deletion behind a record that is none: so both halves of a rename
        travel together (reference 2.5, "Rename coupling").
        """
        files: list[FileInfo] = []
        blocks = 0
        for row in self.connection.execute(_AFTER, (sequence, max_files + 1)):
            full = len(files) >= max_files or blocks >= max_blocks
            if full and (not row[7] or files[-1].deleted):
                break
            files.append(file_info(row))
            if full:
                break
            blocks += len(files[-1].hashes) // HASH_SIZE
        return files

    def local(self, names: Sequence[str]) -> dict[WireName, FileInfo]:
        return {row[0]: file_info(row) for row in self._named(_NAMED_LOCAL, names)}

    def global_(self, names: Sequence[str]) -> dict[WireName, FileInfo]:
        found: dict[WireName, FileInfo] = {}
        for query in (_NAMED_LOCAL, _NAMED_REMOTE):
            found.update(
                (row[0], file_info(row)) for row in self._named(query, names) if row[20] & 1
            )
        return found

    def versions(self, name: str) -> dict[DeviceID, FileInfo]:
        """What each device says of an item; LOCAL_DEVICE for us."""
        devices = self._devices()
        found: dict[DeviceID, FileInfo] = {}
        for query in (_NAMED_LOCAL, _NAMED_REMOTE):
            for row in self._named(query, [name]):
                found[devices[row[19]]] = file_info(row)
        return found

    def devices_with_global(self, name: str) -> list[DeviceID]:
        """Which peers have the global version, and valid."""
        versions = self.global_([name])
        if not versions:
            return []
        wanted = versions[WireName(name)].version
        return [
            device
            for device, file in self.versions(name).items()
            if device != LOCAL_DEVICE and file.version == wanted and not file.invalid
        ]

    def need(self, after: str, limit: int) -> list[Need]:
        """
        What is to be pulled, by name. Fewer than ``limit`` come when their block lists are huge; the
        end is reached when none comes.
        """
        return self._needs(self.connection.execute(_NEED, (after, limit)))

    def needed(self, names: Sequence[str]) -> list[Need]:
        """Those of these items that are to be pulled, in the order given; fewer, as with ``need``."""
        return self._needs(self._named(_NEEDED, names))

    def _needs(self, found: Iterable[Any]) -> list[Need]:
        rows: list[Any] = []
        size = 0
        for row in found:
            size += len(row[11] or b"")
            if rows and size > NEED_BYTES:
                break
            rows.append(row)
        if not rows:
            return []
        names = tuple(row[0] for row in rows)
        have = self.local(names)
        devices = self._devices()
        versions = {row[0]: row[8] for row in rows}
        owners: dict[str, list[DeviceID]] = {name: [] for name in names}
        for name, version, device in self.connection.execute(_OWNERS, (apsw.carray(names),)):
            if version == versions[name]:
                owners[name].append(devices[device])
        return [Need(file_info(row), have.get(row[0]), tuple(owners[row[0]])) for row in rows]

    def need_queue(self, order: PullOrder, offset: int, limit: int) -> list[FileInfo]:
        """The global versions of needed items without long lists of hashes, for lists that people read."""
        found = self.connection.execute(
            f"SELECT {COLUMNS} FROM remote WHERE state = 3"
            f" ORDER BY {_ORDERS[order]} LIMIT ? OFFSET ?",
            (limit, offset),
        )
        return [file_info(row)._replace(hashes=b"") for row in found]

    def find_blocks(self, hashes: Sequence[bytes]) -> dict[bytes, list[tuple[WireName, int]]]:
        return find_blocks(self.connection, hashes)

    def find_content(self, contents: Sequence[bytes]) -> dict[bytes, list[FileInfo]]:
        return find_content(self.connection, contents)

    def fact(self, key: str) -> bytes | None:
        found = self.connection.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
        return found[0] if found else None

    def _named(self, query: str, names: Sequence[str]) -> Iterable[Any]:
        return self.connection.execute(query, (apsw.carray(tuple(names)),)) if names else ()

    def _devices(self) -> dict[int, DeviceID]:
        rows = self.connection.execute("SELECT id, device FROM devices")
        return {id: DeviceID(device) for id, device in rows}
