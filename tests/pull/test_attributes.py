"""Owners and extended attributes of what is pulled: given unseen, or not at all."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from tests.pull.folder import FOLDER, Folder, directory, file, gone, symlink
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.service import FolderPuller
from txsyncthing.vocabulary.attributes import Attributes, XattrRules
from txsyncthing.vocabulary.block import MIN_BLOCK_SIZE
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.platform import (
    Owner,
    Platform,
    Xattr,
    decode_platform,
    encode_platform,
)

ALL = Attributes(tells_owner=True, takes_owner=True, tells_xattrs=True, takes_xattrs=True)
TOLD = Attributes(tells_owner=True, tells_xattrs=True)
BOB = Owner("bob", "staff", 7, 8)
OURS = Owner("", "", 1000, 1000)
DARWIN = b"\x22\x06\x0a\x04\x0a\x02io"
TEMPORARY = ".syncthing.f.tmp"
LARGE = 20 * MIN_BLOCK_SIZE
REFUSED = OSError(errno.EPERM, "Operation not permitted")


def said(owner: Owner | None = BOB, foreign: bytes = b"", **xattrs: bytes) -> bytes:
    """PlatformData with these attributes of the user's."""
    listed = tuple(Xattr(f"user.{name}", value) for name, value in sorted(xattrs.items()))
    return encode_platform(Platform(owner, listed, foreign))


def set_up(folder: Folder, attributes: Attributes = ALL) -> None:
    folder.puller = FolderPuller(folder.seams, PullOptions(FOLDER, attributes=attributes))


def bears(disk: MemoryFilesystem, name: str) -> tuple[int, int, dict[str, bytes]]:
    """Owner, group and attributes on disk."""
    stat = disk.lstat(name)
    return (
        stat.uid,
        stat.gid,
        {one: disk.get_xattr(name, one) for one in disk.list_xattrs(name)},
    )


def items(platform: bytes) -> list[tuple[FileInfo, bytes]]:
    big = b"b" * LARGE
    return [
        (file("f", b"small")._replace(platform=platform), b"small"),
        (file("large", big)._replace(platform=platform), big),
        (directory("d")._replace(platform=platform), b""),
        (symlink("l", b"f")._replace(platform=encode_platform(Platform(BOB))), b""),
    ]


def test_new_items_of_all_kinds_get_them(folder: Folder) -> None:
    set_up(folder)
    folder.offer(*items(said(a=b"1", b=b"2", foreign=DARWIN)))
    assert folder.pull().failed == ()
    attributes = {"user.a": b"1", "user.b": b"2"}
    for name in ("f", "large", "d"):
        assert bears(folder.memory, name) == (7, 8, attributes)
        assert folder.local(name).platform == said(a=b"1", b=b"2", foreign=DARWIN)
    assert bears(folder.memory, "l") == (7, 8, {})


def test_nobody_sees_a_file_without_them(folder: Folder) -> None:
    set_up(folder)
    seen: list[tuple[int, int, dict[str, bytes]]] = []
    folder.memory.intercept("place", "*", lambda: seen.append(bears(folder.memory, TEMPORARY)))
    folder.offer((file("f", b"small")._replace(platform=said(a=b"1")), b"small"))
    folder.pull()
    assert seen == [(7, 8, {"user.a": b"1"})]


def test_by_default_they_are_kept_in_the_record_and_nothing_is_done(folder: Folder) -> None:
    calls: list[str] = []
    for call in ("chown", "list_xattrs", "set_xattr"):
        folder.memory.intercept(call, "*", lambda call=call: calls.append(call), -1)  # type: ignore[misc]
    folder.offer(*items(said(a=b"1", foreign=DARWIN)))
    folder.pull()
    assert calls == []
    assert bears(folder.memory, "f") == (1000, 1000, {})
    assert folder.local("f").platform == said(a=b"1", foreign=DARWIN)


def test_what_is_only_told_is_recorded_as_it_is_here(folder: Folder) -> None:
    set_up(folder, TOLD)
    folder.offer(*items(said(a=b"1", foreign=DARWIN)))
    folder.pull()
    assert bears(folder.memory, "f") == (1000, 1000, {})
    for name in ("f", "large", "d"):
        assert folder.local(name).platform == said(OURS, foreign=DARWIN)


