"""
Owner and extended attributes of what is pulled; workers' steps.

A temporary file gets them before anybody sees it: attributes first, then the mode, the owner last, since who
gave a file away may not change it any more. An item in its place keeps what it has when it cannot get all.

Source: reference 5.8 ("Apply order"), 5.5 ("Finisher").
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Collection, Set
from contextlib import suppress
from typing import Protocol

from txsyncthing.filesystem.attributes import Named, on_disk, read_xattrs
from txsyncthing.filesystem.metadata import PERMISSIONS
from txsyncthing.filesystem.seam import Accounts, Bearer, Filesystem, Kind, Stat, ThroughSymlink
from txsyncthing.pull.failure import Cause, ItemFailed
from txsyncthing.vocabulary.attributes import CAPABILITY, Attributes, parse
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import parent
from txsyncthing.vocabulary.platform import Owner, Xattr

_OWNER = 0o600  # read and write
_LEAVE = 0xFFFFFFFF  # the number that means no user and no group
_REFUSED = frozenset(
    (
        errno.E2BIG,
        errno.EACCES,
        errno.EINVAL,
        errno.ENOSYS,
        errno.EOPNOTSUPP,
        errno.EPERM,
        errno.ERANGE,
    )
)


class Wearer(Bearer, Protocol):
    """What can be given an owner and attributes."""

    def chown(self, uid: int, gid: int) -> None: ...

    def set_xattr(self, attribute: str, value: bytes) -> None: ...

    def remove_xattr(self, attribute: str) -> None: ...


def put_on(item: Wearer, filesystem: Filesystem, wanted: FileInfo, attributes: Attributes) -> None:
    """
    Give a temporary file its extended attributes; those that the old file has and nobody syncs come along.

    :raises ItemFailed: one cannot be set.
    """
    if attributes.tells_xattrs:
        for one in _unsynced(filesystem, wanted, attributes):
            _set(item, one)
    if attributes.takes_xattrs:
        _exchange(item, wanted, attributes)


def sign_over(
    item: Wearer, filesystem: Filesystem, wanted: FileInfo, attributes: Attributes
) -> bytes:
    """
    Give an item that has all else to its owner.

    :returns: what its record says of owner and attributes.
    :raises ItemFailed: that is not allowed.
    """
    if not attributes.acts:
        return wanted.platform
    accounts = filesystem.accounts()
    stat = item.stat()
    owner = owner_of(filesystem, wanted, attributes, accounts, stat)
    if owner != (stat.uid, stat.gid):
        _chown(item, owner)
        if attributes.takes_xattrs and attributes.rules.permits(CAPABILITY):
            _exchange(item, wanted, attributes)  # a change of owner has taken it away
    return recorded(item, filesystem, wanted, attributes)


def dress(filesystem: Filesystem, wanted: FileInfo, attributes: Attributes) -> bytes:
    """
    Change owner and extended attributes of an item in its place.

    :returns: what its record says of them.
    :raises ItemFailed: something cannot be set; the item is as it was.
    """
    if not attributes.acts:
        return wanted.platform
    item = Named(filesystem, wanted.name)
    accounts = filesystem.accounts()
    stat = item.stat()
    before = (stat.uid, stat.gid)
    owner = owner_of(filesystem, wanted, attributes, accounts, stat)
    if owner != before:
        _chown(item, owner)
    try:
        if attributes.takes_xattrs:
            _exchange_in_place(item, wanted, attributes, stat, owner)
    except (ItemFailed, OSError):
        if owner != before:
            with suppress(OSError):
                item.chown(*before)
        raise
    return recorded(item, filesystem, wanted, attributes)


def fits(filesystem: Filesystem, name: str, wanted: FileInfo, attributes: Attributes) -> bool:
    """Whether an item here has the wanted owner and attributes already."""
    if not attributes.acts:
        return True
    item = Named(filesystem, name)
    accounts = filesystem.accounts()
    stat = item.stat()
    if owner_of(filesystem, wanted, attributes, accounts, stat) != (stat.uid, stat.gid):
        return False
    taken = attributes.as_taken()
    return taken.same(wanted.platform, on_disk(item, stat, taken, accounts), silent=True)


def still_bears(
    filesystem: Filesystem, name: str, found: Stat, have: FileInfo, attributes: Attributes
) -> bool:
    """Whether an item's owner and attributes are those of its record, as far as that tells."""
    if not attributes.tells or found.changed == have.inode_change:
        return True
    here = on_disk(Named(filesystem, name), found, attributes, filesystem.accounts())
    return attributes.same(have.platform, here, silent=True)


def recorded(
    item: Bearer, filesystem: Filesystem, wanted: FileInfo, attributes: Attributes
) -> bytes:
    """What the record of an item as it is now says of owner and attributes."""
    if not attributes.tells:
        return wanted.platform
    found = on_disk(item, item.stat(), attributes, filesystem.accounts())
    return attributes.settle(wanted.platform, found)


