"""
Whether the root of a folder is the one that the index tells of. Nothing that is missing from any other
place was deleted.

A root that vanished or lost its marker is an error of the official daemon's; ours are a root that changed
its file system while the folder runs, and one that is suddenly empty.

Source: reference 5.1 ("Marker missing", "Path checks").
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from txsyncthing.config.folder import FolderConfig
from txsyncthing.filesystem.metadata import FolderUnhealthy, check_folder, make_marker
from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.folder.care import Care
from txsyncthing.vocabulary.name import WireName, is_internal, is_temporary

MAX_TOPS = 1000  # names of a root that are looked up in the index


class RootMoved(FolderUnhealthy):
    """The root lies on another file system than when the folder started."""


class RootEmptied(FolderUnhealthy):
    """The root holds nothing, and the index knows many items."""


class Footing(NamedTuple):
    """What a root that was well looked like."""

    device: int | None = None  # st_dev; None: nobody looked yet
    witness: str = ""  # an item in it; empty: there was none
    system: int = 0  # f_fsid; 0: unknown


class RootRules(NamedTuple):
    """What a job checks."""

    marker: str
    footing: Footing
    same_device: bool  # whether another file system is an error
    known: int  # items that must be there
    enough: int  # so many of them make an empty root an error; 0: never does
    release: str  # how to go on


def stand(filesystem: Filesystem, rules: RootRules) -> Footing:
    """
    A worker's job, cheap: see that the root is there, and is the one it was.

    :returns: what to compare the next look with.
    :raises FolderUnhealthy: it is not; nothing in it may be believed.
    """
    device = check_folder(filesystem, rules.marker).device
    before, witness, known_system = rules.footing
    system = _system(filesystem)
    # The kernel gives the number of a device that was unmounted to the next one.
    other = bool(known_system and system and system != known_system)
    if rules.same_device and before is not None and (device != before or other):
        anew = ", mounted anew" if device == before else ""
        raise RootMoved(
            "folder root is on another file system than when the folder started (device"
            f" {device}, was {before}{anew}); mount the right one again, or accept this one:"
            f" {rules.release}"
        )
    if not (witness and _is_there(filesystem, witness)):
        witness = _witness(filesystem, rules.marker)
        if not witness and 0 < rules.enough <= rules.known:
            raise RootEmptied(
                f"folder root is empty, but {rules.known} items are known to be here; bring them back, or"
                f" accept that they are deleted: {rules.release}"
            )
    return Footing(device, witness, system)


def _system(filesystem: Filesystem) -> int:
    try:
        return filesystem.space().system
    except OSError:
        return 0


def tops(filesystem: Filesystem, marker: str) -> list[WireName]:
    """A worker's job: names in the root, but for our own."""
    names = [WireName(base) for base in filesystem.names("") if _counts(base, marker)]
    return names[:MAX_TOPS]


def _witness(filesystem: Filesystem, marker: str) -> str:
    try:
        return next((base for base in filesystem.names("") if _counts(base, marker)), "")
    except OSError as error:
        raise FolderUnhealthy(f"folder path unreadable: {error.strerror}") from None


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

    @property
    def emptied(self) -> bool:
        """Whether it was found empty, and nobody said that this is right."""
        return isinstance(self.trouble, RootEmptied) and self._care().root_items > 0

    @property
    def marker(self) -> str:
        return self._marker

    def rules(self) -> RootRules:
        """For a job that is about to begin; cheap, and safe to ask in any thread."""
        care = self._care()
        enough = 0 if self._accepted else care.root_items
        return RootRules(
            self._marker, self._footing, care.root_device, self._known(), enough, self.release
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
        if footing.witness:
            self._accepted = False

    def ill(self, error: FolderUnhealthy) -> str:
        """
        Something is not.

        :returns: what to say of it.
        """
        if isinstance(error, RootMoved | RootEmptied):
            self.trouble = error
        elif not self.emptied:
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
        self.trouble = None
        self._footing = Footing()
        return True
