"""
What we need and no device that is connected has: how much, and who has it.

Questions to the reader's connection, in pieces as in ``risk.py``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import NamedTuple

from txsyncthing.index.need import INVALID
from txsyncthing.index.reader import FolderReader
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.name import WireName

SAMPLE = 5

_HAS = f"o.name = r.name AND o.version = r.version AND NOT o.local_flags & {INVALID}"
_NOBODY = (
    "FROM remote AS r INDEXED BY remote_needed WHERE r.state = 3 AND r.name > ?1 AND r.name <= ?2"
    f" AND NOT r.deleted AND NOT EXISTS (SELECT 1 FROM remote AS o WHERE {_HAS} AND o.device IN (%s))"
)


class Amount(NamedTuple):
    """Items and the bytes of the files among them."""

    items: int = 0
    bytes: int = 0

    def plus(self, other: Amount) -> Amount:
        return Amount(self.items + other.items, self.bytes + other.bytes)


class Missing(NamedTuple):
    """
    Needed items that nobody who is connected has.

    :ivar by: how much of it each device has; an item may count for several.
    """

    total: Amount = Amount()
    by: Mapping[DeviceID, Amount] = {}
    sample: tuple[WireName, ...] = ()

    def plus(self, other: Missing) -> Missing:
        by = dict(self.by)
        for device, amount in other.by.items():
            by[device] = by.get(device, Amount()).plus(amount)
        sample = (*self.sample, *other.sample)[:SAMPLE]
        return Missing(self.total.plus(other.total), by, sample)


def missing(
    reader: FolderReader, after: str, last: str, connected: Collection[DeviceID]
) -> Missing:
    """Of the needed items behind ``after``, up to ``last``."""
    ids = {
        id: DeviceID(device)
        for id, device in reader.connection.execute("SELECT id, device FROM devices WHERE id > 0")
    }
    here = ", ".join(str(id) for id, device in ids.items() if device in connected)
    nobody, bounds = _NOBODY % here, (after, last)
    total = reader.connection.execute(f"SELECT count(*), total(r.size) {nobody}", bounds).fetchone()
    assert total is not None
    if not total[0]:
        return Missing()
    by = reader.connection.execute(
        "SELECT o.device, count(*), total(o.size) FROM"
        f" (SELECT r.name, r.version {nobody}) AS r CROSS JOIN remote AS o ON {_HAS} GROUP BY o.device",
        bounds,
    )
    found = {ids[id]: Amount(items, int(size)) for id, items, size in by}
    names = reader.connection.execute(f"SELECT r.name {nobody} ORDER BY r.name LIMIT 5", bounds)
    sample = tuple(WireName(name) for (name,) in names)
    return Missing(Amount(total[0], int(total[1])), found, sample)
