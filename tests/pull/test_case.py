"""What a round does with names that differ only by case, where case matters and where it does not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.pull.folder import FOLDER, NOW, Folder, answer, directory, file, gone, symlink
from txsyncthing.filesystem.case import CaseFilesystem
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.pull.options import PullOptions
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName, temporary_name

MIB = 1024 * 1024


@pytest.fixture(params=["case matters", "case does not matter"])
def folder(request: pytest.FixtureRequest) -> Iterator[Folder]:
    made = on_disk(folded=request.param != "case matters")
    yield made
    made.close()


@pytest.fixture
def insensitive() -> Iterator[Folder]:
    made = on_disk(folded=True)
    yield made
    made.close()


def on_disk(folded: bool) -> Folder:
    memory = MemoryFilesystem(lambda: NOW, folded=folded)
    made = Folder(CaseFilesystem(memory), PullOptions(FOLDER, ignore_permissions=folded))
    made.memory = memory
    return made


def tree(folder: Folder) -> list[str]:
    return list(folder.memory.tree())


def rounds(folder: Folder) -> None:
    """As many as a folder makes of one pull."""
    for _ in range(3):
        if folder.pull().failed == ():
            break
    assert folder.index.counts().need.items == 0


def rename(folder: Folder, old: FileInfo, new: FileInfo, data: bytes = b"") -> None:
    """A peer renames an item."""
    folder.offer((new, data))
    folder.tell(gone(old))


def test_two_names_are_two_files_where_case_matters() -> None:
    folder = on_disk(folded=False)
    folder.offer((file("foo", b"lower", 1), b"lower"), (file("Foo", b"Upper!", 2), b"Upper!"))
    assert folder.pull().failed == ()
    assert (folder.read("foo"), folder.read("Foo")) == (b"lower", b"Upper!")
    folder.close()


@pytest.mark.parametrize("size", [10, 2 * MIB])
def test_of_two_names_one_comes_and_the_other_is_an_error(insensitive: Folder, size: int) -> None:
    lower, upper = b"l" * size, b"U" * (size + 1)
    insensitive.offer((file("foo", lower, 1), lower), (file("Foo", upper, 2), upper))
    (error,) = insensitive.pull().failed
    local = "Foo" if error.path == "foo" else "foo"
    assert error.cause == "case-conflict"
    assert error.error == (
        f'syncing: remote "{error.path}" uses different upper or lowercase characters than local'
        f' "{local}"; change the casing on either side to match the other'
    )
    assert error.remedy
    assert insensitive.read(local) == (lower if local == "foo" else upper)
    assert [name for name in tree(insensitive) if ".tmp" not in name] == [local]


def test_two_spellings_are_never_on_their_way_at_once(insensitive: Folder) -> None:
    lower, upper = b"l" * 10, b"U" * 10
    insensitive.offer((file("foo", lower, 1), lower), (file("Foo", upper, 2), upper))
    insensitive.peers.slow = True
    result = insensitive.start()
    assert len(insensitive.peers.asked) == 1
    insensitive.peers.slow = False
    insensitive.peers.go_on()
    assert len(answer(result).failed) == 1
    assert len(insensitive.peers.asked) == 2


def test_a_local_file_of_another_spelling_is_not_overwritten(insensitive: Folder) -> None:
    insensitive.scan("Foo", b"ours")
    insensitive.offer((file("foo", b"theirs"), b"theirs"), (directory("FOO", 2), b""))
    insensitive.tell(symlink("foO", b"t", 3))
    failed = insensitive.pull().failed
    assert {(error.path, error.cause) for error in failed} == {
        (name, "case-conflict") for name in ("foo", "FOO", "foO")
    }
    assert insensitive.read("Foo") == b"ours"


def test_nothing_is_put_into_a_directory_of_another_spelling(insensitive: Folder) -> None:
    insensitive.memory.put("Dir/x", b"x")
    insensitive.offer((directory("dir", 1), b""), (file("dir/y", b"y", 2), b"y"))
    failed = insensitive.pull().failed
    assert [(error.path, error.cause) for error in failed] == [
        ("dir", "case-conflict"),
        ("dir/y", "case-conflict"),
    ]
    assert '"dir" uses' in failed[1].error
    assert tree(insensitive) == ["Dir", "Dir/x"]


def test_a_deletion_does_not_reach_a_file_of_another_spelling(insensitive: Folder) -> None:
    """The file was renamed here, and no scan has seen it yet."""
    old = insensitive.scan("foo", b"ours")
    insensitive.memory.rename("foo", "Foo")
    insensitive.tell(gone(old))
    assert insensitive.pull().failed == ()
    assert insensitive.local("foo").deleted
    assert insensitive.read("Foo") == b"ours"


def test_a_directory_of_another_spelling_is_not_deleted(insensitive: Folder) -> None:
    old = directory("dir", 1)
    insensitive.memory.put_directory("dir")
    answer(insensitive.index.update_local([old]))
    insensitive.memory.put("dir/.syncthing.left.tmp", b"half")
    insensitive.memory.rename("dir", "DIR")
    insensitive.tell(gone(old))
    assert insensitive.pull().failed == ()
    assert tree(insensitive) == ["DIR", "DIR/.syncthing.left.tmp"]


@pytest.mark.parametrize("size", [10, 2 * MIB])
def test_a_file_takes_another_spelling_without_transfer(folder: Folder, size: int) -> None:
    data = b"x" * size
    old = file("Foo.txt", data, 1)
    folder.offer((old, data))
    folder.pull()
    before = len(folder.peers.asked)
    rename(folder, old, file("foo.TXT", data, 2), data)
    assert folder.pull().failed == ()
    assert tree(folder) == ["foo.TXT"]
    assert folder.index.counts().need.items == 0
    assert len(folder.peers.asked) == before


def test_a_file_takes_another_spelling_where_the_system_sees_no_difference(
    insensitive: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    memory = insensitive.memory
    plain = memory.rename

    def same(old: str, new: str) -> None:
        if old.lower() != new.lower():
            plain(old, new)

    old = file("foo", b"data", 1)
    insensitive.offer((old, b"data"))
    insensitive.pull()
    monkeypatch.setattr(memory, "rename", same)
    rename(insensitive, old, file("Foo", b"data", 2), b"data")
    assert insensitive.pull().failed == ()
    assert tree(insensitive) == ["Foo"]


def test_empty_and_edited_files_and_links_take_another_spelling(folder: Folder) -> None:
    items = file("empty", b"", 1), file("edited", b"old", 1), symlink("link", b"t", 1)
    for item, data in zip(items, (b"", b"old", b""), strict=True):
        folder.offer((item, data))
    folder.pull()
    rename(folder, items[0], file("Empty", b"", 2))
    rename(folder, items[1], file("Edited", b"new", 2), b"new")
    rename(folder, items[2], symlink("Link", b"t", 2))
    rounds(folder)
    assert tree(folder) == ["Edited", "Empty", "Link"]
    assert folder.read("Edited") == b"new"


def test_a_directory_takes_another_spelling_with_all_that_is_in_it(folder: Folder) -> None:
    names = ("one", "two", "sub/three", "none")
    old = [directory("dir", 1), directory("dir/sub", 1)]
    new = [directory("DIR", 3), directory("DIR/Sub", 3)]
    folder.offer(*((item, b"") for item in old))
    for number, name in enumerate(names):
        data = b"" if name == "none" else b"%d" % number * 10_000
        old.append(file(f"dir/{name}", data, 2))
        folder.offer((old[-1], data))
        new.append(file(f"DIR/{name.replace('sub', 'Sub')}", data, 4))
        folder.peers.data[next(iter(folder.peers.data))][new[-1].name] = data
    folder.pull()
    before = len(folder.peers.asked)
    folder.tell(*new)
    folder.tell(*(gone(item) for item in old))
    result = folder.pull()
    assert result.failed == ()
    assert tree(folder) == ["DIR", "DIR/Sub", "DIR/Sub/three", "DIR/none", "DIR/one", "DIR/two"]
    assert len(folder.peers.asked) == before
    assert folder.index.counts().need.items == 0


def test_files_wait_for_the_deletion_of_their_directory_to_arrive(insensitive: Folder) -> None:
    """The official daemon tells of it after the files, in another message."""
    old = [directory("dir", 1), file("dir/f", b"data", 2)]
    new = [directory("DIR", 3), file("DIR/f", b"data", 4)]
    insensitive.offer((old[0], b""), (old[1], b"data"))
    insensitive.pull()
    insensitive.offer((new[0], b""), (new[1], b"data"))
    insensitive.tell(gone(old[1]))
    assert {error.cause for error in insensitive.pull().failed} == {"case-conflict"}
    assert insensitive.read("dir/f") == b"data"
    insensitive.tell(gone(old[0]))
    assert insensitive.pull().failed == ()
    assert tree(insensitive) == ["DIR", "DIR/f"]
    assert len(insensitive.peers.asked) == 1


def test_a_directory_that_stays_does_not_take_another_spelling(insensitive: Folder) -> None:
    insensitive.offer((directory("dir", 1), b""))
    insensitive.pull()
    insensitive.offer((directory("DIR", 2), b""))
    (error,) = insensitive.pull().failed
    assert error.cause == "case-conflict"
    assert tree(insensitive) == ["dir"]


def test_a_temporary_file_of_the_old_spelling_does_not_bar_the_new(insensitive: Folder) -> None:
    insensitive.memory.put(temporary_name("foo"), b"half of it")
    insensitive.offer((file("Foo", b"data", 1), b"data"))
    assert insensitive.pull().failed == ()
    assert tree(insensitive) == ["Foo"]
    assert insensitive.read("Foo") == b"data"
    assert insensitive.local("Foo").name == WireName("Foo")


def test_what_is_deleted_with_a_new_spelling_of_its_directory_does_not_come_back(
    folder: Folder,
) -> None:
    old = [directory("dir", 1), directory("dir/sub", 1), file("dir/f", b"f", 1)]
    old += [file("dir/sub/g", b"g", 1), file("dir/kept", b"kept", 1)]
    folder.offer(*zip(old, (b"", b"", b"f", b"g", b"kept"), strict=True))
    folder.pull()
    folder.offer((directory("DIR", 2), b""), (file("DIR/kept", b"kept", 2), b"kept"))
    folder.tell(*map(gone, old))
    assert folder.pull().failed == ()
    assert tree(folder) == ["DIR", "DIR/kept"]
    assert folder.index.counts().need.items == 0


def test_an_edit_below_a_directory_that_takes_another_spelling_outlives_its_deletion(
    insensitive: Folder,
) -> None:
    old = [directory("dir", 1), file("dir/f", b"f", 1)]
    insensitive.offer((old[0], b""), (old[1], b"f"))
    insensitive.pull()
    insensitive.memory.put("dir/f", b"edited")
    insensitive.offer((directory("DIR", 2), b""))
    insensitive.tell(*map(gone, old))
    insensitive.pull()
    assert insensitive.memory.take("DIR/f") == b"edited"
