"""
The steps on disk of a pulled rename: a file is moved instead of being fetched. All of it runs in workers.

Source: reference 5.5 ("Rename shortcut"); lib/model/folder_sendrecv.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from txsyncthing.filesystem.attributes import Named
from txsyncthing.filesystem.case import CaseConflict, only_case_differs
from txsyncthing.filesystem.metadata import same_bytes, same_time
from txsyncthing.filesystem.seam import Filesystem, Stat
from txsyncthing.pull.attributes import fits, recorded
from txsyncthing.pull.conflict import in_conflict, undone_on_failure
from txsyncthing.pull.failure import Cause, ItemFailed
from txsyncthing.pull.finish import (
    MOVED,
    Change,
    Outcome,
    deleted,
    each,
    finished,
    mode_of,
    sync_directories,
)
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.target import (
    AnotherMoved,
    Placed,
    clear,
    in_directory,
    look,
    replace,
    unchanged,
)
from txsyncthing.vocabulary.block import block_count
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName, parent, temporary_name


class Rename(NamedTuple):
    """A wanted file whose bytes lie here under a name that is to be deleted."""

    wanted: FileInfo
    have: FileInfo | None
    source: FileInfo  # what we have under the old name
    gone: FileInfo  # the deletion of the old name


def rename_files(
    filesystem: Filesystem, items: Sequence[Rename], options: PullOptions, now: float
) -> list[Outcome]:
    """Move files on disk instead of fetching them; ``spoiled`` is set where the source has changed."""
    names = [item.wanted.name for item in items]
    steps = [partial(_rename, item=item, options=options, now=now) for item in items]
    outcomes = each(filesystem, names, steps, options.sync)
    if options.sync:
        with filesystem.batch() as batch:
            sync_directories(batch, {parent(item.source.name) for item in items})
    return outcomes


def _rename(filesystem: Filesystem, item: Rename, options: PullOptions, now: float) -> Outcome:
    wanted, source = item.wanted, item.source
    where, found = _source(filesystem, item)
    if found is None or not unchanged(filesystem, where, found, source, options):
        return _missed(wanted, source.name)
    if not fits(filesystem, where, wanted, options.attributes):
        return _missed(wanted)  # a copy of its bytes gets what it needs unseen
    if in_conflict(source, item.gone, options.me):
        return _missed(wanted)  # the deletion leaves a conflict copy instead
    mode = None
    copy, target = None, None
    if where != wanted.name:
        try:
            mode = mode_of(filesystem, wanted, options)
            target, copy = clear(filesystem, wanted, item.have, options, now, replaceable=True)
        except CaseConflict as conflict:
            if conflict.local != source.name:
                raise
        move = partial(_move, filesystem, source.name, wanted.name, found, target, copy is not None)
        try:
            with undone_on_failure(filesystem, copy, wanted.name):
                in_directory(filesystem, source.name, move)
        except AnotherMoved:
            return _missed(wanted, source.name, wanted.name)
    if not (options.ignore_permissions or wanted.no_permissions):
        mode = wanted.permissions & 0o777
    if mode is not None:
        filesystem.chmod(wanted.name, mode)
    stat = _timed(filesystem, wanted, found, options)
    platform = recorded(Named(filesystem, wanted.name), filesystem, wanted, options.attributes)
    outcome = finished(wanted, Placed(stat, copy, target is not None), platform, item.have)
    moved = Change(source.name, MOVED, to=wanted.name)
    rescan = outcome.rescan if stat.changed != found.changed else (*outcome.rescan, wanted.name)
    return outcome._replace(
        done=(*outcome.done, deleted(item.gone)),
        changes=(*outcome.changes, moved),
        rescan=rescan,
        stamped=(stat.mode, stat.modified) != (found.mode, found.modified),
    )


def _missed(wanted: FileInfo, *rescan: WireName) -> Outcome:
    """The file has to be fetched."""
    whole = tuple(range(block_count(wanted.size, wanted.cut)))
    return Outcome(wanted.name, spoiled=whole, rescan=rescan)


def _timed(filesystem: Filesystem, wanted: FileInfo, found: Stat, options: PullOptions) -> Stat:
    """
    Give a moved file its time.

    :param found: the file as it was when it was compared with the index.
    :returns: what to record of it. Where it was edited since, or where nobody could tell since it got another
        time, that has its old time of change: so a scan reads it.
    """
    after = filesystem.lstat(wanted.name)
    if not same_bytes(found, after):
        return found
    if same_time(after.modified, wanted.modified, options.time_window):
        return after
    filesystem.utime(wanted.name, wanted.modified)
    return filesystem.lstat(wanted.name)._replace(changed=found.changed)


def _source(filesystem: Filesystem, item: Rename) -> tuple[WireName, Stat | None]:
    """Where the bytes lie: under the old name, or its directory has the new spelling already."""
    wanted, source = item.wanted, item.source
    try:
        return source.name, look(filesystem, source.name)
    except CaseConflict:
        if only_case_differs(source.name, wanted.name):
            return wanted.name, look(filesystem, wanted.name)
        return source.name, None


def _move(
    filesystem: Filesystem,
    old: WireName,
    new: WireName,
    found: Stat,
    target: Stat | None,
    kept: bool,
) -> None:
    """
    :param found: what is under the old name, and nothing else is to be moved.
    :param target: what is under the new name, and nothing else is to be replaced.
    :param kept: it is a conflict copy by now.
    :raises AnotherMoved: the file has just been changed and is where it was, or another one took its place.
    :raises ItemFailed: there is something else under the new name; all is as it was.
    """
    if look(filesystem, old) != found:
        raise AnotherMoved
    if not only_case_differs(old, new) or target is not None:
        replace(filesystem, old, new, target, found, kept=kept)
    else:
        _respell(filesystem, old, new)
    moved = look(filesystem, new)
    if moved is None or not same_bytes(found, moved):
        if moved is not None and moved.inode == found.inode:  # another file was put there: it stays
            # Where the old name is taken by now, a scan finds it where it is.
            with suppress(FileExistsError, FileNotFoundError):
                filesystem.place(new, old)
        raise AnotherMoved


def _respell(filesystem: Filesystem, old: WireName, new: WireName) -> None:
    """Rename to another spelling; where that is another name, it must be free."""
    try:
        filesystem.place(old, new)
        return
    except FileExistsError:
        if not _are_one(filesystem, old, new):
            raise ItemFailed(Cause.CHANGED, rescan=True) from None
    except CaseConflict as conflict:
        if conflict.local != old:
            raise
    # A system that takes both names for one may do nothing; with a name between it has to.
    between = temporary_name(new)
    filesystem.place(old, between)
    try:
        filesystem.place(between, new)
    except OSError:
        filesystem.place(between, old)
        raise


def _are_one(filesystem: Filesystem, a: str, b: str) -> bool:
    one, other = look(filesystem, a), look(filesystem, b)
    if one is None or other is None:
        return False
    return (one.device, one.inode, one.links) == (other.device, other.inode, 1)
