"""
What users did in a simulation, and what must come of it.

*Nothing is lost*: each content that a user wrote is in the final tree, under its name or as a conflict copy,
unless a user on whose disk it was replaced or deleted it. Where a user edits a content, and another gives the
same content to the same name meanwhile, the edit wins without a copy: it says what it was made from.

*Nothing returns*: a content that a user replaced or deleted under a name does not come back there. That can
be demanded only of what the node knew: where a process dies between bringing a file to the disk and
recording it, a deletion before the next scan looks as if the file had never come. Nor can it be demanded

- where somebody touched the same content elsewhere at the same time: an edit wins against a deletion;
- where a pattern hid the name for a while;
- where the content was in a conflict. Who has what wins and replaces it tells of a version that the loser
  does not know, and the loser, as long as any device still tells of it, may win against that in turn, as it
  would against any deletion. Whoever takes it then has forgotten what it replaced. Merging the versions of a
  conflict would help here, and let a deletion of the winner be undone wherever it meets the merged version;
  official daemons do not merge them either.

*Nothing is forgotten*: a version that a node makes follows on the one that it had, and what a peer may have
been told of stays on record, whatever happens to the machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import NamedTuple

from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.seam import Kind
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo, FileType
from txsyncthing.vocabulary.name import (
    WireName,
    conflict_origin,
    is_conflict,
    is_internal,
    is_temporary,
)
from txsyncthing.vocabulary.vector import Vector

Content = bytes
"""What tells contents of files, and targets of symlinks, from each other."""

_TYPES = {
    Kind.FILE: FileType.FILE,
    Kind.DIRECTORY: FileType.DIRECTORY,
    Kind.SYMLINK: FileType.SYMLINK,
}


class Item(NamedTuple):
    """An item as a user sees it."""

    kind: Kind
    content: Content
    mode: int
    modified: int
    size: int


def content_of(data: bytes) -> Content:
    return sha256(data).digest()[:12]


def look(disk: MemoryFilesystem, name: str) -> Item | None:
    """What is there; None for nothing."""
    with disk.quiet():
        try:
            stat = disk.lstat(name)
            content = b""
            if stat.kind is Kind.FILE:
                content = content_of(disk.take(name))
            elif stat.kind is Kind.SYMLINK:
                content = content_of(b"-> " + disk.read_link(name))
        except OSError:
            return None
    mode = 0 if stat.kind is Kind.SYMLINK else stat.mode & 0o777
    modified = stat.modified if stat.kind is Kind.FILE else 0
    return Item(stat.kind, content, mode, modified, stat.size)


def visible(name: str) -> bool:
    """Whether users have to do with an item."""
    return not is_internal(name) and not is_temporary(name)


def tree(disk: MemoryFilesystem) -> dict[str, Item]:
    """All that users see of a folder."""
    found = ((name, look(disk, name)) for name in disk.everything() if visible(name))
    return {name: item for name, item in found if item is not None}


class Mark(NamedTuple):
    """Who replaced a content, and the version under which it was known there."""

    who: str
    version: Vector


class Ledger:
    """All facts about users' contents."""

    def __init__(self) -> None:
        self._names: dict[Content, dict[str, None]] = {}  # of files: the names it was given
        self._labels: dict[Content, str] = {}
        self._replaced: dict[tuple[str, Content], dict[str, None]] = {}  # by users who had it
        self._gone: dict[tuple[str, Content], Mark] = {}  # may not return
        self._taken: dict[tuple[str, str], Content] = {}  # by name and user: what was there last
        self._took: set[tuple[str, Content]] = set()
        self._edited: set[tuple[str, Content]] = set()  # replaced by another content
        self._touched: dict[tuple[str, Content], tuple[int, int]] = {}  # newest mode and time
        self._hidden: list[str] = []
        self._versions: dict[str, dict[Vector, None]] = {}  # that any node ever recorded
        # By user and name: the last record, and the highest counter of its own.
        self._last: dict[tuple[str, str], tuple[FileInfo, int]] = {}
        self._forgetful: list[str] = []
        self.marks = 0
        self.losers = (
            0  # contents that returned, though another version was in conflict with theirs
        )
        self.doubts = 0  # replacements of what the node did not know as it was

    def put(self, name: str, item: Item, who: str, record: FileInfo | None) -> None:
        """
        A user gave a name a content.

        :param record: what the node knows of the name: where that is what is there now, all that the user
            did is undone, and nobody will hear of it.
        """
        key = (name, item.content)
        before = self._taken.pop((name, who), None)
        if before is not None and before != item.content:
            self._edited.add((name, before))
        if item.kind is Kind.FILE:
            self._names.setdefault(item.content, {})[name] = None
        if item.content not in self._labels:
            self._labels[item.content] = f"#{len(self._labels) + 1}"
        if record is not None and is_known(record, item) and key in self._touched:
            self._replaced.get(key, {}).pop(who, None)
            if key in self._gone and self._gone[key].who == who:
                del self._gone[key]
            return
        self._replaced.pop(key, None)
        self.touch(name, item)

    def touch(self, name: str, item: Item) -> None:
        """A user gave what is there another mode or time: a version that wins against a deletion."""
        key = (name, item.content)
        self._gone.pop(key, None)
        self._touched[key] = (item.mode, item.modified)

    def take(self, name: str, item: Item, who: str, record: FileInfo | None) -> None:
        """
        A user replaced or deleted what was there.

        :param record: what the node knows of the name.
        """
        if item.kind is Kind.DIRECTORY:
            return
        key = (name, item.content)
        self._replaced.setdefault(key, {})[who] = None
        self._took.add((who, item.content))
        self._taken[name, who] = item.content
        if is_conflict(name):  # where the content of another name was kept
            origin = conflict_origin(WireName(name))
            self._replaced.setdefault((origin, item.content), {})[who] = None
        newest = self._touched.get(key)
        if (
            record is not None
            and is_known(record, item)
            and newest == (item.mode, item.modified)
            and not self._is_hidden(name)
        ):
            self._gone.setdefault(key, Mark(who, record.version))
            self.marks += 1
        else:
            self.doubts += 1

    def hide(self, name: str) -> None:
        """A pattern hides a name, and all below it."""
        self._hidden.append(name)
        for key in [key for key in self._gone if self._is_hidden(key[0])]:
            del self._gone[key]

    def _is_hidden(self, name: str) -> bool:
        return any(f"{name}/".startswith(f"{hidden}/") for hidden in self._hidden)

    def recorded(self, who: str, me: ShortID, files: Iterable[FileInfo]) -> None:
        """A node has new records."""
        for file in files:
            self._versions.setdefault(file.name, {})[file.version] = None
            last, made = self._last.get((who, file.name), (file, 0))
            own = file.version.value(me)
            self._last[who, file.name] = file, max(own, made)
            if own > made and not last.local_flags and not file.version.covers(last.version):
                self._forgetful.append(
                    f"forgot: {who} makes {file.version} of {file.name}, from {last.version}"
                )

    def died(self, who: str, told: int, left: int) -> None:
        """
        A node's process died.

        :param told: the last sequence number of which its peers may know.
        :param left: the last that is on record.
        """
        if left < told:
            self._forgetful.append(f"forgot: {who} is at {left} and was at {told}")

    def _had_conflict(self, name: str, version: Vector) -> bool:
        return any(version.concurrent(other) for other in self._versions.get(name, ()))

    def took(self, who: str, content: Content) -> bool:
        """Whether this user ever replaced or deleted a content, under any name."""
        return (who, content) in self._took

    def name(self, content: Content) -> str:
        """What a story calls a content that somebody wrote."""
        return self._labels.get(content, "that nobody wrote")

    def label(self, item: Item | None) -> str:
        """What a story calls a content."""
        if item is None:
            return "nothing"
        if item.kind is Kind.DIRECTORY:
            return "a directory"
        known = self._labels.get(item.content)
        what = "->" if item.kind is Kind.SYMLINK else ""
        return f"{what}{known or f'a content of {item.size} bytes that nobody wrote'}"

    def broken(self, final: dict[str, Item], returns: bool = True) -> Iterator[str]:
        """
        What was promised and is not so.

        :param final: the tree to which the nodes have come.
        :param returns: whether to look for what has returned.
        """
        yield from self._forgetful
        there = {item.content for item in final.values()}
        for content, names in self._names.items():
            if content in there:
                continue
            held = [
                name
                for name in names
                if not self._replaced.get((name, content)) and (name, content) not in self._edited
            ]
            if held:
                yield f"lost: {self._labels[content]}, last called {', '.join(held)}"
        for name, item in final.items():
            if item.kind is Kind.DIRECTORY:
                continue
            if item.content not in self._labels:
                yield f"invented: {name} has {self.label(item)}"
            elif returns and not is_conflict(name) and (name, item.content) in self._gone:
                mark = self._gone[name, item.content]
                if self._had_conflict(name, mark.version):
                    self.losers += 1
                    continue
                yield f"returned: {name} has {self.label(item)}, which {mark.who} replaced"


def is_known(record: FileInfo, item: Item) -> bool:
    """Whether a node has recorded what is there."""
    if record.deleted or record.invalid or record.type is not _TYPES[item.kind]:
        return False
    return item.kind is not Kind.FILE or (
        (record.size, record.modified, record.permissions) == (item.size, item.modified, item.mode)
    )
