"""
One folder's database: the writer's side. Blocking; only one thread may use an object of it.

A call is one transaction of about a thousand records, well below 100 ms. Only dropping a peer's
records takes several, one per thousand; a crash between them leaves a database that asks the peer
for everything.

Sequence numbers are never used twice under one index ID. A process that dies loses no commit, but a
machine that dies may lose the last ones, whose sequence numbers peers may have seen. So the first
local change of a session notes durably in which boot of the machine it happens, a clean close takes the
note back, and whoever finds a note of another boot gives the index a new ID: all peers then get it whole.

Source: reference 2.5, 2.6, 5.10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import apsw

from txsyncthing.index.blocks import BlockTable
from txsyncthing.index.connection import connect, prepare
from txsyncthing.index.counts import GLOBALLY, IN_SYNC, NEED, OURS, RECEIVE_ONLY, Tally
from txsyncthing.index.need import LOCAL, Candidate
from txsyncthing.index.rows import (
    COLUMNS,
    Values,
    fitting,
    long_lists,
    shared_row,
    signed,
    unsigned,
)
from txsyncthing.index.values import Counts
from txsyncthing.vocabulary.device import LOCAL_DEVICE, DeviceID
from txsyncthing.vocabulary.file import FileInfo

CACHE = 4096  # KiB
SLICE = 1000  # records per transaction when many are dropped
_SESSION = "session"  # fact: the boot in which local changes were made, while open

_MARKS = ", ".join("?" * 20)
_PUT_LOCAL = f"INSERT INTO local ({COLUMNS}, global) VALUES ({_MARKS})"
_PUT_REMOTE = f"INSERT OR REPLACE INTO remote ({COLUMNS}, device, state) VALUES ({_MARKS}, ?)"
_CANDIDATE = "version, local_flags, modified, type, deleted, size"
_CANDIDATES = (
    f"SELECT name, 0, {_CANDIDATE}, global, sequence"
    " FROM carray(?1) AS asked CROSS JOIN local ON name = asked.value"
    f" UNION ALL SELECT name, device, {_CANDIDATE}, state, sequence"
    " FROM carray(?1) AS asked CROSS JOIN remote ON name = asked.value"
)


class FolderStore:
    """
    The writer of one folder's database.

    :param random: gives so many random bytes.
    :param boot: names the current boot of the machine; empty when unknown.
    :raises DatabaseDamaged: and SQLite's own errors, see ``connection.guarded``.
    """

    def __init__(self, path: str, random: Callable[[int], bytes], boot: bytes) -> None:
        self._random = random
        self._boot = boot
        self._noted = False
        self.connection = connect(path, cache=CACHE)
        try:
            self._open(path)
        except BaseException:
            self.connection.close(True)
            raise

    def _open(self, path: str) -> None:
        db = self.connection
        if prepare(db, path):
            with db:
                db.execute(
                    "INSERT INTO devices (id, device, index_id) VALUES (0, ?, ?)",
                    (LOCAL_DEVICE.raw, self._new_index_id()),
                )
        noted = self.fact(_SESSION)
        if noted is not None and (not self._boot or noted != self._boot):
            with db:
                db.execute("UPDATE devices SET index_id = ? WHERE id = 0", (self._new_index_id(),))
                db.execute("DELETE FROM facts WHERE key = ?", (_SESSION,))
        elif noted is not None:
            self._noted = True
        self._tally = Tally(db)
        self.blocks = BlockTable(db)
        self._load()

    def _new_index_id(self) -> int:
        while True:
            if id := int.from_bytes(self._random(8), "big"):
                return signed(id)

    def _load(self) -> None:
        rows = list(self.connection.execute("SELECT id, device, index_id, sequence FROM devices"))
        self._rows = {DeviceID(device): id for id, device, _, _ in rows}
        self._index_ids: dict[int, int] = {id: unsigned(index_id) for id, _, index_id, _ in rows}
        self._sequences: dict[int, int] = {id: sequence for id, _, _, sequence in rows}

    def close(self) -> None:
        """Note that no sequence number can have been lost, and close."""
        if self._noted:
            with self._durable(), self._transaction():
                self.connection.execute("DELETE FROM facts WHERE key = ?", (_SESSION,))
        self.connection.close()

    # -- what stands

    @property
    def index_id(self) -> int:
        return self._index_ids[LOCAL]

    @property
    def sequence(self) -> int:
        return self._sequences[LOCAL]

    def remote_index_id(self, device: DeviceID) -> int:
        return self._index_ids.get(self._rows.get(device, -1), 0)

    def counts(self) -> Counts:
        peers = {device: row for device, row in self._rows.items() if row != LOCAL}
        return Counts(
            local=self._tally.totals(OURS),
            global_=self._tally.totals(GLOBALLY),
            need=self._tally.totals(NEED),
            receive_only=self._tally.totals(RECEIVE_ONLY),
            in_sync={device: self._tally.totals(IN_SYNC, row) for device, row in peers.items()},
            remote_sequence={device: self._sequences[row] for device, row in peers.items()},
            sequence=self.sequence,
        )

    def fact(self, key: str) -> bytes | None:
        found = self.connection.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
        return bytes(found[0]) if found else None

    def advance_blocks(self) -> bool:
        """Bring the block lookup a slice nearer to the records; says whether there is more to do."""
        return self.blocks.advance()

    def set_fact(self, key: str, value: bytes | None) -> None:
        with self._transaction():
            if value is None:
                self.connection.execute("DELETE FROM facts WHERE key = ?", (key,))
            else:
                self.connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, value))

    # -- changes

    def update_local(self, files: Sequence[FileInfo]) -> Counts:
        """Give the files the next sequence numbers in their order and store them; of one name the last."""
        if not files:
            return self.counts()
        if not self._noted:
            with self._durable():
                self._store_local(files, note=True)
            self._noted = True
        else:
            self._store_local(files, note=False)
        return self.counts()

    def _store_local(self, files: Sequence[FileInfo], note: bool) -> None:
        db = self.connection
        with self._transaction():
            if note:
                db.execute(
                    "INSERT OR REPLACE INTO facts VALUES (?, ?)", (_SESSION, self._boot or b"?")
                )
            first = self.sequence + 1
            rows: dict[str, Values] = {
                file.name: shared_row(file, sequence, file.inode_change)
                for sequence, file in enumerate(files, first)
            }
            written, replaced = self._settle(LOCAL, rows)
            db.executemany("INSERT OR IGNORE INTO lists VALUES (?, ?)", long_lists(files))
            db.executemany("DELETE FROM local WHERE sequence = ?", replaced)
            db.executemany(_PUT_LOCAL, [(*row, state) for row, state in written])
            self._set_sequence(LOCAL, first + len(files) - 1)

    def update_remote(
        self, device: DeviceID, files: Sequence[FileInfo], replace: bool = False
    ) -> Counts:
        """Store what a peer told; ``replace``: instead of all that it told before."""
        if replace and self._count_files(device) > 2 * SLICE:
            self.drop_remote(device)
            replace = False
        try:
            self._store_remote(device, files, replace)
        except OverflowError:
            self._store_remote(device, [fitting(file) for file in files], replace)
        return self.counts()

    def _store_remote(self, device: DeviceID, files: Sequence[FileInfo], replace: bool) -> None:
        db = self.connection
        with self._transaction():
            who = self._row_of(device)
            if replace:
                self._set_sequence(who, 0)
                while self._drop_slice(who):
                    pass
            rows: dict[str, Values] = {
                file.name: shared_row(file, file.sequence, 0) for file in files
            }
            written, replaced = self._settle(who, rows)
            db.executemany("INSERT OR IGNORE INTO lists VALUES (?, ?)", long_lists(files))
            db.executemany(_PUT_REMOTE, [(*row, who, state) for row, state in written])
            last = max([self._sequences[who], *(file.sequence for file in files)])
            self._set_sequence(who, last)
            self._add_files(who, len(rows) - len(replaced))

    def drop_remote(self, device: DeviceID) -> Counts:
        """Forget all records of a peer, its sequence first; its index ID stays."""
        who = self._rows.get(device)
        if who is None:
            return self.counts()
        with self._transaction():
            self._set_sequence(who, 0)
            more = self._drop_slice(who)
        while more:
            with self._transaction():
                more = self._drop_slice(who)
        return self.counts()

    def forget_remote(self, device: DeviceID) -> Counts:
        """Forget a peer altogether, with its index ID."""
        who = self._rows.get(device)
        if who is not None:
            self.drop_remote(device)
            with self._transaction():
                self._tally.forget(who)
                self.connection.execute("DELETE FROM devices WHERE id = ?", (who,))
                del self._rows[device], self._sequences[who], self._index_ids[who]
        return self.counts()

    def set_remote_index_id(self, device: DeviceID, index_id: int) -> Counts:
        """Note under which ID a peer's records stand; those of another ID are dropped."""
        if index_id == self.remote_index_id(device) and device in self._rows:
            return self.counts()
        if self._count_files(device) > SLICE:
            # The old ID must not outlive the first slice, or a crash would leave half an index under it.
            with self._transaction():
                self._set_index_id(self._row_of(device), 0)
            self.drop_remote(device)
        with self._transaction():
            who = self._row_of(device)
            self._set_sequence(who, 0)
            while self._drop_slice(who):
                pass
            self._set_index_id(who, index_id)
        return self.counts()

    # -- inside transactions

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self.connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._tally.save()
            self.connection.execute("COMMIT")
        except BaseException:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
            self._tally.load()
            self._load()
            raise

    @contextmanager
    def _durable(self) -> Iterator[None]:
        """What is committed inside outlives a power cut, and all that was committed before it."""
        self.connection.execute("PRAGMA synchronous = FULL")
        try:
            yield
        finally:
            self.connection.execute("PRAGMA synchronous = NORMAL")

    def _settle(
        self, who: int, rows: Mapping[str, Values]
    ) -> tuple[list[tuple[Values, int]], list[tuple[int]]]:
        """
        Count the new records of one device and move the marks of the others.

        :returns: the rows with their states, and the sequences of the records they replace.
        """
        known = self._candidates(tuple(rows))
        settle = self._tally.settle
        written: list[tuple[Values, int]] = []
        replaced: list[tuple[int]] = []
        marks: list[tuple[str, Candidate, int]] = []
        for name, row in rows.items():
            # version, local_flags, modified, type, deleted, size
            new = Candidate(who, row[8], row[17], row[3], row[1], row[7], row[2], 0, row[9])
            before = known.get(name)
            if before is None:
                _, state = settle((), (new,))
                written.append((row, state))
                continue
            after = [one for one in before if one.device < who]
            after.append(new)
            for one in before:
                if one.device == who:
                    replaced.append((one.sequence,))
                elif one.device > who:
                    after.append(one)
            winner, state = settle(before, after)
            written.append((row, state if winner is new else 0))
            for one in after:
                if one is not new:
                    marks.append((name, one, state if one is winner else 0))
        self._mark(marks)
        return written, replaced

    def _candidates(self, names: tuple[str, ...]) -> dict[str, list[Candidate]]:
        known: dict[str, list[Candidate]] = {}
        if not names:
            return known
        for name, *rest in self.connection.execute(_CANDIDATES, (apsw.carray(names),)):
            known.setdefault(name, []).append(Candidate._make(rest))
        return known

    def _mark(self, marks: Sequence[tuple[str, Candidate, int]]) -> None:
        moved = [(name, one, state) for name, one, state in marks if one.state != state]
        self.connection.executemany(
            "UPDATE local SET global = ? WHERE sequence = ?",
            [(state, one.sequence) for _, one, state in moved if one.device == LOCAL],
        )
        self.connection.executemany(
            "UPDATE remote SET state = ? WHERE name = ? AND device = ?",
            [(state, name, one.device) for name, one, state in moved if one.device != LOCAL],
        )

    def _drop_slice(self, who: int) -> bool:
        """Drop up to SLICE records of a peer; says whether there may be more."""
        db = self.connection
        names: tuple[str, ...] = tuple(
            name
            for (name,) in db.execute(
                "SELECT name FROM remote WHERE device = ? LIMIT ?", (who, SLICE)
            )
        )
        marks: list[tuple[str, Candidate, int]] = []
        for name, before in self._candidates(names).items():
            after = [one for one in before if one.device != who]
            winner, state = self._tally.settle(before, after)
            marks.extend((name, one, state if one is winner else 0) for one in after)
        self._mark(marks)
        db.executemany(
            "DELETE FROM remote WHERE name = ? AND device = ?", [(name, who) for name in names]
        )
        self._add_files(who, -len(names))
        return len(names) == SLICE

    def _row_of(self, device: DeviceID) -> int:
        who = self._rows.get(device)
        if who is None:
            self.connection.execute("INSERT INTO devices (device) VALUES (?)", (device.raw,))
            who = self._rows[device] = self.connection.last_insert_rowid()
            self._index_ids[who] = self._sequences[who] = 0
        return who

    def _count_files(self, device: DeviceID) -> int:
        who = self._rows.get(device)
        found: Any = self.connection.execute(
            "SELECT files FROM devices WHERE id = ?", (who,)
        ).fetchone()
        return int(found[0]) if found else 0

    def _add_files(self, who: int, count: int) -> None:
        self.connection.execute("UPDATE devices SET files = files + ? WHERE id = ?", (count, who))

    def _set_sequence(self, who: int, sequence: int) -> None:
        self._sequences[who] = sequence
        self.connection.execute("UPDATE devices SET sequence = ? WHERE id = ?", (sequence, who))

    def _set_index_id(self, who: int, index_id: int) -> None:
        self._index_ids[who] = index_id
        self.connection.execute(
            "UPDATE devices SET index_id = ? WHERE id = ?", (signed(index_id), who)
        )
