"""
Questions whose answers are long lists: what all devices have, what one lacks, what was changed here, what we
need only by name. Each answers a part of bounded size; ask again behind the last name for the next.

To be asked with ``FolderIndex.ask``.

Source: reference 5.9, 5.10 ("Remote need"), 7.4 (browse, remoteneed, localchanged).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import apsw

from txsyncthing.index.need import DIRECTORY, INVALID
from txsyncthing.index.reader import NEED_BYTES, FolderReader
from txsyncthing.index.rows import COLUMNS, LOCAL_COLUMNS, file_info
from txsyncthing.index.upgrade import CHANGED_HERE
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName

_VALID = f"local_flags & {INVALID} = 0"


Entry = tuple[str, int, int, int]
"""
An item that is there globally: name, time of modification in ns, ``FileType``, size. A plain tuple, of which
the garbage collector need not look at a million.
"""


def browse(
    reader: FolderReader, prefix: str, after: str, depth: int, directories: bool, limit: int
) -> list[Entry]:
    """
    Valid global items that are not deleted, by name.

    :param prefix: ends in ``/`` and is what the names begin with; or empty.
    :param after: only names behind this.
    :param depth: how many ``/`` a name may have; -1: any number.
    :param directories: only these.
    """
    bounds, condition = [max(after, prefix), limit], "name > ?1"
    if prefix:
        condition += " AND name < ?3"
        bounds.append(f"{prefix[:-1]}0")  # 0 follows the slash
    if depth >= 0:
        condition += f" AND length(name) - length(replace(name, '/', '')) <= {depth}"
    if directories:
        condition += f" AND type = {DIRECTORY}"
    found: Any = reader.connection.execute(
        f"SELECT name, modified, type, size FROM local"
        f" WHERE global = 1 AND NOT deleted AND {_VALID} AND {condition} UNION ALL"
        f" SELECT name, modified, type, size FROM remote"
        f" WHERE state & 1 AND NOT deleted AND {_VALID} AND {condition} ORDER BY name LIMIT ?2",
        tuple(bounds),
    )
    entries: list[Entry] = found.fetchall()
    return entries


class Lacking(NamedTuple):
    """A part of what a device lacks."""

    names: list[WireName]
    after: str | None  # where to go on; None: this was all


_LACKING = (
    "SELECT world.name, CASE WHEN world.deleted THEN"
    f" NOT theirs.deleted AND (theirs.{_VALID} OR theirs.version <> world.version)"
    " ELSE theirs.version IS NOT world.version END FROM ("
    "SELECT name, version, deleted FROM local"
    f" WHERE global = 1 AND {_VALID} AND name > ?1 UNION ALL"
    f" SELECT name, version, deleted FROM remote WHERE state & 1 AND {_VALID} AND name > ?1"
    " ORDER BY name LIMIT ?2) AS world"
    " LEFT JOIN remote AS theirs ON theirs.name = world.name AND theirs.device = ?3"
    " ORDER BY world.name"
)


def lacking(reader: FolderReader, device: DeviceID, after: str, limit: int) -> Lacking:
    """
    What a peer needs, by what it told us; of one that told nothing, all that is there.

    :param limit: so many items are looked at.
    """
    row = reader.connection.execute("SELECT id FROM devices WHERE device = ?", (device.raw,))
    who = next((id for (id,) in row if id), -1)
    found: list[Any] = reader.connection.execute(_LACKING, (after, limit, who)).fetchall()
    names = [WireName(name) for name, lacks in found if lacks]
    return Lacking(names, found[-1][0] if len(found) == limit else None)


def global_without_hashes(reader: FolderReader, names: Sequence[str]) -> list[FileInfo]:
    """The global versions of these names, by name, for lists that people read."""
    asked = apsw.carray(tuple(names))
    rows: list[Any] = []
    for table, state in (("local", "global"), ("remote", "state")):
        rows += reader.connection.execute(
            f"SELECT {COLUMNS} FROM carray(?) AS asked"
            f" CROSS JOIN {table} ON name = asked.value AND {state} & 1",
            (asked,),
        )
    return [_bare(row) for row in sorted(rows)] if names else []


def changed(reader: FolderReader, after: str, limit: int) -> list[FileInfo]:
    """
    Our records of what was changed here in a receive-only folder, with hashes, by name. Fewer than
    ``limit`` come when their block lists are huge; the end is reached when none comes.
    """
    files: list[FileInfo] = []
    size = 0
    for row in reader.connection.execute(
        f"SELECT {LOCAL_COLUMNS} FROM local"
        " LEFT JOIN lists ON lists.blocks_hash = local.blocks_hash"
        f" WHERE local.{CHANGED_HERE} AND name > ? ORDER BY name LIMIT ?",
        (after, limit),
    ):
        size += len(row[11] or b"")
        if files and size > NEED_BYTES:
            break
        files.append(file_info(row))
    return files


def changed_directories(reader: FolderReader, before: str | None, limit: int) -> list[FileInfo]:
    """
    Directories that were made here in a receive-only folder, those below others first.

    :param before: only names ahead of this; None for all.
    """
    found = reader.connection.execute(
        f"SELECT {COLUMNS} FROM local WHERE {CHANGED_HERE} AND type = {DIRECTORY} AND NOT deleted"
        " AND (?1 IS NULL OR name < ?1) ORDER BY name DESC LIMIT ?2",
        (before, limit),
    )
    return list(map(file_info, found))


def changed_page(reader: FolderReader, offset: int, limit: int) -> list[FileInfo]:
    """The same as ``changed`` without hashes, for a list that people read."""
    found = reader.connection.execute(
        f"SELECT {COLUMNS} FROM local WHERE {CHANGED_HERE} ORDER BY name LIMIT ? OFFSET ?",
        (limit, offset),
    )
    return list(map(_bare, found))


def _bare(row: Any) -> FileInfo:
    return file_info(row)._replace(hashes=b"")


class Needed(NamedTuple):
    """A needed item by name."""

    name: WireName
    alike: bool  # whether ours has the same content; of times and modes nothing is said


_NEEDED = (
    f"SELECT remote.name, local.{_VALID} AND local.type = remote.type AND local.size = remote.size"
    " AND local.deleted = remote.deleted AND local.hashes IS remote.hashes"
    " AND local.blocks_hash IS remote.blocks_hash"
    " AND local.symlink_target IS remote.symlink_target"
    " FROM remote LEFT JOIN local ON local.name = remote.name"
    " WHERE state = 3 AND remote.name > ? ORDER BY remote.name LIMIT ?"
)


def needed_names(reader: FolderReader, after: str, limit: int) -> list[Needed]:
    """What is to be pulled, by name behind ``after``."""
    found = reader.connection.execute(_NEEDED, (after, limit))
    return [Needed(WireName(name), bool(alike)) for name, alike in found]
