from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.defer import Deferred

from tests.api.fakes import ME, PEER, STRANGER, FakeNodeApi
from txsyncthing.api.auth_resource import fits, hash_password
from txsyncthing.config.file_service import ConfigurationUnsaved

WHOLE = ("/rest/config", "/rest/system/config")


@pytest.mark.parametrize(("path", "method"), [(WHOLE[0], "PUT"), (WHOLE[1], "POST")])
def test_sending_back_what_came_changes_nothing(path: str, method: str) -> None:
    api = FakeNodeApi().start()
    before, document = api.holder.current, api.get(path)
    assert list(document) == [
        "version",
        "folders",
        "devices",
        "gui",
        "ldap",
        "options",
        "remoteIgnoredDevices",
        "defaults",
    ]
    reply = api.ask(method, path, document)
    assert (reply.status, reply.body) == (200, b"")
    assert api.holder.current == before


def test_a_whole_configuration_replaces_the_old_one() -> None:
    api = FakeNodeApi().start()
    document = api.get("/rest/config")
    document["folders"] = document["folders"][:1]
    document["options"]["maxSendKbps"] = 99
    assert api.ask("PUT", "/rest/config", document).status == 200
    assert [folder.id for folder in api.holder.current.folders] == ["photos"]
    assert api.holder.current.options.max_send_kbps == 99


@pytest.mark.parametrize(
    "body",
    [
        b"nonsense",
        b"",
        b"[]",
        b'{"folders":[{"id":3}]}',
        b'{"folders":[{"id":"a","path":"/a","rescanIntervalS":"x"}]}',
        b'{"devices":[{"deviceID":"x"}]}',
        b'{"folders":[{"id":"a","path":""}]}',
        b'{"folders":[{"id":"a","path":"/a"},{"id":"a","path":"/b"}]}',
        b'{"folders":[{"path":"/a"}]}',
        b"[" * 100_000,
    ],
)
def test_a_configuration_that_cannot_be_is_refused_and_changes_nothing(body: bytes) -> None:
    api = FakeNodeApi().start()
    before = api.holder.current
    for method, path in (("PUT", WHOLE[0]), ("POST", WHOLE[1])):
        reply = api.ask(method, path, body)
        assert reply.status == 400
        assert reply.headers["content-type"] == "text/plain; charset=utf-8"
        assert len(reply.text) > 5
    assert api.holder.current == before


def test_the_answer_waits_for_the_disk() -> None:
    api = FakeNodeApi().start()
    api.node.saving = Deferred()
    client = api.browser()
    client.send("PATCH", "/rest/config/options", {"maxSendKbps": 5}, **{"X-API-Key": "k"})
    assert api.holder.current.options.max_send_kbps == 5
    assert client.transport.value() == b""
    api.node.saving.errback(ConfigurationUnsaved("disk full"))
    reply = client.reply()
    assert (reply.status, reply.text) == (500, "disk full\n")


def test_folders_are_listed_and_found_by_id() -> None:
    api = FakeNodeApi().start()
    assert [folder["id"] for folder in api.get("/rest/config/folders")] == ["photos", "resting"]
    assert api.get("/rest/config/folders/photos") == api.get("/rest/config/folders")[0]
    reply = api.ask("GET", "/rest/config/folders/nope")
    assert (reply.status, reply.text) == (404, "No folder with given ID\n")


def test_a_folder_is_added_over_the_defaults_with_our_own_device() -> None:
    api = FakeNodeApi().start()
    api.ask("PATCH", "/rest/config/defaults/folder", {"rescanIntervalS": 77})
    new = {"id": "new", "path": "/new", "devices": [{"deviceID": str(PEER).lower()}], "odd": 1}
    assert api.ask("POST", "/rest/config/folders", new).status == 200
    folder = api.get("/rest/config/folders/new")
    assert folder["rescanIntervalS"] == 77
    assert {one["deviceID"] for one in folder["devices"]} == {str(ME), str(PEER)}
    assert api.ask("PUT", "/rest/config/folders/new", {"id": "new", "path": "/x"}).status == 200
    assert len(api.get("/rest/config/folders/new")["devices"]) == 1


def test_a_patch_merges_and_leaves_the_rest() -> None:
    api = FakeNodeApi().start()
    before = api.get("/rest/config/folders/photos")
    patch = {"label": "New", "minDiskFree": {"value": 7}}
    assert api.ask("PATCH", "/rest/config/folders/photos", patch).status == 200
    after = api.get("/rest/config/folders/photos")
    assert after == {**before, "label": "New", "minDiskFree": {"value": 7, "unit": "%"}}
    assert api.ask("PATCH", "/rest/config/folders/nope", {}).status == 404
    assert api.ask("PATCH", "/rest/config/folders/photos", {"label": 7}).status == 400
    assert api.get("/rest/config/folders/photos") == after


