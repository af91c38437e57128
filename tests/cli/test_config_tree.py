from __future__ import annotations

import copy
from typing import Any

import click
import pytest

from txsyncthing.cli.config_tree import NoSuchWord, WrongWords, act
from txsyncthing.config.config import Configuration
from txsyncthing.config.device import DeviceConfig
from txsyncthing.config.folder import FolderConfig, FolderDevice
from txsyncthing.config.json import to_json
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID

ONE, TWO = DeviceID(b"1" * 32), DeviceID(b"2" * 32)


def document() -> dict[str, Any]:
    return to_json(
        Configuration(
            folders=(
                FolderConfig(id=FolderID("photos"), path="/p", devices=(FolderDevice(ONE),)),
                FolderConfig(id=FolderID("music"), path="/m"),
            ),
            devices=(DeviceConfig(id=ONE, name="one"), DeviceConfig(id=TWO)),
        )
    )


def said(*words: str) -> str:
    """What the words print, without a change."""
    before = document()
    whole = copy.deepcopy(before)
    outcome = act(whole, words)
    assert whole == before
    assert not outcome.changed
    return outcome.text


def changed(*words: str) -> dict[str, Any]:
    """The document after the words."""
    whole = document()
    assert act(whole, words).changed
    return whole


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("version get", "37"),
        ("folders list", "photos\nmusic"),
        ("folders photos path get", "/p"),
        ("folders photos paused get", "false"),
        ("folders photos fswatcher-delays get", "10"),
        ("folders photos fsWatcherDelayS get", "10"),
        ("folders photos min-disk-free unit get", "%"),
        ("devices list", f"{ONE}\n{TWO}"),
        (f"devices {ONE} addresses list", "0"),
        (f"devices {ONE} addresses 0 get", "dynamic"),
        (f"devices {str(ONE).lower().replace('-', '')} name get", "one"),
        ("gui raw-address get", "127.0.0.1:8384"),
        ("options raw-listen-addresses 0 get", "default"),
        ("options listenAddress 0 get", "default"),
        ("ignored-devices list", ""),
        ("folders photos versioning params dump", ""),
    ],
)
def test_values_are_printed(words: str, text: str) -> None:
    assert said(*words.split()) == text


def test_json_is_printed_as_the_official_daemon_does() -> None:
    assert said("folders", "photos", "min-disk-free", "dump-json") == (
        '{\n  "value": 1,\n  "unit": "%"\n}'
    )


@pytest.mark.parametrize(
    ("words", "way", "value"),
    [
        (["folders", "photos", "label", "set", "a b"], ("folders", 0, "label"), "a b"),
        (["folders", "photos", "paused", "set", "1"], ("folders", 0, "paused"), True),
        (["folders", "photos", "max-conflicts", "set", "-1"], ("folders", 0, "maxConflicts"), -1),
        (["folders", "photos", "fswatcher-delays", "set", "2.5"],
         ("folders", 0, "fsWatcherDelayS"), 2.5),
        (["folders", "photos", "type", "set", "sendonly"], ("folders", 0, "type"), "sendonly"),
        (["folders", "photos", "versioning", "params", "set", "keep", "5"],
         ("folders", 0, "versioning", "params"), {"keep": "5"}),
        (["folders", "photos", "min-disk-free", "value", "set", "3"],
         ("folders", 0, "minDiskFree", "value"), 3),
        (["folders", "photos", "label", "set", "--help"], ("folders", 0, "label"), "--help"),
        (["gui", "raw-use-tls", "set", "true"], ("gui", "useTLS"), True),
        (["devices", str(ONE), "addresses", "add", "tcp://h:1"],
         ("devices", 0, "addresses"), ["dynamic", "tcp://h:1"]),
        (["devices", str(ONE), "addresses", "0", "set", "tcp://h:1"],
         ("devices", 0, "addresses"), ["tcp://h:1"]),
        (["devices", str(ONE), "addresses", "0", "delete"], ("devices", 0, "addresses"), []),
        (["defaults", "ignores", "lines", "add", "*.o"], ("defaults", "ignores", "lines"), ["*.o"]),
        (["folders", "photos", "devices", "add", "--device-id", str(TWO).lower()],
         ("folders", 0, "devices", 1), {"deviceID": str(TWO)}),
        (["folders", "add", "--id", "x", "-path=/x", "--paused", "--ignore-perms=false"],
         ("folders", 2), {"id": "x", "path": "/x", "paused": True, "ignorePerms": False}),
        (["devices", "add-json", '{"DEVICEID": "X", "new": 1}'],
         ("devices", 2), {"deviceID": "X", "new": 1}),
        (["folders", "photos", "xattr-filter", "entries", "add", "--match", "user.*", "--permit"],
         ("folders", 0, "xattrFilter", "entries"), [{"match": "user.*", "permit": True}]),
    ],
)  # fmt: skip
def test_a_change_touches_what_the_words_name_and_nothing_else(
    words: list[str], way: tuple[str | int, ...], value: object
) -> None:
    after, before = changed(*words), document()
    at: Any = after
    was: Any = before
    for step in way[:-1]:
        at, was = at[step], was[step]
    assert at[way[-1]] == value
    if isinstance(was, list) and way[-1] == len(was):
        del at[way[-1]]
    else:
        at[way[-1]] = was[way[-1]]
    assert after == before


