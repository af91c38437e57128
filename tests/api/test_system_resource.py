from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred

from tests.api.fakes import ME, PEER, START, STRANGER, FakeNodeApi
from txsyncthing.api.encoding import seconds_text
from txsyncthing.api.system_resource import preferred_languages
from txsyncthing.cluster.status import Bytes, ConnectionStatus, DeviceStatus
from txsyncthing.config.file_service import ConfigurationUnsaved
from txsyncthing.connections.score import ConnectionInfo
from txsyncthing.connections.service import DialStatus, ListenerStatus

NEVER = "0001-01-01T00:00:00Z"


def test_the_version_has_the_official_keys() -> None:
    version = FakeNodeApi().start().get("/rest/system/version")
    assert list(version) == [
        "arch",
        "codename",
        "container",
        "date",
        "extra",
        "isBeta",
        "isCandidate",
        "isRelease",
        "longVersion",
        "os",
        "stamp",
        "tags",
        "user",
        "version",
    ]
    assert version["version"] == "v0.1.0"
    assert version["longVersion"].startswith("txsyncthing v0.1.0")


def test_pages_learn_who_we_are() -> None:
    reply = FakeNodeApi().start().browser().ask("GET", "/meta.js")
    assert reply.text == (
        f'var metadata = {{"authenticated":true,"deviceID":"{ME}","deviceIDShort":"{str(ME)[:7]}"}};\n'
    )
    assert reply.headers["content-type"] == "application/javascript"
    assert reply.headers["cache-control"] == "max-age=0, no-cache, no-store"
    assert "set-cookie" in reply.headers


def test_the_status_tells_of_listeners_dialling_and_the_process() -> None:
    api = FakeNodeApi().start()
    api.connections.listening["tcp://0.0.0.0:22000"] = ListenerStatus(
        None, ("tcp://0.0.0.0:22000",), ()
    )
    api.connections.dialled["tcp://10.0.0.1:22000"] = DialStatus(START, "refused")
    api.clock.advance(7.9)
    assert api.get("/rest/system/status") == {
        "alloc": 1000,
        "connectionServiceStatus": {
            "tcp://0.0.0.0:22000": {
                "error": None,
                "lanAddresses": ["tcp://0.0.0.0:22000"],
                "wanAddresses": [],
            }
        },
        "cpuPercent": 0,
        "goroutines": 3,
        "guiAddressOverridden": False,
        "guiAddressUsed": "127.0.0.1:8384",
        "lastDialStatus": {
            "tcp://10.0.0.1:22000": {"when": seconds_text(START), "error": "refused"}
        },
        "myID": str(ME),
        "pathSeparator": "/",
        "startTime": seconds_text(START),
        "sys": 2000,
        "tilde": "/home/user",
        "uptime": 7,
        "urVersionMax": 3,
    }


def test_a_given_address_is_told_as_such() -> None:
    status = FakeNodeApi(gui_address="127.0.0.1:9000").start().get("/rest/system/status")
    assert status["guiAddressOverridden"] is True
    assert status["guiAddressUsed"] == "127.0.0.1:9000"


def test_discovery_shows_only_where_there_is_any() -> None:
    api = FakeNodeApi().start()
    api.node.discovery = lambda: {"local": None, "global": "no answer"}  # type: ignore[method-assign]
    status = api.get("/rest/system/status")
    assert list(status) == sorted(status)
    assert status["discoveryEnabled"] is True
    assert status["discoveryErrors"] == {"global": "no answer"}
    assert status["discoveryMethods"] == 2
    assert status["discoveryStatus"] == {"global": {"error": "no answer"}, "local": {"error": None}}
    assert api.get("/rest/system/discovery") == {}


def test_connections_list_every_peer_also_one_that_never_came() -> None:
    api = FakeNodeApi().start()
    nothing = {
        "at": NEVER,
        "inBytesTotal": 0,
        "outBytesTotal": 0,
        "startedAt": NEVER,
        "address": "",
        "type": "",
        "isLocal": False,
        "crypto": "",
    }
    away = {**nothing, "connected": False, "paused": False, "clientVersion": "", "primary": nothing}
    document = api.get("/rest/system/connections")
    assert document["connections"] == {str(PEER): away}
    assert list(document["connections"][str(PEER)]) == [
        "at",
        "inBytesTotal",
        "outBytesTotal",
        "startedAt",
        "connected",
        "paused",
        "clientVersion",
        "address",
        "type",
        "isLocal",
        "crypto",
        "primary",
    ]
    assert document["total"] == {"at": seconds_text(START), "inBytesTotal": 0, "outBytesTotal": 0}


