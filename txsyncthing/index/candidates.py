"""
What all devices say of some items, read for the choice of the global versions, and its outcome written.
"""

from __future__ import annotations

from collections.abc import Sequence

import apsw

from txsyncthing.index.need import LOCAL, Candidate

_COLUMNS = "version, local_flags, modified, type, deleted, size"
_CANDIDATES = (
    f"SELECT name, 0, {_COLUMNS}, global, sequence"
    " FROM carray(?1) AS asked CROSS JOIN local ON name = asked.value"
    f" UNION ALL SELECT name, device, {_COLUMNS}, state, sequence"
    " FROM carray(?1) AS asked CROSS JOIN remote ON name = asked.value"
)


def candidates(db: apsw.Connection, names: tuple[str, ...]) -> dict[str, list[Candidate]]:
    """The records of each item, ascending by device."""
    known: dict[str, list[Candidate]] = {}
    if not names:
        return known
    for name, *rest in db.execute(_CANDIDATES, (apsw.carray(names),)):
        known.setdefault(name, []).append(Candidate._make(rest))
    return known


def mark(db: apsw.Connection, marks: Sequence[tuple[str, Candidate, int]]) -> None:
    """Store the states of records, where they have changed; inside a transaction."""
    moved = [(name, one, state) for name, one, state in marks if one.state != state]
    db.executemany(
        "UPDATE local SET global = ? WHERE sequence = ?",
        [(state, one.sequence) for _, one, state in moved if one.device == LOCAL],
    )
    db.executemany(
        "UPDATE remote SET state = ? WHERE name = ? AND device = ?",
        [(state, name, one.device) for name, one, state in moved if one.device != LOCAL],
    )
