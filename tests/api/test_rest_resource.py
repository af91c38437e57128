from __future__ import annotations

import pytest

from tests.api.fakes import ME, FakeNodeApi
from txsyncthing.api.rest_resource import IDLE, MAX_BODY
from txsyncthing.config.gui import GuiConfig


def test_an_answer_looks_as_that_of_the_official_daemon() -> None:
    reply = FakeNodeApi().start().ask("GET", "/rest/system/ping")
    assert reply.status == 200
    assert reply.body == b'{\n  "ping": "pong"\n}\n'
    assert reply.headers == {
        "access-control-allow-origin": "*",
        "cache-control": "max-age=0, no-cache, no-store",
        "content-length": "21",
        "content-type": "application/json; charset=utf-8",
        "date": reply.headers["date"],
        "expires": reply.headers["expires"],
        "pragma": "no-cache",
        "x-content-type-options": "nosniff",
        "x-frame-options": "SAMEORIGIN",
        "x-syncthing-id": str(ME),
        "x-syncthing-version": "v0.1.0",
        "x-xss-protection": "1; mode=block",
    }


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/rest/system/ping", "GET, OPTIONS, POST"),
        ("HEAD", "/rest/system/ping", "GET, OPTIONS, POST"),
        ("DELETE", "/rest/system/status", "GET, OPTIONS"),
        ("GET", "/rest/system/restart", "OPTIONS, POST"),
        ("POST", "/rest/noauth/health", "GET, OPTIONS"),
        ("PUT", "/rest/system/config", "GET, OPTIONS, POST"),
        ("POST", "/rest/config", "GET, OPTIONS, PUT"),
        ("BREW", "/rest/system/ping", "GET, OPTIONS, POST"),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(method: str, path: str, allow: str) -> None:
    reply = FakeNodeApi().start().ask(method, path)
    assert reply.status == 405
    assert reply.headers["allow"] == allow
    assert reply.body == (b"" if method == "HEAD" else b"Method Not Allowed\n")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "path", ["/rest/nope", "/rest/", "/rest", "/nope", "/rest/system", "/rest/system/ping/x", "/"]
)
def test_an_unknown_path_is_not_found(path: str) -> None:
    reply = FakeNodeApi().start().ask("GET", path)
    assert (reply.status, reply.text) == (404, "404 page not found\n")
    assert reply.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize(
    "path",
    [
        "/rest/system/ping/",
        "/rest//system/ping",
        "/rest/System/Ping",
        "//rest/system/ping",
        "/rest/db/../system/ping",
    ],
)
def test_a_path_that_is_not_quite_right_is_sent_on(path: str) -> None:
    api = FakeNodeApi().start()
    reply = api.ask("GET", f"{path}?a=1&b=2")
    assert (reply.status, reply.headers["location"]) == (301, "/rest/system/ping?a=1&b=2")
    assert reply.text == ('<a href="/rest/system/ping?a=1&amp;b=2">Moved Permanently</a>.\n\n')
    reply = api.ask("POST", path)
    assert (reply.status, reply.headers["location"], reply.body) == (307, "/rest/system/ping", b"")


def test_options_are_answered_to_everybody_at_any_path() -> None:
    reply = FakeNodeApi().start().browser().ask("OPTIONS", "/rest/nonsense")
    assert (reply.status, reply.body) == (204, b"")
    assert reply.headers["access-control-allow-methods"] == "GET, POST, PUT, PATCH, DELETE, OPTIONS"
    assert reply.headers["access-control-allow-headers"] == "Content-Type, X-API-Key"
    assert reply.headers["access-control-allow-origin"] == "*"
    assert reply.headers["access-control-max-age"] == "600"
    assert "x-syncthing-id" not in reply.headers


def test_without_a_key_rest_asks_for_a_token_even_if_no_password_is_set() -> None:
    api = FakeNodeApi().start()
    for path in ("/rest/system/ping", "/rest/system/config", "/rest/nonsense", "/rest/events"):
        reply = api.browser().ask("GET", path)
        assert (reply.status, reply.text) == (403, "CSRF Error\n")
        assert "access-control-allow-origin" not in reply.headers


@pytest.mark.parametrize(
    "path",
    [
        "/%72est/system/config",
        "/rest%2Fsystem/config",
        "/rest/%73ystem/config",
        "//rest/system/config",
        "/rest/noauth/../system/config",
        "/rest/noauth%2F..%2Fsystem/config",
        "/rest/svc/lang/../../system/config",
        "/REST/system/config",
        "/x/../rest/system/config",
        "http://localhost/rest/system/config",
    ],
)
def test_no_other_spelling_of_a_path_gets_around_the_door(path: str) -> None:
    reply = FakeNodeApi().start().browser().ask("GET", path)
    assert reply.status in (301, 403, 404)
    assert b"apiKey" not in reply.raw


