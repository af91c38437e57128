"""
What a pull would take away from us, counted before anything is touched.

An item is at risk when the needed version deletes what we have, or puts other bytes in its place. New items,
equal content, modes and times are none, nor is what the owner of a receive-only folder reverted (its record
has an empty version). What other devices moved is no deletion: its bytes come back under the new name.

Everything here is a question to the reader's connection, in pieces, so that no question is long.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import apsw

from txsyncthing.index.reader import FolderReader
from txsyncthing.index.values import Need
from txsyncthing.vocabulary.device import DeviceID, ShortID
from txsyncthing.vocabulary.file import FileType, LocalFlag
from txsyncthing.vocabulary.name import WireName

PIECE = 20_000  # needed items in one question
SAMPLE = 20  # names that are told
_FILE, _DIRECTORY, _LINK = (kind.value for kind in FileType)
_ALL = 1 << 64

# ?1 and ?2: the first name excluded, the last one included.
_RANGE = "r.state = 3 AND r.name > ?1 AND r.name <= ?2"
_SAME = (
    f"r.type = l.type AND CASE r.type WHEN {_FILE} THEN r.size = l.size AND r.hashes IS l.hashes"
    f" AND r.blocks_hash IS l.blocks_hash WHEN {_LINK} THEN r.symlink_target IS l.symlink_target"
    " ELSE 1 END"
)
_JOINED = "FROM remote AS r INDEXED BY remote_needed CROSS JOIN local AS l ON l.name = r.name"
# What is ignored here stays as it is, whatever its record says.
_LIVE = f"NOT l.deleted AND length(l.version) > 0 AND l.local_flags & {LocalFlag.IGNORED.value} = 0"
# A file or link that was changed in a receive-only folder outlives its deletion by others.
_KEPT = f"r.deleted AND l.local_flags & {LocalFlag.RECEIVE_ONLY.value} AND l.type <> {_DIRECTORY}"
_RISKY = f"{_LIVE} AND NOT ({_KEPT}) AND (r.deleted OR NOT ({_SAME}))"
# What one of the marks covers: some device told this very version before the mark was set.
_COVERED = (
    "EXISTS (SELECT 1 FROM marks JOIN remote AS o ON o.device = marks.device AND o.name = r.name"
    " WHERE o.version = r.version AND o.sequence <= marks.sequence)"
)
# Contents of new files that may come: a deletion of the same bytes here is a move.
_MOVED = (
    f"r.deleted AND l.type = {_FILE} AND l.size > 0 AND coalesce(l.blocks_hash, l.hashes) IN ("
    " SELECT coalesce(n.blocks_hash, n.hashes) FROM remote AS n INDEXED BY remote_needed"
    f" WHERE n.state = 3 AND NOT n.deleted AND n.type = {_FILE} AND n.size > 0 AND comes(n.name)"
    " AND NOT EXISTS (SELECT 1 FROM local AS h WHERE h.name = n.name AND NOT h.deleted))"
)

Mark = tuple[int, int]
"""Index ID and sequence of a device: all that it told until then."""

Marks = Mapping[DeviceID, Mark]
Comes = Callable[[str], bool]
"""Whether an item of this name may be written here: it is not ignored, and no bad name."""


class Lost(NamedTuple):
    """How many items at risk are deletions, and how many overwrites."""

    deletions: int = 0
    overwrites: int = 0

    @property
    def items(self) -> int:
        return self.deletions + self.overwrites

    def plus(self, other: Lost) -> Lost:
        return Lost(self.deletions + other.deletions, self.overwrites + other.overwrites)

    def minus(self, other: Lost) -> Lost:
        return Lost(self.deletions - other.deletions, self.overwrites - other.overwrites)


class Endangered(NamedTuple):
    """One item at risk."""

    name: WireName
    deleted: bool
    by: ShortID
    modified: int  # ns; when it was deleted or changed there


def marks_now(reader: FolderReader) -> Marks:
    """How far each device's records are known."""
    return {
        DeviceID(device): (id % _ALL, sequence)
        for device, id, sequence in reader.connection.execute(
            "SELECT device, index_id, sequence FROM devices WHERE id > 0"
        )
    }


