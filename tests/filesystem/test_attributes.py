"""Owners and extended attributes: what both storages promise, and what only a disk does."""

from __future__ import annotations

import errno
import os
import pwd
from collections.abc import Iterator
from pathlib import Path

import pytest

from txsyncthing.filesystem.accounts import MachineAccounts
from txsyncthing.filesystem.attributes import Named, on_disk, read_xattrs
from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.filesystem.seam import Filesystem, ThroughSymlink
from txsyncthing.vocabulary.attributes import Attributes, XattrRules
from txsyncthing.vocabulary.platform import Owner, Platform, Xattr, decode_platform


def has_attributes(directory: Path) -> bool:
    try:
        os.setxattr(directory, "user.probe", b"")
        os.removexattr(directory, "user.probe")
    except OSError:
        return False
    return True


@pytest.fixture(params=["disk", "batch", "memory"])
def storage(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Filesystem]:
    if request.param == "memory":
        yield MemoryFilesystem(lambda: 1_700_000_000.0)
        return
    if not has_attributes(tmp_path):
        pytest.skip("the file system here has no extended attributes")
    if request.param == "disk":
        yield DiskFilesystem(str(tmp_path))
        return
    with DiskFilesystem(str(tmp_path)).batch() as batch:
        yield batch


def make(storage: Filesystem) -> None:
    storage.make_directory("d", 0o755)
    storage.create("d/f", 0o644).close()
    storage.symlink(b"f", "d/l")


root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")


@pytest.mark.parametrize("name", ["d", "d/f"])
def test_attributes_are_set_listed_and_removed_by_name(storage: Filesystem, name: str) -> None:
    make(storage)
    storage.set_xattr(name, "user.b", b"1")
    storage.set_xattr(name, "user.a", b"")
    storage.set_xattr(name, "user.b", b"\0two")
    assert sorted(storage.list_xattrs(name)) == ["user.a", "user.b"]
    assert storage.get_xattr(name, "user.a") == b""
    assert storage.get_xattr(name, "user.b") == b"\0two"
    storage.remove_xattr(name, "user.a")
    assert storage.list_xattrs(name) == ["user.b"]
    for call in (storage.get_xattr, storage.remove_xattr):
        with pytest.raises(OSError, match="No data") as caught:
            call(name, "user.a")
        assert caught.value.errno == errno.ENODATA


def test_an_open_file_has_them_too(storage: Filesystem) -> None:
    make(storage)
    opened = storage.create("d/f", 0o644)
    opened.set_xattr("user.a", b"1")
    assert opened.list_xattrs() == ["user.a"]
    assert storage.get_xattr("d/f", "user.a") == b"1"
    opened.remove_xattr("user.a")
    assert opened.list_xattrs() == []
    opened.close()
    reading = storage.open("d/f")
    assert reading.list_xattrs() == []
    reading.close()


def test_a_symlink_is_not_followed(storage: Filesystem) -> None:
    make(storage)
    storage.set_xattr("d/f", "user.a", b"1")
    assert storage.list_xattrs("d/l") == []
    with pytest.raises(OSError, match="not permitted"):
        storage.set_xattr("d/l", "user.b", b"1")
    assert storage.list_xattrs("d/f") == ["user.a"]
    storage.symlink(b"d", "way")
    with pytest.raises(ThroughSymlink):
        storage.list_xattrs("way/f")


def test_what_is_not_there_has_none(storage: Filesystem) -> None:
    make(storage)
    for name in ("d/x", "x/x"):
        with pytest.raises(FileNotFoundError):
            storage.list_xattrs(name)
        with pytest.raises(FileNotFoundError):
            storage.chown(name, 0, 0)


def test_the_time_of_change_tells_of_both(storage: Filesystem) -> None:
    make(storage)
    before = storage.lstat("d/f")
    storage.set_xattr("d/f", "user.a", b"1")
    after = storage.lstat("d/f")
    assert after.changed >= before.changed
    assert after.modified == before.modified


