"""Long lists are read in parts, each of bounded size, and are those that the totals count."""

from __future__ import annotations

from tests.index.records import (
    ANNA,
    BERT,
    directory,
    file,
    gone,
    long_file,
    now,
    open_index,
    vector,
)
from txsyncthing.index.lists import (
    browse,
    changed,
    changed_directories,
    changed_page,
    global_without_hashes,
    lacking,
    needed_names,
)
from txsyncthing.index.service import FolderIndex
from txsyncthing.vocabulary.device import EMPTY_DEVICE, DeviceID
from txsyncthing.vocabulary.file import FileType, LocalFlag

OLD, NEW = vector((1, 1)), vector((1, 2))
HERE = LocalFlag.RECEIVE_ONLY


def browsed(
    index: FolderIndex, prefix: str = "", depth: int = -1, directories: bool = False
) -> list[str]:
    """In parts of two."""
    names: list[str] = []
    while True:
        after = names[-1] if names else ""
        part = now(index.ask(browse, prefix, after, depth, directories, 2))
        names += [entry[0] for entry in part]
        if len(part) < 2:
            return names


def lacks(index: FolderIndex, device: DeviceID) -> list[str]:
    names: list[str] = []
    after: str | None = ""
    while after is not None:
        part, after = now(index.ask(lacking, device, after, 2))
        names += part
    return names


def test_a_tree_is_all_that_is_there_and_valid() -> None:
    index = open_index()
    now(index.update_local([directory("a", OLD), file("a/x"), file("here", flags=HERE)]))
    now(
        index.update_remote(
            ANNA,
            [
                file("a-b", NEW, content="yy"),
                file("a/x", NEW),
                gone("gone", NEW),
                file("bad", NEW, flags=LocalFlag.REMOTE_INVALID),
                directory("a/d", NEW),
                file("a/d/z", NEW),
            ],
        )
    )
    assert browsed(index) == ["a", "a-b", "a/d", "a/d/z", "a/x"]
    assert browsed(index, depth=0) == ["a", "a-b"]
    assert browsed(index, "a/", depth=1) == ["a/d", "a/x"]
    assert browsed(index, directories=True) == ["a", "a/d"]
    assert browsed(index, "a") == []
    assert browsed(index, "b/") == []
    (entry,) = now(index.ask(browse, "", "a", 0, False, 1))
    assert entry == ("a-b", file("x").modified, FileType.FILE.value, 2)


def test_what_a_device_lacks_is_what_is_counted() -> None:
    index = open_index()
    now(index.update_local([file("a", NEW), file("b", NEW), gone("c", NEW), gone("d", NEW)]))
    now(
        index.update_remote(
            ANNA,
            [
                file("a", NEW),
                file("b", OLD),
                file("c", OLD),
                file("d", vector(), flags=LocalFlag.REMOTE_INVALID),
            ],
        )
    )
    now(index.update_remote(BERT, [gone("c", NEW), file("e", OLD), gone("d", NEW)]))
    assert lacks(index, ANNA) == ["b", "c", "d", "e"]
    assert lacks(index, BERT) == ["a", "b"]
    assert lacks(index, EMPTY_DEVICE) == ["a", "b", "e"]
    for device in (ANNA, BERT):
        assert index.counts().remote_need(device).items == len(lacks(index, device))


def test_a_device_lacks_nothing_of_a_version_that_it_ignores() -> None:
    index = open_index()
    now(index.update_local([file("a", NEW), gone("b", NEW)]))
    ignored = LocalFlag.REMOTE_INVALID
    now(index.update_remote(ANNA, [file("a", NEW, flags=ignored), file("b", NEW, flags=ignored)]))
    assert lacks(index, ANNA) == []
    assert index.counts().remote_need(ANNA).items == 0


def test_lists_for_people_have_no_hashes_but_say_which_content_it_is() -> None:
    index = open_index()
    long = long_file("b", "1", "2", "3", "4", "5")
    now(index.update_local([file("a")]))
    now(index.update_remote(ANNA, [long, file("c"), file("a", OLD)]))
    files = now(index.ask(global_without_hashes, ["c", "a", "b", "none"]))
    assert [one.name for one in files] == ["a", "b", "c"]
    assert [one.hashes for one in files] == [b""] * 3
    assert files[1].blocks_hash == long.blocks_hash
    assert files[0].blocks_hash == file("a").blocks_hash
    (queued, _) = now(index.need_queue())
    assert queued.blocks_hash == long.blocks_hash


def test_what_was_changed_here_is_listed_until_it_is_no_more() -> None:
    index = open_index()
    files = [
        file("d/y", flags=HERE),
        directory("d", OLD)._replace(local_flags=HERE),
        gone("e", OLD)._replace(local_flags=HERE),
        directory("d/z", OLD)._replace(local_flags=HERE),
        file("plain"),
    ]
    now(index.update_local(files))
    first = now(index.ask(changed, "", 2))
    rest = now(index.ask(changed, first[-1].name, 9))
    assert [one.name for one in first + rest] == ["d", "d/y", "d/z", "e"]
    assert rest[0].type is FileType.DIRECTORY
    assert [one.name for one in now(index.ask(changed_page, 1, 2))] == ["d/y", "d/z"]
    (deepest,) = now(index.ask(changed_directories, None, 1))
    (above,) = now(index.ask(changed_directories, deepest.name, 9))
    assert (deepest.name, above.name) == ("d/z", "d")
    now(index.update_local([file("d/y")]))
    assert [one.name for one in now(index.ask(changed, "", 9))] == ["d", "d/z", "e"]
    assert index.counts().receive_only.items == 3


def test_needed_items_that_are_alike_are_told_apart() -> None:
    index = open_index()
    now(index.update_local([file("other"), file("same"), gone("undone", OLD), file("undone2")]))
    now(
        index.update_remote(
            ANNA,
            [
                file("new", NEW),
                file("other", NEW, content="y"),
                file("same", NEW, modified=7),
                gone("undone", NEW),
                gone("undone2", NEW),
            ],
        )
    )
    first = now(index.ask(needed_names, "", 2))
    rest = now(index.ask(needed_names, first[-1].name, 9))
    assert [(one.name, one.alike) for one in first + rest] == [
        ("new", False),
        ("other", False),
        ("same", True),
        ("undone", True),
        ("undone2", False),
    ]


def test_a_forgotten_record_leaves_the_others_and_no_sequence_number() -> None:
    index = open_index()
    now(index.update_local([file("a", NEW, flags=HERE), file("b"), file("alone", flags=HERE)]))
    now(index.update_remote(ANNA, [file("a", OLD)]))
    assert index.counts().need.items == 0
    now(index.forget_local([file("a").name, file("alone").name, file("none").name]))
    counts = index.counts()
    assert (counts.local.files, counts.receive_only.items, counts.need.files) == (1, 0, 1)
    assert now(index.versions(file("alone").name)) == {}
    assert now(index.update_local([file("c")])) == 4
