"""What the owner of a folder says about pulling."""

from __future__ import annotations

from dataclasses import dataclass, replace

from txsyncthing.config.folder import BlockPullOrder
from txsyncthing.filesystem.seam import CopyMethod, Space
from txsyncthing.pull.keeping import Keeper, Versioner
from txsyncthing.vocabulary.attributes import NO_ATTRIBUTES, Attributes
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.folder import FolderID, PullOrder

NOBODY = ShortID(0)
MIN_WINDOW = 16 * 1024 * 1024
DEFAULT_WINDOW = 32 * 1024 * 1024
UNKNOWN = 1 << 62  # bytes: the disk itself says when it is full


@dataclass(frozen=True, slots=True)
class MinFree:
    """How much room must stay free: a part of the whole (percent), or so many bytes."""

    percent: float = 1.0
    size: int = 0

    def needed(self, space: Space) -> int:
        """In bytes."""
        return max(self.size, int(space.total * self.percent / 100))

    def room(self, space: Space) -> int:
        """Bytes that may be used; any number where the storage does not tell its size."""
        return space.free - self.needed(space) if space.total else UNKNOWN


@dataclass(frozen=True, slots=True)
class PullOptions:
    """One folder's settings, in the units of the code (reference 6.2)."""

    folder: FolderID
    place: str = ""  # what people call the folder, and where it is
    me: ShortID = NOBODY  # our own counter in versions
    order: PullOrder = PullOrder.RANDOM
    window: int = DEFAULT_WINDOW  # bytes that may be asked for and not yet written
    ignore_permissions: bool = False
    ignore_delete: bool = False
    sync: bool = True  # not disableFsync
    sparse: bool = True  # not disableSparseFiles
    copy_methods: tuple[
        CopyMethod, ...
    ] = ()  # what copies blocks between files, if not we ourselves
    copiers: int = 0  # jobs at once which look for bytes that are here already; 0: no bound
    max_writes: int = 16  # jobs at once which write
    block_order: BlockPullOrder = BlockPullOrder.STANDARD
    cross_copy: bool = True  # blockIndexing: look for blocks in other files of the folder
    max_conflicts: int = 10  # -1: any number
    min_free: MinFree = MinFree()
    case_sensitive: bool = False  # the disk is said to tell names apart that differ by case
    time_window: int = 0  # nanoseconds by which times may differ
    attributes: Attributes = NO_ATTRIBUTES  # owners and extended attributes that are taken
    versioner: Versioner | None = None  # None: old versions go
    keeper: Keeper | None = None  # of the job that runs, see ``begin``

    def begin(self, now: float) -> PullOptions:
        """For one job: with its own keeper of old versions; ``finish.each`` ends that."""
        if self.versioner is None:
            return self
        return replace(self, keeper=self.versioner.begin(now))


def window(pending_kib: int) -> int:
    """The window in bytes for pullerMaxPendingKiB: 0 is automatic, less than 16 MiB is raised."""
    return max(pending_kib * 1024, MIN_WINDOW) if pending_kib > 0 else DEFAULT_WINDOW