@root
@pytest.mark.parametrize("name", ["d", "d/f", "d/l"])
def test_an_item_gets_another_owner(storage: Filesystem, name: str) -> None:
    make(storage)
    storage.chown(name, 3_000_000_000, 12)
    found = storage.lstat(name)
    assert (found.uid, found.gid) == (3_000_000_000, 12)
    assert storage.lstat("d/f").uid in (3_000_000_000, storage.lstat("").uid)


@root
def test_an_open_file_gets_another_owner_and_is_no_setuid_program_then(storage: Filesystem) -> None:
    make(storage)
    storage.chmod("d/f", 0o6755)
    opened = storage.create("d/f", 0o644)
    opened.chown(11, 12)
    found = opened.stat()
    opened.close()
    assert (found.uid, found.gid, found.mode) == (11, 12, 0o755)


# What a disk has that others may not.


def test_a_storage_without_attributes_says_nothing_of_them() -> None:
    storage = MemoryFilesystem(lambda: 1.0)
    storage.put("f")
    unsupported = OSError(errno.EOPNOTSUPP, "Operation not supported")
    storage.fail("list_xattrs", "f", unsupported, -1)
    assert read_xattrs(Named(storage, "f"), XattrRules()) is None
    stat = storage.lstat("f")
    told = on_disk(Named(storage, "f"), stat, Attributes(True, False, True), storage.accounts())
    assert decode_platform(told) == Platform(Owner("", "", 1000, 1000), None)


def test_an_attribute_that_goes_while_they_are_read_is_left_out() -> None:
    storage = MemoryFilesystem(lambda: 1.0)
    storage.put("f")
    storage.set_xattr("f", "user.b", b"2")
    storage.set_xattr("f", "user.a", b"1")
    storage.intercept("get_xattr", "f", lambda: storage.remove_xattr("f", "user.b"))
    assert read_xattrs(Named(storage, "f"), XattrRules()) == (Xattr("user.a", b"1"),)


def test_only_what_is_asked_for_is_told() -> None:
    storage = MemoryFilesystem(lambda: 1.0)
    storage.people.users[1000] = "ann"
    storage.put("f")
    storage.set_xattr("f", "user.a", b"1")
    storage.set_xattr("f", "trusted.a", b"1")
    item, stat, people = Named(storage, "f"), storage.lstat("f"), storage.accounts()
    rules = XattrRules((("user.*", True),))
    assert on_disk(item, stat, Attributes(), people) == b""
    owner = Owner("ann", "", 1000, 1000)
    assert decode_platform(on_disk(item, stat, Attributes(True), people)) == Platform(owner)
    only = Attributes(tells_xattrs=True, rules=rules)
    assert decode_platform(on_disk(item, stat, only, people)) == Platform(
        None, (Xattr("user.a", b"1"),)
    )


# Users and groups.


def test_each_account_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []

    def look_up(uid: int) -> pwd.struct_passwd:
        asked.append(uid)
        if uid != 5:
            raise KeyError(uid)
        return pwd.struct_passwd(("ann", "x", 5, 5, "", "/", "/bin/sh"))

    monkeypatch.setattr(pwd, "getpwuid", look_up)
    accounts = MachineAccounts()
    assert [accounts.user(uid) for uid in (5, 6, 5, 6)] == ["ann", "", "ann", ""]
    assert asked == [5, 6]


def test_names_that_no_machine_knows_have_no_number() -> None:
    accounts = MachineAccounts()
    for name in ("no such user here", "nul\0", "\udcff", ""):
        assert accounts.uid(name) is None
        assert accounts.gid(name) is None
    assert accounts.uid("root") == accounts.gid("root") == 0
    assert accounts.user(0) == accounts.group(0) == "root"
    assert accounts.user(4_000_000_123) == accounts.group(4_000_000_123) == ""
