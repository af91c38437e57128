"""
Whether two versions are in conflict, and how the local one is put aside.

Source: reference 5.6 (lib/model/folder_sendrecv.go moveForConflict; lib/protocol InConflictWith).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from txsyncthing.filesystem.case import CaseConflict
from txsyncthing.filesystem.seam import Filesystem, Kind
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo, same_content
from txsyncthing.vocabulary.name import (
    MAX_COMPONENT,
    WireName,
    base_name,
    conflict_name,
    conflict_origin,
    extension,
    is_conflict_of,
    join,
    parent,
)

_TAG = len(".sync-conflict-20060102-150405-ABCDEFG")
_TRIES = 60  # seconds that may be taken by copies of the same second


def in_conflict(have: FileInfo | None, wanted: FileInfo, me: ShortID) -> bool:
    """
    Whether the local file would be lost though nobody who made ``wanted`` knew it.

    Only regular files can be; equal content never is, nor a version that says it was made from the
    very bytes we have.

    :param me: our own counter in versions.
    """
    if have is None or have.deleted or not have.is_file or same_content(have, wanted):
        return False
    if wanted.version.covers(have.version) and not _of_lost_record(have, wanted, me):
        return False
    return not (wanted.previous_blocks_hash and wanted.previous_blocks_hash == have.blocks_hash)


def _of_lost_record(have: FileInfo, wanted: FileInfo, me: ShortID) -> bool:
    """
    Whether a version seems to know ours only because it knows one of which we have lost the record.

    What we made last has the highest counter that we ever gave the file. A peer knows of a higher one where
    our database is a new one, or a power cut took its last commits, and the clock was set back as well.
    """
    made = have.version.value(me)
    return have.modified_by == me and made > 0 and wanted.version.value(me) > made


def keep_copy(
    filesystem: Filesystem,
    name: WireName,
    by: ShortID,
    now: float,
    limit: int,
    sync: bool = True,
) -> WireName | None:
    """
    Give the local file its conflict name; a worker's job.

    The file gets the second name as a hard link, so that it is never without one, whenever the power
    goes; the caller then replaces or removes the first. Without hard links the file is renamed.

    A file that is a conflict copy itself gets another conflict name of its origin: two devices which lose
    against the same winner within one second choose one name for two contents.

    :param by: who made the version that wins.
    :param now: unix seconds.
    :param limit: maxConflicts; -1 for any number.
    :param sync: let the name be on the disk before anything else happens to the file.
    :returns: the copy; None where the limit says that none is to be kept.
    """
    if limit == 0:
        return None
    kept = _second_name(filesystem, name, by, datetime.fromtimestamp(now))
    if sync:
        with undone_on_failure(filesystem, kept, name):
            filesystem.sync_directory(parent(kept))
    if limit > 0:
        _prune(filesystem, conflict_origin(name), limit, {name, kept})
    return kept


@contextmanager
def undone_on_failure(
    filesystem: Filesystem, copy: WireName | None, name: WireName
) -> Iterator[None]:
    """
    Undo ``keep_copy`` where what it was for fails in here: a copy that is the very file goes again.

    Else each attempt would leave one more, and the oldest would make room for it.

    :param copy: None where none was kept.
    """
    try:
        yield
    except Exception:
        if copy is not None:
            _take_back(filesystem, copy, name)
        raise


def _take_back(filesystem: Filesystem, copy: WireName, name: WireName) -> None:
    with suppress(OSError):
        kept = filesystem.lstat(copy)
        try:
            still = filesystem.lstat(name)
        except FileNotFoundError:
            filesystem.place(copy, name)
            return
        if still.inode == kept.inode:
            filesystem.remove(copy)


def _second_name(filesystem: Filesystem, name: WireName, by: ShortID, when: datetime) -> WireName:
    short = _shortened(conflict_origin(name))
    for later in range(_TRIES):
        kept = conflict_name(short, when + timedelta(seconds=later), by)
        try:
            filesystem.link(name, kept)
        except FileExistsError:
            continue
        except FileNotFoundError:
            raise
        except OSError:
            if _taken(filesystem, kept):
                continue
            filesystem.rename(name, kept)
        return kept
    raise FileExistsError(f"{name}: all conflict names of this minute are taken")


def _shortened(name: WireName) -> WireName:
    """The name, without so many letters before its extension that a conflict name of it can exist."""
    base = base_name(name)
    ending = extension(base)
    room = MAX_COMPONENT - _TAG
    if len(base.encode()) <= room:
        return name
    if len(ending.encode()) > room // 2:
        ending = ""
    stem = base[: len(base) - len(ending)]
    while len(stem.encode()) + len(ending.encode()) > room:
        stem = stem[:-1]
    return join(parent(name), stem + ending)


def _taken(filesystem: Filesystem, name: WireName) -> bool:
    try:
        filesystem.lstat(name)
    except FileNotFoundError:
        return False
    except CaseConflict:
        return True
    return True


def _prune(
    filesystem: Filesystem, origin: WireName, limit: int, spared: Collection[WireName]
) -> None:
    """
    Remove the oldest copies (lowest by name) beyond the limit.

    :param spared: not these, whatever their names: with a clock set back the newest may look the oldest.
    """
    directory = parent(origin)
    copies = [
        copy
        for entry in filesystem.list(directory)
        if entry.stat.kind is Kind.FILE
        and is_conflict_of(copy := join(directory, entry.base), origin)
    ]
    for copy in sorted(copies)[:-limit]:
        if copy not in spared:
            with suppress(OSError):  # a copy too many does no harm
                filesystem.remove(copy)
