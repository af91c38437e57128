"""What must be so when a simulated cluster is whole again and has had time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from hashlib import sha256

from txsyncthing.filesystem.seam import Kind
from txsyncthing.index.values import Row, Totals
from txsyncthing.testing.ledger import Item, look, tree
from txsyncthing.testing.stage import Machine
from txsyncthing.vocabulary.file import BYTES_WITHOUT_CONTENT, FileInfo, FileType, LocalFlag
from txsyncthing.vocabulary.folder import FolderState
from txsyncthing.vocabulary.name import WireName, is_temporary

_KINDS = {
    FileType.FILE: Kind.FILE,
    FileType.DIRECTORY: Kind.DIRECTORY,
    FileType.SYMLINK: Kind.SYMLINK,
}
_ALL = 100_000  # rows, more than any simulation has


def at_rest(machine: Machine) -> bool:
    """Whether a node has nothing to do, as far as it knows."""
    folder = machine.folder
    if folder is None or not folder.ready:
        return False
    status = folder.status()
    return status.state is FolderState.IDLE and not status.need.items


def unrest(machine: Machine) -> Iterator[str]:
    """Why a node is not at rest."""
    folder = machine.folder
    if folder is None:
        yield f"{machine.name}: the folder does not run"
        return
    status = folder.status()
    if status.state is not FolderState.IDLE:
        yield f"{machine.name}: the folder is {status.state.value} {status.error}"
    if status.need.items:
        yield f"{machine.name}: needs {status.need}"
    for error in folder.status().errors:
        yield f"{machine.name}: {error.path}: {error.error}"


def differences(machines: Sequence[Machine]) -> Iterator[str]:
    """Where the trees of the nodes differ, and their records."""
    first = machines[0]
    expected = tree(first.disk)
    for machine in machines[1:]:
        found = tree(machine.disk)
        for name in sorted(expected.keys() | found.keys()):
            if expected.get(name) != found.get(name):
                yield (
                    f"{name}: {first.name} has {_text(first, expected.get(name))},"
                    f" {machine.name} {_text(machine, found.get(name))}"
                )
    records = {machine.name: _records(machine) for machine in machines}
    for name in sorted({name for known in records.values() for name in known}):
        versions = {
            who: (known[name].version, known[name].deleted)
            for who, known in records.items()
            if name in known
        }
        if len(set(versions.values())) > 1:
            told = ", ".join(
                f"{who} {version}{' deleted' if deleted else ''}"
                for who, (version, deleted) in versions.items()
            )
            yield f"{name}: versions differ: {told}"


def _text(machine: Machine, item: Item | None) -> str:
    if item is None:
        return "nothing"
    return f"{machine.ledger.label(item)} {item.mode:o} {item.modified}"


def rows(machine: Machine) -> list[Row]:
    """What the node has on record."""
    found = machine.ask(lambda folder: folder.index.rows("", "", _ALL))  # type: ignore[arg-type, return-value]
    assert isinstance(found, list)
    return found


def _records(machine: Machine) -> dict[WireName, FileInfo]:
    names = [row.name for row in rows(machine)]
    found = machine.ask(lambda folder: folder.index.local(names))  # type: ignore[arg-type, return-value]
    assert isinstance(found, dict)
    return found


def flaws(machine: Machine) -> Iterator[str]:
    """Where a node's index does not say what is on its disk, or does not agree with itself."""
    disk, folder = machine.disk, machine.folder
    assert folder is not None
    there = tree(disk)
    records = _records(machine)
    for name in sorted(there.keys() | records.keys()):
        item, record = there.get(name), records.get(WireName(name))
        if record is None:
            yield f"{machine.name}: {name} is on disk and not on record"
        elif record.local_flags is not LocalFlag.NONE:
            yield f"{machine.name}: {name} is flagged {record.local_flags!r}"
        elif item is None:
            if not record.deleted:
                yield f"{machine.name}: {name} is on record and not on disk"
        elif record.deleted:
            yield f"{machine.name}: {name} is on disk and on record as deleted"
        else:
            yield from _flaws(machine, name, item, record)
    counted = _counted(list(records.values()))
    if folder.index.counts().local != counted:
        yield f"{machine.name}: counts {folder.index.counts().local}, has {counted}"


def _flaws(machine: Machine, name: str, item: Item, record: FileInfo) -> Iterator[str]:
    kind = _KINDS[record.type]
    if item.kind is not kind:
        yield f"{machine.name}: {name} is a {item.kind.name} and on record as {kind.name}"
        return
    if kind is Kind.FILE:
        with machine.disk.quiet():
            data = machine.disk.take(name)
        on_record = (record.size, record.modified, record.permissions)
        if on_record != (item.size, item.modified, item.mode):
            yield f"{machine.name}: {name} is {item} and on record as {on_record}"
        elif not _holds(data, record):
            yield f"{machine.name}: {name} has other bytes than those on record"
    elif kind is Kind.DIRECTORY and record.permissions != item.mode:
        yield f"{machine.name}: {name} has mode {item.mode:o}, on record {record.permissions:o}"


def _holds(data: bytes, record: FileInfo) -> bool:
    return all(
        sha256(data[block.offset : block.offset + block.size]).digest() == block.hash
        for block in record.blocks
    )


def _counted(records: Sequence[FileInfo]) -> Totals:
    alive = [record for record in records if not record.deleted]
    files = [record for record in alive if record.is_file]
    directories = sum(record.is_directory for record in alive)
    symlinks = len(alive) - len(files) - directories
    return Totals(
        len(files),
        directories,
        symlinks,
        len(records) - len(alive),
        sum(record.size for record in files) + BYTES_WITHOUT_CONTENT * (directories + symlinks),
    )


def disagreements(machines: Sequence[Machine]) -> Iterator[str]:
    """Where a node is wrong about another one."""
    for machine in machines:
        folder = machine.folder
        assert folder is not None
        counts = folder.index.counts()
        for other in machines:
            if other is machine:
                continue
            told = other.folder
            assert told is not None
            known = counts.remote_sequence.get(other.member.device, 0)
            if known != told.index.sequence:
                yield f"{machine.name}: {other.name} is at {told.index.sequence}, known is {known}"
            lacks = counts.remote_need(other.member.device)
            if lacks.items:
                yield f"{machine.name}: thinks that {other.name} lacks {lacks}"


def leftovers(machine: Machine) -> Iterator[str]:
    """Temporary files that nobody removes."""
    for name in machine.disk.everything():
        if is_temporary(name) and look(machine.disk, name) is not None:
            yield f"{machine.name}: {name} is left"