def test_a_name_counts_before_a_number(folder: Folder) -> None:
    set_up(folder)
    folder.memory.people.users[70] = "bob"
    folder.offer((file("f", b"small")._replace(platform=said()), b"small"))
    folder.pull()
    assert bears(folder.memory, "f") == (70, 8, {})
    # as the peer told it, which is as true here
    assert decode_platform(folder.local("f").platform).owner == BOB


def test_a_peer_that_says_nothing_of_them_changes_nothing(folder: Folder) -> None:
    set_up(folder)
    folder.offer(*[(info._replace(platform=b""), data) for info, data in items(b"")])
    assert folder.pull().failed == ()
    assert bears(folder.memory, "f") == (1000, 1000, {})
    assert folder.local("f").platform == said(OURS)
    assert folder.index.counts().need.items == 0


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_a_change_of_them_alone_is_made_in_place(folder: Folder, kind: str) -> None:
    set_up(folder)

    def make(version: int) -> FileInfo:
        return file("f", b"small", version) if kind == "file" else directory("f", version)

    first = make(1)._replace(platform=said(a=b"1", b=b"2"), modified=1_600_000_000_000_000_001)
    folder.offer((first, b"small"))
    folder.pull()
    inode = folder.memory.lstat("f").inode
    asked = len(folder.peers.asked)
    wanted = said(Owner("", "", 9, 9), b=b"3", c=b"4")
    folder.tell(first._replace(version=make(2).version, sequence=2, platform=wanted))
    assert folder.pull().failed == ()
    assert bears(folder.memory, "f") == (9, 9, {"user.b": b"3", "user.c": b"4"})
    assert folder.memory.lstat("f").inode == inode
    assert len(folder.peers.asked) == asked
    assert folder.local("f").platform == wanted


def test_a_symlink_gets_another_owner(folder: Folder) -> None:
    set_up(folder)
    folder.tell(symlink("l", b"f")._replace(platform=said()))
    folder.pull()
    folder.tell(symlink("l", b"f", 2)._replace(platform=said(Owner("", "", 9, 9))))
    folder.pull()
    assert bears(folder.memory, "l") == (9, 9, {})


def test_a_filter_leaves_attributes_alone_both_ways(folder: Folder) -> None:
    rules = XattrRules((("user.mine*", False), ("*", True)))
    set_up(folder, replace(ALL, rules=rules))
    first = file("f", b"small")._replace(platform=said(a=b"1", mine=b"theirs"))
    folder.offer((first, b"small"))
    folder.pull()
    assert bears(folder.memory, "f") == (7, 8, {"user.a": b"1"})
    assert folder.local("f").platform == first.platform
    folder.memory.set_xattr("f", "user.mine2", b"ours")
    have = folder.local("f")._replace(inode_change=folder.memory.lstat("f").changed)
    folder.index.update_local([have])
    second = first._replace(version=file("f", b"", 2).version, sequence=2, platform=said())
    folder.tell(second)
    folder.pull()
    assert bears(folder.memory, "f") == (7, 8, {"user.mine2": b"ours"})
    third = file("f", b"other", 3)._replace(platform=said(c=b"3"))
    folder.offer((third, b"other"))
    folder.pull()
    assert folder.read("f") == b"other"
    assert bears(folder.memory, "f") == (7, 8, {"user.c": b"3", "user.mine2": b"ours"})


def test_the_rights_of_programs_are_not_taken(folder: Folder) -> None:
    set_up(folder)
    listed = (Xattr("security.capability", b"\1"), Xattr("user.a", b"1"))
    platform = encode_platform(Platform(None, listed))
    folder.offer((file("f", b"small")._replace(platform=platform), b"small"))
    folder.pull()
    assert bears(folder.memory, "f") == (1000, 1000, {"user.a": b"1"})
    assert folder.local("f").platform == encode_platform(Platform(OURS, listed))


def test_the_rights_of_programs_are_taken_where_they_are_named(folder: Folder) -> None:
    rules = XattrRules((("security.capability", True),))
    set_up(folder, replace(ALL, rules=rules))
    platform = encode_platform(Platform(BOB, (Xattr("security.capability", b"\1"),)))
    folder.memory.intercept(  # as Linux does it
        "chown", TEMPORARY, lambda: folder.memory.remove_xattr(TEMPORARY, "security.capability")
    )
    folder.offer((file("f", b"small")._replace(platform=platform), b"small"))
    folder.pull()
    assert bears(folder.memory, "f") == (7, 8, {"security.capability": b"\1"})


