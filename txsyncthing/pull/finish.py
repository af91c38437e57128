"""
The steps on disk which bring files to their places. All of it runs in workers, a batch at a time.

Order of one file: bytes, extended attributes, mode, time and owner on the temporary file, fsync, look at the
target, conflict copy, rename over it; then its directory is synced, once for the batch.

Source: reference 5.5 ("Finisher"); lib/model/folder_sendrecv.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from txsyncthing.filesystem.case import CaseConflict
from txsyncthing.filesystem.seam import Filesystem, Kind, WriteFile
from txsyncthing.pull.attributes import put_on, sign_over
from txsyncthing.pull.copying import Copier
from txsyncthing.pull.failure import ItemFailed, item_error
from txsyncthing.pull.keeping import Keeper
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.target import Placed, in_directory, look, put
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import FileInfo, LocalFlag
from txsyncthing.vocabulary.name import WireName, parent, temporary_name

NEW_FILE = 0o666  # minus the umask, where permissions are not synced


class Copy(NamedTuple):
    """Bytes which a local file may hold: try these places, verify."""

    places: tuple[tuple[WireName, int], ...]  # name, offset in bytes


Part = bytes | memoryview | Copy
"""One block of a small file: from a peer (not yet verified), or to be copied."""


class SmallFile(NamedTuple):
    """A file whose bytes are all at hand."""

    wanted: FileInfo
    have: FileInfo | None
    parts: Sequence[Part]  # in order, one for each block


DELETED = "deleted"
OVERWRITTEN = "overwritten"
MOVED = "moved"


class Change(NamedTuple):
    """
    What a remote change took from us.

    :ivar kept: the conflict copy that holds our version.
    :ivar to: where it was moved.
    :ivar sequence: of our record of what is gone; 0 where nobody will miss that.
    """

    name: WireName
    action: str
    kept: WireName | None = None
    to: WireName | None = None
    sequence: int = 0


def missed(have: FileInfo | None) -> int:
    """The ``sequence`` of a change: what was reverted is missed by nobody."""
    return have.sequence if have is not None and have.version.counters else 0


class Outcome(NamedTuple):
    """What became of one item."""

    name: WireName
    done: tuple[FileInfo, ...] = ()  # for the index, in this order
    error: ItemError | None = None
    spoiled: tuple[int, ...] = ()  # numbers of blocks whose bytes are not what they should be
    rescan: tuple[str, ...] = ()  # what the next scan should look at
    changes: tuple[Change, ...] = ()  # none for what is new
    stamped: bool = False  # the mode, the time or the attributes of what was there are others


def finished(
    wanted: FileInfo, placed: Placed, platform: bytes, have: FileInfo | None = None
) -> Outcome:
    """
    The item is in its place: the index gets the cluster's version with our disk's times.

    :param have: what it replaced.
    :param platform: what the record says of owner and attributes, see pull/attributes.py.
    """
    stat = placed.stat
    done = wanted._replace(
        modified=stat.modified if wanted.is_file else wanted.modified,
        inode_change=stat.changed,
        platform=platform,
        local_flags=LocalFlag.NONE,
        sequence=0,
    )
    rescan = (placed.copy,) if placed.copy else ()
    change = Change(wanted.name, OVERWRITTEN, placed.copy, sequence=missed(have))
    changes = (change,) if placed.replaced else ()
    return Outcome(wanted.name, (done,), rescan=rescan, changes=changes)


def failed(name: WireName, error: ItemFailed | OSError) -> Outcome:
    """The item stays as it is."""
    surprised = isinstance(error, ItemFailed) and error.rescan
    rescan = (name,) if surprised else ()
    return Outcome(name, error=item_error(name, error), rescan=rescan)


def each(
    filesystem: Filesystem,
    names: Iterable[WireName],
    steps: Iterable[Callable[[Filesystem], Outcome]],
    sync: bool,
    keeper: Keeper | None = None,
    places: Sequence[WireName] | None = None,
) -> list[Outcome]:
    """
    Do the steps of a batch, then sync their directories; one bad item does not stop the others.

    :param keeper: of old versions; these are on the disk before what replaced them.
    :param places: where the items are, if that is not what their names say.
    """
    outcomes = []
    directories: set[str] = set()
    stamped: list[WireName] = []
    names = list(names)
    with filesystem.batch() as batch:
        for name, place, step in zip(names, places or names, steps, strict=True):
            try:
                made: list[str] = []
                outcome = in_directory(batch, place, partial(step, batch), made)
                if made:  # nobody told us of these: a scan has to find them
                    outcome = outcome._replace(rescan=(*outcome.rescan, *made))
                    directories.update(parent(directory) for directory in made)
                outcomes.append(outcome)
                directories.add(parent(place))
                if outcome.stamped:
                    stamped.append(place)
            except (ItemFailed, OSError) as error:
                outcomes.append(failed(name, error))
        if keeper is not None:
            keeper.end(sync)
        if sync:
            sync_stamps(batch, stamped)
            sync_directories(batch, directories)
    return outcomes


def sync_stamps(filesystem: Filesystem, names: Iterable[WireName]) -> None:
    """
    Make durable what items got in place, or what a power cut leaves of it would look like an edit.

    All at the end, since the first call takes the others' changes along on most file systems.
    """
    for name in names:
        # Who may not open an item cannot sync it; and who changed it since has a newer time.
        with suppress(CaseConflict, PermissionError, FileNotFoundError):
            found = look(filesystem, name)
            if found is not None and found.kind is Kind.DIRECTORY:
                filesystem.sync_directory(name)
            elif found is not None and found.kind is Kind.FILE:
                opened = filesystem.open(name)
                try:
                    opened.sync()
                finally:
                    opened.close()


def sync_directories(filesystem: Filesystem, directories: Iterable[str]) -> None:
    """Make the names in these durable; those that are gone have none."""
    for directory in sorted(directories):
        with suppress(CaseConflict):
            if look(filesystem, directory) is not None:
                filesystem.sync_directory(directory)


def place_files(
    filesystem: Filesystem, files: Sequence[SmallFile], options: PullOptions, now: float
) -> list[Outcome]:
    """Verify, write and place a batch of small files; one outcome for each, in order."""
    names = [file.wanted.name for file in files]
    options = options.begin(now)
    steps = [partial(_place_small, file=file, options=options, now=now) for file in files]
    return each(filesystem, names, steps, options.sync, options.keeper)


def _place_small(
    filesystem: Filesystem, file: SmallFile, options: PullOptions, now: float
) -> Outcome:
    wanted = file.wanted
    data, spoiled = ([], ()) if options.copy_methods else _gather(filesystem, file)
    if spoiled:
        return Outcome(wanted.name, spoiled=spoiled)
    temporary = temporary_name(wanted.name)
    mode = mode_of(filesystem, wanted, options)
    opened = create(filesystem, temporary, NEW_FILE if mode is None else mode | 0o600)
    try:
        offset = 0
        for part in data:
            opened.write(part, offset)
            offset += len(part)
        if options.copy_methods and (spoiled := _assemble(filesystem, opened, file, options)):
            return Outcome(wanted.name, spoiled=spoiled)
        platform = _seal(filesystem, opened, wanted, mode, options)
    except Unsynced:
        drop_temporary(filesystem, wanted.name)
        raise
    finally:
        opened.close()
    placed = put(filesystem, temporary, wanted, file.have, options, now)
    return finished(wanted, placed, platform, file.have)


def create(filesystem: Filesystem, temporary: str, mode: int) -> WriteFile:
    """
    Open a temporary file; what else bears its name (a dead symlink's, say) is in the way and goes.

    So does a file with a second name: a power cut in the middle of a replacement leaves the old version
    under this one, and what it is kept as must not be written to.
    """
    try:
        opened = filesystem.create(temporary, mode)
        if opened.stat().links == 1:
            return opened
        opened.close()
        filesystem.remove(temporary)
        return filesystem.create(temporary, mode)
    except (FileNotFoundError, NotADirectoryError):
        raise
    except OSError:
        found = look(filesystem, temporary)
        if found is None:
            raise
        if found.kind is Kind.FILE:  # an old one that we may not write
            filesystem.chmod(temporary, 0o600)
        elif found.kind is Kind.DIRECTORY:
            filesystem.remove_directory(temporary)
        else:
            filesystem.remove(temporary)
        return filesystem.create(temporary, mode)


def _gather(
    filesystem: Filesystem, file: SmallFile
) -> tuple[list[bytes | memoryview], tuple[int, ...]]:
    """All the bytes, each block verified; and the numbers of those which are wrong."""
    found: list[bytes | memoryview] = []
    spoiled = []
    for block, part in zip(file.wanted.blocks, file.parts, strict=True):
        data: bytes | memoryview | None
        if isinstance(part, Copy):
            data = read_copy(filesystem, part, block.size, block.hash)
        else:
            data = part if sha256(part).digest() == block.hash else None
        if data is None or len(data) != block.size:
            spoiled.append(block.number)
        else:
            found.append(data)
    return found, tuple(spoiled)


def _assemble(
    filesystem: Filesystem, opened: WriteFile, file: SmallFile, options: PullOptions
) -> tuple[int, ...]:
    """Write all the parts, where the storage copies by itself; the numbers of those which are wrong."""
    copier = Copier(filesystem, options.copy_methods)
    spoiled = []
    try:
        for block, part in zip(file.wanted.blocks, file.parts, strict=True):
            if isinstance(part, Copy):
                if not copier.copy(opened, block, part.places):
                    spoiled.append(block.number)
            elif len(part) == block.size and sha256(part).digest() == block.hash:
                opened.write(part, block.offset)
            else:
                spoiled.append(block.number)
    finally:
        copier.close()
    return tuple(spoiled)


def read_copy(filesystem: Filesystem, copy: Copy, size: int, hash: bytes) -> bytes | None:
    """The bytes of a block from the first local place that really has them."""
    if size == 0:
        return b""
    for name, offset in copy.places:
        try:
            opened = filesystem.open(name)
        except OSError:
            continue
        try:
            data = opened.read(size, offset)
        except OSError:
            continue
        finally:
            opened.close()
        if len(data) == size and sha256(data).digest() == hash:
            return data
    return None


def mode_of(filesystem: Filesystem, wanted: FileInfo, options: PullOptions) -> int | None:
    """The mode of the finished file; None: as the umask has it."""
    if not (options.ignore_permissions or wanted.no_permissions):
        return wanted.permissions & 0o777
    found = look(filesystem, wanted.name)
    return found.mode & 0o777 if found is not None and found.kind is Kind.FILE else None


def _seal(
    filesystem: Filesystem,
    opened: WriteFile,
    wanted: FileInfo,
    mode: int | None,
    options: PullOptions,
) -> bytes:
    """
    Size, attributes, mode, time, owner, fsync: the last that happens to a temporary file.

    :returns: what the record says of owner and attributes.
    """
    attributes, platform = options.attributes, wanted.platform
    opened.truncate(wanted.size)
    if attributes.acts:
        put_on(opened, filesystem, wanted, attributes)
    if mode is not None:
        opened.chmod(mode)
    opened.utime(wanted.modified)
    if attributes.acts:
        platform = sign_over(opened, filesystem, wanted, attributes)
    if options.sync:
        try:
            opened.sync()
        except OSError as error:
            raise Unsynced(error.errno, error.strerror) from error
    return platform


class Unsynced(OSError):
    """
    The bytes of a temporary file did not reach the disk.

    Linux says so once, and then takes what it holds in memory for written: neither the next sync nor
    reading the file again would tell. Only writing all of it anew helps.
    """


def drop_temporary(filesystem: Filesystem, name: WireName) -> None:
    """Forget the bytes fetched for a file so far; a worker's job."""
    with suppress(OSError):
        filesystem.remove(temporary_name(name))


def place_large(
    filesystem: Filesystem,
    opened: WriteFile,
    wanted: FileInfo,
    have: FileInfo | None,
    options: PullOptions,
    now: float,
) -> Outcome:
    """Finish a file whose blocks are all in its temporary file; closes it."""
    temporary = temporary_name(wanted.name)
    options = options.begin(now)

    def step(batch: Filesystem) -> Outcome:
        placed = put(batch, temporary, wanted, have, options, now)
        return finished(wanted, placed, platform, have)

    try:
        try:
            mode = mode_of(filesystem, wanted, options)
            platform = _seal(filesystem, opened, wanted, mode, options)
        finally:
            opened.close()
    except (ItemFailed, OSError) as error:
        if isinstance(error, Unsynced):
            drop_temporary(filesystem, wanted.name)
        return failed(wanted.name, error)
    return each(filesystem, [wanted.name], [step], options.sync, options.keeper)[0]


def deleted(gone: FileInfo) -> FileInfo:
    """The index entry of an item that we deleted because the cluster did."""
    return gone._replace(local_flags=LocalFlag.NONE, sequence=0, inode_change=0)
