"""
A directory as it was at a time: for each file the version of then, if it was kept.

What names and times tell: a version was what the folder had until the time in its name, and it was made,
on whichever device, at its mtime. So at a time T a file was the version that is the first to be put aside
after T, if that was made before T; otherwise what was there at T was not kept, or there was nothing. Where
no version was put aside after T, it is what the folder has now, if that was made before T. The trashcan does
not tell when a version was made: what was put aside first after T is taken, and told as uncertain.

Nothing is deleted, nothing is replaced that is not kept as a version first, and versions stay where they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from txsyncthing.filesystem.order import ordered
from txsyncthing.filesystem.seam import Filesystem, Kind, Stat, ThroughSymlink
from txsyncthing.versions.keeper import Versioner
from txsyncthing.versions.place import look
from txsyncthing.versions.restoring import CannotRestore, Restoring
from txsyncthing.versions.walk import Found, Listing, list_versions
from txsyncthing.vocabulary.name import base_name, is_internal, is_temporary, join, parent

MAX_LINES = 50_000  # of a report; more are only counted
BYTES = 64 * 1024 * 1024  # after so many copied the job lets others come between


class Deed(StrEnum):
    """What is done with one file."""

    RESTORE = "restore"
    UNCHANGED = "unchanged"  # it is as it was
    NEWER = "newer"  # it is left as it is; what was there then, if anything, was not kept
    LOST = "lost"  # it was replaced or deleted since, and what was there then was not kept
    GONE = "gone"  # nothing is there, and nothing was put aside since
    FAILED = "failed"


class Line(NamedTuple):
    """One file of a report."""

    path: str
    deed: Deed
    when: float | None = None  # the version: unix seconds at which it was put aside
    certain: bool = True
    why: str = ""


@dataclass(slots=True)
class Report:
    """What was done, or would be."""

    counts: dict[Deed, int] = field(default_factory=lambda: dict.fromkeys(Deed, 0))
    lines: list[Line] = field(default_factory=list)  # all but UNCHANGED and GONE
    bytes: int = 0  # restored

    def add(self, line: Line) -> None:
        self.counts[line.deed] += 1
        telling = line.deed not in (Deed.UNCHANGED, Deed.GONE)
        if telling and len(self.lines) < MAX_LINES:
            self.lines.append(line)


def judge(
    path: str, present: Stat | None, versions: list[Found], at: float
) -> tuple[Line, Found | None]:
    """
    What was a file at a time?

    :param present: what is there now.
    :param versions: all of the file, in any order.
    :param at: unix seconds.
    :returns: and the version, where it is to be restored.
    """
    first = min((one for one in versions if one.when >= at), key=lambda one: one.when, default=None)
    moment = int(at * 1e9)
    if first is None:
        if present is None or present.kind is not Kind.FILE:
            return Line(path, Deed.GONE), None
        if present.modified <= moment:
            return Line(path, Deed.UNCHANGED), None
        why = "made or changed after that time; what was there then, if anything, was not kept"
        return Line(path, Deed.NEWER, why=why), None
    if first.tagged and first.modified > moment:
        why = "replaced or deleted since; what was there then, if anything, was not kept"
        return Line(path, Deed.LOST, why=why), None
    if (
        first.tagged
        and present is not None
        and (present.kind, present.size, present.modified)
        == (Kind.FILE, first.size, first.modified)
    ):
        return Line(path, Deed.UNCHANGED), None
    why = "" if first.tagged else "the trashcan does not tell since when the file was so"
    return Line(path, Deed.RESTORE, first.when, first.tagged, why), first


class _Directory:
    """One directory that is open: what is left of it to be looked at."""

    def __init__(self, name: str, entries: Iterator[_Entry], problem: str = "") -> None:
        self.name = name
        self.entries = entries
        self.problem = problem  # why nothing is known of it


class _Entry(NamedTuple):
    """A file or a directory, in the folder, among the versions, or both."""

    base: str
    present: Stat | None
    versions: list[Found]
    below: bool  # a directory
    blocked: str  # why nothing can be put there


class Rewind:
    """
    One restoring of a directory; ``report`` grows.

    :param path: the directory or file; empty for the whole folder.
    :param at: unix seconds.
    :param dry: only tell.
    :param sync: whether to return when all is on the disk.
    """

    def __init__(
        self, versioner: Versioner, path: str, at: float, *, dry: bool, sync: bool
    ) -> None:
        self._versioner = versioner
        self._top = path
        self._at = at
        self._dry = dry
        self._sync = sync
        self._path: list[_Directory] | None = None
        self.report = Report()

    def step(self, filesystem: Filesystem, now: float, limit: int) -> tuple[bool, list[str]]:
        """
        Do some of it; a worker's job.

        :param now: unix seconds.
        :param limit: files.
        :returns: whether there is more, and what is to be scanned.
        """
        rescan: list[str] = []
        end = self.report.bytes + BYTES
        goes_on = self._versioner.goes_on
        with filesystem.batch() as batch, self._versioner.place.open(batch) as versions:
            restoring = Restoring(
                self._versioner, batch, versions, now, take=False, sync=self._sync
            )
            if self._path is None:
                self._path = [self._begin(batch, versions)]
            while self._path and limit > 0 and self.report.bytes < end and goes_on():
                directory = self._path[-1]
                entry = next(directory.entries, None)
                if entry is None:
                    if directory.problem:
                        self.report.add(Line(directory.name, Deed.FAILED, why=directory.problem))
                    self._path.pop()
                    continue
                name = join(directory.name, entry.base)
                if entry.below:
                    self._path.append(_enter(batch, versions, name, entry.blocked))
                    continue
                limit -= 1
                if self._file(restoring, name, entry):
                    rescan.append(name)
            restoring.end()
        return bool(self._path) and goes_on(), [*restoring.made, *rescan]

    def _begin(self, filesystem: Filesystem, versions: Filesystem) -> _Directory:
        top = self._top
        if not top:
            return _enter(filesystem, versions, "", "")
        above = _enter(filesystem, versions, parent(top), "")
        mine = [entry for entry in above.entries if entry.base == base_name(top)]
        return _Directory(above.name, iter(mine), above.problem)

    def _file(self, restoring: Restoring, name: str, entry: _Entry) -> bool:
        """:returns: whether it was restored."""
        line, version = judge(name, entry.present, entry.versions, self._at)
        if version is not None:
            problem = entry.blocked or _unfit(entry.present)
            if not (problem or self._dry):
                source = join(parent(name), version.base)
                try:
                    restoring.restore(name, source, over_symlink=False)
                except CannotRestore as error:
                    problem = str(error)
            if problem:
                line = Line(name, Deed.FAILED, version.when, line.certain, problem)
            else:
                self.report.bytes += version.size
        self.report.add(line)
        return line.deed is Deed.RESTORE and not self._dry


def _unfit(present: Stat | None) -> str:
    """Why a file cannot take this place."""
    if present is None or present.kind is Kind.FILE:
        return ""
    return {
        Kind.DIRECTORY: "a directory is there now",
        Kind.SYMLINK: "a symlink is there now; remove it first",
    }.get(present.kind, "something that is no file is there now")


def _enter(filesystem: Filesystem, versions: Filesystem, name: str, blocked: str) -> _Directory:
    here: dict[str, Stat] = {}
    if not blocked:
        try:
            here = {entry.base: entry.stat for entry in filesystem.list(name)}
        except FileNotFoundError:
            pass
        except ThroughSymlink:
            blocked = "its directory is a symlink now"
        except NotADirectoryError:
            blocked = "its directory is something else now"
        except OSError as error:
            blocked = f"its directory cannot be read: {error.strerror}"
    there = Listing({}, [], [])
    try:
        if look_directory(versions, name):
            there = list_versions(versions, name) or there
    except (FileNotFoundError, NotADirectoryError):
        pass  # a clean-up beside this took it: it was empty
    except OSError as error:
        problem = f"its versions cannot be read: {error.strerror}"
        return _Directory(name, iter(()), problem)
    return _Directory(name, _entries(name, here, there, blocked))


def look_directory(versions: Filesystem, name: str) -> bool:
    """Whether there are versions of a directory's items."""
    found = look(versions, name)
    return found is not None and found.kind is Kind.DIRECTORY


def _entries(
    directory: str, here: dict[str, Stat], there: Listing, blocked: str
) -> Iterator[_Entry]:
    below = {base for base, stat in here.items() if stat.kind is Kind.DIRECTORY}
    below.update(there.directories)
    for base in ordered({*here, *there.files, *below}):
        name = join(directory, base)
        if is_internal(name) or is_temporary(name):
            continue
        present, versions = here.get(base), there.files.get(base, [])
        if versions or base not in below:
            yield _Entry(base, present, versions, False, blocked)
        if base in below:
            unfit = blocked
            if not unfit and present is not None and present.kind is not Kind.DIRECTORY:
                unfit = "its directory is something else now"
            yield _Entry(base, present, [], True, unfit)
