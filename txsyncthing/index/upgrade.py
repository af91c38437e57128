"""
What a database of an older version lacks; nothing of it changes the layout of records.

The marks and totals are differences upon differences: when a rule of the choice changes, all are made anew.
"""

from __future__ import annotations

import apsw

from txsyncthing.index.candidates import candidates, mark
from txsyncthing.index.counts import Tally
from txsyncthing.index.need import Candidate
from txsyncthing.vocabulary.file import LocalFlag

CHANGED_HERE = f"local_flags & {LocalFlag.RECEIVE_ONLY.value}"
"""Of records in ``local``: changed here in a receive-only folder. In these very words, for the index."""

_RULES = "rules"  # fact: by which rules of need.py and counts.py the database is marked and counted
_NOW = b"2"
_PAGE = 1000
_NAMES = (
    "SELECT name FROM local WHERE name > ?1 UNION SELECT name FROM remote WHERE name > ?1"
    " ORDER BY name LIMIT ?2"
)


def upgrade(db: apsw.Connection) -> None:
    """Bring a database up to date, in one transaction; cheap if it is."""
    found = db.execute("SELECT value FROM facts WHERE key = ?", (_RULES,)).fetchone()
    if found and found[0] == _NOW:
        return
    with db:
        db.execute(f"CREATE INDEX IF NOT EXISTS local_changed ON local (name) WHERE {CHANGED_HERE}")
        _recount(db)
        db.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (_RULES, _NOW))


def _recount(db: apsw.Connection) -> None:
    db.execute("DELETE FROM totals")
    tally = Tally(db)
    after = ""
    while names := tuple(name for (name,) in db.execute(_NAMES, (after, _PAGE))):
        after = names[-1]
        marks: list[tuple[str, Candidate, int]] = []
        for name, records in candidates(db, names).items():
            winner, state = tally.settle((), records)
            marks.extend((name, one, state if one is winner else 0) for one in records)
        mark(db, marks)
    tally.save()
