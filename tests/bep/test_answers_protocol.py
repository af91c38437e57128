"""The peer's Requests, read a bounded number at a time."""

from __future__ import annotations

from twisted.internet.defer import Deferred, fail, succeed

from txsyncthing.bep.answers_protocol import Answers
from txsyncthing.bep.exchange import SERVED_BYTES
from txsyncthing.bep.messages import Block, ErrorCode, Request, Response
from txsyncthing.bep.seam_protocol import Refused
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName


def request(id: int, size: int = 10) -> Request:
    return Request(id, FolderID("f"), WireName("a"), 0, size, b"h")


class Shelf:
    """Reads nothing until told."""

    def __init__(self) -> None:
        self.reading: dict[int, Deferred[Block]] = {}
        self.cancelled: list[int] = []
        self.sent: list[Response] = []
        self.answers = Answers(self.read, lambda response, size: self.sent.append(response))

    def read(self, request: Request) -> Deferred[Block]:
        reading: Deferred[Block] = Deferred(lambda _: self.cancelled.append(request.id))
        self.reading[request.id] = reading
        return reading


def test_a_block_is_read_and_sent() -> None:
    shelf = Shelf()
    shelf.answers.offer(request(5))
    shelf.reading[5].callback(b"data")
    assert shelf.sent == [Response(5, b"data")]


def test_a_refusal_carries_its_code() -> None:
    shelf = Shelf()
    shelf.answers.offer(request(5))
    shelf.reading[5].errback(Refused(ErrorCode.INVALID_FILE))
    assert shelf.sent == [Response(5, b"", ErrorCode.INVALID_FILE)]


def test_any_other_failure_is_a_generic_error() -> None:
    shelf = Shelf()
    shelf.answers.offer(request(5))
    shelf.reading[5].errback(OSError("no such disk"))
    assert shelf.sent == [Response(5, b"", ErrorCode.GENERIC)]


def test_the_next_is_read_when_an_answer_has_left() -> None:
    shelf = Shelf()
    shelf.answers.offer(request(1, SERVED_BYTES))
    shelf.answers.offer(request(2, SERVED_BYTES))
    shelf.reading[1].callback(b"data")
    before = set(shelf.reading)
    shelf.answers.left(SERVED_BYTES)
    assert (before, set(shelf.reading)) == ({1}, {1, 2})


def test_two_requests_may_bear_the_same_id() -> None:
    shelf = Shelf()
    shelf.answers.offer(request(1))
    first = shelf.reading[1]
    shelf.answers.offer(request(1))
    first.callback(b"a")
    shelf.reading[1].callback(b"b")
    assert [response.data for response in shelf.sent] == [b"a", b"b"]


def test_the_end_cancels_what_is_read_and_forgets_what_waits() -> None:
    shelf = Shelf()
    shelf.answers.offer(request(1, SERVED_BYTES))
    shelf.answers.offer(request(2, SERVED_BYTES))
    shelf.answers.stop()
    shelf.answers.left(SERVED_BYTES)
    assert shelf.cancelled == [1]
    assert (shelf.sent, set(shelf.reading)) == ([], {1})


def test_ten_thousand_answers_at_once_need_no_deep_stack() -> None:
    sent: list[Response] = []

    def send(response: Response, size: int) -> None:
        sent.append(response)
        answers.left(size)

    held: Deferred[Block] = Deferred()
    reads = iter([held])
    answers = Answers(lambda request: next(reads, None) or succeed(b"x"), send)
    answers.offer(request(0, SERVED_BYTES))
    for id in range(1, 10_000):
        answers.offer(request(id, 1))
    held.callback(b"x")
    assert len(sent) == 10_000


def test_a_reader_that_fails_at_once_is_answered() -> None:
    sent: list[Response] = []
    answers = Answers(
        lambda request: fail(Refused(ErrorCode.NO_SUCH_FILE)),
        lambda response, size: sent.append(response),
    )
    answers.offer(request(1))
    assert sent == [Response(1, b"", ErrorCode.NO_SUCH_FILE)]
