"""
The place where an item goes: is it still what the index says, and may it be replaced? Workers' steps.

A local edit between plan and commit must never be lost, so each step looks here right before it acts.

Source: reference 5.5 ("Unexpected local change", "Missing parent", "inWritableDir").
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, TypeVar

from txsyncthing.filesystem.metadata import same_bytes, same_permissions, same_time
from txsyncthing.filesystem.seam import Filesystem, Kind, Stat, ThroughSymlink
from txsyncthing.pull.attributes import still_bears
from txsyncthing.pull.conflict import in_conflict, keep_copy, undone_on_failure
from txsyncthing.pull.failure import Cause, ItemFailed
from txsyncthing.pull.keeping import drop, keep
from txsyncthing.pull.options import PullOptions
from txsyncthing.vocabulary.file import FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.name import WireName, is_leftover, join, parent

T = TypeVar("T")

NEW_DIRECTORY = 0o777  # minus the umask
_OWNER = 0o300  # write and search
_KINDS = {
    FileType.FILE: Kind.FILE,
    FileType.DIRECTORY: Kind.DIRECTORY,
    FileType.SYMLINK: Kind.SYMLINK,
}


class Placed(NamedTuple):
    """What a step leaves: the item's metadata, the copy of what lost a conflict, whether it replaced any."""

    stat: Stat
    copy: WireName | None = None
    replaced: bool = False


def look(filesystem: Filesystem, name: str) -> Stat | None:
    """The item's metadata; None where there is none."""
    try:
        return filesystem.lstat(name)
    except (FileNotFoundError, NotADirectoryError):
        return None


def unchanged(
    filesystem: Filesystem, name: str, found: Stat, have: FileInfo, options: PullOptions
) -> bool:
    """Whether the item on disk is the one of the index, as far as its metadata tell."""
    if found.kind is not _KINDS[have.type] or have.local_flags & LocalFlag.MUST_RESCAN:
        return False
    if found.kind is Kind.DIRECTORY:
        return still_bears(filesystem, name, found, have, options.attributes)
    if found.kind is Kind.SYMLINK:
        if filesystem.read_link(name) != have.symlink_target:
            return False
        return still_bears(filesystem, name, found, have, options.attributes)
    if found.size != have.size or not same_time(found.modified, have.modified, options.time_window):
        return False
    # Tools may put size and modification time back after an edit, but not the time of the change; where
    # that alone differs a scan refreshes the record.
    if have.inode_change and found.changed != have.inode_change:
        return False
    if options.ignore_permissions or have.no_permissions:
        return True
    return same_permissions(found.mode, have.permissions)


def expect(
    filesystem: Filesystem, name: str, have: FileInfo | None, options: PullOptions
) -> Stat | None:
    """
    Look at the place of an item.

    :returns: what is there; None for nothing.
    :raises ItemFailed: something else than the index says; it must be scanned before it is replaced.
    """
    found = look(filesystem, name)
    known = have is not None and not have.deleted
    if found is None:
        return None  # gone here unseen: the version of the cluster brings it back
    if not known or have is None or not unchanged(filesystem, name, found, have, options):
        raise ItemFailed(Cause.CHANGED, rescan=True)
    return found


def clear(
    filesystem: Filesystem,
    wanted: FileInfo,
    have: FileInfo | None,
    options: PullOptions,
    now: float,
    *,
    replaceable: bool,
) -> tuple[Stat | None, WireName | None]:
    """
    Make the place of an item free for it, or ready to be renamed over.

    :param now: unix seconds, for the name of a conflict copy.
    :param replaceable: a rename over a file or symlink will follow, so that it may stay.
    :returns: what was there, and the conflict copy.
    :raises ItemFailed: see ``expect``; or a directory that is not empty.
    """
    name = wanted.name
    found = expect(filesystem, name, have, options)
    if found is None:
        return None, None
    copy = None
    if found.kind is Kind.DIRECTORY:
        try:
            filesystem.remove_directory(name)
        except OSError as error:
            left = filesystem.list(name)
            if not left:
                raise
            if not all(is_leftover(entry.base) for entry in left):
                raise ItemFailed(Cause.NOT_EMPTY) from error
            for entry in left:
                filesystem.remove(join(name, entry.base))
            filesystem.remove_directory(name)
        return found, None
    keeper = options.keeper
    if in_conflict(have, wanted, options.me):
        copy = keep_copy(
            filesystem, name, wanted.modified_by, now, options.max_conflicts, options.sync
        )
        keeper = None
    if not replaceable and still_there(filesystem, name, found, copy is not None):
        with undone_on_failure(filesystem, copy, name):
            drop(filesystem, keeper, name, found)
    return found, copy


