"""
How a file that a remote change replaces or deletes becomes a version. Steps of disk workers.

A file that is replaced gets its second name, as a version, before that; so it is never without one, whenever
the process is killed. A file that is deleted is renamed. Where a storage has no hard links it is renamed in
both cases, and to another disk it is copied: written, synced, renamed, and compared with what was read.

Source: reference 5.7, 5.5 ("Finisher", "File deletion").
"""

from __future__ import annotations

import errno
from bisect import bisect_left, insort
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from functools import partial

from txsyncthing.filesystem.across import link_across, place_across
from txsyncthing.filesystem.seam import Filesystem, Kind, Stat
from txsyncthing.versions.copying import copy_file
from txsyncthing.versions.place import Place, look
from txsyncthing.versions.rule import Rule, Version
from txsyncthing.versions.tag import parse, tag, tagged
from txsyncthing.vocabulary.name import (
    MAX_COMPONENT,
    base_name,
    extension,
    join,
    parent,
    temporary_name,
)

TRIES = 60  # seconds that may be taken by versions of the same second
_OWNER = 0o700
_NO_LINKS = frozenset({errno.EPERM, errno.EMLINK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL})
"""What storages answer that have no hard links, or no more of them for this file."""

Over = Callable[[bool], None]


class Versioner:
    """
    The versions of one folder; shared by workers.

    :param rule: the kind of versioning.
    """

    def __init__(self, rule: Rule, place: Place) -> None:
        self.rule = rule
        self.place = place
        self.stopping = False

    def begin(self, now: float, *, thin: bool = True) -> Keeper:
        """
        For one job of many files.

        :param now: unix seconds.
        :param thin: whether what is a version too many goes at once; else the next clean-up takes it.
        """
        return Keeper(self, now, thin)

    def goes_on(self) -> bool:
        """Whether the folder still runs; asked in the middle of long copies."""
        return not self.stopping

    def stop(self) -> None:
        """Let no copy go on for long."""
        self.stopping = True


