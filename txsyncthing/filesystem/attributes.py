"""
What is on a disk of owners and extended attributes, as far as a folder's settings want to know.

Source: reference 5.8.
"""

from __future__ import annotations

import errno
from collections.abc import Sequence
from typing import NamedTuple

from txsyncthing.filesystem.seam import Accounts, Bearer, Filesystem, Stat
from txsyncthing.vocabulary.attributes import Attributes, XattrRules
from txsyncthing.vocabulary.platform import Owner, Platform, Xattr, encode_platform

_WITHOUT = (errno.EOPNOTSUPP, errno.ENOSYS)


class Named(NamedTuple):
    """An item that is not open, as something to ask for its owner and attributes, and to change them."""

    filesystem: Filesystem
    name: str

    def stat(self) -> Stat:
        return self.filesystem.lstat(self.name)

    def chmod(self, mode: int) -> None:
        self.filesystem.chmod(self.name, mode)

    def chown(self, uid: int, gid: int) -> None:
        self.filesystem.chown(self.name, uid, gid)

    def list_xattrs(self) -> Sequence[str]:
        return self.filesystem.list_xattrs(self.name)

    def get_xattr(self, attribute: str) -> bytes:
        return self.filesystem.get_xattr(self.name, attribute)

    def set_xattr(self, attribute: str, value: bytes) -> None:
        self.filesystem.set_xattr(self.name, attribute, value)

    def remove_xattr(self, attribute: str) -> None:
        self.filesystem.remove_xattr(self.name, attribute)


def on_disk(item: Bearer, stat: Stat, attributes: Attributes, accounts: Accounts) -> bytes:
    """
    PlatformData of what the settings tell to peers; empty when they tell nothing.

    :param stat: of the item, asked before this: what changes in between shows at the next scan.
    :raises OSError: an attribute cannot be read.
    """
    owner = xattrs = None
    if attributes.tells_owner:
        user, group = accounts.user(stat.uid), accounts.group(stat.gid)
        owner = Owner(user, group, stat.uid, stat.gid)
    if attributes.tells_xattrs:
        xattrs = read_xattrs(item, attributes.rules)
    return encode_platform(Platform(owner, xattrs))


def read_xattrs(item: Bearer, rules: XattrRules) -> tuple[Xattr, ...] | None:
    """
    The attributes that are synced, by name; None where the storage has no attributes.

    :raises OSError: they cannot be read.
    """
    try:
        names = item.list_xattrs()
    except OSError as error:
        if error.errno in _WITHOUT:
            return None
        raise
    found = []
    for name in names:
        if rules.permits(name):
            try:
                found.append(Xattr(name, item.get_xattr(name)))
            except OSError as error:
                if error.errno not in (errno.ENODATA, *_WITHOUT):
                    raise
    return rules.admitted(found)
