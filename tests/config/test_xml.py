from __future__ import annotations

from xml.etree.ElementTree import Element

import pytest

from tests.config.samples import ME, PEER, sample
from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.device import Compression
from txsyncthing.config.folder import BlockPullOrder
from txsyncthing.config.size import Size
from txsyncthing.config.xml import MAX_BYTES, from_xml, parse
from txsyncthing.vocabulary.folder import FolderType, PullOrder


def read(inner: str, version: int = 37) -> Configuration:
    return from_xml(parse(f'<configuration version="{version}">{inner}</configuration>'.encode()))


def test_what_is_absent_in_a_folder_of_version_37_is_zero() -> None:
    folder = read('<folder id="a" path="/a"></folder>').folders[0]
    assert folder.max_conflicts == 0
    assert folder.auto_normalize is False
    assert folder.fs_watcher_enabled is False
    assert folder.min_disk_free == Size()
    assert folder.versioning.cleanup_interval_s == 0
    assert folder.order is PullOrder.RANDOM


def test_what_is_absent_in_a_folder_of_version_52_is_the_default() -> None:
    folder = read('<folder id="a" path="/a"></folder>', 52).folders[0]
    assert folder.max_conflicts == 10
    assert folder.auto_normalize is True
    assert folder.min_disk_free == Size(1, "%")
    assert folder.max_concurrent_writes == 16


def test_what_a_version_does_not_know_is_the_default() -> None:
    folder = read('<folder id="a" path="/a"></folder>').folders[0]
    assert folder.puller_delay_s == 1
    assert folder.block_indexing is True


def test_an_empty_versioning_element_starts_from_its_defaults() -> None:
    folder = read('<folder id="a" path="/a"><versioning></versioning></folder>').folders[0]
    assert folder.versioning.cleanup_interval_s == 3600


def test_absent_options_are_defaults_of_that_version() -> None:
    assert read("").options.reconnection_interval_s == 60
    assert read("", 52).options.reconnection_interval_s == 20
    assert read("<options></options>").options.listen_addresses == ("default",)
    assert read("").defaults.folder.path == "~"
    assert read("").defaults.folder.max_concurrent_writes == 2


def test_the_sample_of_the_official_daemon_is_read() -> None:
    read = from_xml(parse(sample("odd.xml")))
    a, b = (read.folder("a"), read.folder("b"))
    assert a is not None and b is not None
    assert a.type is FolderType.SEND_ONLY  # "readonly"
    assert a.label == 'A <&> "é"'
    assert a.fs_watcher_delay_s == 0.5
    assert a.max_conflicts == 3  # the last of two
    assert a.block_pull_order is BlockPullOrder.IN_ORDER
    assert b.versioning.param("a") == "<\"'\t\n"
    assert b.shared_with(PEER)
    peer = read.device(PEER)
    assert peer is not None and peer.compression is Compression.ALWAYS
    assert read.defaults.ignores.lines == ("*.o", "")
    assert ME in [device.id for device in b.devices]


@pytest.mark.parametrize(
    ("inner", "where", "value", "allowed"),
    [
        ('<folder id="x" rescanIntervalS="soon"/>', "folder[x]/rescanIntervalS", "soon", "number"),
        ('<folder id="x" type="both"/>', "folder[x]/type", "both", "receiveencrypted"),
        ('<folder id="x"><paused>maybe</paused></folder>', "folder[x]/paused", "maybe", "false"),
        (
            '<folder id="x"><minDiskFree unit="apples">1</minDiskFree></folder>',
            "folder[x]/minDiskFree/unit",
            "apples",
            "GB",
        ),
        ('<device id="NONSENSE"/>', "device[NONSENSE]/id", "NONSENSE", "device ID"),
        (
            f'<folder id="x"><device id="{ME}x"/></folder>',
            f"folder[x]/device[{ME}x]/id",
            f"{ME}x",
            "device ID",
        ),
        ("<options><urSeen>1.5</urSeen></options>", "options/urSeen", "1.5", "whole number"),
        (f"<options><urSeen>{2**63}</urSeen></options>", "options/urSeen", str(2**63), "64 bits"),
        ('<gui enabled="2"/>', "gui/enabled", "2", "true"),
        ("<gui><authMode>magic</authMode></gui>", "gui/authMode", "magic", "ldap"),
        (
            '<folder id="x" fsWatcherDelayS="nan"/>',
            "folder[x]/fsWatcherDelayS",
            "nan",
            "a number",
        ),
        (
            f'<remoteIgnoredDevice id="{ME}" time="now"/>',
            f"remoteIgnoredDevice[{ME}]/time",
            "now",
            "2026",
        ),
    ],
)
def test_a_wrong_value_is_refused_by_name_with_what_is_allowed(
    inner: str, where: str, value: str, allowed: str
) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        read(inner)
    assert (refused.value.where, refused.value.value) == (where, value)
    assert allowed in refused.value.allowed
    assert where in str(refused.value) and value in str(refused.value)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<configuration",
        b"<other></other>",
        b'<!DOCTYPE c [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]><configuration>&b;</configuration>',
        b'<!DOCTYPE c SYSTEM "file:///etc/passwd"><configuration></configuration>',
        b"<configuration>&undefined;</configuration>",
        b'<?xml version="1.0" encoding="nonsense"?><configuration></configuration>',
        b"<configuration>" + b"<a>" * 100 + b"</a>" * 100 + b"</configuration>",
        b"<configuration>" + b" " * MAX_BYTES + b"</configuration>",
        b"\xff\xfe\x00",
    ],
    ids=[
        "empty",
        "cut",
        "other",
        "bomb",
        "external",
        "entity",
        "encoding",
        "deep",
        "huge",
        "noise",
    ],
)
def test_hostile_or_broken_xml_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidConfiguration):
        parse(data)


def test_comments_inside_a_text_are_left_out() -> None:
    assert read("<options><urSeen>1<!-- 2 -->3</urSeen></options>").options.ur_seen == 13


def test_a_tree_is_an_ordinary_element() -> None:
    assert isinstance(parse(b"<configuration></configuration>"), Element)
