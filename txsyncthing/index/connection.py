"""
One SQLite connection, set up alike everywhere, with errors of one vocabulary.

WAL with synchronous=NORMAL: a commit costs no fsync and survives the death of the process; the last
commits may be lost with the machine (store.py says which are not).
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ParamSpec, TypeVar

import apsw

from txsyncthing.index.schema import APPLICATION, SCHEMA, VERSION
from txsyncthing.index.values import DatabaseDamaged, IndexFailed

P = ParamSpec("P")
T = TypeVar("T")

MEMORY = ":memory:"
BUSY = 10_000  # ms that a connection waits for a checkpoint of another
CHECKPOINT = 2000  # pages of 4 KiB in the WAL before the writer moves them home
WAL_LIMIT = 32 * 1024 * 1024  # bytes of WAL file that stay after a checkpoint
_BROKEN = (
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.FormatError,
    apsw.SchemaChangeError,
    apsw.SQLError,  # a table or column is missing
    apsw.ConstraintError,  # a record stands twice
    apsw.MismatchError,
    # What reading records raises that are not what we wrote: SQLite has no checksums.
    UnicodeDecodeError,
    LookupError,
    StopIteration,
    struct.error,
)
REMEDY = (
    "POST /rest/system/reset?folder=ID rebuilds it: the file is moved aside, then the folder is"
    " scanned and the peers send their indexes again; no file of the folder is touched."
)


def connect(path: str, *, cache: int, reading: bool = False) -> apsw.Connection:
    """
    :param path: of the file, or ``:memory:``.
    :param cache: KiB of page cache.
    """
    flags = (
        apsw.SQLITE_OPEN_READONLY
        if reading
        else apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE
    )
    connection = apsw.Connection(path, flags=flags)
    try:
        connection.set_busy_timeout(BUSY)
        connection.execute(f"PRAGMA cache_size = -{cache}; PRAGMA temp_store = MEMORY")
        if not reading:
            # One by one: a statement that answers ends a call, whatever comes behind it.
            connection.pragma("journal_mode", "WAL")
            connection.pragma("synchronous", "NORMAL")
            connection.pragma("wal_autocheckpoint", CHECKPOINT)
            connection.pragma("journal_size_limit", WAL_LIMIT)
    except BaseException:
        connection.close(True)
        raise
    return connection


def prepare(
    connection: apsw.Connection, path: str, schema: str = SCHEMA, application: int = APPLICATION
) -> bool:
    """
    Make the tables in an empty database; otherwise see that it is ours.

    :param application: what tells this kind of database from others, as ``schema`` sets it.
    :returns: whether it was empty.
    :raises DatabaseDamaged: it is something else or of another version.
    """
    found = (connection.pragma("application_id"), connection.pragma("user_version"))
    if found == (application, VERSION):
        return False
    tables = connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
    if found != (0, 0) or tables != (0,):
        raise DatabaseDamaged(
            f"{path}: not a database of this version (application {found[0]:#x}, layout {found[1]};"
            f" {application:#x}, {VERSION} expected). {REMEDY}"
        )
    with durable(connection), connection:
        connection.execute(schema)
    return True


@contextmanager
def durable(connection: apsw.Connection) -> Iterator[None]:
    """What is committed inside outlives a power cut, and all that was committed before it."""
    connection.pragma("synchronous", "FULL")
    try:
        yield
    finally:
        connection.pragma("synchronous", "NORMAL")


def guarded(path: str, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """
    Run a job of the database and put SQLite's errors into our words.

    :raises DatabaseDamaged: the file is broken; no further job will work.
    :raises IndexFailed: the disk is full, or the like; the transaction left no trace.
    """
    try:
        return job(*args, **kwargs)
    except _BROKEN as error:
        raise DatabaseDamaged(f"{path}: the database is damaged ({error!r}). {REMEDY}") from error
    except apsw.FullError as error:
        raise IndexFailed(f"{path}: the disk is full; free some space there") from error
    except apsw.Error as error:
        raise IndexFailed(f"{path}: {error}; see that file, directory and disk are well") from error


def move_aside(path: str) -> str:
    """
    Keep a damaged database for whoever wants to look at it.

    :returns: what became of it: it has the name ``<path>.damaged-<n>``.
    """
    number = 1
    while Path(f"{path}.damaged-{number}").exists():
        number += 1
    aside = f"{path}.damaged-{number}"
    for suffix in ("", "-wal"):
        if Path(path + suffix).exists():
            Path(path + suffix).rename(aside + suffix)
    Path(path + "-shm").unlink(missing_ok=True)
    return f"kept as {aside}"


def delete(path: str) -> str:
    """
    Delete the database of another place, which nobody has open.

    :returns: what became of it.
    """
    for suffix in ("", "-wal", "-shm"):
        Path(path + suffix).unlink(missing_ok=True)
    return "deleted: the folder lies elsewhere now"
