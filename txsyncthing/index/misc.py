"""
Small facts of the whole node: who knocked, what was offered, when devices were here.

Blocking; only one thread may use an object of it.

Source: reference 3.5, 7.4.
"""

from __future__ import annotations

from txsyncthing.index.connection import connect, prepare
from txsyncthing.index.schema import VERSION

CACHE = 256  # KiB
APPLICATION = 0x7478536D  # "txSm"
SCHEMA = f"""
CREATE TABLE facts (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""


class MiscStore:
    """
    A table of named byte strings.

    :raises DatabaseDamaged: and SQLite's own errors, see ``connection.guarded``.
    """

    def __init__(self, path: str) -> None:
        self._connection = connect(path, cache=CACHE)
        try:
            prepare(self._connection, path, SCHEMA, APPLICATION)
        except BaseException:
            self._connection.close(True)
            raise

    def close(self) -> None:
        self._connection.close()

    def fact(self, key: str) -> bytes | None:
        found = self._connection.execute("SELECT value FROM facts WHERE key = ?", (key,)).fetchone()
        return bytes(found[0]) if found else None

    def facts(self, prefix: str) -> dict[str, bytes]:
        """All facts whose keys start so."""
        found = self._connection.execute(
            "SELECT key, value FROM facts WHERE substr(key, 1, ?) = ? ORDER BY key",
            (len(prefix), prefix),
        )
        return {key: bytes(value) for key, value in found}

    def set_fact(self, key: str, value: bytes | None) -> None:
        """Keep a fact; None forgets it."""
        if value is None:
            self._connection.execute("DELETE FROM facts WHERE key = ?", (key,))
        else:
            self._connection.execute("INSERT OR REPLACE INTO facts VALUES (?, ?)", (key, value))
