from __future__ import annotations

from base64 import b64encode

import pytest

from tests.api.fakes import ME, FakeNodeApi, Randomness
from txsyncthing.api.auth_resource import fits, hash_password
from txsyncthing.api.session import MAX_TOKENS, Password, Tokens, basic_auth, has_key, is_open
from txsyncthing.config.gui import AuthMode, GuiConfig

SHORT = str(ME)[:7]
HASH = hash_password("geheim")
LOCKED = GuiConfig(api_key="k", user="user", password=HASH)


def basic(user: str, password: str, charset: str = "utf-8") -> str:
    return "Basic " + b64encode(f"{user}:{password}".encode(charset)).decode()


@pytest.mark.parametrize(
    ("headers", "opens"),
    [
        ({"x-api-key": "k"}, True),
        ({"authorization": "Bearer k"}, True),
        ({"authorization": "bEaReR k"}, True),
        ({"authorization": "Bearer  k"}, False),
        ({"authorization": "Basic k"}, False),
        ({"x-api-key": "K"}, False),
        ({"x-api-key": ""}, False),
        ({"x-api-key": "k "}, False),
        ({}, False),
    ],
)
def test_a_key_opens_only_exactly(headers: dict[str, str], opens: bool) -> None:
    assert has_key(headers, frozenset({"k", "other"})) is opens


def test_an_empty_key_never_opens() -> None:
    assert not has_key({"x-api-key": "", "authorization": "Bearer "}, frozenset({""}))
    api = FakeNodeApi(GuiConfig(api_key="")).start()
    assert api.browser().ask("GET", "/rest/system/ping", **{"X-API-Key": ""}).status == 403


def test_the_key_of_the_command_line_opens_beside_the_configured_one() -> None:
    api = FakeNodeApi(gui_key="given").start()
    for key in ("given", "k"):
        assert api.browser().ask("GET", "/rest/system/ping", **{"X-API-Key": key}).status == 200


def test_a_new_key_counts_at_once() -> None:
    api = FakeNodeApi().start()
    assert api.ask("PATCH", "/rest/config/gui", {"apiKey": "new"}).status == 200
    assert api.ask("GET", "/rest/system/ping").status == 403
    assert api.ask("GET", "/rest/system/ping", **{"X-API-Key": "new"}).status == 200


def test_with_a_password_strangers_get_nothing() -> None:
    api = FakeNodeApi(LOCKED).start()
    for path in ("/rest/system/ping", "/meta.js", "/metrics", "/rest/debug/x", "/nope"):
        reply = api.browser().ask("GET", path)
        assert (reply.status, reply.text) == (403, "Forbidden\n")
        assert "x-syncthing-id" not in reply.headers
        assert "set-cookie" not in reply.headers
    assert api.browser().ask("GET", "/rest/noauth/health").status == 200
    assert api.ask("GET", "/rest/system/ping").status == 200  # the key still opens


def test_strangers_are_prompted_only_if_the_user_says_so() -> None:
    gui = GuiConfig(api_key="k", user="user", password=HASH, send_basic_auth_prompt=True)
    reply = FakeNodeApi(gui).start().browser().ask("GET", "/rest/system/ping")
    assert (reply.status, reply.text) == (401, "Not Authorized\n")
    assert reply.headers["www-authenticate"] == f'Basic realm="Authorization Required ({SHORT})"'


def test_the_right_password_starts_a_session_but_the_token_is_still_needed() -> None:
    api = FakeNodeApi(LOCKED).start()
    reply = api.browser().ask("GET", "/", Authorization=basic("user", "geheim"))
    assert reply.status == 404  # there is no page yet
    cookies = reply.raw.decode().lower().count("set-cookie")
    assert cookies == 2
    session, csrf = (
        line.partition(": ")[2].partition(";")[0]
        for line in reply.raw.decode().split("\r\n")
        if line.lower().startswith("set-cookie")
    )
    assert session.startswith(f"sessionid-{SHORT}=")
    name, _, token = csrf.partition("=")
    assert api.browser().ask("GET", "/rest/system/ping", Cookie=session).text == "CSRF Error\n"
    good = {"Cookie": session, f"X-{name}": token}
    assert api.browser().ask("GET", "/rest/system/ping", **good).status == 200
    without = {f"X-{name}": token}
    assert api.browser().ask("GET", "/rest/system/ping", **without).text == "Forbidden\n"


