from __future__ import annotations

from dataclasses import replace

import pytest

from tests.config.samples import ME, PEER, sample
from txsyncthing.config.config import Configuration
from txsyncthing.config.device import DeviceConfig
from txsyncthing.config.folder import FolderConfig, Parameter
from txsyncthing.config.prepare import prepare
from txsyncthing.config.xml import from_xml, parse
from txsyncthing.config.xml_write import arranged, render, to_xml
from txsyncthing.vocabulary.folder import FolderID

KEY = "JateLiw2wQa9At5LhEgQKVwGuzbWUprU"


def changed_odd() -> Configuration:
    """The odd sample, with the change that the official daemon was asked for before it saved."""
    prepared = prepare(from_xml(parse(sample("odd.xml"))), ME, new_key=lambda: KEY, name="here")
    return replace(prepared, options=replace(prepared.options, max_send_kbps=7))


@pytest.mark.parametrize("name", ["v36.xml", "v37.xml", "v52.xml"])
def test_a_file_of_the_official_daemon_comes_back_byte_for_byte(name: str) -> None:
    tree = parse(sample(name))
    read = from_xml(tree)
    me = read.devices[0].id
    assert prepare(read, me) == read
    assert to_xml(read, tree) == sample(name)


@pytest.mark.parametrize("name", ["v36.xml", "v37.xml", "v52.xml", "odd-saved.xml"])
def test_a_new_file_is_what_the_official_daemon_writes(name: str) -> None:
    assert to_xml(from_xml(parse(sample(name)))) == sample(name)


def test_an_odd_file_is_understood_as_the_official_daemon_does() -> None:
    assert to_xml(changed_odd()) == sample("odd-saved.xml")


def test_unknown_elements_attributes_and_comments_survive_in_their_places() -> None:
    text = to_xml(changed_odd(), parse(sample("odd.xml"))).decode()
    assert '<configuration version="37" odd="1">' in text
    assert 'path="/srv/b" mystery="yes"' in text
    assert '    <!-- music -->\n    <folder id="b"' in text  # a went before it, as ids sort
    assert (
        '        <newThing a="b">\n            <inner>1</inner>\n            <inner></inner>'
        in text
    )
    assert "<somethingNew>7</somethingNew>\n    </options>" in text
    assert 'tls="false" later="x"' in text
    assert from_xml(parse(text.encode())) == changed_odd()


def test_what_stands_there_keeps_its_form_and_order() -> None:
    text = to_xml(changed_odd(), parse(sample("odd.xml"))).decode()
    assert 'fsWatcherEnabled="T"' in text
    assert f'<device id="{str(PEER).lower().replace("-", "")}"' in text
    assert text.index("<order>smallestFirst") < text.index("<maxConflicts>3")


def test_writing_twice_changes_nothing_more() -> None:
    once = to_xml(changed_odd(), parse(sample("odd.xml")))
    assert to_xml(changed_odd(), parse(once)) == once


def test_what_a_version_does_not_know_is_written_only_when_it_is_set() -> None:
    folder = FolderConfig(id=FolderID("a"), path="/a")
    plain = Configuration(version=36, folders=(folder,))
    assert b"syncXattrs" not in to_xml(plain)
    assert b"blockIndexing" not in to_xml(plain)
    marked = replace(plain, folders=(replace(folder, sync_xattrs=True, block_indexing=False),))
    text = to_xml(marked)
    assert b"<syncXattrs>true</syncXattrs>" in text
    assert from_xml(parse(text)) == replace(
        marked, folders=(replace(marked.folders[0], max_concurrent_writes=16),)
    )


def test_version_36_gets_only_whole_seconds_of_delay() -> None:
    folder = FolderConfig(id=FolderID("a"), path="/a", fs_watcher_delay_s=0.5)
    assert b'fsWatcherDelayS="1"' in to_xml(Configuration(version=36, folders=(folder,)))
    assert b'fsWatcherDelayS="0.5"' in to_xml(Configuration(version=37, folders=(folder,)))


def test_removed_and_added_folders_leave_the_others_alone() -> None:
    tree = parse(sample("odd.xml"))
    c = FolderConfig(id=FolderID("c"), path="/c")
    before = changed_odd()
    text = to_xml(replace(before, folders=(before.folders[1], c)), tree).decode()
    assert '<folder id="a"' not in text
    assert 'mystery="yes"' in text
    places = [
        text.index(f"\n    <{start}") for start in ('folder id="b"', 'folder id="c"', "device")
    ]
    assert places == sorted(places)


def test_each_character_that_xml_cannot_hold_is_replaced() -> None:
    named = Configuration(devices=(DeviceConfig(id=ME, name="a\x00\ud800\tb\r\n<&>\"'"),))
    text = to_xml(named)
    read = from_xml(parse(text)).devices[0].name
    assert read == "a\ufffd\ufffd\tb\r\n<&>\"'"


def test_params_are_written_in_order_and_emptied() -> None:
    folder = FolderConfig(id=FolderID("a"), path="/a")
    versioning = replace(folder.versioning, type="simple", params=(Parameter("keep", "5"),))
    tree = parse(to_xml(Configuration(folders=(replace(folder, versioning=versioning),))))
    assert b'<param key="keep" val="5"></param>' in render(tree)
    gone = to_xml(Configuration(folders=(folder,)), tree)
    assert b"<param" not in gone and b"<versioning>" in gone


def test_namespaces_and_mixed_text_of_unknown_elements_survive() -> None:
    inner = '<x:a xmlns:x="urn:x" x:b="1">one <b>two</b> three</x:a>'
    tree = parse(f'<configuration version="37">{inner}</configuration>'.encode())
    text = to_xml(Configuration(), tree)
    again = parse(text)
    unknown = again.find("{urn:x}a")
    assert unknown is not None and unknown.attrib == {"{urn:x}b": "1"}
    assert "".join(unknown.itertext()) == "one two three"


def test_new_names_go_behind_their_official_predecessor() -> None:
    assert arranged(["a", "odd", "c", "b"], ["a", "b", "c"]) == ["a", "b", "odd", "c"]
    assert arranged(["b", "a"], ["a", "b"]) == ["a", "b"]
    assert arranged(["odd", "a"], ["a"]) == ["odd", "a"]