def test_a_temporary_file_left_by_an_older_version_keeps_nothing_of_it(folder: Folder) -> None:
    set_up(folder)
    folder.memory.put(TEMPORARY, b"left")
    folder.memory.set_xattr(TEMPORARY, "user.old", b"1")
    folder.offer((file("f", b"small")._replace(platform=said(a=b"1")), b"small"))
    folder.pull()
    assert bears(folder.memory, "f") == (7, 8, {"user.a": b"1"})


# The parent's owner.

INHERITED = Attributes(inherits_owner=True)


def test_what_is_pulled_belongs_to_whom_its_directory_belongs(folder: Folder) -> None:
    set_up(folder, INHERITED)
    folder.memory.chown("", 3, 4)
    inside = file("d/f", b"inside")._replace(platform=said(a=b"1"))
    folder.offer(*items(said(a=b"1")), (inside, b"inside"))
    assert folder.pull().failed == ()
    for name in ("f", "large", "d", "l", "d/f"):
        assert bears(folder.memory, name) == (3, 4, {})
    assert folder.local("f").platform == said(a=b"1")


def test_the_parent_counts_for_metadata_too(folder: Folder) -> None:
    set_up(folder, INHERITED)
    folder.offer((file("f", b"small"), b"small"))
    folder.pull()
    folder.memory.chown("", 3, 4)
    folder.tell(file("f", b"small", 2)._replace(permissions=0o600))
    folder.pull()
    assert bears(folder.memory, "f") == (3, 4, {})


# What is moved here instead of fetched.


def test_a_renamed_file_that_has_all_is_moved(folder: Folder) -> None:
    set_up(folder)
    old = file("old", b"small")._replace(platform=said(a=b"1"))
    folder.offer((old, b"small"))
    folder.pull()
    inode = folder.memory.lstat("old").inode
    folder.tell(gone(old), file("new", b"small", 5)._replace(platform=said(a=b"1")))
    folder.pull()
    assert folder.memory.lstat("new").inode == inode
    assert bears(folder.memory, "new") == (7, 8, {"user.a": b"1"})


@pytest.mark.parametrize("platform", [said(BOB, a=b"2"), said(Owner("", "", 9, 9), a=b"1")])
def test_a_renamed_file_that_lacks_something_is_copied(folder: Folder, platform: bytes) -> None:
    set_up(folder)
    old = file("old", b"small")._replace(platform=said(a=b"1"))
    folder.offer((old, b"small"))
    folder.pull()
    folder.tell(gone(old), file("new", b"small", 5)._replace(platform=platform))
    assert folder.pull().failed == ()
    assert [base for base in folder.names() if not base.startswith(".")] == ["new"]
    assert folder.local("new").platform == platform
    owner = decode_platform(platform).owner
    assert owner is not None
    assert folder.memory.lstat("new").uid == owner.uid
    assert len(folder.peers.asked) == 1  # its bytes lay here


# What cannot be.


def test_an_owner_that_may_not_be_set_fails_the_item_alone(folder: Folder) -> None:
    set_up(folder)
    folder.memory.fail("chown", "*", REFUSED, -1)
    plain = file("plain", b"plain")
    folder.offer(*items(said()), (plain, b"plain"))
    result = folder.pull()
    assert sorted((error.path, error.cause) for error in result.failed) == [
        (name, "ownership") for name in ("d", "f", "l", "large")
    ]
    error = result.failed[0]
    assert error.error == "syncing: setting metadata: lchown: operation not permitted"
    assert "CAP_CHOWN" in error.remedy
    assert "syncOwnership" in error.remedy
    assert folder.read("plain") == b"plain"
    folder.memory.heal()
    assert folder.pull().failed == ()
    for name in ("f", "large", "d", "l"):
        assert folder.memory.lstat(name).uid == 7


def test_an_attribute_that_may_not_be_set_fails_the_item_alone(folder: Folder) -> None:
    set_up(folder)
    folder.memory.fail("set_xattr", "*", REFUSED, -1)
    folder.offer(*items(said(a=b"1")))
    result = folder.pull()
    assert sorted((error.path, error.cause) for error in result.failed) == [
        (name, "xattrs") for name in ("d", "f", "large")
    ]
    error = result.failed[1]
    assert error.error == "syncing: setting metadata: set xattrs: 'user.a': operation not permitted"
    assert "xattrFilter" in error.remedy
    folder.memory.heal()
    assert folder.pull().failed == ()
    assert bears(folder.memory, "large") == (7, 8, {"user.a": b"1"})