def test_an_item_is_deleted() -> None:
    assert [one["id"] for one in changed("folders", "photos", "delete")["folders"]] == ["music"]


def test_unset_removes_a_key() -> None:
    whole = changed("folders", "photos", "versioning", "params", "set", "keep", "5")
    params = ("folders", "photos", "versioning", "params")
    assert act(whole, [*params, "dump"]).text == "keep  =  5"
    assert act(whole, [*params, "get", "keep"]).text == "5"
    assert act(whole, [*params, "unset", "keep"]).changed
    assert not act(whole, [*params, "unset", "keep"]).changed
    assert whole == document()


def test_an_item_that_is_there_stays_as_it_is() -> None:
    whole = document()
    outcome = act(whole, ["devices", "add", "--device-id", str(ONE), "--name", "other"])
    assert not outcome.changed
    assert "already in devices" in outcome.remark
    assert whole == document()


def test_a_list_that_the_node_sent_as_null_is_empty() -> None:
    whole = document()
    whole["folders"][0]["devices"] = None
    assert act(whole, ["folders", "photos", "devices", "list"]).text == ""
    act(whole, ["folders", "photos", "devices", "add", "--device-id", str(TWO)])
    assert whole["folders"][0]["devices"] == [{"deviceID": str(TWO)}]


def test_what_only_the_node_knows_is_there_too() -> None:
    whole = document()
    whole["options"]["newerThing"] = 3
    whole["newer"] = [{"id": "a", "yes": True}]
    assert act(whole, ["options", "newer-thing", "get"]).text == "3"
    assert act(whole, ["newer", "a", "yes", "set", "false"]).changed
    assert whole["newer"] == [{"id": "a", "yes": False}]
    with pytest.raises(WrongWords, match="whole number"):
        act(whole, ["options", "newer-thing", "set", "x"])


@pytest.mark.parametrize(
    "words",
    ["nope", "folders nope", "folders photos nope", "folders photos set x", f"devices {ONE} addresses 7",
     "folders photos versioning params list", "folders photos path dump-json"],
)  # fmt: skip
def test_words_that_lead_nowhere_end_with_3_and_name_what_there_is(words: str) -> None:
    with pytest.raises(NoSuchWord, match=r"No help topic for '.*': config.* has ") as caught:
        act(document(), words.split())
    assert caught.value.exit_code == 3


@pytest.mark.parametrize(
    ("words", "why"),
    [
        ("folders photos path set", "expected 1 argument, got 0"),
        ("folders photos path set a b", "expected 1 argument, got 2"),
        ("folders list x", "expected 0 arguments, got 1"),
        ("folders photos max-conflicts set abc", "a whole number"),
        ("folders photos paused set maybe", "true or false"),
        ("folders photos type set foo", "sendreceive, sendonly"),
        ("folders photos devices add --device-id XYZ", "a device ID"),
        ("folders photos devices add", "needs device-id"),
        ("folders add --label x", "needs id"),
        ("folders add --nope x", "no flag here"),
        ("folders add --id", "needs a value"),
        ("folders add-json {bad", "no JSON"),
        ("folders add-json []", "a JSON object"),
        ("folders photos versioning params get keep", "no key 'keep'"),
    ],
)
def test_wrong_arguments_are_refused_with_the_reason(words: str, why: str) -> None:
    whole = document()
    with pytest.raises(click.ClickException, match=why) as caught:
        act(whole, words.split())
    assert caught.value.exit_code == 1
    assert whole == document()


def test_an_empty_text_is_a_text_but_no_number() -> None:
    assert changed("folders", "photos", "path", "set", "")["folders"][0]["path"] == ""
    for name in ("paused", "max-conflicts"):
        with pytest.raises(WrongWords):
            act(document(), ["folders", "photos", name, "set", ""])


def test_help_lists_actions_and_what_is_inside() -> None:
    assert "dump-json" in said()
    folders = said("folders")
    assert "add-json" in folders
    assert "Items:\n  photos\n  music" in folders
    assert "rescan-intervals" in said("folders", "photos", "--help")
    assert "--auto-accept-folders\n" in said("devices", "add", "--help") + "\n"
    assert "Set the key" in said("folders", "photos", "versioning", "params")
