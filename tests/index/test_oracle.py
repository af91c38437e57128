"""Whatever the order of changes: the index answers like one that counts everything anew."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.index.records import ANNA, BERT, CARL, DAY, hashes, now, open_index
from txsyncthing.index.lists import changed_page, lacking, needed_names
from txsyncthing.index.service import FolderIndex
from txsyncthing.index.values import Counts, Totals
from txsyncthing.vocabulary.block import blocks_hash
from txsyncthing.vocabulary.device import LOCAL_DEVICE, DeviceID
from txsyncthing.vocabulary.file import FileInfo, FileType, LocalFlag, wins
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Order, Vector

NAMES = ["a", "a/b", "a/b c", "b", "ä"]
PEERS = [ANNA, BERT, CARL]
Records = dict[DeviceID, dict[str, FileInfo]]


def winner(versions: dict[DeviceID, FileInfo]) -> FileInfo:
    """The rule of reference 2.6, said as plainly as possible."""
    pool = [file for file in versions.values() if not file.invalid] or list(versions.values())
    top = [
        file
        for file in pool
        if not any(other.version.compare(file.version) is Order.GREATER for other in pool)
    ]
    best = top[0]
    for file in top:
        if file.version != best.version and wins(file, best):
            best = file
    return best


def needed(best: FileInfo, ours: FileInfo | None) -> bool:
    if best.invalid:
        return False
    if ours is None:
        return not best.deleted
    if ours.version == best.version:
        return False
    return not (ours.invalid and ours.version.covers(best.version))


def total(files: Iterator[FileInfo]) -> Totals:
    numbers = dict.fromkeys(("files", "directories", "symlinks", "deleted", "bytes"), 0)
    for file in files:
        if file.deleted:
            numbers["deleted"] += 1
            continue
        kind = {FileType.FILE: "files", FileType.DIRECTORY: "directories"}
        numbers[kind.get(file.type, "symlinks")] += 1
        numbers["bytes"] += file.counted_bytes
    return Totals(**numbers)


def expected_counts(records: Records) -> Counts:
    names = {name for files in records.values() for name in files}
    versions = {
        name: {device: files[name] for device, files in records.items() if name in files}
        for name in names
    }
    best = {name: winner(versions[name]) for name in names}
    valid = {name: file for name, file in best.items() if not file.invalid}
    ours = records[LOCAL_DEVICE]
    in_sync = {}
    for peer in PEERS:
        theirs = records[peer]
        synced = total(
            file
            for name, file in valid.items()
            if not file.deleted and name in theirs and theirs[name].version == file.version
        )
        owed = sum(
            file.deleted
            and name in theirs
            and not theirs[name].deleted
            and not (theirs[name].invalid and theirs[name].version == file.version)
            for name, file in valid.items()
        )
        in_sync[peer] = synced._replace(deleted=owed)
    return Counts(
        local=total(f for f in ours.values() if not f.local_flags & LocalFlag.IGNORED),
        global_=total(iter(valid.values())),
        need=total(file for name, file in best.items() if needed(file, ours.get(name))),
        receive_only=total(f for f in ours.values() if f.local_flags & LocalFlag.RECEIVE_ONLY),
        in_sync=in_sync,
    )


@st.composite
def records(draw: st.DrawFn) -> FileInfo:
    pairs = draw(st.lists(st.tuples(st.integers(1, 3), st.integers(0, 4)), max_size=3))
    version = Vector(tuple(c for c in Vector.of(pairs).counters if c.value))
    # What one version says is the same everywhere, or nobody could agree on anything.
    mixed = sum(id * 7 + value * 5 for id, value in version.counters)
    kind = [FileType.FILE, FileType.DIRECTORY, FileType.SYMLINK, FileType.FILE][mixed % 4]
    deleted = mixed % 3 == 0
    size = 7 if kind is FileType.FILE and not deleted else 0
    cut = hashes("content") if size else b""
    return FileInfo(
        name=WireName(draw(st.sampled_from(NAMES))),
        type=kind,
        size=size,
        modified=mixed % 5 % 3 * DAY,
        deleted=deleted,
        version=version,
        hashes=cut,
        blocks_hash=blocks_hash(cut),
        local_flags=draw(
            st.sampled_from([LocalFlag.NONE] * 3 + [LocalFlag.IGNORED, LocalFlag.RECEIVE_ONLY])
        ),
    )


BATCH = st.lists(records(), max_size=4)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.sampled_from(["local", "local", "unlearn"]), st.just(ANNA), BATCH),
        st.tuples(st.sampled_from(["add", "replace"]), st.sampled_from(PEERS), BATCH),
        st.tuples(st.sampled_from(["drop", "forget", "identify"]), st.sampled_from(PEERS), BATCH),
    ),
    max_size=12,
)


def apply(
    index: FolderIndex, held: Records, step: tuple[str, DeviceID, list[FileInfo]], time: int
) -> None:
    what, device, batch = step
    batch = [file._replace(sequence=time * 10 + n) for n, file in enumerate(batch)]
    if what == "local":
        now(index.update_local(batch))
        held[LOCAL_DEVICE].update((file.name, file) for file in batch)
        return
    if what == "unlearn":
        now(index.forget_local([file.name for file in batch]))
        for file in batch:
            held[LOCAL_DEVICE].pop(file.name, None)
        return
    batch = [
        file._replace(local_flags=LocalFlag.REMOTE_INVALID if file.invalid else LocalFlag.NONE)
        for file in batch
    ]
    if what != "add":
        held[device].clear()
    if what == "drop":
        now(index.drop_remote(device))
    elif what == "forget":
        now(index.forget_remote(device))
    elif what == "identify":
        now(index.set_remote_index_id(device, time))
    else:
        now(index.update_remote(device, batch, what == "replace"))
        held[device].update((file.name, file) for file in batch)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_all_answers_are_those_of_counting_anew(
    steps: list[tuple[str, DeviceID, list[FileInfo]]],
) -> None:
    index = open_index()
    held: Records = {LOCAL_DEVICE: {}, ANNA: {}, BERT: {}, CARL: {}}
    for time, step in enumerate(steps, 1):
        apply(index, held, step, time)
        compare(index, held)
    now(index.close())


def compare(index: FolderIndex, held: Records) -> None:
    counts, wanted = index.counts(), expected_counts(held)
    assert counts.local == wanted.local
    assert counts.global_ == wanted.global_
    assert counts.need == wanted.need
    assert counts.receive_only == wanted.receive_only
    for peer in PEERS:
        assert counts.in_sync.get(peer, Totals()) == wanted.in_sync[peer]
        assert counts.remote_need(peer) == wanted.remote_need(peer)
        assert len(now(index.ask(lacking, peer, "", 99)).names) == counts.remote_need(peer).items
    assert len(now(index.ask(changed_page, 0, 99))) == counts.receive_only.items
    assert len(now(index.ask(needed_names, "", 99))) == counts.need.items
    assert [row.name for row in now(index.rows())] == sorted(held[LOCAL_DEVICE])
    needs = {need.wanted.name: need for need in now(index.need())}
    for name in NAMES:
        versions = {device: files[name] for device, files in held.items() if name in files}
        compare_versions(index, name, versions)
        if not versions:
            assert name not in needs
            continue
        best = winner(versions)
        found = now(index.global_([WireName(name)]))[WireName(name)]
        assert (found.version, found.invalid) == (best.version, best.invalid)
        have = versions.get(LOCAL_DEVICE)
        assert (name in needs) == needed(best, have)
        if name in needs:
            need = needs[WireName(name)]
            assert need.wanted.version == best.version
            assert (need.have and need.have.version) == (have and have.version)
            assert set(need.devices) == {
                device
                for device, one in versions.items()
                if device != LOCAL_DEVICE and one.version == best.version and not one.invalid
            }
            owners = now(index.devices_with_global(WireName(name)))
            assert set(owners) == set(need.devices)
    assert [one.name for one in now(index.need_queue())] == sorted(needs)


def compare_versions(index: FolderIndex, name: str, versions: dict[DeviceID, FileInfo]) -> None:
    found = now(index.versions(WireName(name)))
    bare = {device: one._replace(sequence=0) for device, one in found.items()}
    assert bare == {device: one._replace(sequence=0) for device, one in versions.items()}


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_arrival_does_not_decide(seed: int) -> None:
    """Three versions, each of which beats another: one supersedes, one is newer, one is concurrent."""
    old = FileInfo(WireName("a"), modified=3 * DAY, version=Vector.of([(1, 1)]))
    new = FileInfo(WireName("a"), modified=1 * DAY, version=Vector.of([(1, 2)]))
    other = FileInfo(WireName("a"), modified=2 * DAY, version=Vector.of([(2, 1)]))
    index = open_index()
    files = [old, new, other]
    for peer, one in zip(PEERS, files[seed:] + files[:seed], strict=True):
        now(index.update_remote(peer, [one]))
    assert now(index.global_([old.name]))[old.name].version == other.version
    now(index.close())
