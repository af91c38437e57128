"""
Our own writes, so that a watch does not take them for the user's.

While an item is pulled, and for a moment after, a change of it is a doubt. A doubt is settled by a look at
the disk: an item that is just as the pull left it was changed by nobody else. So what the user does to an
item at the same time, or right after, is never taken for ours.

Source: reference 5.4 ("Own changes").
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import NamedTuple

from txsyncthing.filesystem.metadata import same_permissions
from txsyncthing.filesystem.seam import Filesystem, Kind, ThroughSymlink
from txsyncthing.vocabulary.file import FileInfo, FileType
from txsyncthing.watch.told import Change

GRACE = 5.0  # seconds after which the system has told of all that a pull did


class Trace(NamedTuple):
    """How a pull left an item, as recorded in the index."""

    kind: Kind | None  # None: removed
    size: int
    modified: int  # nanoseconds
    changed: int  # nanoseconds
    permissions: int  # -1: ours do not matter
    until: float  # when we forget it


class Doubt(NamedTuple):
    """A change that may be ours."""

    name: str
    change: Change
    trace: Trace


_KINDS = {
    FileType.FILE: Kind.FILE,
    FileType.DIRECTORY: Kind.DIRECTORY,
    FileType.SYMLINK: Kind.SYMLINK,
}


def foreign(filesystem: Filesystem, doubts: Sequence[Doubt]) -> list[Doubt]:
    """A worker's job: those which are not as we left them, so that somebody else changed them."""
    with filesystem.batch() as batch:
        return [doubt for doubt in doubts if not _is_as_left(batch, doubt)]


def _is_as_left(filesystem: Filesystem, doubt: Doubt) -> bool:
    trace = doubt.trace
    try:
        found = filesystem.lstat(doubt.name)
    except (FileNotFoundError, NotADirectoryError, ThroughSymlink):
        return trace.kind is None
    except OSError:
        return False
    if found.kind is not trace.kind:
        return False
    if trace.permissions >= 0 and not same_permissions(found.mode, trace.permissions):
        return False
    if found.kind is Kind.DIRECTORY:  # its times change with what is in it
        return True
    if found.kind is Kind.FILE and (found.size, found.modified) != (trace.size, trace.modified):
        return False
    return not trace.changed or found.changed == trace.changed


def _trace(file: FileInfo, until: float) -> Trace:
    if file.deleted:
        return Trace(None, 0, 0, 0, -1, until)
    matters = not file.no_permissions and file.type is not FileType.SYMLINK
    return Trace(
        _KINDS[file.type],
        file.size,
        file.modified,
        file.inode_change,
        file.permissions if matters else -1,
        until,
    )


class OwnWrites:
    """What a folder's pull is doing, and has just done."""

    def __init__(self) -> None:
        self._open: set[str] = set()
        # In order of time. A plain dict gets the slower, the more was taken from its front.
        self._traces: OrderedDict[str, Trace] = OrderedDict()
        self._doubts: dict[str, Change] = {}

    def begin(self, name: str) -> None:
        """The pull of an item begins."""
        self._open.add(name)

    def record(self, files: Sequence[FileInfo], now: float) -> None:
        """These were pulled, and the index has them."""
        until = now + GRACE
        for file in files:
            name = file.name
            self._open.discard(name)
            self._traces.pop(name, None)
            self._traces[name] = _trace(file, until)
        self._forget(now)

    def rest(self) -> None:
        """The pull is over; what was begun and not recorded was not done by us."""
        self._open.clear()

    def holds(self, name: str) -> bool:
        """Whether a change of this item may be ours."""
        return name in self._open or name in self._traces

    def doubt(self, name: str, change: Change) -> None:
        """An item that we hold has changed."""
        if change is not Change.TOUCHED or name not in self._doubts:
            self._doubts[name] = change

    @property
    def doubtful(self) -> bool:
        """Whether there are doubts at all."""
        return bool(self._doubts)

    def settle(self, now: float) -> tuple[list[Doubt], list[tuple[str, Change]]]:
        """
        Doubts that need to wait no longer.

        :returns: those to look at (see ``foreign``), and changes that cannot be ours.
        """
        ready: list[Doubt] = []
        real: list[tuple[str, Change]] = []
        for name, change in list(self._doubts.items()):
            if name in self._open:
                continue
            del self._doubts[name]
            trace = self._traces.get(name)
            if trace is None:
                real.append((name, change))
            else:
                ready.append(Doubt(name, change, trace))
        self._forget(now)
        return ready, real

    def _forget(self, now: float) -> None:
        while self._traces:
            name, trace = next(iter(self._traces.items()))
            if trace.until > now or name in self._doubts:
                return
            del self._traces[name]
