"""
Whether the root of a folder is the one that the index tells of. Nothing that is missing from any other
place was deleted.

A root that vanished or lost its marker is an error of the official daemon's; ours are a root that changed
its file system, while the folder runs or since it ran last, and one that holds nothing it should.

Source: reference 5.1 ("Marker missing", "Path checks").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import islice
from typing import NamedTuple

from txsyncthing.config.folder import FolderConfig
from txsyncthing.filesystem.metadata import (
    FolderUnhealthy,
    check_folder,
    make_marker,
    marker_name,
)
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.folder.care import Care
from txsyncthing.folder.identity import Identity
from txsyncthing.vocabulary.name import WireName, is_internal, is_temporary

WITNESSES = 8  # items of a root that are looked for again


class RootMoved(FolderUnhealthy):
    """The root lies on another file system than before."""


class RootEmptied(FolderUnhealthy):
    """The root holds nothing that is known to be there, and the index knows many items."""


class Footing(NamedTuple):
    """
    What a root that was well looked like.

    :ivar device: st_dev; None: nobody looked yet.
    :ivar witnesses: items in it; empty: there were none.
    :ivar known: whether these are known to be there, and many others are.
    """

    device: int | None = None
    identity: Identity = Identity()
    witnesses: tuple[str, ...] = ()
    known: bool = False


class RootRules(NamedTuple):
    """What a job checks."""

    marker: str
    footing: Footing
    last: Identity | None  # when the folder ran last
    same_device: bool  # whether another file system is an error
    known: int  # items that must be there
    enough: int  # so many of them make an empty root an error; 0: never does
    release: str  # how to go on

    @property
    def minds(self) -> bool:
        """Whether the root must hold something."""
        return 0 < self.enough <= self.known


def stand(filesystem: Filesystem, rules: RootRules) -> None:
    """
    A worker's job, cheap, in the middle of other work: see that the root is there, and is the one it was.

    :raises FolderUnhealthy: it is not; nothing in it may be believed.
    """
    ground(filesystem, rules)
    before = rules.footing.witnesses
    if not rules.minds or not before or any(_is_there(filesystem, one) for one in before):
        return
    if rules.footing.known or not _anything(filesystem, rules.marker):
        raise emptied(filesystem, rules)


def ground(filesystem: Filesystem, rules: RootRules) -> Footing:
    """
    A worker's job: see that the root is there, and on its file system.

    :returns: what to compare the next look with, but for the witnesses.
    :raises FolderUnhealthy: it is not.
    """
    device = check_folder(filesystem, rules.marker).device
    identity = _identity(filesystem, rules.marker)
    before, known_system = rules.footing.device, rules.footing.identity.system
    # The kernel gives the number of a device that was unmounted to the next one.
    other = bool(known_system and identity.system and identity.system != known_system)
    if rules.same_device and before is not None and (device != before or other):
        anew = ", mounted anew" if device == before else ""
        raise RootMoved(
            "folder root is on another file system than when the folder started (device"
            f" {device}, was {before}{anew}); mount the right one again, or accept this one:"
            f" {rules.release}"
        )
    if rules.same_device and before is None and rules.last and identity.is_other(rules.last):
        raise RootMoved(
            "folder root is on another file system than when the folder ran last; mount the right one"
            f" again, or accept this one: {rules.release}"
        )
    return Footing(device, identity)


def emptied(filesystem: Filesystem, rules: RootRules) -> RootEmptied:
    """What to say of a root that lost all; a worker's job."""
    if _anything(filesystem, rules.marker):
        text = f"folder root holds none of the {rules.known} items that are known to be here"
    else:
        text = f"folder root is empty, but {rules.known} items are known to be here"
    return RootEmptied(f"{text}; bring them back, or accept that they are deleted: {rules.release}")


def present(filesystem: Filesystem, names: Sequence[WireName]) -> tuple[str, ...]:
    """
    A worker's job: the first of these items of the root that are there.

    :raises FolderUnhealthy: it cannot be read.
    """
    try:
        found = zip(names, filesystem.stats("", names), strict=True)
        return tuple(islice((name for name, stat in found if stat is not None), WITNESSES))
    except OSError as error:
        raise _unreadable(error) from None


