"""
The disk against the index: what is new, changed, gone, ignored.

Both come in order of their names and are merged, so that neither is ever held as a whole.

Source: reference 5.2 ("Change test", "Deletions", "Newly ignored", "Conflict-flag handling").
"""

from __future__ import annotations

from collections.abc import Iterable

from txsyncthing.filesystem.attributes import Named, on_disk
from txsyncthing.filesystem.metadata import same_permissions, same_time
from txsyncthing.filesystem.seam import Accounts, Filesystem, Kind, Stat
from txsyncthing.ignore.matcher import Matcher
from txsyncthing.index.values import Row
from txsyncthing.scan.values import ScanOptions, Work
from txsyncthing.scan.walk import Event, Mark, Walk, item_error
from txsyncthing.vocabulary.attributes import Attributes
from txsyncthing.vocabulary.block import MIN_BLOCK_SIZE
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import (
    CONFLICT_FLAGS,
    INVALID_FLAGS,
    FileInfo,
    FileType,
    LocalFlag,
    equivalent,
    same_content,
)

_STEP = 4000  # events of the walk in one job
_TYPES = {
    Kind.FILE: FileType.FILE,
    Kind.DIRECTORY: FileType.DIRECTORY,
    Kind.SYMLINK: FileType.SYMLINK,
}


class Survey:
    """
    The comparison of one walk with the rows of the same part of the index.

    ``advance`` is a worker's job. In between, the lists are there to be emptied.

    :ivar work: items that need a new record, in order.
    :ivar missing: names of rows without an item on disk.
    :ivar ignored: names of rows that the patterns ignore now.
    :ivar settled: names of deleted rows that no longer count as changed here, as the folder has another type.
    :ivar hungry: whether more rows are wanted.
    """

    def __init__(
        self, walk: Walk, filesystem: Filesystem, matcher: Matcher, options: ScanOptions
    ) -> None:
        self.work: list[Work] = []
        self.missing: list[str] = []
        self.ignored: list[str] = []
        self.settled: list[str] = []
        self.hungry = True
        self.done = False
        self._walk = walk
        self._events = walk.events()
        self._filesystem = filesystem
        self._matcher = matcher
        self._options = options
        self._accounts: Accounts | None = None  # of this batch
        self._ahead: Event | None = None  # taken from the walk, not yet merged
        self._walked = False
        self._rows: list[Row] = []
        self._place = 0
        self._all = False  # whether the last row came
        self._unknown: str | None = None
        self._veiled: dict[str, tuple[Stat, Row | None]] = {}

    @property
    def errors(self) -> list[ItemError]:
        return self._walk.errors

    def join(self, before: Survey) -> None:
        """Take over what another survey found, before this one begins."""
        self.work, self.missing = before.work, before.missing
        self.ignored, self.settled = before.ignored, before.settled
        self._walk.errors = before.errors

    def advance(self, rows: Iterable[Row] = (), all: bool = False) -> None:
        """
        Go on for one batch.

        :param rows: the next rows of the index, wanted when ``hungry``.
        :param all: whether these are the last.
        :raises OSError: the folder's root cannot be read.
        """
        if self.hungry:
            self._rows = [*self._rows[self._place :], *rows]
            self._place = 0
            self._all = all
        with self._filesystem.batch() as batch:
            self._walk.filesystem = batch
            self._accounts = batch.accounts()
            self._merge()

    def _merge(self) -> None:
        for _ in range(_STEP):
            event = self._ahead
            if event is None and not self._walked:
                event = self._ahead = next(self._events, None)
                self._walked = event is None
            if self._place == len(self._rows):
                if not self._all:
                    self.hungry = True
                    return
                if event is None:
                    self._end()
                    return
                self._take(event, None)
                continue
            row = self._rows[self._place]
            if event is None or row.name < event.name:
                self._place += 1
                self._without_item(row)
            elif row.name > event.name or event.mark is Mark.UNKNOWN:
                self._take(event, None)
            else:
                self._place += 1
                self._take(event, row)
        self.hungry = False

    def _take(self, event: Event, row: Row | None) -> None:
        self._ahead = None
        if event.stat is None:
            self._unknown = event.name
        elif event.mark is Mark.VEILED:
            self._veiled[event.name] = (event.stat, row)
        else:
            if self._veiled:
                self._unveil(event.name)
            self._with_item(event.name, event.stat, row)

    def _unveil(self, name: str) -> None:
        """Something kept is below ignored directories: they are kept too."""
        cut = name.find("/")
        while cut >= 0:
            if (veiled := self._veiled.pop(name[:cut], None)) is not None:
                self._with_item(name[:cut], *veiled)
            cut = name.find("/", cut + 1)

    def _end(self) -> None:
        for _, row in self._veiled.values():
            if row is not None:
                self._ignore(row)
        self._veiled.clear()
        self.hungry = False
        self.done = True

    def _ignore(self, row: Row) -> None:
        if not row.deleted and not row.local_flags & LocalFlag.IGNORED:
            self.ignored.append(row.name)

    def _without_item(self, row: Row) -> None:
        if row.deleted:
            if row.local_flags & LocalFlag.RECEIVE_ONLY & ~self._options.local_flags:
                self.settled.append(row.name)
            return
        if self._unknown is not None and row.name.startswith(self._unknown):
            return
        if self._matcher.match(row.name).ignored:
            self._ignore(row)
        else:
            self.missing.append(row.name)

    def _with_item(self, name: str, stat: Stat, row: Row | None) -> None:
        if row is not None:
            try:
                if not self._differs(stat, row):
                    return
            except OSError as error:
                self.errors.append(item_error(name, "scan", error))
                return
        size = stat.size if stat.kind is Kind.FILE else -1
        block_size = 0
        if row is not None and row.type is FileType.FILE and not row.deleted:
            block_size = max(row.block_size, MIN_BLOCK_SIZE)
        self.work.append(Work(name, size, block_size, row is not None))

    def _differs(self, stat: Stat, row: Row) -> bool:
        options = self._options
        flags = row.local_flags & INVALID_FLAGS
        if row.deleted or (flags and flags != options.local_flags):
            return True
        if _TYPES[stat.kind] is not row.type:
            return True
        if stat.kind is Kind.SYMLINK:
            if self._filesystem.read_link(row.name) != row.symlink_target:
                return True
            return options.attributes.tells and self._bears_others(stat, row)
        if not (
            row.no_permissions
            or options.ignore_permissions
            or same_permissions(stat.mode, row.permissions)
        ):
            return True
        if stat.kind is Kind.DIRECTORY:
            return options.attributes.tells and self._bears_others(stat, row)
        # An older change time than the recorded one is no sign of a change we have not seen, but any other
        # is: tools that restore modification times cannot restore this one.
        return (
            stat.size != row.size
            or not same_time(stat.modified, row.modified, options.modified_window)
            or bool(row.inode_change and row.inode_change != stat.changed)
            or (options.attributes.tells and self._bears_others(stat, row))
        )

    def _bears_others(self, stat: Stat, row: Row) -> bool:
        """Whether owner or extended attributes are not those of the record."""
        if row.inode_change == stat.changed and not self._options.thorough:
            return False
        assert self._accounts is not None
        attributes, item = self._options.attributes, Named(self._walk.filesystem, row.name)
        return not attributes.same(row.platform, on_disk(item, stat, attributes, self._accounts))


