"""Whatever happens to a folder: after a scan the index says what the disk says."""

from __future__ import annotations

from hashlib import sha256

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.scan.folder import Folder, result_of
from txsyncthing.scan.values import ScanOptions
from txsyncthing.scan.walk import Mark, Walk
from txsyncthing.vocabulary.file import INVALID_FLAGS

PARTS = st.sampled_from(["a", "b", "a-", "a.b", "a0", "é"])  # around the slash in every order
NAMES = st.lists(PARTS, min_size=1, max_size=3).map("/".join)
CONTENTS = st.sampled_from([b"", b"1", b"22", b"33"])
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("put"), NAMES, CONTENTS),
        st.tuples(st.just("remove"), NAMES, st.none()),
        st.tuples(st.just("rename"), NAMES, NAMES),
        st.tuples(st.just("symlink"), NAMES, CONTENTS),
        st.tuples(st.just("directory"), NAMES, st.none()),
        st.tuples(st.just("scan"), st.none(), st.none()),
        st.tuples(st.just("sub"), NAMES, st.none()),
    ),
    max_size=12,
)
LINES = st.lists(
    st.sampled_from(["a", "!a", "/b", "!/b/a", "a-", "!a.b", "*", "a/", "!é", "b/*", "**/a/b"]),
    max_size=4,
)


def remove(folder: Folder, name: str) -> None:
    below = [item for item in folder.disk.tree() if item == name or item.startswith(name + "/")]
    for item in reversed(below):
        if folder.disk.tree()[item] is None:
            folder.disk.remove_directory(item)
        else:
            folder.disk.remove(item)


def play(folder: Folder, step: tuple[str, str, object]) -> None:
    action, name, what = step
    try:
        if action == "put":
            assert isinstance(what, bytes)
            folder.disk.put(name, what)
        elif action == "remove":
            remove(folder, name)
        elif action == "rename":
            assert isinstance(what, str)
            folder.disk.rename(name, what)
        elif action == "symlink":
            assert isinstance(what, bytes)
            folder.disk.symlink(what, name)
        elif action == "directory":
            folder.disk.put_directory(name)
        elif action == "scan":
            folder.scan()
        else:
            folder.scan(name)
    except OSError:
        pass  # there is something else, or nothing: as good as not done


def recorded(folder: Folder) -> dict[str, bytes | None]:
    """What the index has, in the form of ``MemoryFilesystem.tree``, but with hashes for bytes."""
    found: dict[str, bytes | None] = {}
    for row in result_of(folder.index.rows("", "", 10_000)):
        if row.deleted or row.local_flags & INVALID_FLAGS:
            continue
        file = folder.record(row.name)
        if file.is_symlink:
            found[row.name] = b"-> " + file.symlink_target
        else:
            found[row.name] = file.hashes if file.is_file else None
    return found


def on_disk(folder: Folder) -> dict[str, bytes | None]:
    """What the index should have."""
    tree = {name: data for name, data in folder.disk.tree().items() if name != ".stfolder"}
    kept = {name for name in tree if not folder.matcher.match(name).ignored}
    for name in list(kept):
        parts = name.split("/")
        kept.update("/".join(parts[:count]) for count in range(1, len(parts)))
    return {
        name: data if data is None or data[:3] == b"-> " else sha256(data).digest()
        for name, data in tree.items()
        if name in kept
    }


@settings(max_examples=60, deadline=None)
@given(STEPS, LINES, LINES)
def test_a_scan_makes_the_index_say_what_the_disk_says(
    steps: list[tuple[str, str, object]], lines: list[str], later: list[str]
) -> None:
    folder = Folder()
    try:
        folder.ignore(*lines)
        for step in steps:
            play(folder, step)
        folder.scan()
        assert recorded(folder) == on_disk(folder)
        assert folder.scan() == ((), 0, 0)
        folder.ignore(*later)
        folder.scan()
        assert recorded(folder) == on_disk(folder)
        assert folder.scan() == ((), 0, 0)
    finally:
        folder.close()


@settings(max_examples=60, deadline=None)
@given(STEPS, LINES)
def test_a_walk_goes_in_the_order_of_the_index(
    steps: list[tuple[str, str, object]], lines: list[str]
) -> None:
    folder = Folder()
    try:
        folder.ignore(*lines)
        for step in steps:
            play(folder, step)
        walk = Walk(folder.disk, folder.matcher, ScanOptions(), 0)
        events = list(walk.events())
        names = [event.name for event in events]
        assert names == sorted(names, key=str.encode)
        assert all(event.mark is not Mark.UNKNOWN for event in events)
    finally:
        folder.close()