def anything(filesystem: Filesystem, marker: str) -> tuple[str, ...]:
    """
    A worker's job: some of what is in the root, but for our own.

    :raises FolderUnhealthy: it cannot be read.
    """
    try:
        names = (base for base in filesystem.names("") if _counts(base, marker))
        return tuple(islice(names, WITNESSES))
    except OSError as error:
        raise _unreadable(error) from None


def _unreadable(error: OSError) -> FolderUnhealthy:
    return FolderUnhealthy(f"folder path unreadable: {error.strerror}")


def _anything(filesystem: Filesystem, marker: str) -> bool:
    return bool(anything(filesystem, marker))


def _identity(filesystem: Filesystem, marker: str) -> Identity:
    try:
        space = filesystem.space()
        inode = filesystem.lstat("").inode
        return Identity(
            space.kind, space.system, inode, filesystem.lstat(marker_name(marker)).inode
        )
    except OSError:
        return Identity()


def _is_there(filesystem: Filesystem, name: str) -> bool:
    try:
        filesystem.lstat(name)
    except OSError:
        return False
    return True


def _counts(base: str, marker: str) -> bool:
    return not (is_internal(base) or is_temporary(base) or base == marker.split("/", 1)[0])


def make_folder(filesystem: Filesystem, config: FolderConfig) -> None:
    """A worker's job: the root and the marker of a folder that is new here."""
    filesystem.make_directory("", 0o777)
    make_marker(filesystem, config.id, config.marker_name)


class Root:
    """
    What a running folder knows of its root.

    An empty root stays an error until an item comes back that the index knows, or until its owner says
    that it is well: the first new file in it proves nothing.

    :ivar last: what it was when the folder ran last; ``kept``: whether that was read from the index.
    :param care: the settings of now.
    :param known: how many items must be there now, by the index.
    """

    def __init__(
        self, config: FolderConfig, care: Callable[[], Care], known: Callable[[], int]
    ) -> None:
        self.release = f"POST /rest/x/guard/release?folder={config.id}"
        self.trouble: FolderUnhealthy | None = None  # what ``accept`` could end
        self._marker = config.marker_name
        self._care = care
        self._known = known
        self._footing = Footing()
        self._accepted = False  # that it is empty
        self.last: Identity | None = None
        self.kept = False

    @property
    def _emptied(self) -> bool:
        """Whether it was found empty, and nobody said that this is right."""
        return isinstance(self.trouble, RootEmptied) and self._care().root_items > 0

    @property
    def marker(self) -> str:
        return self._marker

    def rules(self) -> RootRules:
        """For a job that is about to begin; cheap, and safe to ask in any thread."""
        care = self._care()
        enough = 0 if self._accepted else care.root_items
        device, known = care.root_device, self._known()
        return RootRules(
            self._marker, self._footing, self.last, device, known, enough, self.release
        )

    def check(self, filesystem: Filesystem) -> None:
        """
        A worker's job, in the middle of other work.

        :raises FolderUnhealthy: the root is not what it was.
        """
        stand(filesystem, self.rules())

    def is_healthy(self, filesystem: Filesystem) -> bool:
        """``check``, for scans."""
        self.check(filesystem)
        return True

    def stands(self, footing: Footing) -> None:
        """All is well."""
        self._footing, self.trouble = footing, None
        if footing.witnesses:
            self._accepted = False

    def ill(self, error: FolderUnhealthy) -> str:
        """
        Something is not.

        :returns: what to say of it.
        """
        if isinstance(error, RootMoved | RootEmptied):
            self.trouble = error
        elif not self._emptied:
            self.trouble = None
        return str(error)

    def accept(self) -> bool:
        """
        Its owner says that the root is right as it is now.

        :returns: whether there was anything to be accepted.
        """
        if self.trouble is None:
            return False
        self._accepted = isinstance(self.trouble, RootEmptied)
        self.trouble = self.last = None
        self._footing = Footing()
        return True
