"""
Which local files hold a block, or have the same content as another.

Table ``blocks`` is no part of the records: it is brought up to date by whoever asks, in slices, so that a
scan pays nothing for it. Rows of records that are gone stay until maintenance; each hit is
compared with the record's own hashes, so that they, and keys that coincide, do no harm.

A list of one block has a single row, under the key of the list: who looks for a block asks for the
key of the block, and for the key of the list that consists of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

import apsw

from txsyncthing.index.rows import LOCAL_COLUMNS, SHORT, file_info
from txsyncthing.vocabulary.block import HASH_SIZE
from txsyncthing.vocabulary.file import INVALID_FLAGS, FileInfo
from txsyncthing.vocabulary.name import WireName

LIST = -1  # in column ``number``
SLICE_FILES = 2000
SLICE_BLOCKS = 20_000
FIRST_KEY, LAST_KEY = -(1 << 63), (1 << 63) - 1
_DONE = "blocks"  # fact: the sequence up to which local records are in the table
_SOUND = f"NOT local.deleted AND local.local_flags & {INVALID_FLAGS.value} = 0"


def key(hash: bytes) -> int:
    """The first 8 bytes of a hash as SQLite's signed number."""
    return int.from_bytes(hash[:8], "big", signed=True)


class BlockTable:
    """The writer's side: fills and cleans."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        found = connection.execute("SELECT value FROM facts WHERE key = ?", (_DONE,)).fetchone()
        self.done = int(found[0]) if found else 0

    def advance(self) -> bool:
        """One transaction's worth of new records; says whether there are more."""
        db = self._connection
        with db:
            rows: list[tuple[int, int, int]] = []
            done = self.done
            files = 0
            for sequence, hashes in db.execute(
                "SELECT sequence, coalesce(local.hashes, lists.hashes) FROM local"
                " LEFT JOIN lists ON lists.blocks_hash = local.blocks_hash"
                f" WHERE sequence > ? AND type = 0 AND {_SOUND} ORDER BY sequence LIMIT ?",
                (done, SLICE_FILES),
            ):
                rows += _rows_of(sequence, hashes or b"")
                done = sequence
                files += 1
                if len(rows) >= SLICE_BLOCKS:
                    break
            more = files == SLICE_FILES or len(rows) >= SLICE_BLOCKS
            if not more:
                last = db.execute("SELECT sequence FROM devices WHERE id = 0").fetchone()
                done = last[0] if last else done
            rows.sort()
            db.executemany("INSERT OR IGNORE INTO blocks VALUES (?, ?, ?)", rows)
            db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (_DONE, str(done).encode()))
        self.done = done
        return more

    def clean(self, after: int) -> int | None:
        """
        Drop the rows of records that are gone, one transaction's worth.

        :param after: the key where the last call stopped; at first the smallest number.
        :returns: where to go on; None at the end.
        """
        db = self._connection
        with db:
            next = db.execute(
                "SELECT key FROM blocks WHERE key > ? ORDER BY key LIMIT 1 OFFSET ?",
                (after, SLICE_BLOCKS),
            ).fetchone()
            db.execute(
                "DELETE FROM blocks WHERE key > ? AND key <= ? AND NOT EXISTS"
                " (SELECT 1 FROM local WHERE local.sequence = blocks.sequence)",
                (after, next[0] if next else LAST_KEY),
            )
        return int(next[0]) if next else None


def _rows_of(sequence: int, hashes: bytes) -> Iterable[tuple[int, int, int]]:
    count = len(hashes) // HASH_SIZE
    if len(hashes) <= SHORT:
        yield key(sha256(hashes).digest()), sequence, LIST
        if count == 1:
            return
    for number in range(count):
        at = number * HASH_SIZE
        yield int.from_bytes(hashes[at : at + 8], "big", signed=True), sequence, number


_JOINED = (
    " CROSS JOIN local USING (sequence) LEFT JOIN lists ON lists.blocks_hash = local.blocks_hash"
)
_PLACE = (
    "SELECT name, max(number, 0) FROM blocks"
    f"{_JOINED} WHERE key IN (?1, ?2) AND {_SOUND}"
    f" AND substr(coalesce(local.hashes, lists.hashes), max(number, 0) * {HASH_SIZE} + 1, {HASH_SIZE})"
    " = ?3 LIMIT ?4"
)
_SHORT_CONTENT = (
    f"SELECT {LOCAL_COLUMNS} FROM blocks{_JOINED} WHERE key = ? AND number = {LIST} AND {_SOUND}"
)
_LONG_CONTENT = (
    f"SELECT {LOCAL_COLUMNS} FROM local"
    " CROSS JOIN lists ON lists.blocks_hash = local.blocks_hash"
    f" WHERE local.blocks_hash = ? AND {_SOUND}"
)


def find_blocks(
    connection: apsw.Connection, hashes: Sequence[bytes], limit: int = 4
) -> dict[bytes, list[tuple[WireName, int]]]:
    """
    Where blocks lie on our disk.

    :param limit: places per block at most.
    :returns: by hash, (name, block number); only hashes that were found.
    """
    found: dict[bytes, list[tuple[WireName, int]]] = {}
    for hash in hashes:
        whole = key(sha256(hash).digest())
        if places := list(connection.execute(_PLACE, (key(hash), whole, hash, limit))):
            found[hash] = places
    return found


def find_content(
    connection: apsw.Connection, contents: Sequence[bytes], limit: int = 16
) -> dict[bytes, list[FileInfo]]:
    """
    Local files by the hash of their block list.

    :param limit: files per content at most.
    :returns: by hash; only hashes that were found.
    """
    found: dict[bytes, list[FileInfo]] = {}
    for content in contents:
        files = [
            file_info(row)
            for row in connection.execute(f"{_LONG_CONTENT} LIMIT ?", (content, limit))
        ]
        for row in () if files else connection.execute(_SHORT_CONTENT, (key(content),)):
            file = file_info(row)
            if file.blocks_hash == content:  # or the key is another's
                files.append(file)
                if len(files) == limit:
                    break
        if files:
            found[content] = files
    return found