def test_a_connected_peer_shows_its_connections_and_their_sum() -> None:
    api = FakeNodeApi().start()
    first = ConnectionInfo("tcp-client", "10.0.0.1:22000", True, "TLS1.3-X", START - 9, 10)
    second = ConnectionInfo("tcp-server", "10.0.0.1:999", True, "TLS1.3-Y", START - 5, 10)
    api.cluster.known[PEER] = DeviceStatus(
        paused=False,
        client_version="v1.29.5",
        connections=(ConnectionStatus(first, Bytes(1, 2)), ConnectionStatus(second, Bytes(3, 4))),
        bytes=Bytes(4, 6),
    )
    api.cluster.total = Bytes(100, 200)
    document = api.get("/rest/system/connections")
    peer = document["connections"][str(PEER)]
    assert (peer["connected"], peer["clientVersion"]) == (True, "v1.29.5")
    assert (peer["inBytesTotal"], peer["outBytesTotal"]) == (4, 6)
    assert peer["startedAt"] == seconds_text(START - 9)
    assert (peer["address"], peer["type"], peer["crypto"]) == (
        "10.0.0.1:22000",
        "tcp-client",
        "TLS1.3-X",
    )
    assert peer["primary"]["inBytesTotal"] == 1
    assert [one["type"] for one in peer["secondary"]] == ["tcp-server"]
    assert document["total"]["outBytesTotal"] == 200


def test_paths_are_sorted() -> None:
    assert list(FakeNodeApi().start().get("/rest/system/paths")) == ["config", "keyFile"]


def test_errors_come_from_users_and_from_the_log_until_cleared() -> None:
    api = FakeNodeApi().start()
    assert api.ask("GET", "/rest/system/error").body == b'{\n  "errors": null\n}\n'
    api.logs.area("folder").error("disk {name} is full", name="x")
    api.clock.advance(0.25)
    reply = api.ask("POST", "/rest/system/error", b"hello <world> & co")
    assert (reply.status, reply.body) == (200, b"")
    assert "content-type" not in reply.headers
    assert reply.headers["content-length"] == "0"
    first, second = api.get("/rest/system/error")["errors"]
    assert first == {"when": seconds_text(START), "message": "disk x is full", "level": 3}
    assert second["when"].endswith(".25Z") or ".25+" in second["when"] or ".25-" in second["when"]
    assert b"hello \\u003cworld\\u003e \\u0026 co" in api.ask("GET", "/rest/system/error").body
    assert api.ask("POST", "/rest/system/error/clear").status == 200
    assert api.get("/rest/system/error") == {"errors": None}


def test_the_log_can_be_asked_from_a_time_on_as_json_and_as_text() -> None:
    api = FakeNodeApi().start()
    api.clock.advance(1)
    api.logs.area("scan").info("early")
    api.clock.advance(9)
    api.logs.area("scan").warn("late")
    since = seconds_text(START + 5).replace("+", "%2B")
    (line,) = api.get(f"/rest/system/log?since={since}")["messages"]
    assert (line["message"], line["level"]) == ("late", 3)
    text = api.ask("GET", f"/rest/system/log.txt?since={since}")
    assert text.text == f"{seconds_text(START + 10)}: late\n"
    assert text.headers["content-type"] == "text/plain; charset=utf-8"
    everything = [line["message"] for line in api.get("/rest/system/log?since=bad")["messages"]]
    assert everything[-2:] == ["early", "late"]
    assert api.get("/rest/system/log?since=2100-01-01T00:00:00Z") == {"messages": None}


def test_areas_of_the_log_can_be_made_loud() -> None:
    api = FakeNodeApi().start()
    log = api.logs.area("scan")
    assert "scan" in api.get("/rest/system/debug")["facilities"]
    assert api.ask("POST", "/rest/system/debug?enable=scan,nonsense").status == 200
    assert api.get("/rest/system/debug")["enabled"] == ["scan"]
    log.debug("heard")
    api.ask("POST", "/rest/system/debug?disable=scan")
    log.debug("not heard")
    assert [line.message for line in api.logs.lines()][-1] == "heard"


