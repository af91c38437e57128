"""
The steps on disk for directories, symlinks and deletions. All of it runs in workers, a batch at a time.

Source: reference 5.5 ("Directories", "Symlinks", "Dir deletion", "File deletion"), 5.6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import NamedTuple

from txsyncthing.filesystem.attributes import Named
from txsyncthing.filesystem.case import CaseConflict
from txsyncthing.filesystem.seam import Filesystem, Kind, Stat, ThroughSymlink
from txsyncthing.pull.attributes import dress, put_on, sign_over
from txsyncthing.pull.conflict import in_conflict, keep_copy, undone_on_failure
from txsyncthing.pull.failure import Cause, ItemFailed, item_error
from txsyncthing.pull.finish import DELETED, Change, Outcome, deleted, each, finished, missed
from txsyncthing.pull.keeping import drop
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.target import (
    NEW_DIRECTORY,
    Placed,
    clear,
    expect,
    in_directory,
    look,
    put,
    still_there,
    unchanged,
)
from txsyncthing.vocabulary.file import FileInfo, LocalFlag
from txsyncthing.vocabulary.name import WireName, is_leftover, join, temporary_name

MAX_CHILDREN = 100_000  # of a directory to be deleted that are looked at


class Item(NamedTuple):
    """One directory, symlink or deletion."""

    wanted: FileInfo
    have: FileInfo | None
    respells: WireName | None = None  # a directory to be deleted, of the same name but for the case
    lies: WireName | None = None  # where it is, if a directory above has got another spelling


def make_directories(
    filesystem: Filesystem, items: Sequence[Item], options: PullOptions, now: float
) -> list[Outcome]:
    """Make directories, parents first, or give those that are there their modes."""
    names = [item.wanted.name for item in items]
    options = options.begin(now)
    steps = [partial(_directory, item=item, options=options, now=now) for item in items]
    return each(filesystem, names, steps, options.sync, options.keeper)


def _directory(filesystem: Filesystem, item: Item, options: PullOptions, now: float) -> Outcome:
    wanted = item.wanted
    copy, replaced = None, False
    try:
        found = look(filesystem, wanted.name)
    except CaseConflict as conflict:
        return _respell(filesystem, item, conflict, options, now)
    if found is None or found.kind is not Kind.DIRECTORY:
        old, copy = clear(filesystem, wanted, item.have, options, now, replaceable=False)
        replaced = old is not None
        with undone_on_failure(filesystem, copy, wanted.name):
            filesystem.make_directory(wanted.name, NEW_DIRECTORY)
        found = filesystem.lstat(wanted.name)
    platform = dress(filesystem, wanted, options.attributes)
    stamped = options.attributes.acts
    if not (options.ignore_permissions or wanted.no_permissions):
        # setuid, setgid and sticky belong to this machine: they stay.
        mode = (found.mode & 0o7000) | (wanted.permissions & 0o777)
        if mode != found.mode:
            filesystem.chmod(wanted.name, mode)
            found = filesystem.lstat(wanted.name)
            stamped = True
    if options.attributes.acts:
        found = filesystem.lstat(wanted.name)
    outcome = finished(wanted, Placed(found, copy, replaced), platform, item.have)
    return outcome._replace(stamped=stamped)


def _respell(
    filesystem: Filesystem, item: Item, conflict: CaseConflict, options: PullOptions, now: float
) -> Outcome:
    """
    The directory is there under another spelling; if that is to be deleted, it has been renamed.

    What is in it comes along; the index learns that from the renames of the same round, or from a scan.
    """
    name, old = item.wanted.name, WireName(conflict.local)
    if item.respells is None or conflict.remote != name:
        raise conflict
    if filesystem.lstat(old).kind is not Kind.DIRECTORY:
        raise conflict
    filesystem.rename(old, name)
    outcome = _directory(filesystem, item._replace(respells=None), options, now)
    return outcome._replace(rescan=(*outcome.rescan, old, name))


def make_symlinks(
    filesystem: Filesystem, items: Sequence[Item], options: PullOptions, now: float
) -> list[Outcome]:
    """Make symlinks; one that replaces something does so at once."""
    names = [item.wanted.name for item in items]
    options = options.begin(now)
    steps = [partial(_symlink, item=item, options=options, now=now) for item in items]
    return each(filesystem, names, steps, options.sync, options.keeper)


def _symlink(filesystem: Filesystem, item: Item, options: PullOptions, now: float) -> Outcome:
    wanted = item.wanted
    temporary = temporary_name(wanted.name)
    left = look(filesystem, temporary)
    if left is not None and left.kind is not Kind.DIRECTORY:
        filesystem.remove(temporary)
    filesystem.symlink(wanted.symlink_target, temporary)
    attributes, platform = options.attributes, wanted.platform
    try:
        if attributes.acts:
            made = Named(filesystem, temporary)
            put_on(made, filesystem, wanted, attributes)
            platform = sign_over(made, filesystem, wanted, attributes)
        placed = put(filesystem, temporary, wanted, item.have, options, now)
        return finished(wanted, placed, platform, item.have)
    except (ItemFailed, OSError):
        filesystem.remove(temporary)
        raise


def delete_files(
    filesystem: Filesystem, items: Sequence[Item], options: PullOptions, now: float
) -> list[Outcome]:
    """Delete files and symlinks; what is gone already is well."""
    names = [item.wanted.name for item in items]
    places = [item.lies or item.wanted.name for item in items]
    options = options.begin(now)
    steps = [partial(_delete, item=item, options=options, now=now) for item in items]
    return each(filesystem, names, steps, options.sync, options.keeper, places)


def _find(filesystem: Filesystem, item: Item) -> tuple[WireName, Stat | None]:
    """
    What is to be deleted, and where it is.

    What is beyond a symlink is none of ours, nor what is spelled otherwise, if it was not we who did that.
    """
    name = item.wanted.name
    try:
        return name, look(filesystem, name)
    except ThroughSymlink:
        return name, None
    except CaseConflict:
        if item.lies is None:
            return name, None
    with suppress(ThroughSymlink, CaseConflict):
        return item.lies, look(filesystem, item.lies)
    return name, None


def _delete(filesystem: Filesystem, item: Item, options: PullOptions, now: float) -> Outcome:
    wanted, have = item.wanted, item.have
    copy = None
    name, found = _find(filesystem, item)
    if found is not None:
        if found.kind is Kind.DIRECTORY:
            raise ItemFailed(Cause.UNEXPECTED_DIRECTORY, rescan=True)
        expect(filesystem, name, have, options)
        keeper = options.keeper
        if in_conflict(have, wanted, options.me):
            copy = keep_copy(
                filesystem, name, wanted.modified_by, now, options.max_conflicts, options.sync
            )
            keeper = None
        if still_there(filesystem, name, found, copy is not None):
            with undone_on_failure(filesystem, copy, name):
                drop(filesystem, keeper, name, found)
    rescan = (copy,) if copy else ()
    change = Change(wanted.name, DELETED, copy, sequence=missed(have))
    changes = (change,) if found is not None else ()
    return Outcome(wanted.name, (deleted(wanted),), rescan=rescan, changes=changes)


class Child(NamedTuple):
    """An item below a directory that is to be deleted."""

    name: WireName
    stat: Stat


class Doomed(NamedTuple):
    """A directory that is to be deleted, and what is in it."""

    item: Item
    children: tuple[Child, ...] = ()  # parents first
    error: OSError | None = None


def list_doomed(filesystem: Filesystem, items: Sequence[Item]) -> list[Doomed]:
    """What lies below the directories; nothing in most of them."""
    result = []
    with filesystem.batch() as batch:
        for item in items:
            try:
                children = tuple(_below(batch, item.lies or item.wanted.name))
            except (FileNotFoundError, NotADirectoryError, ThroughSymlink):
                result.append(Doomed(item))
            except OSError as error:
                result.append(Doomed(item, error=error))
            else:
                result.append(Doomed(item, children))
    return result


def _below(filesystem: Filesystem, name: str) -> list[Child]:
    found: list[Child] = []
    waiting = [name]
    while waiting and len(found) < MAX_CHILDREN:
        directory = waiting.pop()
        for entry in filesystem.list(directory):
            child = Child(join(directory, entry.base), entry.stat)
            found.append(child)
            if entry.stat.kind is Kind.DIRECTORY:
                waiting.append(child.name)
    return found


class Rules(NamedTuple):
    """What of a directory's content may go with it."""

    ignored: Callable[[str], bool]
    deletable: Callable[[str], bool]  # ignored, and marked with (?d)
    known: Mapping[WireName, FileInfo]  # our index, of all the children


