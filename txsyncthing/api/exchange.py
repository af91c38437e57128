"""
One request and its answer as values, and the table that says who answers what.

Nothing here knows Klein or Twisted, so that handlers are plain functions of a Question.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import Any, TypeAlias

from txsyncthing.api.encoding import body

JSON = "application/json; charset=utf-8"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class Question:
    """A request that may be answered: who asks is settled."""

    method: str
    path: str
    query: Mapping[str, list[str]] = field(default_factory=dict)
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)  # names in lower case

    def get(self, name: str, default: str = "") -> str:
        """The first value of a query parameter."""
        return self.query.get(name, [default])[0]

    def all(self, name: str) -> list[str]:
        """Every value of a query parameter."""
        return self.query.get(name, [])

    def number(self, name: str) -> int | None:
        """A query parameter as a whole number; None if it is missing or is none."""
        text = self.get(name)
        if len(text) > 18 or not text.removeprefix("-").isascii():
            return None
        return int(text) if text.removeprefix("-").isdigit() else None


@dataclass(frozen=True, slots=True)
class Answer:
    """
    What goes back.

    ``later`` is the body of an answer whose headers are sent at once (a long poll); ``afterwards`` is
    called when all is written; ``parts`` follow the body, as fast as the client takes them.
    """

    status: int = 200
    body: bytes = b""
    content_type: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    later: Awaitable[bytes] | None = None
    afterwards: Callable[[], object] | None = None
    parts: Sequence[bytes] = ()


class Refused(Exception):
    """
    The question is answered with an error.

    :param text: one line for people.
    """

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text

    def answer(self) -> Answer:
        return error(self.status, self.text)


DONE = Answer()
"""All went well and there is nothing to say."""


def json(document: Any, status: int = 200) -> Answer:
    """A document as an answer."""
    return Answer(status, body(document), JSON)


def encoded(parts: Sequence[bytes]) -> Answer:
    """A document that is JSON already, in parts since it may be long."""
    return Answer(200, content_type=JSON, parts=parts)


def error(status: int, text: str, headers: Mapping[str, str] | None = None) -> Answer:
    """An error as Go tells it: plain text, never JSON."""
    answer_headers = {"X-Content-Type-Options": "nosniff", **(headers or {})}
    return Answer(status, f"{text}\n".encode("utf-8", "replace"), TEXT, answer_headers)


Handler: TypeAlias = (
    Callable[[Question], Answer] | Callable[[Question], Coroutine[Any, Any, Answer]]
)
"""Answers one kind of question; may raise Refused."""


def redirect(method: str, place: str) -> Answer:
    """Where a path that was not quite right is; GET may be repeated there as it is, others must."""
    if method != "GET":
        return Answer(307, headers={"Location": place})
    page = f'<a href="{escape(place)}">Moved Permanently</a>.\n\n'.encode()
    return Answer(301, page, "text/html; charset=utf-8", {"Location": place})


@dataclass(frozen=True, slots=True)
class Route:
    """
    Who answers at a path: one handler for each method.

    ``path`` may end in ``/<id>``: what stands there reaches the handler as query parameter ``id``.
    """

    path: str
    methods: Mapping[str, Handler]

    @property
    def allowed(self) -> str:
        """The value of the header Allow."""
        return ", ".join(sorted({*self.methods, "OPTIONS"}))

    def fits(self, path: str) -> bool:
        """Whether a path is written exactly as this one."""
        fixed, mark, _ = self.path.partition("<")
        return path.startswith(fixed) if mark else path == fixed


def nearest(path: str, known: Iterable[str]) -> str | None:
    """
    The known path that a client may have meant: other case, doubled or trailing slashes, dots.

    Source: what httprouter forgives.
    """
    parts: list[str] = []
    for part in path.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    clean = "/" + "/".join(parts)
    return next((one for one in known if one.lower() == clean.lower() and one != path), None)
