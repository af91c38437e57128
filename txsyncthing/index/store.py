"""
One folder's database: the writer's side. Blocking; only one thread may use an object of it.

A call is one transaction of about a thousand records, well below 100 ms. Only dropping a peer's
records takes several, one per thousand; a crash between them leaves a database that asks the peer
for everything.

No sequence number and no version is ever used twice. A process that dies loses no commit, but a machine that
dies loses what was not synced, and peers may have been told of it. So local changes are on the disk before
anybody hears of them, at the price of one sync for each batch; what peers told can be asked for again.

Source: reference 2.5, 2.6, 5.10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from txsyncthing.index.blocks import BlockTable
from txsyncthing.index.candidates import candidates, mark
from txsyncthing.index.connection import connect, durable, prepare
from txsyncthing.index.counts import GLOBALLY, IN_SYNC, NEED, OURS, RECEIVE_ONLY, Tally
from txsyncthing.index.devices import DeviceTable
from txsyncthing.index.maintenance import Maintenance, old_deletions, tidied
from txsyncthing.index.need import LOCAL, Candidate
from txsyncthing.index.rows import COLUMNS, Values, fitting, long_lists, shared_row
from txsyncthing.index.upgrade import upgrade
from txsyncthing.index.values import Counts
from txsyncthing.vocabulary.device import LOCAL_DEVICE, DeviceID
from txsyncthing.vocabulary.file import FileInfo

CACHE = 4096  # KiB
SLICE = 1000  # records per transaction when many are dropped

_MARKS = ", ".join("?" * 20)
_PUT_LOCAL = f"INSERT INTO local ({COLUMNS}, global) VALUES ({_MARKS})"
_PUT_REMOTE = f"INSERT OR REPLACE INTO remote ({COLUMNS}, device, state) VALUES ({_MARKS}, ?)"


class FolderStore:
    """
    The writer of one folder's database.

    :param random: gives so many random bytes.
    :raises DatabaseDamaged: and SQLite's own errors, see ``connection.guarded``.
    """

    def __init__(self, path: str, random: Callable[[int], bytes]) -> None:
        self._random = random
        self.connection = connect(path, cache=CACHE)
        try:
            self._open(path)
        except BaseException:
            self.connection.close(True)
            raise

    def _open(self, path: str) -> None:
        db = self.connection
        empty = prepare(db, path)
        self._devices = DeviceTable(db)
        with db:
            if empty or LOCAL_DEVICE not in self._devices.rows:
                self._devices.add_ourselves(self._new_index_id())
        upgrade(db)
        self._tally = Tally(db)
        self.blocks = BlockTable(db)

    def _new_index_id(self) -> int:
        while True:
            if id := int.from_bytes(self._random(8), "big"):
                return id

    def close(self) -> None:
        self.connection.close()

    # -- what stands

    @property
    def index_id(self) -> int:
        return self._devices.index_id(LOCAL)

    @property
    def sequence(self) -> int:
        return self._devices.sequence(LOCAL)

    def remote_index_id(self, device: DeviceID) -> int:
        return self._devices.index_id(self._devices.rows.get(device))

    def counts(self) -> Counts:
        peers = self._devices.peers()
        return Counts(
            local=self._tally.totals(OURS),
            global_=self._tally.totals(GLOBALLY),
            need=self._tally.totals(NEED),
            receive_only=self._tally.totals(RECEIVE_ONLY),
            in_sync={device: self._tally.totals(IN_SYNC, row) for device, row in peers.items()},
            remote_sequence={device: self._devices.sequence(row) for device, row in peers.items()},
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
        db = self.connection
        with durable(self.connection), self._transaction():
            first = self.sequence + 1
            rows: dict[str, Values] = {
                file.name: shared_row(file, sequence, file.inode_change)
                for sequence, file in enumerate(files, first)
            }
            written, replaced = self._settle(LOCAL, rows)
            written.sort(key=lambda one: one[0][9])  # by sequence: an append
            db.executemany("INSERT OR IGNORE INTO lists VALUES (?, ?)", long_lists(files))
            db.executemany("DELETE FROM local WHERE sequence = ?", replaced)
            db.executemany(_PUT_LOCAL, [(*row, state) for row, state in written])
            self._devices.set_sequence(LOCAL, first + len(files) - 1)
        return self.counts()

    def forget_local(self, names: Sequence[str]) -> Counts:
        """Drop our records of items that nobody else ever had; no sequence number comes back."""
        gone = tuple(sorted(set(names)))
        with self._transaction():
            self._leave_out(LOCAL, gone)
            self.connection.executemany("DELETE FROM local WHERE name = ?", [(n,) for n in gone])
        return self.counts()

    def update_remote(
        self, device: DeviceID, files: Sequence[FileInfo], replace: bool = False
    ) -> Counts:
        """Store what a peer told; ``replace``: instead of all that it told before."""
        if replace and self._devices.files(self._devices.rows.get(device)) > 2 * SLICE:
            self.drop_remote(device)
            replace = False
        for start in range(0, max(len(files), 1), 2 * SLICE):
            part = files[start : start + 2 * SLICE]
            try:
                self._store_remote(device, part, replace and not start)
            except OverflowError:
                part = [fitting(file) for file in part]
                self._store_remote(device, part, replace and not start)
        return self.counts()

    def maintain(self, state: Maintenance) -> Maintenance | None:
        """
        One step of the tidying that is due every few hours: block lists and lookups nobody uses.

        :param state: at first ``Maintenance()``, then what the last step gave.
        :returns: None when all is done.
        """
        return tidied(self.connection, self.blocks, state)

    def _store_remote(self, device: DeviceID, files: Sequence[FileInfo], replace: bool) -> None:
        db = self.connection
        with self._transaction():
            who = self._devices.row_of(device)
            if replace:
                self._devices.set_sequence(who, 0)
                self._drop_all(who)
            rows: dict[str, Values] = {
                file.name: shared_row(file, file.sequence, 0) for file in files
            }
            written, replaced = self._settle(who, rows)
            db.executemany("INSERT OR IGNORE INTO lists VALUES (?, ?)", long_lists(files))
            db.executemany(_PUT_REMOTE, [(*row, who, state) for row, state in written])
            last = max([self._devices.sequence(who), *(file.sequence for file in files)])
            self._devices.set_sequence(who, last)
            self._devices.add_files(who, len(rows) - len(replaced))

    def drop_remote(self, device: DeviceID) -> Counts:
        """Forget all records of a peer, its sequence first; its index ID stays."""
        who = self._devices.rows.get(device)
        if who is None:
            return self.counts()
        with self._transaction():
            self._devices.set_sequence(who, 0)
            after = self._drop_slice(who, "")
        while after is not None:
            with self._transaction():
                after = self._drop_slice(who, after)
        return self.counts()

    def forget_remote(self, device: DeviceID) -> Counts:
        """Forget a peer altogether, with its index ID."""
        who = self._devices.rows.get(device)
        if who is not None:
            self.drop_remote(device)
            with self._transaction():
                self._tally.forget(who)
                self._devices.forget(device)
        return self.counts()

    def set_remote_index_id(self, device: DeviceID, index_id: int) -> Counts:
        """Note under which ID a peer's records stand; those of another ID are dropped."""
        if index_id == self.remote_index_id(device) and device in self._devices.rows:
            return self.counts()
        if self._devices.files(self._devices.rows.get(device)) > SLICE:
            # The old ID must not outlive the first slice, or a crash would leave half an index under it.
            with self._transaction():
                self._devices.set_index_id(self._devices.row_of(device), 0)
            self.drop_remote(device)
        with self._transaction():
            who = self._devices.row_of(device)
            self._devices.set_sequence(who, 0)
            self._drop_all(who)
            self._devices.set_index_id(who, index_id)
        return self.counts()

    def forget_deletions(self, before: int, after: str) -> str | None:
        """
        Forget deletions that everybody who knew the item has made, one transaction's worth.

        :param before: ns; only older ones.
        :param after: only names behind this.
        :returns: where to go on; None when nothing is left.
        """
        names = old_deletions(self.connection, before, after, SLICE)
        with self._transaction():
            gone = {
                name: records
                for name, records in candidates(self.connection, names).items()
                if all(one.deleted for one in records)
            }
            for records in gone.values():
                self._tally.settle(records, ())
                for one in records:
                    if one.device != LOCAL:
                        self._devices.add_files(one.device, -1)
            keys = [(name,) for name in gone]
            self.connection.executemany("DELETE FROM local WHERE name = ?", keys)
            self.connection.executemany("DELETE FROM remote WHERE name = ?", keys)
        return names[-1] if len(names) == SLICE else None

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
            self._devices.load()
            raise

    def _settle(
        self, who: int, rows: Mapping[str, Values]
    ) -> tuple[list[tuple[Values, int]], list[tuple[int]]]:
        """
        Count the new records of one device and move the marks of the others.

        :returns: the rows with their states, and the sequences of the records they replace.
        """
        names = sorted(rows)  # each page of a tree is visited once
        known = candidates(self.connection, tuple(names))
        settle = self._tally.settle
        written: list[tuple[Values, int]] = []
        replaced: list[tuple[int]] = []
        marks: list[tuple[str, Candidate, int]] = []
        for name in names:
            row = rows[name]
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
        mark(self.connection, marks)
        return written, replaced

    def _drop_all(self, who: int) -> None:
        after: str | None = ""
        while after is not None:
            after = self._drop_slice(who, after)

    def _drop_slice(self, who: int, after: str) -> str | None:
        """
        Drop up to SLICE records of a peer.

        :param after: only names behind this.
        :returns: the last name; None when nothing is left.
        """
        db = self.connection
        query = "SELECT name FROM remote WHERE device = ? AND name > ? ORDER BY name LIMIT ?"
        found = db.execute(query, (who, after, SLICE))
        names: tuple[str, ...] = tuple(name for (name,) in found)
        self._leave_out(who, names)
        db.executemany(
            "DELETE FROM remote WHERE name = ? AND device = ?", [(name, who) for name in names]
        )
        self._devices.add_files(who, -len(names))
        return names[-1] if len(names) == SLICE else None

    def _leave_out(self, who: int, names: tuple[str, ...]) -> None:
        """Choose and count these items anew without the records of one device."""
        marks: list[tuple[str, Candidate, int]] = []
        for name, before in candidates(self.connection, names).items():
            left = [one for one in before if one.device != who]
            winner, state = self._tally.settle(before, left)
            marks.extend((name, one, state if one is winner else 0) for one in left)
        mark(self.connection, marks)