def revise(old: FileInfo | None, new: FileInfo, options: ScanOptions) -> FileInfo | None:
    """
    The record that follows on ``old``.

    :param old: the local record until now, with hashes.
    :param new: what was found, with the version of an item nobody knew.
    :returns: None where nothing is to be recorded.
    """
    if old is None:
        return new
    flagged = bool(old.local_flags & CONFLICT_FLAGS and not new.local_flags & CONFLICT_FLAGS)
    shown = (
        old.local_flags & LocalFlag.IGNORED
    )  # no longer ignored, be it that it is changed here now
    if not (flagged or shown or old.deleted) and _same(old, new, options, options.attributes):
        # Only this disk's own notes changed: no new version, or every touch of an inode would be news.
        kept = old._replace(
            inode_change=new.inode_change, local_flags=old.local_flags & ~LocalFlag.MUST_RESCAN
        )
        return None if kept == old else kept
    (own,) = new.version.counters  # ours, at the time of the scan
    base = old.version.drop_others(own.id) if flagged else old.version
    previous = b""
    if old.is_file and new.is_file and not old.deleted and not same_content(old, new):
        # The record of an ignored item may be a peer's, of bytes that were never here.
        previous = b"" if flagged else old.blocks_hash
    told = old.platform if old.type is new.type else b""
    return new._replace(
        version=base.bump(own.id, own.value),
        previous_blocks_hash=previous,
        platform=options.attributes.settle(told, new.platform),
    )


def _same(
    old: FileInfo, new: FileInfo, options: ScanOptions, attributes: Attributes, silent: bool = False
) -> bool:
    return equivalent(
        old._replace(local_flags=LocalFlag.NONE),
        new._replace(local_flags=LocalFlag.NONE),
        ignore_permissions=options.ignore_permissions,
        window=options.modified_window,
        attributes=attributes,
        silent=silent,
    )


def pulled(
    old: FileInfo | None, new: FileInfo, global_: FileInfo | None, options: ScanOptions
) -> FileInfo | None:
    """
    The record of an item that is as the cluster wants it, though we have no record of having pulled it.

    The process was killed in between, say. Taken for a local change, it would be in conflict with the next
    version of whoever made it. In a receive-only folder the same is true of an item that somebody changed and
    then brought back to what it was.

    :param new: what was found; or the deletion of what was not.
    :returns: None where ``new`` is a change of ours.
    """
    if global_ is None or global_.invalid or (new.deleted and old is None):
        return None
    only_here = new.local_flags & LocalFlag.RECEIVE_ONLY
    if old is not None and old.version.covers(global_.version) and not (only_here and old.invalid):
        return None
    if not _same(global_, new, options, options.attributes.as_taken(), silent=True):
        return None
    version = global_.version if old is None or old.invalid else global_.version.merge(old.version)
    return global_._replace(
        version=version,
        modified=global_.modified if new.deleted else new.modified,
        platform=options.attributes.settle(global_.platform, new.platform),
        inode_change=new.inode_change,
        local_flags=LocalFlag.NONE,
        sequence=0,
    )


def only_here(old: FileInfo, global_: FileInfo | None) -> bool:
    """Whether an item was added in a receive-only folder and nobody else has anything of it."""
    return bool(old.local_flags & LocalFlag.RECEIVE_ONLY) and (
        global_ is None or bool(global_.local_flags & LocalFlag.RECEIVE_ONLY)
    )


def left_to_pull(
    old: FileInfo | None, new: FileInfo, global_: FileInfo | None, options: ScanOptions
) -> bool:
    """
    Whether a new directory is one that a pull could make, but not give its owner or attributes.

    Recorded as ours, what it lacks would be news to the peers, and theirs be overwritten.
    """
    return (
        new.is_directory
        and (options.attributes.takes_owner or options.attributes.takes_xattrs)
        and (old is None or old.deleted)
        and global_ is not None
        and not global_.invalid
        and equivalent(global_, new._replace(local_flags=LocalFlag.NONE), ignore_permissions=True)
    )
