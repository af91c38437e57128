"""
The steps on disk which bring files to their places. All of it runs in workers, a batch at a time.

Order of one file: bytes, mode and time on the temporary file, fsync, look at the target, conflict copy,
rename over it; then its directory is synced, once for the batch.

Source: reference 5.5 ("Finisher", "Metadata shortcut", "Rename shortcut"); lib/model/folder_sendrecv.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from hashlib import sha256
from typing import NamedTuple

from txsyncthing.filesystem.seam import Filesystem, Kind, WriteFile
from txsyncthing.pull.conflict import in_conflict
from txsyncthing.pull.failure import Cause, ItemFailed, item_error
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.target import Placed, clear, expect, in_directory, look, put, unchanged
from txsyncthing.vocabulary.block import block_count
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


class Outcome(NamedTuple):
    """What became of one item."""

    name: WireName
    done: tuple[FileInfo, ...] = ()  # for the index, in this order
    error: ItemError | None = None
    spoiled: tuple[int, ...] = ()  # numbers of blocks whose bytes are not what they should be
    rescan: tuple[str, ...] = ()  # what the next scan should look at


def finished(wanted: FileInfo, placed: Placed) -> Outcome:
    """The item is in its place: the index gets the cluster's version with our disk's times."""
    stat = placed.stat
    done = wanted._replace(
        modified=stat.modified if wanted.is_file else wanted.modified,
        inode_change=stat.changed,
        local_flags=LocalFlag.NONE,
        sequence=0,
    )
    rescan = (placed.copy,) if placed.copy else ()
    return Outcome(wanted.name, (done,), rescan=rescan)


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
) -> list[Outcome]:
    """Do the steps of a batch, then sync their directories; one bad item does not stop the others."""
    outcomes = []
    directories: set[str] = set()
    with filesystem.batch() as batch:
        for name, step in zip(names, steps, strict=True):
            try:
                made: list[str] = []
                outcome = in_directory(batch, name, partial(step, batch), made)
                if made:  # nobody told us of these: a scan has to find them
                    outcome = outcome._replace(rescan=(*outcome.rescan, *made))
                    directories.update(parent(directory) for directory in made)
                outcomes.append(outcome)
                directories.add(parent(name))
            except (ItemFailed, OSError) as error:
                outcomes.append(failed(name, error))
        if sync:
            for directory in sorted(directories):
                if look(batch, directory) is not None:
                    batch.sync_directory(directory)
    return outcomes


def place_files(
    filesystem: Filesystem, files: Sequence[SmallFile], options: PullOptions, now: float
) -> list[Outcome]:
    """Verify, write and place a batch of small files; one outcome for each, in order."""
    names = [file.wanted.name for file in files]
    steps = [partial(_place_small, file=file, options=options, now=now) for file in files]
    return each(filesystem, names, steps, options.sync)


def _place_small(
    filesystem: Filesystem, file: SmallFile, options: PullOptions, now: float
) -> Outcome:
    wanted = file.wanted
    data, spoiled = _gather(filesystem, file)
    if spoiled:
        return Outcome(wanted.name, spoiled=spoiled)
    temporary = temporary_name(wanted.name)
    mode = _mode(filesystem, wanted, options)
    opened = create(filesystem, temporary, NEW_FILE if mode is None else mode | 0o600)
    try:
        offset = 0
        for part in data:
            opened.write(part, offset)
            offset += len(part)
        _seal(opened, wanted, mode, options)
    finally:
        opened.close()
    return finished(wanted, put(filesystem, temporary, wanted, file.have, options, now))


def create(filesystem: Filesystem, temporary: str, mode: int) -> WriteFile:
    """Open a temporary file; what else bears its name (a dead symlink's, say) is in the way and goes."""
    try:
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


def _mode(filesystem: Filesystem, wanted: FileInfo, options: PullOptions) -> int | None:
    """The mode of the finished file; None: as the umask has it."""
    if not (options.ignore_permissions or wanted.no_permissions):
        return wanted.permissions & 0o777
    found = look(filesystem, wanted.name)
    return found.mode & 0o777 if found is not None and found.kind is Kind.FILE else None


def _seal(opened: WriteFile, wanted: FileInfo, mode: int | None, options: PullOptions) -> None:
    """Size, mode, time, fsync: the last that happens to a temporary file."""
    opened.truncate(wanted.size)
    if mode is not None:
        opened.chmod(mode)
    opened.utime(wanted.modified)
    if options.sync:
        try:
            opened.sync()
        except OSError as error:
            raise Unsynced(error.errno, error.strerror) from error


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

    def step(batch: Filesystem) -> Outcome:
        return finished(wanted, put(batch, temporary, wanted, have, options, now))

    try:
        try:
            _seal(opened, wanted, _mode(filesystem, wanted, options), options)
        finally:
            opened.close()
    except OSError as error:
        if isinstance(error, Unsynced):
            drop_temporary(filesystem, wanted.name)
        return failed(wanted.name, error)
    return each(filesystem, [wanted.name], [step], options.sync)[0]


def set_metadata(
    filesystem: Filesystem,
    items: Sequence[tuple[FileInfo, FileInfo]],
    options: PullOptions,
    now: float,
) -> list[Outcome]:
    """
    Give files that have the wanted bytes already the wanted mode and time.

    :param items: wanted and have.
    """
    names = [wanted.name for wanted, _ in items]
    steps = [partial(_set, wanted=w, have=h, options=options) for w, h in items]
    return each(filesystem, names, steps, options.sync)


def _set(filesystem: Filesystem, wanted: FileInfo, have: FileInfo, options: PullOptions) -> Outcome:
    name = wanted.name
    if expect(filesystem, name, have, options) is None:
        raise ItemFailed(Cause.CHANGED, rescan=True)
    if wanted.is_file:
        if not (options.ignore_permissions or wanted.no_permissions):
            filesystem.chmod(name, wanted.permissions & 0o777)
        filesystem.utime(name, wanted.modified)
    # Of concurrent versions with equal content neither is lost: who has both says so. But nobody else is to
    # hear of a version that counts only here.
    version = wanted.version if have.invalid else wanted.version.merge(have.version)
    merged = wanted._replace(version=version)
    # The list of blocks is the one of the wanted version, which peers may ask for.
    return finished(merged, Placed(filesystem.lstat(name)))


class Rename(NamedTuple):
    """A wanted file whose bytes lie here under a name that is to be deleted."""

    wanted: FileInfo
    have: FileInfo | None
    source: FileInfo  # what we have under the old name
    gone: FileInfo  # the deletion of the old name


def rename_files(
    filesystem: Filesystem, items: Sequence[Rename], options: PullOptions, now: float
) -> list[Outcome]:
    """Move files on disk instead of fetching them; ``spoiled`` is set where the source has changed."""
    names = [item.wanted.name for item in items]
    steps = [partial(_rename, item=item, options=options, now=now) for item in items]
    outcomes = each(filesystem, names, steps, options.sync)
    if options.sync:
        for directory in sorted({parent(item.source.name) for item in items}):
            if look(filesystem, directory) is not None:
                filesystem.sync_directory(directory)
    return outcomes


def _rename(filesystem: Filesystem, item: Rename, options: PullOptions, now: float) -> Outcome:
    wanted, source = item.wanted, item.source
    found = look(filesystem, source.name)
    if found is None or not unchanged(filesystem, source.name, found, source, options):
        whole = tuple(range(block_count(wanted.size, wanted.cut)))
        return Outcome(wanted.name, spoiled=whole, rescan=(source.name,))
    if in_conflict(source, item.gone, options.me):
        whole = tuple(range(block_count(wanted.size, wanted.cut)))
        return Outcome(wanted.name, spoiled=whole)  # the deletion leaves a conflict copy instead
    mode = _mode(filesystem, wanted, options)
    _, copy = clear(filesystem, wanted, item.have, options, now, replaceable=True)
    in_directory(filesystem, source.name, lambda: filesystem.rename(source.name, wanted.name))
    if mode is not None:
        filesystem.chmod(wanted.name, mode)
    filesystem.utime(wanted.name, wanted.modified)
    outcome = finished(wanted, Placed(filesystem.lstat(wanted.name), copy))
    return outcome._replace(done=(*outcome.done, deleted(item.gone)))


def deleted(gone: FileInfo) -> FileInfo:
    """The index entry of an item that we deleted because the cluster did."""
    return gone._replace(local_flags=LocalFlag.NONE, sequence=0, inode_change=0)