def test_a_token_from_the_cookie_opens_when_it_comes_as_a_header() -> None:
    api = FakeNodeApi().start()
    name, _, token = api.browser().ask("GET", "/").headers["set-cookie"].partition("=")
    token = token.partition(";")[0]
    assert name == f"CSRF-Token-{str(ME)[:7]}"
    assert len(token) == 64
    assert api.browser().ask("GET", "/rest/system/ping", **{f"X-{name}": token}).status == 200
    cookie_alone = api.browser().ask("GET", "/rest/system/ping", Cookie=f"{name}={token}")
    assert cookie_alone.status == 403
    again = api.browser().ask("GET", "/", Cookie=f"{name}={token}")
    assert "set-cookie" not in again.headers
    api.clock.advance(3601)
    late = api.browser().ask("GET", "/rest/system/ping", **{f"X-{name}": token})
    assert late.status == 403


def test_the_health_check_is_for_everybody() -> None:
    reply = FakeNodeApi().start().browser().ask("GET", "/rest/noauth/health")
    assert (reply.status, reply.body) == (200, b'{\n  "status": "OK"\n}\n')


@pytest.mark.parametrize("host", ["evil.example", "192.168.1.1", "", "localhost.evil.example:80"])
def test_another_host_is_refused_on_a_local_listener_before_anything_else(host: str) -> None:
    api = FakeNodeApi().start()
    for method in ("GET", "OPTIONS"):
        reply = api.ask(method, "/rest/system/ping", Host=host)
        assert (reply.status, reply.text) == (403, "Host check error\n")
        assert "x-syncthing-id" not in reply.headers


def test_the_host_may_be_anything_where_others_may_come_or_the_check_is_off() -> None:
    for gui in (
        GuiConfig(address="0.0.0.0:8384", api_key="k"),
        GuiConfig(address="127.0.0.1:8384", api_key="k", insecure_skip_hostcheck=True),
    ):
        reply = FakeNodeApi(gui).start().ask("GET", "/rest/system/ping", Host="evil.example")
        assert reply.status == 200


def test_a_frame_is_allowed_only_if_the_user_says_so() -> None:
    gui = GuiConfig(api_key="k", insecure_allow_frame_loading=True)
    assert "x-frame-options" not in FakeNodeApi(gui).start().ask("GET", "/rest/system/ping").headers


def test_a_body_that_is_too_long_is_refused_before_it_is_taken() -> None:
    api = FakeNodeApi().start()
    client = api.browser()
    head = "POST /rest/system/error HTTP/1.1\r\nHost: localhost\r\nX-API-Key: k\r\n"
    client.protocol.dataReceived(f"{head}Content-Length: {MAX_BODY + 1}\r\n\r\n".encode())
    assert client.reply().status == 413
    assert client.transport.disconnecting
    client.protocol.dataReceived(b"x" * 1000)
    assert api.logs.errors() == []


def test_a_chunked_body_that_grows_too_long_is_refused_too() -> None:
    client = FakeNodeApi().start().browser()
    client.protocol.dataReceived(
        b"POST /rest/system/error HTTP/1.1\r\nHost: localhost\r\nX-API-Key: k\r\n"
        b"Transfer-Encoding: chunked\r\n\r\n"
    )
    chunk = b"100000\r\n" + b"x" * 0x100000 + b"\r\n"
    for _ in range(MAX_BODY // 0x100000 + 1):
        client.protocol.dataReceived(chunk)
    assert client.reply().status == 413
    assert client.transport.disconnecting


def test_a_form_in_the_body_says_nothing_of_the_query() -> None:
    api = FakeNodeApi().start()
    headers = {"Content-Type": "application/x-www-form-urlencoded"}
    reply = api.ask("POST", "/rest/db/scan?folder=nope", b"folder=photos", **headers)
    assert (reply.status, reply.text) == (500, "no such folder\n")


def test_a_mute_client_is_hung_up_on() -> None:
    api = FakeNodeApi().start()
    client = api.browser()
    client.protocol.dataReceived(b"GET /rest/system/ping HT")
    api.clock.advance(IDLE + 1)
    assert client.transport.disconnecting


def test_a_connection_serves_one_request_after_the_other() -> None:
    api = FakeNodeApi().start()
    client = api.browser()
    for _ in range(3):
        assert client.ask("GET", "/rest/system/ping", **{"X-API-Key": "k"}).status == 200
    assert not client.transport.disconnecting


def test_a_broken_handler_is_logged_and_answers_500() -> None:
    api = FakeNodeApi().start()

    def broken() -> None:
        raise ValueError("broken")

    api.node.usage = broken  # type: ignore[method-assign, assignment]
    reply = api.ask("GET", "/rest/system/status")
    assert (reply.status, reply.text) == (500, "internal error: ValueError: broken\n")
    assert "GET /rest/system/status failed" in api.logs.errors()[0].message


def test_plain_requests_are_sent_on_to_https_where_tls_is_on() -> None:
    gui = GuiConfig(address="127.0.0.1:8384", api_key="k", use_tls=True)
    api = FakeNodeApi(gui)
    reply = api.ask("GET", "/rest/system/ping?x=1", Host="localhost:8384")
    assert reply.status == 307
    assert reply.headers["location"] == "https://localhost:8384/rest/system/ping?x=1"
