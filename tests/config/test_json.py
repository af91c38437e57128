from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from tests.config.samples import ME, PEER, document, sample
from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.device import DeviceConfig
from txsyncthing.config.folder import FolderConfig, Parameter
from txsyncthing.config.json import from_json, overlay, to_json
from txsyncthing.config.options import Options
from txsyncthing.config.prepare import prepare
from txsyncthing.config.size import Size
from txsyncthing.config.start import blank
from txsyncthing.config.xml import from_xml, parse
from txsyncthing.vocabulary.folder import FolderID, FolderType


@pytest.mark.parametrize("version", [36, 37])
def test_rest_shows_what_the_official_daemon_shows(version: int) -> None:
    read = from_xml(parse(sample(f"v{version}.xml")))
    shown = document(f"v{version}.json")
    assert json.dumps(to_json(read, version)) == json.dumps(shown)


@pytest.mark.parametrize("name", ["v36.xml", "v37.xml", "v52.xml", "odd-saved.xml"])
def test_put_of_what_get_gave_changes_nothing(name: str) -> None:
    read = from_xml(parse(sample(name)))
    assert from_json(json.loads(json.dumps(to_json(read))), read) == read


def test_a_file_of_version_36_is_shown_with_the_fields_of_37() -> None:
    shown = to_json(from_xml(parse(sample("v36.xml"))))
    assert shown["version"] == 36
    assert shown["devices"][0]["numConnections"] == 0
    assert "restartOnWakeup" not in shown["options"]


def test_version_52_shows_its_own_fields() -> None:
    shown = to_json(from_xml(parse(sample("v52.xml"))))
    assert shown["folders"][0]["blockIndexing"] is True
    assert "weakHashThresholdPct" not in shown["folders"][0]
    assert shown["gui"]["sessionCookiePath"] == "/"


def test_keys_may_have_any_case_and_unknown_ones_are_ignored() -> None:
    folder = overlay(FolderConfig(), {"ID": "x", "RESCANINTERVALS": 7, "nonsense": [1]})
    assert (folder.id, folder.rescan_interval_s) == ("x", 7)


def test_device_ids_may_be_sloppy() -> None:
    sloppy = str(PEER).lower().replace("-", " ")
    assert overlay(DeviceConfig(), {"deviceID": sloppy}).id == PEER


def test_patch_replaces_lists_and_merges_objects() -> None:
    old = FolderConfig(id=FolderID("x"), min_disk_free=Size(1, "%"))
    old = replace(old, versioning=replace(old.versioning, params=(Parameter("keep", "5"),)))
    new = overlay(
        old,
        {
            "minDiskFree": {"value": 3},
            "versioning": {"type": "simple", "params": {"a": "b"}},
            "devices": [{"deviceID": str(ME)}],
        },
    )
    assert new.min_disk_free == Size(3, "%")
    assert new.versioning.type == "simple"
    assert new.versioning.params == (Parameter("a", "b"), Parameter("keep", "5"))
    assert [device.id for device in new.devices] == [ME]
    assert overlay(new, {"devices": []}).devices == ()


def test_null_changes_nothing_but_empties_lists_to_their_default() -> None:
    options = overlay(
        Options(listen_addresses=("tcp://:1",), always_local_nets=("10.0.0.0/8",), ur_seen=3),
        {"listenAddresses": None, "alwaysLocalNets": None, "urSeen": None},
    )
    assert options.listen_addresses == ("default",)
    assert options.always_local_nets == ()
    assert options.ur_seen == 3


@pytest.mark.parametrize(
    ("document", "where"),
    [
        ({"options": {"urSeen": "3"}}, "options.urSeen"),
        ({"options": {"urSeen": 3.5}}, "options.urSeen"),
        ({"options": {"urSeen": True}}, "options.urSeen"),
        ({"options": {"natEnabled": 1}}, "options.natEnabled"),
        ({"options": {"urURL": 1}}, "options.urURL"),
        ({"options": {"listenAddresses": "default"}}, "options.listenAddresses"),
        ({"options": {"listenAddresses": [1]}}, "options.listenAddresses[0]"),
        ({"options": {"minHomeDiskFree": 1}}, "options.minHomeDiskFree"),
        ({"options": {"minHomeDiskFree": {"value": "1"}}}, "options.minHomeDiskFree.value"),
        ({"options": {"minHomeDiskFree": {"unit": "apples"}}}, "options.minHomeDiskFree.unit"),
        ({"folders": [{"type": "both"}]}, "folders[0].type"),
        (
            {"folders": [{"versioning": {"params": {"keep": 5}}}]},
            "folders[0].versioning.params.keep",
        ),
        ({"folders": [{"versioning": {"params": [1]}}]}, "folders[0].versioning.params"),
        ({"folders": {}}, "folders"),
        ({"devices": [{"deviceID": "x"}]}, "devices[0].deviceID"),
        ({"devices": [3]}, "devices[0]"),
        ({"gui": []}, "gui"),
        ([], "configuration"),
    ],
)
def test_a_wrong_type_is_refused_by_its_key(document: Any, where: str) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        from_json(document, Configuration())
    assert refused.value.where == where


def test_new_folders_and_devices_start_from_the_documents_defaults() -> None:
    sent = {
        "defaults": {"folder": {"maxConflicts": 4}, "device": {"compression": "always"}},
        "folders": [{"id": "x", "path": "/x"}],
        "devices": [{"deviceID": str(PEER)}],
    }
    made = from_json(sent, Configuration(version=36))
    assert made.version == 36
    assert made.folders[0].max_conflicts == 4
    assert made.devices[0].compression == "always"
    assert made.options == from_json({}, Configuration(version=36)).options


def test_put_keeps_what_clients_are_not_shown() -> None:
    base = Configuration(version=36, options=Options(restart_on_wakeup=False, ur_seen=3))
    made = from_json({}, base)
    assert made.options.restart_on_wakeup is False
    assert made.options.ur_seen == 0
    assert blank(base.options, 36).restart_on_wakeup is False


def test_whole_numbers_have_no_point() -> None:
    shown = to_json(FolderConfig(fs_watcher_delay_s=10.0, min_disk_free=Size(0.5, "GB")))
    assert json.dumps(shown["fsWatcherDelayS"]) == "10"
    assert shown["minDiskFree"] == {"value": 0.5, "unit": "GB"}


def test_an_encrypted_folder_survives_the_round_trip() -> None:
    folder = FolderConfig(id=FolderID("e"), path="/e", type=FolderType.RECEIVE_ENCRYPTED)
    whole = prepare(Configuration(version=52, folders=(folder,)), ME)
    assert prepare(from_json(to_json(whole), whole), ME) == whole
