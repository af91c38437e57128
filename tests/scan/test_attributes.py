"""Owners and extended attributes in the index: seen, told, and left in peace."""

from __future__ import annotations

import errno
from dataclasses import replace

import pytest

from tests.scan.folder import ME, OTHER, Folder, result_of, vector
from txsyncthing.filesystem.seam import Kind
from txsyncthing.scan.hashing import BATCH_BYTES
from txsyncthing.scan.service import FolderScanner
from txsyncthing.testing.workers import InlineWorkers
from txsyncthing.vocabulary.attributes import Attributes, XattrRules
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo, FileType
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.platform import (
    Owner,
    Platform,
    Xattr,
    decode_platform,
    encode_platform,
)

PEER = DeviceID(b"\2" * 32)
ALL = Attributes(tells_owner=True, takes_owner=True, tells_xattrs=True, takes_xattrs=True)
TOLD = Attributes(tells_owner=True, tells_xattrs=True)
ANN = Owner("ann", "staff", 1000, 1000)
DARWIN = b"\x22\x06\x0a\x04\x0a\x02io"


@pytest.fixture
def synced(folder: Folder) -> Folder:
    """A folder of one item of each kind, all of Ann's, whose settings say that all is synced."""
    folder.options = replace(folder.options, attributes=ALL)
    folder.disk.people.users[1000] = "ann"
    folder.disk.people.groups[1000] = "staff"
    folder.disk.put("d/f", b"bytes")
    folder.disk.symlink(b"f", "d/l")
    folder.disk.set_xattr("d/f", "user.b", b"2")
    folder.disk.set_xattr("d/f", "user.a", b"1")
    folder.disk.set_xattr("d/l", "trusted.l", b"3")
    return folder


def said(folder: Folder, name: str) -> Platform:
    return decode_platform(folder.record(name).platform)


def counting(folder: Folder) -> list[str]:
    """Hears of each look at attributes."""
    looks: list[str] = []
    folder.disk.intercept("list_xattrs", "*", lambda: looks.append("look"), -1)
    return looks


def test_by_default_nothing_is_told_nor_looked_for(folder: Folder) -> None:
    folder.disk.put("f", b"bytes")
    looks = counting(folder)
    folder.scan()
    folder.disk.chown("f", 5, 5)
    folder.disk.set_xattr("f", "user.a", b"1")
    before = folder.record("f")
    folder.scan()
    assert folder.record("f").version == before.version
    assert folder.record("f").platform == b""
    assert looks == []


def test_owner_and_attributes_of_each_kind_are_told(synced: Folder) -> None:
    synced.scan()
    assert said(synced, "d") == Platform(ANN, ())
    assert said(synced, "d/f") == Platform(ANN, (Xattr("user.a", b"1"), Xattr("user.b", b"2")))
    assert said(synced, "d/l") == Platform(ANN, (Xattr("trusted.l", b"3"),))


def test_a_large_file_tells_them_as_well(synced: Folder) -> None:
    opened = synced.disk.create("large", 0o644)
    opened.truncate(BATCH_BYTES * 5)
    opened.set_xattr("user.a", b"1")
    opened.close()
    synced.scan()
    assert said(synced, "large") == Platform(ANN, (Xattr("user.a", b"1"),))


def test_each_setting_tells_its_own(synced: Folder) -> None:
    synced.options = replace(synced.options, attributes=Attributes(tells_owner=True))
    synced.scan()
    assert said(synced, "d/f") == Platform(ANN, None)
    rules = XattrRules((("user.a", True),))
    only = Attributes(tells_xattrs=True, rules=rules)
    synced.options = replace(synced.options, attributes=only)
    synced.scan()
    assert said(synced, "d/f") == Platform(ANN, (Xattr("user.a", b"1"),))


@pytest.mark.parametrize("name", ["d", "d/f", "d/l"])
@pytest.mark.parametrize("change", ["owner", "attribute"])
def test_a_change_of_them_alone_is_a_new_version(synced: Folder, name: str, change: str) -> None:
    synced.scan()
    before = synced.record(name)
    if change == "owner":
        synced.disk.chown(name, 0, 1000)
        expected = said(synced, name)._replace(owner=Owner("root", "staff", 0, 1000))
    else:
        synced.disk.set_xattr(name, "trusted.new", b"n")
        xattrs = (*(said(synced, name).xattrs or ()), Xattr("trusted.new", b"n"))
        expected = said(synced, name)._replace(xattrs=tuple(sorted(xattrs)))
    synced.scan()
    assert synced.names() == [name]
    assert said(synced, name) == expected
    assert synced.record(name).version == before.version.bump(ME, synced.seconds())
    assert synced.record(name).blocks_hash == before.blocks_hash


def test_a_removed_attribute_is_a_new_version(synced: Folder) -> None:
    synced.scan()
    synced.disk.remove_xattr("d/f", "user.a")
    synced.scan()
    assert said(synced, "d/f").xattrs == (Xattr("user.b", b"2"),)


def test_an_unchanged_item_costs_no_look_at_its_attributes(synced: Folder) -> None:
    synced.scan()
    looks = counting(synced)
    synced.scan()
    assert synced.told == []
    assert looks == []


def test_a_directory_that_only_got_an_item_is_no_news(synced: Folder) -> None:
    synced.scan()
    synced.disk.put("d/g", b"g")
    synced.scan()
    assert synced.names() == ["d/g"]


