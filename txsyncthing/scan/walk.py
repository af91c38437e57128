"""
What is on the disk, in order of the full names, so that it merges with the index's rows.

A directory ``a`` comes at its own place but what is below it at the place of ``a/``: ``a``, ``a-b``,
``a/x``. Only the names of the directories on the way are held.

Source: reference 5.2 ("Walk order", "Skipped", "Temp cleanup", "Normalisation").
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple
from unicodedata import is_normalized, normalize

from txsyncthing.filesystem.case import CaseConflict
from txsyncthing.filesystem.seam import Filesystem, Kind, Stat, ThroughSymlink
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.scan.values import ScanOptions
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.name import is_internal, is_leftover, is_temporary

_AT_ONCE = 512  # items of one directory looked at together
GONE = (FileNotFoundError, NotADirectoryError, ThroughSymlink, CaseConflict)
"""Errors which say that there is no such item in the folder; what is spelled otherwise is another."""


class Mark(Enum):
    """What an event of a walk means."""

    ITEM = auto()
    VEILED = auto()  # an ignored directory that may hold something kept
    BELOW = auto()  # inside only: what is below a directory is due
    UNKNOWN = auto()  # nobody can say what begins with this name


class Event(NamedTuple):
    """One step of a walk; ``stat`` is there for ITEM and VEILED."""

    name: str
    mark: Mark
    stat: Stat | None = None


def readable(name: str) -> str:
    """A name from the disk as text that can be shown and sent."""
    if name.isascii():
        return name
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def item_error(name: str, what: str, error: OSError | str, cause: str = "unreadable") -> ItemError:
    """
    :param what: what was being done, in the official daemon's word (``scan``, ``hashing``).
    :param cause: unless an error of the disk says more.
    """
    text = error if isinstance(error, str) else error.strerror or str(error)
    if isinstance(error, ThroughSymlink):
        cause = "through-symlink"
    elif isinstance(error, OSError) and error.errno not in _FORBIDDEN:
        cause = "disk"
    return ItemError(readable(name), cause, f"{what}: {text}", _REMEDIES.get(cause, ""))


_FORBIDDEN = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_REMEDIES = {
    "bad-name": "rename it",
    "name-taken": "rename one of the two",
    "unreadable": "give the user who runs this the right to read it, or ignore it",
    "permission": "give the user who runs this the right to rename it, or rename it yourself",
    "changed-locally": "nothing: it is scanned again",
    "through-symlink": "replace the symlink by a directory, or ignore it",
    "disk": "look at the disk and its file system",
}


class Walk:
    """
    Everything below one place of a folder that may be synced. Blocking: for a worker.

    :param top: where to begin; empty for the whole folder.
    :param now: wall-clock nanoseconds, for the age of temporary files.
    :ivar filesystem: may be changed between two events, to that of a batch.
    """

    def __init__(
        self,
        filesystem: Filesystem,
        matcher: Matcher,
        options: ScanOptions,
        now: int,
        top: str = "",
    ) -> None:
        self.errors: list[ItemError] = []
        self.filesystem = filesystem
        self._matcher = matcher
        self._normalize = options.auto_normalize
        self._overdue = now - int(options.keep_temporaries * 1_000_000_000)
        self._top = top

    def events(self) -> Iterator[Event]:
        """
        :raises OSError: the folder's root cannot be read.
        """
        stack = [self._begin()]
        while stack:
            for event in stack[-1]:
                if event.mark is Mark.BELOW:
                    stack.append(self._directory(event.name))
                    break
                yield event
            else:
                stack.pop()

    def _begin(self) -> Iterator[Event]:
        top = self._top
        if not top:
            self.filesystem.lstat("")  # an empty answer must not hide a missing root
            yield Event("", Mark.BELOW)
            return
        if is_internal(top) or is_temporary(top) or self._matcher.can_skip(top):
            return
        try:
            stat = self.filesystem.lstat(top)
        except GONE:
            self.filesystem.lstat("")
            return
        except OSError as error:
            self.errors.append(item_error(top, "scan", error))
            yield Event("", Mark.UNKNOWN)
            return
        yield from self._item(top, stat)
        if stat.kind is Kind.DIRECTORY:
            yield Event(top, Mark.BELOW)

    def _directory(self, directory: str) -> Iterator[Event]:
        prefix = f"{directory}/" if directory else ""
        due: list[str] = []  # directories below, as "a/"; the last is the first in order
        try:
            bases = self._bases(directory, prefix)
            for start in range(0, len(bases), _AT_ONCE):
                some = bases[start : start + _AT_ONCE]
                found = self.filesystem.stats(directory, some)
                for base, stat in zip(some, found, strict=True):
                    if stat is None:
                        continue
                    name = prefix + base
                    while due and due[-1] < name:
                        yield Event(due.pop()[:-1], Mark.BELOW)
                    yield from self._item(name, stat)
                    if stat.kind is Kind.DIRECTORY:
                        due.append(name + "/")
        except OSError as error:
            if not directory:
                raise
            if not isinstance(error, GONE):
                self.errors.append(item_error(directory, "scan", error))
            # What was told of it stands; of the rest nothing is known, gone or not.
            yield Event(prefix, Mark.UNKNOWN)
            return
        while due:
            yield Event(due.pop()[:-1], Mark.BELOW)

    def _item(self, name: str, stat: Stat) -> Iterator[Event]:
        if stat.kind is Kind.OTHER:
            return
        if not self._matcher.empty and self._matcher.match(name).ignored:
            if stat.kind is Kind.DIRECTORY:
                yield Event(name, Mark.VEILED, stat)
            return
        yield Event(name, Mark.ITEM, stat)

    def _bases(self, directory: str, prefix: str) -> Sequence[str]:
        """The names in a directory that are worth a look, in order."""
        bases = self.filesystem.names(directory)
        matcher = self._matcher
        kept = []
        renamed = False
        for base in bases:
            if base[0] in ".~" and self._is_ours(prefix + base):
                continue
            if not base.isascii():
                if not self._is_text(prefix + base):
                    continue
                if not is_normalized("NFC", base):
                    better = self._normalized(prefix, base)
                    if not better:
                        continue
                    base, renamed = better, True
            if not matcher.empty and matcher.can_skip(prefix + base):
                continue
            kept.append(base)
        return sorted(kept) if renamed else kept

    def _is_ours(self, name: str) -> bool:
        """Internal items and temporary files, of which the old ones are removed."""
        if is_internal(name):
            return True
        if not is_temporary(name):
            return False
        try:
            stat = self.filesystem.lstat(name)
            old = is_leftover(name) and stat.modified < self._overdue
            if old and stat.kind in (Kind.FILE, Kind.SYMLINK):
                self.filesystem.remove(name)
        except GONE:
            pass
        except OSError as error:
            self.errors.append(item_error(name, "scan", error))
        return True

    def _is_text(self, name: str) -> bool:
        try:
            name.encode()
        except UnicodeEncodeError:
            self._refuse(name, "item is not in UTF8 encoding")
            return False
        return True

    def _normalized(self, prefix: str, base: str) -> str:
        """The name in NFC, if the item has it now; empty if not."""
        old = prefix + base
        base = normalize("NFC", base)
        new = prefix + base
        if self._matcher.can_skip(new) or is_internal(new) or is_temporary(new):
            return ""
        if not self._normalize:
            self._refuse(old, "item is not in the correct UTF8 normalization form")
            return ""
        try:
            self.filesystem.lstat(new)
        except FileNotFoundError:
            try:
                self.filesystem.rename(old, new)
            except OSError as error:
                self.errors.append(item_error(old, "normalizing path", error, "permission"))
                return ""
            return base
        except OSError as error:
            self.errors.append(item_error(old, "normalizing path", error, "permission"))
            return ""
        self._refuse(old, "item has UTF8 encoding conflict with another item", "name-taken")
        return ""

    def _refuse(self, name: str, text: str, cause: str = "bad-name") -> None:
        self.errors.append(item_error(name, "scan", text, cause))
