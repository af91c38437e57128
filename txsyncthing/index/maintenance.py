"""
Tidying that is no change's business: what is left over goes every few hours, in short steps.

Source: reference 5.10 ("Maintenance").
"""

from __future__ import annotations

from typing import NamedTuple

import apsw

from txsyncthing.index.blocks import FIRST_KEY, BlockTable

SLICE_LISTS = 1000
_OLD_DELETIONS = (
    "SELECT name FROM local WHERE deleted AND global = 1 AND modified < ?1 AND name > ?2"
    " UNION SELECT name FROM remote WHERE deleted AND state = 1 AND modified < ?1 AND name > ?2"
    " ORDER BY name LIMIT ?3"
)


class Maintenance(NamedTuple):
    """Where the tidying stands."""

    lists: int | None = 0  # row in ``lists``; None: done
    blocks: int | None = FIRST_KEY  # key in ``blocks``; None: done


def tidied(
    connection: apsw.Connection, blocks: BlockTable, state: Maintenance
) -> Maintenance | None:
    """
    One step, one short transaction.

    :returns: where to go on; None after the last step.
    """
    if state.lists is not None:
        return state._replace(lists=_drop_lists(connection, state.lists))
    if state.blocks is not None:
        return state._replace(blocks=blocks.clean(state.blocks))
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return None


def _drop_lists(connection: apsw.Connection, after: int) -> int | None:
    with connection:
        (last,) = next(
            connection.execute(
                "SELECT max(rowid) FROM"
                " (SELECT rowid FROM lists WHERE rowid > ? ORDER BY rowid LIMIT ?)",
                (after, SLICE_LISTS),
            )
        )
        if last is None:
            return None
        connection.execute(
            "DELETE FROM lists WHERE rowid > ? AND rowid <= ?"
            " AND NOT EXISTS (SELECT 1 FROM local WHERE local.blocks_hash = lists.blocks_hash)"
            " AND NOT EXISTS (SELECT 1 FROM remote WHERE remote.blocks_hash = lists.blocks_hash)",
            (after, last),
        )
    return int(last)


def old_deletions(
    connection: apsw.Connection, before: int, after: str, limit: int
) -> tuple[str, ...]:
    """
    Names of items that are globally deleted.

    :param before: ns; only deletions older than this.
    :param after: only names behind this.
    """
    found = connection.execute(_OLD_DELETIONS, (before, after, limit))
    return tuple(name for (name,) in found)