class Keeper:
    """Keeps old files for one job. Satisfies ``pull.keeping.Keeper``."""

    def __init__(self, versioner: Versioner, now: float, thin: bool = True) -> None:
        self._rule = versioner.rule
        self._place = versioner.place
        self._goes_on = versioner.goes_on
        self._now = now
        self._thin = thin
        self._opened = ExitStack()
        self._folder: Filesystem | None = None
        self._versions: Filesystem | None = None
        self._bases: dict[str, list[str]] = {}  # of directories of versions, in order
        self._changed: set[str] = set()  # directories of versions

    def copy(self, filesystem: Filesystem, name: str, found: Stat) -> Over:
        """
        Keep a file that something else is about to replace.

        :param found: the file as it is; it must not be another.
        :returns: to be told whether it was replaced; if it was not, all is as before.
        :raises OSError: it cannot be kept, and is as it was.
        """
        versions = self._open(filesystem)
        self._forget_leftover(versions, name, found)
        version, moved = self._second(filesystem, versions, name)
        self._changed.add(parent(version))

        def over(replaced: bool) -> None:
            if replaced:
                self._settle(versions, name, version)
            elif moved:
                with suppress(OSError):  # where the name is taken by now, it stays a version
                    place_across(versions, version, filesystem, name)
            else:
                with suppress(OSError):
                    versions.remove(version)

        return over

    def move(self, filesystem: Filesystem, name: str, found: Stat) -> bool:
        """
        Keep a file whose name is to be free.

        :returns: False: it turned out to be another file than was found; that is where it was.
        :raises OSError: it cannot be kept, and is where it was.
        """
        versions = self._open(filesystem)
        self._forget_leftover(versions, name, found)
        version = self._free(versions, name)
        try:
            once = partial(place_across, filesystem, name, versions, version)
            self._try(filesystem, versions, version, once)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            self._copy_bytes(filesystem, versions, name, version)
            if not self._take_away(filesystem, versions, name, found, version):
                return False
        else:
            if not same_bytes(found, versions.lstat(version)):
                place_across(versions, version, filesystem, name)
                return False
        self._changed.add(parent(version))
        self._settle(versions, name, version)
        return True

    def end(self, sync: bool) -> None:
        """
        The job is over.

        :param sync: return when the versions' names are on the disk.
        """
        try:
            if sync:
                self.flush()
        finally:
            self._opened.close()
            self._folder = self._versions = None
            self._bases.clear()
            self._changed.clear()

    def flush(self) -> None:
        """Return when the names of the versions so far are on the disk."""
        if self._versions is None or self._folder is None:
            return
        for directory in sorted(self._changed):
            with suppress(FileNotFoundError):
                self._versions.sync_directory(directory)
        self._changed.clear()

    def _open(self, filesystem: Filesystem) -> Filesystem:
        if self._versions is None or self._folder is not filesystem:
            self._opened.close()
            self._bases.clear()
            self._folder = filesystem
            self._versions = self._opened.enter_context(self._place.open(filesystem))
        return self._versions

    # How it is kept.

    def _second(self, filesystem: Filesystem, versions: Filesystem, name: str) -> tuple[str, bool]:
        """Let the file be a version too; its name there, and whether it lost its own for that."""
        version = self._free(versions, name)
        for moves, step in ((False, link_across), (True, place_across)):
            once = partial(step, filesystem, name, versions, version)
            try:
                self._try(filesystem, versions, version, once)
                return version, moves
            except OSError as error:
                if error.errno == errno.EXDEV:
                    break
                if moves or error.errno not in _NO_LINKS:
                    raise
        self._copy_bytes(filesystem, versions, name, version)
        return version, False

    def _take_away(
        self, filesystem: Filesystem, versions: Filesystem, name: str, found: Stat, version: str
    ) -> bool:
        """Delete a file of which there is a copy; without that copy it stays, whatever it is."""
        aside = temporary_name(name)
        try:
            filesystem.rename(name, aside)
        except OSError:
            versions.remove(version)
            raise
        if same_bytes(found, filesystem.lstat(aside)):
            filesystem.remove(aside)
            return True
        versions.remove(version)
        filesystem.place(aside, name)
        return False

    def _copy_bytes(
        self, filesystem: Filesystem, versions: Filesystem, name: str, version: str
    ) -> None:
        def step() -> None:
            copy_file(filesystem, name, versions, version, self._goes_on)
            versions.sync_directory(parent(version))

        self._try(filesystem, versions, version, step)

    def _try(
        self,
        filesystem: Filesystem,
        versions: Filesystem,
        version: str,
        step: Callable[[], None],
    ) -> None:
        """Do a step; once more when the directory it needs has been made."""
        try:
            step()
        except (FileNotFoundError, NotADirectoryError):
            if not self._make(filesystem, versions, parent(version)):
                raise
            step()

    def _make(self, filesystem: Filesystem, versions: Filesystem, directory: str) -> bool:
        """
        Make a directory of versions and those above it; nobody may read in them who may not read the files.

        :returns: whether any was missing.
        """
        parts = directory.split("/") if directory else []
        made = False
        for count in range(len(parts) + 1):
            below = "/".join(parts[:count])
            found = look(versions, below)
            if found is not None and found.kind is Kind.DIRECTORY:
                continue
            if found is not None and found.kind is Kind.FILE and below:
                aside = self._free(versions, below, found.modified / 1e9)
                versions.rename(below, aside)  # the version of a file that was here before
            origin = look(filesystem, below)
            mode = (0o755 if origin is None else origin.mode & 0o777) | _OWNER
            versions.make_directory(below, mode)
            if versions.lstat(below).mode & 0o777 != mode:
                versions.chmod(below, mode)
            # Before a file is moved into it: the move may reach the disk alone, and the file be nowhere.
            if below:
                versions.sync_directory(parent(below))
            else:
                filesystem.sync_directory("")
            made = True
        return made

    def _free(self, versions: Filesystem, name: str, when: float | None = None) -> str:
        """A name for a version that is not taken; a second later for each that is."""
        begin = self._now if when is None else when
        long = len(base_name(name).encode()) + len(tag(begin)) + 1 > MAX_COMPONENT
        if long and self._rule.tags:
            text = "name is too long for a version of it"
            raise OSError(errno.ENAMETOOLONG, text, name)
        for later in range(TRIES):
            version = tagged(name, begin + later)
            if long:  # it gets the file's own name in the end
                version = temporary_name(version)
            if self._rule.tags:
                taken = _has(self._listed(versions, parent(name)), base_name(version))
            else:
                taken = look(versions, version) is not None
            if not taken:
                return version
        raise FileExistsError(errno.EEXIST, "all names for versions of this minute are taken", name)

    def _settle(self, versions: Filesystem, name: str, version: str) -> None:
        """The file is a version and nothing else; nothing that fails now may fail the item."""
        with suppress(OSError):
            if self._rule.tags:
                insort(self._listed(versions, parent(name)), base_name(version))
                if self._thin:
                    self._thin_out(versions, name)
            else:
                alone = self._alone(versions, version)
                versions.utime(alone, int(self._now * 1_000_000_000))
                versions.rename(alone, name)
                if alone != version:
                    versions.remove(version)

    def _alone(self, versions: Filesystem, version: str) -> str:
        """The version; or a copy, if it is also somebody's file under another name, which keeps its time."""
        if versions.lstat(version).links == 1:
            return version
        alone = temporary_name(version)
        copy_file(
            versions, version, versions, alone, self._goes_on, temporary=temporary_name(alone)
        )
        return alone

    # What is there already.

    def _listed(self, versions: Filesystem, directory: str) -> list[str]:
        """The names in a directory of versions, as far as this job knows."""
        bases = self._bases.get(directory)
        if bases is None:
            try:
                bases = list(versions.names(directory))
            except (FileNotFoundError, NotADirectoryError):
                bases = []
            self._bases[directory] = bases
        return bases

    def _forget_leftover(self, versions: Filesystem, name: str, found: Stat) -> None:
        """
        A kill in the middle of a replacement may have left the file as a version of itself, which would
        change with it.
        """
        if found.links == 1:
            return
        bases = self._listed(versions, parent(name))
        for version in list(versions_of(bases, base_name(name))):
            there = look(versions, join(parent(name), version.base))
            if there is not None and (there.device, there.inode) == (found.device, found.inode):
                versions.remove(join(parent(name), version.base))
                bases.remove(version.base)

    def _thin_out(self, versions: Filesystem, name: str) -> None:
        bases = self._listed(versions, parent(name))
        mine = list(versions_of(bases, base_name(name)))
        for version in self._rule.surplus(mine, self._now):
            with suppress(FileNotFoundError):  # a clean-up was faster
                versions.remove(join(parent(name), version.base))
            bases.remove(version.base)


def versions_of(bases: list[str], origin: str) -> Iterator[Version]:
    """
    The versions of one file.

    :param bases: names of its directory of versions, in order.
    """
    ending = extension(origin)
    start = origin[: len(origin) - len(ending)] + "~"
    for place in range(bisect_left(bases, start), len(bases)):
        if not bases[place].startswith(start):
            return
        found = parse(bases[place])
        if found is not None and found.origin == origin:
            yield Version(bases[place], found.when)


def _has(bases: list[str], base: str) -> bool:
    place = bisect_left(bases, base)
    return place < len(bases) and bases[place] == base


def same_bytes(a: Stat, b: Stat) -> bool:
    """Whether nobody wrote in between, as far as metadata tell; a rename changes the time of change."""
    return (a.kind, a.inode, a.size, a.modified) == (b.kind, b.inode, b.size, b.modified)