def delete_directories(
    filesystem: Filesystem,
    doomed: Sequence[Doomed],
    rules: Rules,
    options: PullOptions,
    now: float,
) -> list[Outcome]:
    """
    Delete directories, the deepest first.

    Temporary files and ignored items that may go are deleted with them; anything else stops it, and
    the first of these reasons is told: not scanned yet, ignored, known here only.
    """
    names = [one.item.wanted.name for one in doomed]
    places = [one.item.lies or one.item.wanted.name for one in doomed]
    steps = [partial(_remove, one=one, rules=rules, options=options) for one in doomed]
    return each(filesystem, names, steps, options.sync, places=places)


def _remove(filesystem: Filesystem, one: Doomed, rules: Rules, options: PullOptions) -> Outcome:
    wanted, have = one.item.wanted, one.item.have
    name = wanted.name
    if one.error is not None:
        return Outcome(name, error=item_error(name, one.error))
    place, found = _find(filesystem, one.item)
    if found is None:
        return Outcome(name, (deleted(wanted),))
    expect(filesystem, place, have, options)
    if found.kind is not Kind.DIRECTORY:
        raise ItemFailed(Cause.CHANGED, rescan=True)
    rubbish = []
    reasons = set()
    surprising = []
    for child in one.children:
        reason = _reason(filesystem, child, rules, options)
        if reason is None:
            rubbish.append(child)
        elif look(filesystem, child.name) is not None:  # a directory deeper down is gone by now
            reasons.add(reason)
            if reason is Cause.HAS_UNSCANNED:
                surprising.append(child.name)
    for reason in (Cause.HAS_UNSCANNED, Cause.HAS_IGNORED, Cause.HAS_CHANGED, Cause.NOT_EMPTY):
        if reason in reasons:
            return Outcome(name, error=reason.of(name), rescan=tuple(surprising))
    for child in reversed(rubbish):
        _remove_rubbish(filesystem, child)
    filesystem.remove_directory(place)
    change = Change(name, DELETED, sequence=missed(have))
    return Outcome(name, (deleted(wanted),), changes=(change,))


def _reason(
    filesystem: Filesystem, child: Child, rules: Rules, options: PullOptions
) -> Cause | None:
    """Why an item must not be deleted with its directory; None if it may."""
    if is_leftover(child.name) or rules.deletable(child.name):
        return None
    if rules.ignored(child.name):
        return Cause.HAS_IGNORED
    known = rules.known.get(child.name)
    if known is None or known.deleted or known.local_flags & LocalFlag.IGNORED:
        return Cause.HAS_UNSCANNED
    if not unchanged(filesystem, child.name, child.stat, known, options):
        return Cause.HAS_UNSCANNED
    return Cause.HAS_CHANGED if known.local_flags & LocalFlag.RECEIVE_ONLY else Cause.NOT_EMPTY


def _remove_rubbish(filesystem: Filesystem, child: Child) -> None:
    def step() -> None:
        if child.stat.kind is Kind.DIRECTORY:
            filesystem.remove_directory(child.name)
        else:
            filesystem.remove(child.name)

    with suppress(FileNotFoundError):
        in_directory(filesystem, child.name, step)
