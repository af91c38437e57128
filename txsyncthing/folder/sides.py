"""
What becomes of an item where only one side counts: ours in send-only folders, the cluster's in receive-only.

Source: reference 5.9 (lib/model/folder_sendonly.go, folder_recvonly.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from txsyncthing.index.values import Need
from txsyncthing.scan.compare import only_here
from txsyncthing.vocabulary.attributes import NO_ATTRIBUTES, Attributes
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo, LocalFlag, equivalent
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector


class Author(NamedTuple):
    """Who changes records, when, and how exactly items are compared."""

    short: ShortID  # our own counter in versions
    now: float  # unix seconds
    ignore_permissions: bool = False
    window: int = 0  # nanoseconds by which times may differ
    attributes: Attributes = NO_ATTRIBUTES  # owners and extended attributes that count

    @property
    def modified(self) -> int:
        """The time of a deletion, in nanoseconds."""
        return int(self.now * 1_000_000_000)


def adopted(have: FileInfo, wanted: FileInfo, author: Author) -> FileInfo | None:
    """
    Our record of an item that is here as the cluster has it, but under another version: that is taken.

    :returns: None where the items differ.
    """
    alike = equivalent(
        wanted,
        have._replace(local_flags=LocalFlag.NONE),
        ignore_permissions=author.ignore_permissions,
        window=author.window,
        attributes=author.attributes,
        silent=True,
    )
    if not alike:
        return None
    return wanted._replace(
        modified=have.modified if have.is_file and not have.deleted else wanted.modified,
        platform=author.attributes.settle(wanted.platform, have.platform),
        inode_change=have.inode_change,
        local_flags=LocalFlag.NONE,
        sequence=0,
    )


def ignored(wanted: FileInfo) -> FileInfo:
    """Our record of an ignored item: it follows the cluster's version, or we would seem to lack it."""
    # A deletion that were ignored would stay so when the pattern goes, since no scan sees it.
    flags = LocalFlag.NONE if wanted.deleted else LocalFlag.IGNORED
    return wanted._replace(local_flags=flags, sequence=0)


def overriding(need: Need, author: Author) -> FileInfo:
    """Our state of a needed item, on top of all others': what we lack is deleted."""
    have, wanted = need.have, need.wanted
    if have is None or have.deleted:
        base = wanted.version if have is None else wanted.version.merge(have.version)
        version = base.bump(author.short, int(author.now))
        return wanted.as_deleted(author.short, author.modified, version)
    version = have.version.merge(wanted.version).bump(author.short, int(author.now))
    return have._replace(
        version=version, modified_by=author.short, local_flags=LocalFlag.NONE, sequence=0
    )


class Doomed(NamedTuple):
    """Something that only we have: it goes, if it is still as we know it."""

    gone: FileInfo  # the record of its deletion
    have: FileInfo


@dataclass(slots=True)
class Reverted:
    """What becomes of some items that were changed here."""

    records: list[FileInfo] = field(default_factory=list)
    doomed: list[Doomed] = field(default_factory=list)  # files and symlinks


def doomed(file: FileInfo, author: Author) -> Doomed:
    """
    The end of an item that only we have.

    The deletion has no version, so that any device's item of this name is newer; nor does what we have, or
    it would be in conflict with that.
    """
    gone = file.as_deleted(author.short, author.modified, Vector())
    return Doomed(gone, file._replace(version=Vector(), hashes=b""))


def reverted(
    files: Iterable[FileInfo], world: Mapping[WireName, FileInfo], author: Author
) -> Reverted:
    """
    Undo what was changed here, as far as records tell.

    What the cluster has as well loses its version, so that the cluster's is pulled over it without a conflict
    copy. Directories that only we have are left out, since they must be empty first.

    :param files: our records, flagged as changed here.
    :param world: the global versions; of what only we have it is our own.
    """
    result = Reverted()
    for file in files:
        other = world.get(file.name)
        if other is None or only_here(file, other):
            if file.deleted:
                result.records.append(doomed(file, author).gone)
            elif not file.is_directory:
                result.doomed.append(doomed(file, author))
        elif not other.invalid:  # nobody could give it back to us
            alike = adopted(file, other, author)
            bare = file._replace(version=Vector(), local_flags=LocalFlag.NONE, sequence=0)
            result.records.append(bare if alike is None else alike)
    return result