def put(
    filesystem: Filesystem,
    temporary: str,
    wanted: FileInfo,
    have: FileInfo | None,
    options: PullOptions,
    now: float,
) -> Placed:
    """
    Let a finished temporary file (or symlink) take its place; never a moment without the name.

    What somebody put there since we looked is not replaced, nor is what somebody wrote to the old file
    until now, as far as the storage can exchange two names at once. Who has the old file open and writes to
    it later writes to a file without a name.

    :raises ItemFailed: the place is not as it was; nothing has changed there.
    """
    found, copy = clear(filesystem, wanted, have, options, now, replaceable=True)
    before = filesystem.lstat(temporary)
    if found is None or found.kind is Kind.DIRECTORY:
        try:
            filesystem.place(temporary, wanted.name)
        except FileExistsError:
            raise ItemFailed(Cause.CHANGED, rescan=True) from None
    else:
        keeper = None if in_conflict(have, wanted, options.me) else options.keeper
        kept = copy is not None or keeper is not None
        with undone_on_failure(filesystem, copy, wanted.name):
            over = keep(filesystem, keeper, wanted.name, found)
            try:
                replace(filesystem, temporary, wanted.name, found, kept=kept)
            except (ItemFailed, OSError):
                over(False)
                raise
        over(True)
    after = filesystem.lstat(wanted.name)
    # An edit in this very moment is not what we placed: recorded as it was, so that a scan sees the edit.
    stat = after if same_bytes(before, after) else before
    return Placed(stat, copy, found is not None)


def still_there(filesystem: Filesystem, name: str, found: Stat, kept: bool) -> bool:
    """
    Look once more, since between steps of a worker others run.

    Here a tool is noticed that puts size and time back after its edit: later a rename of ours has changed the
    time of change.

    :param kept: the file has another name, from us: that has changed the time already, but nothing gets lost.
    :raises ItemFailed: the file was edited since it was ``found``.
    """
    there = look(filesystem, name)
    if there is not None and there.changed != found.changed and not kept:
        raise ItemFailed(Cause.CHANGED, rescan=True)
    return there is not None


class AnotherMoved(Exception):
    """What was to be moved is not what was found; where it is now, a scan finds it."""


def replace(
    filesystem: Filesystem,
    temporary: str,
    name: str,
    found: Stat | None,
    moving: Stat | None = None,
    *,
    kept: bool,
) -> None:
    """
    Rename over what was ``found`` to be there, and over nothing else.

    :param moving: what is to be renamed, where somebody else may write to it.
    :param kept: see ``still_there``.
    :raises ItemFailed: something else is there; all is as it was.
    :raises AnotherMoved: that is something else; all is as it was, but for what was saved there meanwhile.
    """
    # What is kept of the old one may have taken the name with it.
    if found is None or not still_there(filesystem, name, found, kept):
        try:
            filesystem.place(temporary, name)
        except FileExistsError:
            raise ItemFailed(Cause.CHANGED, rescan=True) from None
        return
    if not filesystem.exchange(temporary, name):
        filesystem.rename(temporary, name)
        return
    there = filesystem.lstat(name)
    right = moving is None or same_bytes(moving, there)
    saved_over = moving is not None and there.inode != moving.inode
    if (right or saved_over) and same_bytes(found, filesystem.lstat(temporary)):
        with suppress(OSError):  # a leftover does no harm
            filesystem.remove(temporary)
        if right:
            return
    elif not saved_over:
        filesystem.exchange(temporary, name)
    if not right:
        raise AnotherMoved
    raise ItemFailed(Cause.CHANGED, rescan=True)


def in_directory(
    filesystem: Filesystem, name: str, step: Callable[[], T], made: list[str] | None = None
) -> T:
    """
    Do a step which writes into the item's directory; the step may run twice.

    A missing directory is made; one which its owner may not write is opened for the moment.

    :param made: gets the names of directories that were missing.
    """
    try:
        return step()
    except FileNotFoundError:
        missing = make_parents(filesystem, name)
        if not missing:
            raise
        if made is not None:
            made += missing
        return step()
    except ThroughSymlink:
        raise
    except PermissionError:
        directory = parent(name)
        mode = filesystem.lstat(directory).mode
        if mode & _OWNER == _OWNER:
            raise
        filesystem.chmod(directory, mode | 0o700)
        try:
            return step()
        finally:
            filesystem.chmod(directory, mode)


def make_parents(filesystem: Filesystem, name: str) -> list[str]:
    """
    Make the missing directories above an item.

    :returns: those that were made, from the top.
    """
    made: list[str] = []
    directory = ""
    parts = parent(name).split("/") if parent(name) else []
    for part in parts:
        directory = join(directory, part)
        if look(filesystem, directory) is None:
            try:
                filesystem.make_directory(directory, NEW_DIRECTORY)
            except FileExistsError:  # another worker was faster
                continue
            made.append(directory)
    return made
