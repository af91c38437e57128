from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from treq.client import HTTPClient
from treq.testing import RequestTraversalAgent
from twisted.internet.defer import CancelledError, Deferred, fail
from twisted.internet.error import ConnectionRefusedError, DNSLookupError
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from tests.cli.fakes import done
from txsyncthing.cli.client import Client
from txsyncthing.cli.seam import NodeError, Refused, Unreachable
from txsyncthing.cli.target import Target
from txsyncthing.config.gui_address import GuiAddress

KEY = "a-key-that-nobody-may-see"
TARGET = Target(GuiAddress("127.0.0.1", 8384), False, KEY)


class Answering(Resource):
    """Answers each request with what a function says: a status and a body."""

    isLeaf = True

    def __init__(self, answer: Callable[[Any], tuple[int, bytes] | int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._answer = answer

    def render(self, request: Request) -> Any:
        answer = self._answer(request)
        if isinstance(answer, int):
            return answer
        request.setResponseCode(answer[0])
        return answer[1]


def client(answer: Callable[[Any], tuple[int, bytes] | int]) -> Client:
    return Client(TARGET, HTTPClient(RequestTraversalAgent(Answering(answer))), Clock())


def refusal(status: int, body: bytes) -> Refused:
    with pytest.raises(Refused) as caught:
        done(client(lambda _: (status, body)).get("/rest/x"))
    assert KEY not in caught.value.message
    assert (caught.value.status, caught.value.exit_code) == (status, 1)
    return caught.value


def test_a_question_carries_the_key_and_the_query() -> None:
    seen: list[tuple[Any, ...]] = []

    def answer(request: Any) -> tuple[int, bytes]:
        seen.append((request.method, request.uri, request.getHeader("X-API-Key")))
        return 200, b'{"a": 1}'

    assert done(client(answer).get("/rest/db/status", folder="a b&c")) == {"a": 1}
    assert seen == [(b"GET", b"/rest/db/status?folder=a+b%26c", KEY)]


def test_a_post_carries_its_body() -> None:
    def answer(request: Any) -> tuple[int, bytes]:
        return 200, json.dumps([request.method.decode(), request.content.read().decode()]).encode()

    assert done(client(answer).post("/p", b"text")) == '["POST", "text"]'
    assert done(client(answer).post("/p", b"{}", method="PUT")) == '["PUT", "{}"]'


def test_a_file_has_a_name() -> None:
    def answer(request: Any) -> tuple[int, bytes]:
        request.setHeader("Content-Disposition", "attachment; filename=a.pprof")
        return 200, b"\x00"

    assert done(client(answer).file("/f")) == ("a.pprof", b"\x00")


@pytest.mark.parametrize("body", [b"CSRF Error\n", b"Forbidden\n"])
def test_a_wrong_key_is_said_without_telling_it(body: bytes) -> None:
    assert "does not know this API key: give the right one" in refusal(403, body).message


def test_refusals_say_what_to_do() -> None:
    assert "host check" in refusal(403, b"Host check error\n").message
    assert "write https://" in refusal(307, b"").message
    assert refusal(501, b"upgrade unsupported\n").message == (
        "unexpected HTTP status returned: 501 Not Implemented\nupgrade unsupported"
    )


def test_what_is_no_node_is_told() -> None:
    with pytest.raises(NodeError, match="answers no JSON"):
        done(client(lambda _: (200, b"<html>")).get("/rest/x"))


def test_patience_ends() -> None:
    clock = Clock()
    agent = RequestTraversalAgent(Answering(lambda _: NOT_DONE_YET))
    silent = Client(TARGET, HTTPClient(agent), clock)
    failures: list[Failure] = []
    Deferred.fromCoroutine(silent.get("/rest/x", patience=5)).addErrback(failures.append)
    clock.advance(5)
    assert failures[0].check(Unreachable)
    assert "within 5 s" in failures[0].getErrorMessage()
    assert clock.getDelayedCalls() == []


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ConnectionRefusedError(111), "no node answers at http://127.0.0.1:8384 .Connection refused.: "
         "start it with `txsyncthing serve`"),
        (DNSLookupError(), "name '127.0.0.1' is not known"),
    ],
)  # fmt: skip
def test_a_node_that_cannot_be_reached(error: Exception, said: str) -> None:
    class Dead:
        def request(self, *arguments: Any, **options: Any) -> Any:
            return fail(error)

    with pytest.raises(Unreachable, match=said):
        done(Client(TARGET, Dead(), Clock()).get("/rest/x"))  # type: ignore[arg-type]


def test_a_question_that_is_given_up_is_cancelled_and_not_lost() -> None:
    agent = RequestTraversalAgent(Answering(lambda _: NOT_DONE_YET))
    asked = Deferred.fromCoroutine(
        Client(TARGET, HTTPClient(agent), Clock()).get("/rest/x", patience=None)
    )
    failures: list[Failure] = []
    asked.addErrback(failures.append)
    asked.cancel()
    assert failures[0].check(CancelledError)