def owner_of(
    filesystem: Filesystem,
    wanted: FileInfo,
    attributes: Attributes,
    accounts: Accounts,
    stat: Stat,
) -> tuple[int, int]:
    """
    To whom an item is to belong: the names count where this machine knows them, else the numbers.

    :param stat: the item as it is.
    :returns: the numbers of user and group.
    """
    told = parse(wanted.platform).owner if attributes.takes_owner else None
    if told is not None:
        uid, gid = _numbers(told, accounts)
        return (stat.uid if uid == _LEAVE else uid), (stat.gid if gid == _LEAVE else gid)
    if attributes.inherits_owner:
        above = filesystem.lstat(parent(wanted.name))
        return above.uid, above.gid
    return stat.uid, stat.gid


def _numbers(owner: Owner, accounts: Accounts) -> tuple[int, int]:
    uid = accounts.uid(owner.user) if owner.user else None
    gid = accounts.gid(owner.group) if owner.group else None
    return (owner.uid if uid is None else uid), (owner.gid if gid is None else gid)


def _chown(item: Wearer, owner: tuple[int, int]) -> None:
    _try(lambda: item.chown(*owner), Cause.OWNER, "lchown")


def _exchange_in_place(
    item: Named, wanted: FileInfo, attributes: Attributes, before: Stat, owner: tuple[int, int]
) -> None:
    """:param before: what the item was before it got its owner."""
    try:
        _exchange(item, wanted, attributes)
        return
    except ItemFailed as error:
        if before.kind is Kind.SYMLINK or not isinstance(error.__cause__, PermissionError):
            raise
        refused = error
    # Its owner may do what others may not, though not to what is read-only.
    mode = before.mode if before.kind is Kind.DIRECTORY else before.mode & PERMISSIONS
    given = owner != (before.uid, before.gid)
    try:
        if given:
            item.chown(before.uid, before.gid)
        item.chmod(mode | _OWNER)
    except OSError:
        raise refused from None
    try:
        _exchange(item, wanted, attributes)
    finally:
        item.chmod(mode)
    if given:
        _chown(item, owner)


def _exchange(item: Wearer, wanted: FileInfo, attributes: Attributes) -> None:
    """
    Give an item the told attributes instead of those it has; what is not synced stays.

    Nothing is done where nothing is told of them. If one cannot be set, all are as they were.
    """
    told = parse(wanted.platform).xattrs
    if told is None:
        return
    rules = attributes.rules
    asked = rules.admitted(told)
    here = read_xattrs(item, rules)
    if here is None:
        if asked:
            raise _failed(Cause.XATTRS, f"set xattrs: {asked[0].name!r}", errno.EOPNOTSUPP)
        return
    if here == asked:
        return
    values = {one.name: one.value for one in here}
    names = {one.name for one in told}
    try:
        for one in asked:
            if values.get(one.name) != one.value:
                _set(item, one)
        for name in values.keys() - names:
            _remove(item, name)
    except (ItemFailed, OSError):
        _restore(item, here, {one.name for one in asked})
        raise


def _restore(item: Wearer, before: Collection[Xattr], touched: Set[str]) -> None:
    for name in touched - {one.name for one in before}:
        with suppress(OSError):
            item.remove_xattr(name)
    for one in before:
        with suppress(OSError):
            item.set_xattr(one.name, one.value)


def _unsynced(filesystem: Filesystem, wanted: FileInfo, attributes: Attributes) -> list[Xattr]:
    """The user's attributes of the file that is about to be replaced which no peer decides upon."""
    old = Named(filesystem, wanted.name)
    kept = []
    with suppress(OSError):
        for name in old.list_xattrs():
            synced = attributes.takes_xattrs and attributes.rules.permits(name)
            if name.startswith("user.") and not synced:
                with suppress(OSError):
                    kept.append(Xattr(name, old.get_xattr(name)))
    return kept


def _set(item: Wearer, xattr: Xattr) -> None:
    what = f"set xattrs: {xattr.name!r}"
    _try(lambda: item.set_xattr(xattr.name, xattr.value), Cause.XATTRS, what, errno.ENOSPC)


def _remove(item: Wearer, name: str) -> None:
    def remove() -> None:
        try:
            item.remove_xattr(name)
        except OSError as error:
            if error.errno != errno.ENODATA:
                raise

    _try(remove, Cause.XATTRS, f"set xattrs: {name!r}")


def _try(step: Callable[[], None], cause: Cause, what: str, *more: int) -> None:
    """:raises ItemFailed: the system does not do that; other errors are the disk's."""
    try:
        step()
    except ThroughSymlink:
        raise
    except OSError as error:
        if error.errno in _REFUSED or error.errno in more:
            raise _failed(cause, what, error.errno or 0, error.strerror) from error
        raise


def _failed(cause: Cause, what: str, code: int, text: str | None = None) -> ItemFailed:
    said = text or OSError(code, "operation not supported").strerror or ""
    return ItemFailed(cause, sentence=f"setting metadata: {what}: {said.lower()}")