@pytest.mark.parametrize(
    ("path", "text", "done"),
    [
        ("/rest/system/restart", '{"ok": "restarting"}\n', "restart"),
        ("/rest/system/shutdown", '{"ok": "shutting down"}\n', "shutdown"),
    ],
)
def test_the_node_ends_after_the_answer(path: str, text: str, done: str) -> None:
    api = FakeNodeApi().start()
    client = api.browser()
    told: list[bytes] = []
    api.node.restart = lambda: told.append(client.transport.value())  # type: ignore[method-assign]
    api.node.shutdown = lambda: told.append(client.transport.value())  # type: ignore[method-assign]
    reply = client.ask("POST", path, **{"X-API-Key": "k"})
    assert (reply.status, reply.text) == (200, text)
    assert told == [reply.raw]


def test_pausing_one_device_is_in_force_and_saved_before_the_answer() -> None:
    api = FakeNodeApi().start()
    api.node.saving = Deferred()
    client = api.browser()
    client.send("POST", f"/rest/system/pause?device={PEER}", **{"X-API-Key": "k"})
    peer = api.holder.current.device(PEER)
    assert peer is not None and peer.paused
    assert client.transport.value() == b""
    api.node.saving.callback(None)
    assert client.reply().status == 200


def test_pausing_and_resuming_without_a_name_means_all() -> None:
    api = FakeNodeApi().start()
    assert api.ask("POST", "/rest/system/pause").status == 200
    assert [device.paused for device in api.holder.current.devices] == [True, True]
    assert api.ask("POST", "/rest/system/resume").status == 200
    assert [device.paused for device in api.holder.current.devices] == [False, False]


def test_what_cannot_be_paused_is_told_as_the_official_daemon_does() -> None:
    api = FakeNodeApi().start()
    for action in ("pause", "resume"):
        bad = api.ask("POST", f"/rest/system/{action}?device=bad")
        assert (bad.status, bad.text) == (500, '"bad": device ID invalid: incorrect length\n')
        unknown = api.ask("POST", f"/rest/system/{action}?device={STRANGER}")
        assert (unknown.status, unknown.text) == (404, "not found\n")


def test_a_configuration_that_cannot_be_saved_is_an_error() -> None:
    api = FakeNodeApi().start()
    api.node.saving = Deferred()
    api.node.saving.errback(ConfigurationUnsaved("config.xml: disk full"))
    reply = api.ask("POST", "/rest/system/pause")
    assert (reply.status, reply.text) == (500, "config.xml: disk full\n")


def test_a_device_id_is_made_canonical_or_explained() -> None:
    api = FakeNodeApi().start()
    plain = str(ME).replace("-", "").lower()
    assert api.get(f"/rest/svc/deviceid?id={plain}") == {"id": str(ME)}
    assert api.get("/rest/svc/deviceid?id=x") == {
        "error": '"x": device ID invalid: incorrect length'
    }
    wrong = str(ME)[:-1] + ("A" if str(ME)[-1] != "A" else "B")
    assert "check letter" in api.get(f"/rest/svc/deviceid?id={wrong}")["error"]
    assert api.get("/rest/svc/deviceid") == {"id": ""}


def test_upgrades_are_not_ours() -> None:
    reply = FakeNodeApi().start().ask("GET", "/rest/system/upgrade")
    assert (reply.status, reply.text) == (501, "upgrade unsupported\n")


def test_random_strings_have_the_length_asked_for_within_reason() -> None:
    api = FakeNodeApi().start()
    assert len(api.get("/rest/svc/random/string")["random"]) == 32
    assert len(api.get("/rest/svc/random/string?length=5")["random"]) == 5
    assert len(api.get("/rest/svc/random/string?length=999999999")["random"]) == 4096


@pytest.mark.parametrize(
    ("header", "codes"),
    [
        ("de,en;q=0.5", ["de", "en"]),
        ("en;q=0.2, de-AT;q=0.9", ["de-at", "en"]),
        ("", [""]),
        ("de;q=x,en", ["en", "de"]),
    ],
)
def test_languages_come_best_first(header: str, codes: list[str]) -> None:
    assert preferred_languages(header) == codes
    reply = (
        FakeNodeApi().start().browser().ask("GET", "/rest/svc/lang", **{"Accept-Language": header})
    )
    assert reply.json() == codes