def test_a_denied_attribute_is_no_news(synced: Folder) -> None:
    rules = XattrRules((("user.b", False), ("*", True)))
    synced.options = replace(synced.options, attributes=replace(ALL, rules=rules))
    synced.scan()
    before = synced.record("d/f")
    synced.disk.set_xattr("d/f", "user.b", b"another")
    synced.scan()
    assert synced.record("d/f").version == before.version
    assert said(synced, "d/f").xattrs == (Xattr("user.a", b"1"),)


def test_settings_that_are_turned_on_look_at_all_once(synced: Folder) -> None:
    synced.options = replace(synced.options, attributes=Attributes())
    synced.scan()
    assert said(synced, "d/f") == Platform()
    synced.options = replace(synced.options, attributes=ALL)
    synced.scan()
    assert synced.names() == ["d", "d/f", "d/l"]
    looks = counting(synced)
    synced.scan()
    assert synced.told == []
    assert looks == []


def test_another_filter_looks_at_all_once(synced: Folder) -> None:
    deny_all = replace(ALL, rules=XattrRules((("*", False),)))
    synced.options = replace(synced.options, attributes=deny_all)
    synced.scan()
    assert said(synced, "d/f").xattrs == ()
    synced.options = replace(synced.options, attributes=ALL)
    synced.scan("d")  # only a part: the rest is still to come
    synced.scan()
    assert said(synced, "d/f").xattrs == (Xattr("user.a", b"1"), Xattr("user.b", b"2"))


def test_settings_that_were_off_for_a_while_look_at_all_again(synced: Folder) -> None:
    synced.scan()
    synced.options = replace(synced.options, attributes=Attributes())
    synced.disk.chown("d", 0, 0)
    synced.scan()
    assert said(synced, "d").owner == ANN
    synced.options = replace(synced.options, attributes=ALL)
    synced.scan()
    assert said(synced, "d").owner == Owner("root", "root", 0, 0)


def test_what_other_systems_said_stays_through_our_edits(synced: Folder) -> None:
    synced.scan()
    windows = synced.record("d/f").platform + DARWIN
    synced.rewrite("d/f", platform=windows)
    synced.disk.put("d/f", b"edited")
    synced.scan()
    assert said(synced, "d/f").foreign == DARWIN
    synced.options = replace(synced.options, attributes=Attributes())
    synced.disk.put("d/f", b"edited again")
    synced.scan()
    assert synced.record("d/f").platform == windows


def test_an_attribute_that_cannot_be_read_fails_the_item_alone(synced: Folder) -> None:
    synced.disk.fail("get_xattr", "d/f", OSError(errno.EIO, "Input/output error"), -1)
    (error,) = synced.scan().errors
    assert (error.path, error.cause) == ("d/f", "disk")
    assert synced.names() == ["d", "d/l"]
    synced.disk.heal()
    assert synced.scan().errors == ()
    assert synced.names() == ["d/f"]


def test_a_storage_without_attributes_keeps_what_was_told_of_them(synced: Folder) -> None:
    synced.scan()
    synced.disk.fail("list_xattrs", "*", OSError(errno.EOPNOTSUPP, "Operation not supported"), -1)
    synced.disk.put("d/f", b"edited")
    synced.scan()
    assert said(synced, "d/f").xattrs == (Xattr("user.a", b"1"), Xattr("user.b", b"2"))


# What was pulled and not recorded.


def theirs(folder: Folder, name: str, platform: Platform) -> FileInfo:
    """A peer's version of what we recorded, which we do not know any more."""
    told = folder.record(name)._replace(
        version=vector((OTHER, 3)),
        modified_by=OTHER,
        sequence=3,
        platform=encode_platform(platform),
        inode_change=0,
    )
    fresh = Folder()
    fresh.disk, fresh.options = folder.disk, folder.options
    result_of(fresh.index.update_remote(PEER, [told]))
    fresh.scanner = FolderScanner(InlineWorkers(), folder.disk, fresh.index, ME, fresh.unix)
    fresh.time = folder.time
    fresh.scan()
    record = fresh.record(name) if name in fresh.names() else FileInfo(WireName(""))
    fresh.close()
    return record


def test_a_peer_that_says_nothing_of_them_is_agreed_with(synced: Folder) -> None:
    synced.scan()
    record = theirs(synced, "d/f", Platform())
    assert record.version == vector((OTHER, 3))
    assert decode_platform(record.platform).owner == ANN


def test_what_is_only_told_need_not_be_as_the_peer_has_it(synced: Folder) -> None:
    synced.options = replace(synced.options, attributes=TOLD)
    synced.scan()
    record = theirs(synced, "d/f", Platform(Owner("bob", "", 7, 7), ()))
    assert record.version == vector((OTHER, 3))
    assert decode_platform(record.platform).owner == ANN


def test_another_owner_than_was_to_be_taken_is_a_change_of_ours(synced: Folder) -> None:
    synced.scan()
    record = theirs(synced, "d/f", Platform(Owner("bob", "", 7, 7), ()))
    assert record.modified_by == ME


def test_a_directory_that_waits_for_its_owner_is_not_ours_to_tell(synced: Folder) -> None:
    synced.scan()
    assert synced.record("d").type is FileType.DIRECTORY
    assert theirs(synced, "d", Platform(Owner("bob", "", 7, 7), ())).name == ""
    assert theirs(synced, "d", Platform(ANN, ())).version == vector((OTHER, 3))
    synced.options = replace(synced.options, attributes=TOLD)
    assert theirs(synced, "d", Platform(Owner("bob", "", 7, 7), ())).version == vector((OTHER, 3))
    assert synced.disk.lstat("d").kind is Kind.DIRECTORY