def test_a_folder_without_id_or_path_is_refused() -> None:
    api = FakeNodeApi().start()
    assert api.ask("POST", "/rest/config/folders", {"label": "x"}).status == 500
    assert api.ask("POST", "/rest/config/folders", {"id": "x", "path": ""}).status == 500
    assert len(api.holder.current.folders) == 2


def test_removing_a_folder_is_fine_even_if_there_is_none() -> None:
    api = FakeNodeApi().start()
    assert api.ask("DELETE", "/rest/config/folders/photos").status == 200
    assert api.ask("DELETE", "/rest/config/folders/nope").status == 200
    assert [folder.id for folder in api.holder.current.folders] == ["resting"]


def test_removing_a_device_unshares_it() -> None:
    api = FakeNodeApi().start()
    assert api.ask("DELETE", f"/rest/config/devices/{PEER}").status == 200
    assert [device.id for device in api.holder.current.devices] == [ME]
    assert all(len(folder.devices) == 1 for folder in api.holder.current.folders)
    assert api.ask("DELETE", "/rest/config/devices/x").status == 400


def test_devices_are_listed_added_and_changed() -> None:
    api = FakeNodeApi().start()
    assert len(api.get("/rest/config/devices")) == 2
    new = {"deviceID": str(STRANGER), "name": "new"}
    assert api.ask("POST", "/rest/config/devices", new).status == 200
    assert api.get(f"/rest/config/devices/{STRANGER}")["addresses"] == ["dynamic"]
    path = f"/rest/config/devices/{str(STRANGER).lower().replace('-', '')}"
    assert api.ask("PATCH", path, {"paused": True}).status == 200
    assert api.get(path)["paused"] is True
    assert api.get(path)["name"] == "new"
    assert api.ask("GET", "/rest/config/devices/x").status == 400
    assert api.ask("POST", "/rest/config/devices", {"deviceID": "x"}).status == 400
    api.ask("DELETE", path)
    gone = api.ask("GET", path)
    assert (gone.status, gone.text) == (404, "No device with given ID\n")


@pytest.mark.parametrize("kind", ["folders", "devices"])
def test_all_of_a_kind_are_replaced_at_once(kind: str) -> None:
    api = FakeNodeApi().start()
    some = api.get(f"/rest/config/{kind}")[:1]
    assert api.ask("PUT", f"/rest/config/{kind}", some).status == 200
    refused: list[object] = [{}, [3], [{"paused": "x"}]]
    for bad in refused:
        assert api.ask("PUT", f"/rest/config/{kind}", bad).status == 400


@pytest.mark.parametrize(
    ("part", "change"),
    [
        ("options", {"maxSendKbps": 3}),
        ("gui", {"theme": "dark"}),
        ("ldap", {"address": "ldap.example:389"}),
        ("defaults/folder", {"rescanIntervalS": 60}),
        ("defaults/device", {"compression": "always"}),
    ],
)
def test_parts_are_read_merged_and_replaced(part: str, change: dict[str, Any]) -> None:
    api = FakeNodeApi().start()
    path = f"/rest/config/{part}"
    before = api.get(path)
    assert api.ask("PATCH", path, change).status == 200
    assert api.get(path) == {**before, **change}
    assert api.ask("PUT", path, before).status == 200
    assert api.get(path) == before
    assert api.ask("PATCH", path, b"[]").status == 400
    assert api.ask("PUT", path, b"nonsense").status == 400


def test_default_ignores_are_replaced_only() -> None:
    api = FakeNodeApi().start()
    assert api.get("/rest/config/defaults/ignores") == {"lines": []}
    assert api.ask("PUT", "/rest/config/defaults/ignores", {"lines": ["*.tmp"]}).status == 200
    assert api.get("/rest/config/defaults/ignores") == {"lines": ["*.tmp"]}
    assert api.ask("PATCH", "/rest/config/defaults/ignores", {}).status == 405


def test_a_password_in_plain_text_is_stored_as_a_hash_and_a_hash_as_it_is() -> None:
    api = FakeNodeApi().start()
    assert api.ask("PATCH", "/rest/config/gui", {"user": "u", "password": "geheim"}).status == 200
    gui = api.holder.current.gui
    assert gui.password.startswith("$2a$10$")
    assert fits(gui, "u", "geheim")
    assert api.ask("PUT", "/rest/config", api.get("/rest/config")).status == 200
    assert api.holder.current.gui.password == gui.password
    other = hash_password("other")
    assert api.ask("PATCH", "/rest/config/gui", {"password": other}).status == 200
    assert api.holder.current.gui.password == other


def test_whether_a_restart_is_needed_is_told() -> None:
    api = FakeNodeApi().start()
    assert api.get("/rest/config/restart-required") == {"requiresRestart": False}
    assert api.get("/rest/config/insync") == {"configInSync": True}
    api.ask("PATCH", "/rest/config/options", {"auditEnabled": True})
    sync = api.get("/rest/system/config/insync")["configInSync"]
    assert sync is not api.get("/rest/config/restart-required")["requiresRestart"]
