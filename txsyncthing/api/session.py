"""
Who may ask: host check, API key, login, CSRF token; in the official order.

Source: reference 7.1 (lib/api/api.go, api_auth.go, api_csrf.go, tokenmanager.go).
"""

from __future__ import annotations

from base64 import b64decode
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hmac import compare_digest
from typing import NamedTuple

from txsyncthing.config.gui_address import is_local_host, split_host
from txsyncthing.vocabulary.device import DeviceID, short_text

CSRF_LIFETIME = 3600.0  # seconds since the last use
MAX_TOKENS = 25
TOKEN_LENGTH = 64
_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnpqrstuvwxyz"
_OPEN = frozenset({"/", "/index.html", "/modal.html", "/rest/svc/lang"})
_OPEN_BELOW = ("/assets/", "/syncthing/", "/vendor/", "/theme-assets/", "/rest/noauth")
_WITHOUT_CSRF = ("/rest/noauth", "/rest/svc/lang")


class Rules(NamedTuple):
    """What the configuration says of who may ask."""

    keys: frozenset[str]  # valid API keys
    auth: bool  # whether users must log in
    host_check: bool
    basic_prompt: bool  # answer strangers with 401 and a prompt
    https: bool  # plain requests are sent on to https://
    frames: bool  # whether other sites may show us in a frame
    session_s: float  # lifetime of a login, in seconds; negative: for ever


class Asking(NamedTuple):
    """Who asks for what."""

    method: str
    path: str
    host: str  # the header, with port
    headers: Mapping[str, str]  # names in lower case
    cookies: Mapping[str, str]


class Password(NamedTuple):
    """Name and password to be checked; ``second`` is another reading of the same bytes."""

    user: str
    password: str
    second: tuple[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Refusal:
    """The asker is turned away."""

    status: int
    text: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Welcome:
    """The asker may go on; ``cookies`` are to be set (name, value)."""

    by_key: bool
    cookies: tuple[tuple[str, str], ...] = ()


class Tokens:
    """
    Random words that open something, until they were not used for a while.

    Going by ``now``, monotonic seconds, whenever one is looked at.
    """

    def __init__(self, random: Callable[[int], bytes], most: int = MAX_TOKENS) -> None:
        self._random = random
        self._most = most
        self._used: dict[str, float] = {}  # least recently used first

    def new(self, now: float) -> str:
        """A fresh token; the least used one makes room."""
        token = self._word()
        self._used[token] = now
        while len(self._used) > self._most:
            del self._used[next(iter(self._used))]
        return token

    def valid(self, token: str, lifetime: float, now: float) -> bool:
        """Whether the token opens; it then lives on. A negative lifetime never ends."""
        used = self._used.pop(token, None)
        if used is None or 0 <= lifetime < now - used:
            return False
        self._used[token] = now
        return True

    def drop(self, token: str) -> None:
        self._used.pop(token, None)

    def clear(self) -> None:
        self._used.clear()

    def _word(self) -> str:
        # 256 is no multiple of the alphabet: the rest is thrown away, so that all letters are alike.
        fair = 256 - 256 % len(_ALPHABET)
        letters: list[str] = []
        while len(letters) < TOKEN_LENGTH:
            letters += [_ALPHABET[b % len(_ALPHABET)] for b in self._random(96) if b < fair]
        return "".join(letters[:TOKEN_LENGTH])


class Guard:
    """
    The door of one node's API.

    ``judge`` first; where it answers with a Password, check it and call ``checked``.
    """

    def __init__(self, me: DeviceID, random: Callable[[int], bytes]) -> None:
        self._short = short_text(me.short)
        self._csrf = Tokens(random)
        self.sessions = Tokens(random)

    @property
    def session_cookie(self) -> str:
        return f"sessionid-{self._short}"

    @property
    def csrf_name(self) -> str:
        """Of the cookie; the header is the same behind ``X-``."""
        return f"CSRF-Token-{self._short}"

    def judge_host(self, asking: Asking, rules: Rules) -> Refusal | None:
        """The outermost rule: a page of another site must not reach a local API by a trick of DNS."""
        if rules.host_check and not is_local_host(split_host(asking.host)[0]):
            return refuse(403, "Host check error")
        return None

    def judge(self, asking: Asking, rules: Rules, now: float) -> Welcome | Refusal | Password:
        """
        All other rules.

        :param now: monotonic seconds.
        """
        if has_key(asking.headers, rules.keys):
            return Welcome(by_key=True)
        if rules.auth and not self._logged_in(asking, rules, now):
            password = basic_auth(asking.headers.get("authorization", ""))
            return password or self._without_login(asking, rules, now)
        return self._tokens(asking, now)

    def checked(
        self, asking: Asking, rules: Rules, right: bool, now: float
    ) -> tuple[Welcome | Refusal, str | None]:
        """
        Go on after a Password was checked.

        :returns: the verdict, and the value of the session cookie to be set.
        """
        if not right:
            return self._without_login(asking, rules, now), None
        return self._tokens(asking, now), self.sessions.new(now)

    def _logged_in(self, asking: Asking, rules: Rules, now: float) -> bool:
        cookie = asking.cookies.get(self.session_cookie)
        return cookie is not None and self.sessions.valid(cookie, rules.session_s, now)

    def _without_login(self, asking: Asking, rules: Rules, now: float) -> Welcome | Refusal:
        if is_open(asking.path):
            return self._tokens(asking, now)
        if rules.basic_prompt:
            prompt = {"WWW-Authenticate": f'Basic realm="Authorization Required ({self._short})"'}
            return Refusal(401, "Not Authorized", prompt)
        return refuse(403, "Forbidden")

    def _tokens(self, asking: Asking, now: float) -> Welcome | Refusal:
        name = self.csrf_name
        if not asking.path.startswith("/rest/"):
            cookie = asking.cookies.get(name)
            if cookie is not None and self._csrf.valid(cookie, CSRF_LIFETIME, now):
                return Welcome(by_key=False)
            return Welcome(by_key=False, cookies=((name, self._csrf.new(now)),))
        if asking.path.startswith(_WITHOUT_CSRF):
            return Welcome(by_key=False)
        token = asking.headers.get(f"x-{name}".lower(), "")
        if self._csrf.valid(token, CSRF_LIFETIME, now):
            return Welcome(by_key=False)
        return refuse(403, "CSRF Error")


def refuse(status: int, text: str) -> Refusal:
    return Refusal(status, text, {})


def is_open(path: str) -> bool:
    """Whether strangers may have it though a password is set: the pages that lead to the login."""
    return path in _OPEN or path.startswith(_OPEN_BELOW)


def has_key(headers: Mapping[str, str], keys: frozenset[str]) -> bool:
    """Whether a valid API key comes along; an empty one is never valid."""
    given = [headers.get("x-api-key", "")]
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        given.append(token)
    return any(_same(one, key) for one in given if one for key in keys if key)


def _same(one: str, other: str) -> bool:
    return compare_digest(one.encode(), other.encode())


def basic_auth(header: str) -> Password | None:
    """Name and password of a basic ``Authorization``; as UTF-8, and also as Latin-1 where that differs."""
    scheme, _, coded = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        raw = b64decode(coded.strip(), validate=True)
    except ValueError:
        return None
    user, mark, password = raw.partition(b":")
    if not mark:
        return None
    latin = (user.decode("latin-1"), password.decode("latin-1"))
    try:
        first = (user.decode(), password.decode())
    except UnicodeDecodeError:
        return Password(*latin)
    return Password(*first, None if first == latin else latin)