def next_piece(reader: FolderReader, after: str) -> str | None:
    """
    Where the piece of needed items behind a name ends.

    :returns: its last name; None when there is none behind it.
    """
    found = reader.connection.execute(
        "SELECT max(name) FROM (SELECT name FROM remote INDEXED BY remote_needed"
        " WHERE state = 3 AND name > ? ORDER BY name LIMIT ?)",
        (after, PIECE),
    ).fetchone()
    last: str | None = found[0] if found else None
    return last


class Counted(NamedTuple):
    """
    What is at risk, by who asks for it.

    :ivar old: how many of the items we have had since a mark, as they are.
    """

    by: dict[ShortID, Lost]
    old: int = 0

    def plus(self, other: Counted) -> Counted:
        by = dict(self.by)
        for device, lost in other.by.items():
            by[device] = by.get(device, Lost()).plus(lost)
        return Counted(by, self.old + other.old)

    def minus(self, other: Counted) -> Counted:
        """:param other: a part of this."""
        by = {device: lost.minus(other.by.get(device, Lost())) for device, lost in self.by.items()}
        return Counted(by, self.old - other.old)

    @property
    def items(self) -> int:
        return sum(lost.items for lost in self.by.values())


def count(
    reader: FolderReader, after: str, last: str, marks: Marks, deletions: bool, mark: int = 0
) -> Counted:
    """
    What is at risk in one piece.

    :param marks: what they cover is left out.
    :param deletions: whether deletions are made here at all.
    :param mark: a sequence of ours; records until there are old.
    """
    rows = reader.connection.execute(
        f"{_with(reader, marks)} SELECT r.modified_by, sum(r.deleted), sum(NOT r.deleted),"
        f" sum(l.sequence <= ?3) {_JOINED}"
        f" WHERE {_RANGE} AND {_RISKY} {_wanted(deletions)} {_uncovered(marks)} GROUP BY r.modified_by",
        (after, last, mark),
    )
    return _counted(rows)


def moved(reader: FolderReader, marks: Marks, comes: Comes, mark: int = 0) -> Counted:
    """Which of the deletions are moves. One long question; only for when much seems at risk."""
    _set_comes(reader, comes)
    rows = reader.connection.execute(
        f"{_with(reader, marks)} SELECT r.modified_by, count(*), 0, sum(l.sequence <= ?) {_JOINED}"
        f" WHERE r.state = 3 AND {_LIVE} AND {_MOVED} {_uncovered(marks)} GROUP BY r.modified_by",
        (mark,),
    )
    return _counted(rows)


def _counted(rows: Iterable[Sequence[Any]]) -> Counted:
    total = Counted({})
    for by, deleted, other, old in rows:
        total = total.plus(Counted({_short(by): Lost(deleted, other)}, old))
    return total


def sample(
    reader: FolderReader, marks: Marks, deletions: bool, limit: int = SAMPLE
) -> list[Endangered]:
    """The first items at risk."""
    rows = reader.connection.execute(
        f"{_with(reader, marks)} SELECT r.name, r.deleted, r.modified_by, r.modified {_JOINED}"
        f" WHERE r.state = 3 AND {_RISKY} {_wanted(deletions)} {_uncovered(marks)}"
        " ORDER BY r.name LIMIT ?",
        (limit,),
    )
    return [
        Endangered(WireName(name), bool(deleted), _short(by), modified)
        for name, deleted, by, modified in rows
    ]


def at_risk(reader: FolderReader, names: Sequence[WireName], marks: Marks) -> set[WireName]:
    """Which of these needed items are at risk, and not covered."""
    rows = reader.connection.execute(
        f"{_with(reader, marks)} SELECT r.name FROM carray(?) AS asked"
        " CROSS JOIN remote AS r ON r.name = asked.value AND r.state = 3"
        f" CROSS JOIN local AS l ON l.name = r.name WHERE {_RISKY} {_uncovered(marks)}",
        (apsw.carray(tuple(names)),),
    )
    return {WireName(name) for (name,) in rows}


