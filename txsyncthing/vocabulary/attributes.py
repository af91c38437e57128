"""
Owners and extended attributes, as far as a folder's settings tell them to peers and take them from peers.

The record of an item says what is on this disk, but for what the settings leave alone: that stays as
the peer told it, so that it reaches those who want it.

Source: reference 5.8, 6.2 ("xattrFilter"), 2.6 ("Equality check").
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from txsyncthing.vocabulary.glob import glob_match
from txsyncthing.vocabulary.platform import (
    NOTHING,
    BadPlatform,
    Owner,
    Platform,
    Xattr,
    decode_platform,
    encode_platform,
)

MAX_XATTR_NAME = 255  # bytes
CAPABILITY = "security.capability"
"""
What a program may do beyond its user: the setuid bit in other clothes, which no peer may set here.

Only a filter entry that says exactly this name lets it through.
"""


@dataclass(frozen=True, slots=True)
class XattrRules:
    """
    Which attributes are synced; the first entry that fits a name decides, without entries all are.

    :ivar entries: patterns, and whether they permit.
    :ivar max_single: bytes of name and value; longer ones stay here. 0: any.
    :ivar max_total: bytes of all of an item; what comes behind the first that is too much stays here. 0: any.
    """

    entries: tuple[tuple[str, bool], ...] = ()
    max_single: int = 1024
    max_total: int = 4096

    def permits(self, name: str) -> bool:
        """Whether attributes of this name are synced."""
        if not name or "\0" in name or len(name) > MAX_XATTR_NAME:
            return False
        if not name.isascii() and not _is_text(name):
            return False
        if name == CAPABILITY:
            return next((permit for match, permit in self.entries if match == name), False)
        if not self.entries:
            return True
        return next((permit for match, permit in self.entries if glob_match(match, name)), False)

    def admitted(self, xattrs: Iterable[Xattr]) -> tuple[Xattr, ...]:
        """Those that are synced, by name."""
        total = 0
        kept = []
        for one in sorted(xattrs):
            if not self.permits(one.name):
                continue
            size = len(one.name.encode()) + len(one.value)
            if self.max_single > 0 and size > self.max_single:
                continue
            total += size
            if 0 < self.max_total < total:
                break
            kept.append(one)
        return tuple(kept)


@dataclass(frozen=True, slots=True)
class Attributes:
    """
    What a folder's settings say.

    :ivar tells_owner: owners are looked at and told (sendOwnership, syncOwnership).
    :ivar takes_owner: owners are given to what is pulled (syncOwnership).
    :ivar inherits_owner: what is pulled belongs to whom its directory belongs (copyOwnershipFromParent).
    """

    tells_owner: bool = False
    takes_owner: bool = False
    tells_xattrs: bool = False
    takes_xattrs: bool = False
    inherits_owner: bool = False
    rules: XattrRules = field(default_factory=XattrRules)

    @property
    def tells(self) -> bool:
        """Whether a scan has to look at any."""
        return self.tells_owner or self.tells_xattrs

    @property
    def acts(self) -> bool:
        """Whether a pull has to do anything about them, if only to see what there is."""
        return self.tells_owner or self.tells_xattrs or self.inherits_owner

    def as_taken(self) -> Attributes:
        """Only what pulling gives to items: in that alone a pulled item is like the peer's."""
        return Attributes(
            tells_owner=self.takes_owner, tells_xattrs=self.takes_xattrs, rules=self.rules
        )

    def same(self, told: bytes, found: bytes, *, silent: bool = False) -> bool:
        """
        Whether two items are alike in what is synced.

        :param found: PlatformData; without attributes where the disk has no way to tell them.
        :param silent: whether anything agrees with what is not told.
        """
        if told == found:
            return True
        a, b = parse(told), parse(found)
        if self.tells_owner and not (
            same_owner(a.owner, b.owner) or (silent and a.owner is None) or b.owner is None
        ):
            return False
        if not self.tells_xattrs or b.xattrs is None:
            return True
        if a.xattrs is None:
            return silent or not b.xattrs
        return self.rules.admitted(a.xattrs) == self.rules.admitted(b.xattrs)

    def settle(self, told: bytes, found: bytes) -> bytes:
        """
        What the record of an item says of it.

        :param told: what was said before, by us or by a peer.
        :param found: what is on disk now, of that which is synced.
        """
        if not found:
            return told
        a, b = parse(told), parse(found)
        owner = a.owner if b.owner is None or same_owner(a.owner, b.owner) else b.owner
        xattrs = a.xattrs
        if b.xattrs is not None and not (a.xattrs is not None and self._same_xattrs(a, b)):
            xattrs = self._merged(a.xattrs or (), b.xattrs)
        settled = Platform(owner, xattrs, a.foreign)
        return told if settled == a else encode_platform(settled)

    def _same_xattrs(self, a: Platform, b: Platform) -> bool:
        return self.rules.admitted(a.xattrs or ()) == self.rules.admitted(b.xattrs or ())

    def _merged(self, told: tuple[Xattr, ...], found: tuple[Xattr, ...]) -> tuple[Xattr, ...]:
        """What is on disk, and what others said of attributes that are none of our business."""
        dropped = {one.name for one in (*self.rules.admitted(told), *found)}
        return tuple(sorted([*found, *(one for one in told if one.name not in dropped)]))


NO_ATTRIBUTES = Attributes()
"""The default: nothing is told, nothing taken."""


def same_owner(a: Owner | None, b: Owner | None) -> bool:
    """
    Whether both mean the same owner: for the user and for the group, the name or the number is equal.

    The official daemon wants both names or both numbers equal, and so never comes to rest where only one of
    the names is known.
    """
    if a is None or b is None:
        return a is b
    return (a.uid == b.uid or (a.user != "" and a.user == b.user)) and (
        a.gid == b.gid or (a.group != "" and a.group == b.group)
    )


def parse(raw: bytes) -> Platform:
    """The value; nothing where the bytes are broken."""
    if not raw:
        return NOTHING
    try:
        return decode_platform(raw)
    except BadPlatform:
        return NOTHING


def _is_text(name: str) -> bool:
    try:
        return len(name.encode()) <= MAX_XATTR_NAME
    except UnicodeEncodeError:
        return False