def test_a_storage_without_attributes_fails_only_what_has_some(folder: Folder) -> None:
    set_up(folder)
    unsupported = OSError(errno.EOPNOTSUPP, "Operation not supported")
    folder.memory.fail("list_xattrs", "*", unsupported, -1)
    folder.memory.fail("set_xattr", "*", unsupported, -1)
    folder.offer(
        (file("f", b"small")._replace(platform=said(a=b"1")), b"small"),
        (file("g", b"plain")._replace(platform=said()), b"plain"),
    )
    (error,) = folder.pull().failed
    assert error.path == "f"
    assert error.error == "syncing: setting metadata: set xattrs: 'user.a': operation not supported"
    assert folder.local("g").platform == said()


@pytest.mark.parametrize("call", ["chown", "set_xattr", "remove_xattr"])
def test_an_item_in_its_place_keeps_all_when_it_cannot_get_all(folder: Folder, call: str) -> None:
    set_up(folder)
    first = file("f", b"small")._replace(platform=said(a=b"1", b=b"2"))
    folder.offer((first, b"small"))
    folder.pull()
    before = bears(folder.memory, "f")
    wanted = said(Owner("", "", 9, 9), a=b"3", c=b"4")
    folder.tell(first._replace(version=file("f", b"", 2).version, sequence=2, platform=wanted))
    unsupported = OSError(errno.EOPNOTSUPP, "Operation not supported")
    if call == "set_xattr":  # only the second of the two
        folder.memory.intercept(call, "f", lambda: folder.memory.fail(call, "f", unsupported))
    else:
        folder.memory.fail(call, "f", REFUSED if call == "chown" else unsupported)
    (error,) = folder.pull().failed
    assert error.cause == ("ownership" if call == "chown" else "xattrs")
    assert bears(folder.memory, "f") == before
    assert folder.read("f") == b"small"
    assert folder.local("f").platform == first.platform


def test_the_owner_of_a_read_only_file_may_still_change_its_attributes(folder: Folder) -> None:
    set_up(folder)
    first = file("f", b"small")._replace(platform=said(a=b"1"), permissions=0o444)
    folder.offer((first, b"small"))
    folder.pull()

    def refuse() -> None:
        stat = folder.memory.lstat("f")
        if not stat.mode & 0o200 or stat.uid != 7:
            raise OSError(errno.EACCES, "Permission denied")

    folder.memory.intercept("set_xattr", "f", refuse, -1)
    wanted = said(Owner("", "", 9, 9), a=b"3")
    folder.tell(first._replace(version=file("f", b"", 2).version, sequence=2, platform=wanted))
    assert folder.pull().failed == ()
    assert bears(folder.memory, "f") == (9, 9, {"user.a": b"3"})
    assert folder.memory.lstat("f").mode == 0o444


def test_other_errors_are_the_disks(folder: Folder) -> None:
    set_up(folder)
    folder.memory.fail("chown", "*", OSError(errno.EIO, "Input/output error"))
    folder.offer((file("f", b"small")._replace(platform=said()), b"small"))
    (error,) = folder.pull().failed
    assert error.cause == "disk"


def test_an_edit_of_them_here_is_not_overwritten_unseen(folder: Folder) -> None:
    set_up(folder)
    folder.tell(symlink("l", b"f")._replace(platform=encode_platform(Platform(BOB))))
    folder.offer((file("f", b"small")._replace(platform=said()), b"small"))
    folder.pull()
    folder.memory.set_xattr("f", "user.ours", b"1")
    folder.memory.chown("l", 11, 11)
    other = said(Owner("", "", 9, 9))
    folder.tell(file("f", b"small", 2)._replace(platform=other))
    folder.tell(symlink("l", b"f", 2)._replace(platform=other))
    result = folder.pull()
    assert sorted((error.path, error.cause) for error in result.failed) == [
        ("f", "changed-locally"),
        ("l", "changed-locally"),
    ]
    assert sorted(result.rescan) == ["f", "l"]
    assert bears(folder.memory, "f") == (7, 8, {"user.ours": b"1"})


@pytest.mark.parametrize("number", [0xFFFFFFFF])
def test_a_number_that_means_nobody_leaves_the_owner(folder: Folder, number: int) -> None:
    set_up(folder)
    owner = Owner("no such user", "", number, 8)
    folder.offer((file("f", b"small")._replace(platform=said(owner)), b"small"))
    assert folder.pull().failed == ()
    assert bears(folder.memory, "f") == (1000, 8, {})
