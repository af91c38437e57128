"""
The steps on disk of a pulled rename: a file is moved instead of being fetched. All of it runs in workers.

Source: reference 5.5 ("Rename shortcut"); lib/model/folder_sendrecv.go.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from txsyncthing.filesystem.attributes import Named
from txsyncthing.filesystem.case import CaseConflict, only_case_differs
from txsyncthing.filesystem.seam import Filesystem, Stat
from txsyncthing.pull.attributes import fits, recorded
from txsyncthing.pull.conflict import in_conflict
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
from txsyncthing.pull.target import Placed, clear, in_directory, look, replace, unchanged
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
        whole = tuple(range(block_count(wanted.size, wanted.cut)))
        return Outcome(wanted.name, spoiled=whole, rescan=(source.name,))
    if not fits(filesystem, where, wanted, options.attributes):
        whole = tuple(range(block_count(wanted.size, wanted.cut)))
        return Outcome(wanted.name, spoiled=whole)  # a copy of its bytes gets what it needs unseen
    if in_conflict(source, item.gone, options.me):
        whole = tuple(range(block_count(wanted.size, wanted.cut)))
        return Outcome(wanted.name, spoiled=whole)  # the deletion leaves a conflict copy instead
    mode = None
    copy, replaced = None, False
    if where != wanted.name:
        try:
            mode = mode_of(filesystem, wanted, options)
            found, copy = clear(filesystem, wanted, item.have, options, now, replaceable=True)
            replaced = found is not None
        except CaseConflict as conflict:
            if conflict.local != source.name:
                raise
        move = partial(_move, filesystem, source.name, wanted.name, found if replaced else None)
        in_directory(filesystem, source.name, move)
    if not (options.ignore_permissions or wanted.no_permissions):
        mode = wanted.permissions & 0o777
    if mode is not None:
        filesystem.chmod(wanted.name, mode)
    filesystem.utime(wanted.name, wanted.modified)
    platform = recorded(Named(filesystem, wanted.name), filesystem, wanted, options.attributes)
    outcome = finished(wanted, Placed(filesystem.lstat(wanted.name), copy, replaced), platform)
    moved = Change(source.name, MOVED, to=wanted.name)
    return outcome._replace(
        done=(*outcome.done, deleted(item.gone)), changes=(*outcome.changes, moved)
    )


def _source(filesystem: Filesystem, item: Rename) -> tuple[WireName, Stat | None]:
    """Where the bytes lie: under the old name, or its directory has the new spelling already."""
    wanted, source = item.wanted, item.source
    try:
        return source.name, look(filesystem, source.name)
    except CaseConflict:
        if only_case_differs(source.name, wanted.name):
            return wanted.name, look(filesystem, wanted.name)
        return source.name, None


def _move(filesystem: Filesystem, old: WireName, new: WireName, found: Stat | None) -> None:
    """:param found: what is under the new name, and nothing else is to be replaced."""
    if not only_case_differs(old, new):
        replace(filesystem, old, new, found)
        return
    try:
        filesystem.rename(old, new)
    except CaseConflict:
        if look(filesystem, old) is None:
            raise
        # A system that takes both names for one does nothing; with a name between it has to.
        between = temporary_name(new)
        filesystem.rename(old, between)
        filesystem.rename(between, new)
