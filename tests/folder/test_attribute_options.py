"""What a folder's settings mean for its owners and extended attributes."""

from __future__ import annotations

from dataclasses import replace

from txsyncthing.config.folder import FolderConfig, XattrEntry, XattrFilter
from txsyncthing.folder.options import attributes, pull_options, scan_options
from txsyncthing.vocabulary.attributes import Attributes, XattrRules
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.folder import FolderID, FolderType

FOLDER = FolderConfig(FolderID("default"))


def test_by_default_nothing_is_told_and_nothing_taken() -> None:
    assert attributes(FOLDER) == Attributes()
    assert not attributes(FOLDER).tells
    assert not attributes(FOLDER).acts


def test_who_takes_tells_as_well() -> None:
    told = attributes(replace(FOLDER, send_ownership=True, send_xattrs=True))
    assert told == Attributes(tells_owner=True, tells_xattrs=True)
    taken = attributes(replace(FOLDER, sync_ownership=True, sync_xattrs=True))
    assert taken == Attributes(True, True, True, True)


def test_a_folder_that_only_sends_takes_nothing() -> None:
    only = replace(FOLDER, type=FolderType.SEND_ONLY, sync_ownership=True, sync_xattrs=True)
    assert attributes(only) == Attributes(tells_owner=True, tells_xattrs=True)


def test_the_parents_owner_counts_only_where_no_peers_does() -> None:
    assert attributes(replace(FOLDER, copy_ownership_from_parent=True)).inherits_owner
    both = replace(FOLDER, copy_ownership_from_parent=True, sync_ownership=True)
    assert not attributes(both).inherits_owner


def test_scans_and_pulls_get_the_same_with_the_filter() -> None:
    entries = (XattrEntry("user.a*", True), XattrEntry("*", False))
    config = replace(FOLDER, sync_xattrs=True, xattr_filter=XattrFilter(entries, 10, 20))
    wanted = attributes(config)
    assert wanted.rules == XattrRules((("user.a*", True), ("*", False)), 10, 20)
    assert scan_options(config).attributes == wanted
    assert pull_options(config, ShortID(1)).attributes == wanted
