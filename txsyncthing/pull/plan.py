"""
What a round has to do: needed items sorted by the kind of work.

Directories come first, parents before children, then symlinks, metadata, renames and files; deletions last,
files before directories, the deepest first. What takes the place of a directory waits until that is empty.

Source: reference 5.5 ("Item order", "Metadata shortcut", "Rename shortcut").
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from txsyncthing.filesystem.case import fold
from txsyncthing.index.values import Need
from txsyncthing.pull.failure import bad_name
from txsyncthing.pull.order import cut
from txsyncthing.pull.renames import Rename
from txsyncthing.pull.tree import Item
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import FileInfo, LocalFlag, same_content
from txsyncthing.vocabulary.name import WireName


@dataclass(slots=True)
class Plan:
    """One batch of work; whoever holds it may look at all of it."""

    adopted: list[FileInfo] = field(default_factory=list)  # nothing to do on disk
    directories: list[Item] = field(default_factory=list)
    symlinks: list[Item] = field(default_factory=list)
    metadata: list[tuple[FileInfo, FileInfo]] = field(default_factory=list)  # wanted, have
    renames: list[Rename] = field(default_factory=list)
    files: list[Need] = field(default_factory=list)
    late: list[Need] = field(default_factory=list)  # in the place of a directory
    deleted_files: list[Item] = field(default_factory=list)
    deleted_directories: list[Item] = field(default_factory=list)  # the deepest first
    failed: list[ItemError] = field(default_factory=list)

    def __len__(self) -> int:
        """How many items are to be changed."""
        return (
            len(self.adopted)
            + len(self.directories)
            + len(self.symlinks)
            + len(self.metadata)
            + len(self.renames)
            + len(self.files)
            + len(self.late)
            + len(self.deleted_files)
            + len(self.deleted_directories)
        )


class Deletions:
    """
    All that is to be deleted in a round; files among it may serve as sources of renames.

    :param renames: whether they do; not where each deleted file is to be kept as a version.
    """

    def __init__(self, renames: bool = True) -> None:
        self._renames = renames
        self._files: dict[WireName, Item] = {}
        self._directories: dict[WireName, Item] = {}
        self._contents: dict[tuple[bytes, int], list[WireName]] = {}
        self._spellings: dict[str, WireName] = {}  # of all, by their folded names

    def __len__(self) -> int:
        return len(self._files) + len(self._directories)

    def add(self, needs: Iterable[Need], ignored: Callable[[str], bool]) -> None:
        """Note the deletions among these, which come by name."""
        for need in needs:
            wanted, have = need.wanted, need.have
            if not wanted.deleted or have is None or have.deleted or _changed_here(have):
                continue
            if bad_name(wanted.name) or ignored(wanted.name):
                continue
            # Lists of blocks are not needed any more, and a mass deletion has many.
            item = Item(wanted, have._replace(hashes=b"") if have.is_file else have)
            self._spellings[fold(wanted.name)] = wanted.name  # page by page: all at once is long
            if have.is_directory:
                self._directories[wanted.name] = item
                continue
            self._files[wanted.name] = item
            if self._renames and have.is_file and have.size and have.blocks_hash:
                key = (have.blocks_hash, have.size)
                self._contents.setdefault(key, []).append(wanted.name)

    def take(self, wanted: FileInfo, replaces: bool = False) -> Item | None:
        """
        A file that holds exactly the wanted bytes; it is no longer to be deleted. An empty one only if its
        name differs by nothing but case: it may come along with its directory.

        :param replaces: whether something is under the wanted name: renames keep no versions of that.
        """
        if replaces and not self._renames:
            return None
        content = (wanted.blocks_hash, wanted.size)
        names = self._contents.get(content)
        other = self._other_spelling(wanted.name)
        if other is not None and other in self._files:
            have = self._files[other].have
            if have is not None and (have.blocks_hash, have.size) == content:
                return self._files.pop(other)
        while names:
            item = self._files.pop(names.pop(), None)
            if item is not None:
                return item
        return None

    def respelled(self, directory: WireName) -> WireName | None:
        """The directory to be deleted whose name differs from this only by case."""
        other = self._other_spelling(directory)
        return other if other in self._directories else None

    def _other_spelling(self, name: WireName) -> WireName | None:
        return self._spellings.get(fold(name))

    def give_back(self, source: FileInfo, gone: FileInfo) -> None:
        """The rename did not work: the file is to be deleted again."""
        self._files[gone.name] = Item(gone, source)

    def plans(self, size: int) -> Iterator[Plan]:
        """
        The deletions, so many at a time, in the order in which they have to be made. They were added by
        name, so there is nothing to sort; renames that did not work come after the other files.
        """
        for files in cut(self._files.values(), size):
            yield Plan(deleted_files=files)
        for directories in cut(reversed(self._directories.values()), size):
            yield Plan(deleted_directories=directories)


def _changed_here(have: FileInfo) -> bool:
    """Whether an item of a receive-only folder outlives its deletion by the cluster: an edit beats that."""
    return bool(have.local_flags & LocalFlag.RECEIVE_ONLY) and not have.is_directory


def _is_here(have: FileInfo | None) -> bool:
    return have is not None and not have.deleted


def plan(needs: Iterable[Need], deletions: Deletions, ignored: Callable[[str], bool]) -> Plan:
    """
    Sort needed items by the work; those to be deleted are left out, see ``Deletions``.

    :param ignored: whether a name is; such items are noted as ignored, so that they count as needed
        no longer.
    """
    result = Plan()
    for need in needs:
        wanted, have = need.wanted, need.have
        if ignored(wanted.name):
            # A deletion that were ignored would stay so when the pattern goes, since no scan sees it.
            flags = LocalFlag.NONE if wanted.deleted else LocalFlag.IGNORED
            result.adopted.append(wanted._replace(local_flags=flags))
        elif wanted.deleted:
            if have is None or have.deleted:
                result.adopted.append(wanted)
            elif _changed_here(have):
                result.adopted.append(have._replace(version=have.version.merge(wanted.version)))
        elif (cause := bad_name(wanted.name)) is not None:
            result.failed.append(cause.of(wanted.name))
        elif (
            have is not None and not have.deleted and have.is_directory and not wanted.is_directory
        ):
            result.late.append(need)
        elif wanted.is_directory:
            here = have is not None and not have.deleted
            other = None if here or not len(deletions) else deletions.respelled(wanted.name)
            result.directories.append(Item(wanted, have, other))
        elif wanted.is_symlink:
            result.symlinks.append(Item(wanted, have))
        elif have is not None and same_content(wanted, have):
            result.metadata.append((wanted, have))
        elif len(deletions) and (source := deletions.take(wanted, _is_here(have))) is not None:
            assert source.have is not None
            result.renames.append(Rename(wanted, have, source.have, source.wanted))
        else:
            result.files.append(need)
    return result