def test_a_wrong_password_closes_nothing_that_is_open() -> None:
    api = FakeNodeApi(LOCKED).start()
    reply = api.browser().ask("GET", "/", Authorization=basic("user", "wrong"))
    assert reply.status == 404
    assert "sessionid" not in reply.raw.decode()


def test_every_attempt_is_told() -> None:
    api = FakeNodeApi(LOCKED).start()
    wrong = api.browser().ask("GET", "/x", Authorization=basic("user", "wrong"))
    assert (wrong.status, wrong.text) == (403, "Forbidden\n")
    api.browser().ask("GET", "/", Authorization=basic("user", "geheim"))
    told = [event.event.data for event in api.events.subscribe().since(0)]
    assert [(one["username"], one["success"]) for one in told] == [("user", False), ("user", True)]


def test_a_password_in_latin_1_is_understood() -> None:
    gui = GuiConfig(api_key="k", user="jörg", password=hash_password("größe"))
    api = FakeNodeApi(gui).start()
    for charset in ("utf-8", "latin-1"):
        reply = api.browser().ask("GET", "/", Authorization=basic("jörg", "größe", charset))
        assert reply.status == 404, charset


def test_ldap_lets_nobody_in_while_we_cannot_ask_it() -> None:
    gui = GuiConfig(api_key="k", user="user", password=HASH, auth_mode=AuthMode.LDAP)
    reply = (
        FakeNodeApi(gui).start().browser().ask("GET", "/x", Authorization=basic("user", "geheim"))
    )
    assert reply.status == 403


@pytest.mark.parametrize(
    "gui",
    [
        GuiConfig(user="", password=HASH),
        GuiConfig(user="user", password="geheim"),  # stored as plain text
        GuiConfig(user="user", password=""),
        GuiConfig(user="other", password=HASH),
    ],
)
def test_what_is_not_user_and_hash_never_fits(gui: GuiConfig) -> None:
    assert not fits(gui, "user", "geheim")
    assert not fits(gui, "", "geheim")
    assert not fits(gui, "", "")


def test_a_long_password_is_cut_as_bcrypt_does() -> None:
    gui = GuiConfig(user="user", password=hash_password("x" * 100))
    assert fits(gui, "user", "x" * 100)


@pytest.mark.parametrize(
    ("header", "password"),
    [
        ("Basic dTpw", Password("u", "p")),
        ("basic dTpwOjo=", Password("u", "p::")),
        ("Basic ????", None),
        ("Basic dXA=", None),
        ("Bearer dTpw", None),
        ("", None),
    ],
)
def test_basic_auth_is_read_or_ignored(header: str, password: Password | None) -> None:
    assert basic_auth(header) == password


def test_only_the_way_to_the_login_is_open() -> None:
    for path in ("/", "/index.html", "/assets/x.css", "/rest/noauth/auth/password"):
        assert is_open(path)
    for path in ("/meta.js", "/rest/system/ping", "/metrics", "/assets", "/index.htm", "/qr/"):
        assert not is_open(path)


def test_tokens_slide_end_and_make_room() -> None:
    tokens = Tokens(Randomness())
    first = tokens.new(0)
    assert tokens.valid(first, 10, 9)
    assert tokens.valid(first, 10, 18)  # it lives from its last use
    assert not tokens.valid(first, 10, 29)
    assert not tokens.valid(first, 10, 29)
    for_ever = tokens.new(30)
    assert tokens.valid(for_ever, -1, 10**9)
    many = [tokens.new(40) for _ in range(MAX_TOKENS)]
    assert len(set(many)) == MAX_TOKENS
    assert not tokens.valid(for_ever, -1, 41)
    assert all(len(token) == 64 and token.isalnum() for token in many)
    tokens.drop(many[0])
    assert not tokens.valid(many[0], 10, 41)
    tokens.clear()
    assert not tokens.valid(many[1], 10, 41)
