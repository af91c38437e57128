"""
Setting watches on a directory and all below it: a worker's job, in steps.

A directory is watched before it is listed, so that nothing that is made in it is missed. Each is opened
through the one above it, so no symlink can lead out of the folder, and what is renamed meanwhile is told
as a child of the right directory.
"""

from __future__ import annotations

import errno
import os
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from txsyncthing.ignore.matcher import Matcher
from txsyncthing.vocabulary.name import is_internal, is_temporary
from txsyncthing.watch.events import MASK
from txsyncthing.watch.names import is_proper

STEP = 256  # directories in one job
MOST_NAMES = 10_000  # of one new directory of ours; a larger one is scanned
_CHAIN = 64  # directories that stay open, one below the other
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MISSING = (errno.ENOENT, errno.ENOTDIR, errno.ELOOP)
_SHORT = (errno.ENOSPC, errno.ENOMEM)


class Descriptor(Protocol):
    """An inotify instance; ``inotify_simple.INotify`` is one."""

    def fileno(self) -> int: ...

    def add_watch(self, path: str, mask: int) -> int: ...

    def rm_watch(self, wd: int) -> None: ...

    def close(self) -> None: ...


class Start(NamedTuple):
    """
    Where a walk begins.

    :ivar above: the watch of the directory above; -1 for the root.
    :ivar name: below the root; empty for itself.
    :ivar look: whether the names of what is in each directory are wanted.
    :ivar expected: with this watch, what is below is known already.
    """

    above: int
    name: str
    look: bool = False
    expected: int = -1


class Found(NamedTuple):
    """
    A directory that is watched now.

    :ivar above: the watch of the directory that it was found in.
    """

    above: int
    base: str
    watch: int
    name: str
    looked: bool = False  # whether the next was asked for
    bases: Sequence[str] | None = None  # what else lies in it; None: too much


class Step(NamedTuple):
    """What one job did."""

    found: list[Found]
    left_out: list[str]  # the topmost that could not be watched
    uncounted: int  # directories without a watch
    stale: list[Start]  # the way there leads elsewhere now
    strays: list[int]  # watches on where it leads
    missing: list[Start]  # there is no such directory
    done: bool


class _Due(NamedTuple):
    above: int  # -1: do not watch it, nor what is below
    directory: str  # the one above
    base: str
    look: bool
    start: Start | None = None


class Walk:
    """
    One walk.

    :param root: the folder's path; it may be reached through symlinks.
    """

    def __init__(
        self, descriptor: Descriptor, root: str, matcher: Matcher, starts: Sequence[Start]
    ) -> None:
        self._descriptor = descriptor
        self._root = root
        self._matcher = matcher
        self._starts = list(reversed(starts))
        self._due: list[_Due] = []
        self._chain: list[tuple[str, int]] = []  # names and descriptors, each below the one before

    def advance(self) -> Step:
        """
        Go on for one step.

        :raises OSError: the root cannot be opened or watched.
        """
        step = Step([], [], 0, [], [], [], False)
        uncounted = 0
        for _ in range(STEP):
            if self._due:
                uncounted += self._visit(self._due.pop(), step)
            elif self._starts:
                self._begin(self._starts.pop(), step)
            else:
                break
        done = not self._due and not self._starts
        if done:
            self.close()
        return step._replace(uncounted=uncounted, done=done)

    def close(self) -> None:
        """Hold nothing open any more."""
        self._keep(0)

    def _begin(self, start: Start, step: Step) -> None:
        if start.above < 0:
            self._keep(0)
            top = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._chain.append(("", top))
            watch = self._watch(top)
            step.found.append(Found(-1, "", watch, ""))
            self._list(watch, "", top, start.look)
            return
        directory, _, base = start.name.rpartition("/")
        try:
            above = self._directory(directory)
            if (watch := self._watch(above)) != start.above:
                step.strays.append(watch)
                step.stale.append(start)
                return
        except OSError as error:
            if error.errno not in _SHORT:  # then a rename led us astray, or it is gone
                step.stale.append(start)
            return
        self._due.append(_Due(start.above, directory, base, start.look, start))

    def _visit(self, due: _Due, step: Step) -> int:
        """:returns: 1 for a directory that is not watched."""
        name = f"{due.directory}/{due.base}" if due.directory else due.base
        try:
            above = self._directory(due.directory)
            opened = os.open(due.base, _OPEN, dir_fd=above)
        except OSError as error:
            if due.start is not None and error.errno in _MISSING:
                step.missing.append(due.start)
            return 0  # gone, replaced or not for us: the scan tells of it
        self._chain.append((name, opened))
        watch = -1
        if due.above >= 0:
            try:
                watch = self._watch(opened)
            except OSError as error:
                if error.errno not in _SHORT:
                    return 0
                step.left_out.append(name)
        if due.start is not None and 0 <= watch == due.start.expected:
            step.found.append(Found(due.above, due.base, watch, name))
            return 0
        bases = self._list(watch, name, opened, due.look)
        if watch >= 0:
            step.found.append(Found(due.above, due.base, watch, name, due.look, bases))
            return 0
        return 1

    def _list(self, watch: int, name: str, opened: int, look: bool) -> list[str] | None:
        """Take what is below on; what else there is, if that is wanted and not too much."""
        prefix = f"{name}/" if name else ""
        bases: list[str] = []
        directories = []
        try:
            with os.scandir(opened) as entries:
                for entry in entries:
                    base = entry.name
                    if base[0] in ".~" and (is_internal(prefix + base) or is_temporary(base)):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if is_proper(base) and not self._matcher.can_skip(prefix + base):
                            directories.append(base)
                    elif look and len(bases) <= MOST_NAMES:
                        bases.append(base)
        except OSError:
            look = False  # the scan tells of it
        directories.sort(reverse=True)
        self._due += [_Due(watch, name, base, look) for base in directories]
        return bases if look and len(bases) <= MOST_NAMES else None

    def _watch(self, opened: int) -> int:
        return self._descriptor.add_watch(f"/proc/self/fd/{opened}", MASK)

    # Open directories.

    def _directory(self, name: str) -> int:
        """The open directory of this name; all above it stay open as well, but for deep ones."""
        depth = len(self._chain)
        while depth and not _leads(self._chain[depth - 1][0], name):
            depth -= 1
        self._keep(depth)
        if not self._chain:
            top = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            self._chain.append(("", top))
        at, opened = self._chain[-1]
        if at == name:
            if len(self._chain) > _CHAIN:  # the middle of a very deep way
                self._shorten()
            return opened
        for part in name[len(at) + 1 if at else 0 :].split("/"):
            opened = os.open(part, _OPEN, dir_fd=opened)
            at = f"{at}/{part}" if at else part
            self._chain.append((at, opened))
        return opened

    def _shorten(self) -> None:
        for _, opened in self._chain[1:-2]:
            os.close(opened)
        del self._chain[1:-2]

    def _keep(self, depth: int) -> None:
        while len(self._chain) > depth:
            os.close(self._chain.pop()[1])


def _leads(above: str, name: str) -> bool:
    return not above or name == above or name.startswith(f"{above}/")