def above_held(
    reader: FolderReader, directories: Sequence[WireName], marks: Marks, comes: Comes
) -> set[WireName]:
    """Which of these directories have files or links below them whose deletion waits."""
    _set_comes(reader, comes)
    question = (
        f"{_with(reader, marks)} SELECT 1 {_JOINED} WHERE r.state = 3 AND r.name > ? AND r.name < ?"
        f" AND r.deleted AND l.type <> {_DIRECTORY} AND {_RISKY} AND NOT coalesce(({_MOVED}), 0)"
        f" {_uncovered(marks)} LIMIT 1"
    )
    return {
        one
        for one in directories
        if reader.connection.execute(question, (f"{one}/", f"{one}0")).fetchone()
    }


def harmless(reader: FolderReader, after: str, limit: int, marks: Marks) -> list[Need]:
    """The needed items behind a name which are not at risk, or covered."""
    rows = reader.connection.execute(
        f"{_with(reader, marks)} SELECT r.name FROM remote AS r INDEXED BY remote_needed"
        " LEFT JOIN local AS l ON l.name = r.name WHERE r.state = 3 AND r.name > ?"
        f" AND (l.name IS NULL OR NOT ({_RISKY}) {_or_covered(marks)}) ORDER BY r.name LIMIT ?",
        (after, limit),
    )
    return reader.needed([name for (name,) in rows])


def doomed(reader: FolderReader, marks: Marks, comes: Comes) -> list[WireName]:
    """All deletions which are moves, or covered. One long question."""
    _set_comes(reader, comes)
    rows = reader.connection.execute(
        f"{_with(reader, marks)} SELECT r.name {_JOINED} WHERE r.state = 3 AND r.deleted AND {_LIVE}"
        f" AND (({_MOVED}) {_or_covered(marks)}) ORDER BY r.name"
    )
    return [WireName(name) for (name,) in rows]


def needed(reader: FolderReader, names: Sequence[WireName]) -> list[Need]:
    """Those of these items that are needed."""
    return reader.needed(names)


def covered(reader: FolderReader, after: str, limit: int, marks: Marks) -> list[Need]:
    """Items at risk behind a name which the marks cover."""
    if not marks:
        return []
    rows = reader.connection.execute(
        f"{_with(reader, marks)} SELECT r.name {_JOINED} WHERE r.state = 3 AND r.name > ?"
        f" AND {_RISKY} AND {_COVERED} ORDER BY r.name LIMIT ?",
        (after, limit),
    )
    return reader.needed([name for (name,) in rows])


def _set_comes(reader: FolderReader, comes: Comes) -> None:
    """Let questions ask ``comes(name)``."""
    reader.connection.create_scalar_function(
        "comes", lambda *names: comes(str(names[0])), 1, deterministic=True
    )


def _with(reader: FolderReader, marks: Marks) -> str:
    """The marks as a table, of devices whose index is still the one that was marked."""
    if not marks:
        return ""
    now: list[Any] = list(
        reader.connection.execute("SELECT device, id, index_id FROM devices WHERE id > 0")
    )
    rows = [
        f"({int(row)}, {int(marks[DeviceID(device)][1])})"
        for device, row, id in now
        if DeviceID(device) in marks and marks[DeviceID(device)][0] == id % _ALL
    ]
    return f"WITH marks (device, sequence) AS (VALUES {', '.join(rows or ['(-1, 0)'])})"


def _uncovered(marks: Marks) -> str:
    return f"AND NOT {_COVERED}" if marks else ""


def _or_covered(marks: Marks) -> str:
    return f"OR {_COVERED}" if marks else ""


def _wanted(deletions: bool) -> str:
    return "" if deletions else "AND NOT r.deleted"


def _short(stored: int) -> ShortID:
    return ShortID(stored % _ALL)
