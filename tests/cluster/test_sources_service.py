from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.python.failure import Failure

from tests.cluster.bench import ALICE, BOB, Bench, F
from tests.cluster.test_hostile import Met
from txsyncthing.bep.messages import Block, ErrorCode, Request
from txsyncthing.bep.protocol import Refused
from txsyncthing.pull.sources import BlockRequest, SourceLost, SourceRefused
from txsyncthing.vocabulary.name import WireName

BLOCK = BlockRequest(F, WireName("a"), 3, 300, 10, b"h" * 32, True)


class Asked:
    """Alice asks Bob; the test answers for him."""

    def __init__(self, bench: Bench, connections: int = 1) -> None:
        self.met = Met(bench, connections)
        self.met.bob.offer(ALICE, F)
        self.requests: list[tuple[object, Request, Deferred[Block]]] = []
        self.met.bob.serve = self._serve  # type: ignore[method-assign]
        self.sources = self.met.alice.cluster.sources(F)

    def _serve(self, protocol: object, request: Request) -> Deferred[Block]:
        answer: Deferred[Block] = Deferred()
        self.requests.append((protocol, request, answer))
        return answer

    def ask(self) -> tuple[Deferred[Block], list[object]]:
        got: list[object] = []
        asked = self.sources.request(BOB, BLOCK)
        asked.addBoth(lambda result: got.append(getattr(result, "value", result)))
        self.met.bench.run(0.1)
        return asked, got


def test_a_block_is_asked_for_and_comes(bench: Bench) -> None:
    asked = Asked(bench)
    assert asked.sources.connected() == {BOB}
    _, got = asked.ask()
    ((_, request, answer),) = asked.requests
    assert (request.folder, request.name, request.block_no) == (F, "a", 3)
    assert (request.offset, request.size, request.hash) == (300, 10, b"h" * 32)
    assert request.from_temporary
    assert asked.sources.active(BOB) == 1
    answer.callback(b"0123456789")
    bench.run(0.1)
    assert [bytes(data) for data in got] == [b"0123456789"]  # type: ignore[call-overload]
    assert asked.sources.active(BOB) == 0


def test_a_refusal_tells_its_code(bench: Bench) -> None:
    asked = Asked(bench)
    _, got = asked.ask()
    asked.requests[0][2].errback(Refused(ErrorCode.NO_SUCH_FILE))
    bench.run(0.1)
    (error,) = got
    assert isinstance(error, SourceRefused) and error.code == 2


def test_a_lost_connection_fails_what_was_asked(bench: Bench) -> None:
    asked = Asked(bench)
    _, got = asked.ask()
    bench.wires.drop(ALICE, BOB)
    bench.run(0.1)
    assert isinstance(got[0], SourceLost)
    assert asked.sources.connected() == set()
    _, got = asked.ask()
    assert isinstance(got[0], SourceLost)


def test_a_cancelled_request_is_forgotten(bench: Bench) -> None:
    asked = Asked(bench)
    waiting, got = asked.ask()
    waiting.cancel()
    assert isinstance(got[0], CancelledError)
    assert asked.sources.active(BOB) == 0


def test_with_several_connections_the_first_is_left_to_the_index(bench: Bench) -> None:
    asked = Asked(bench, connections=3)
    asked.met.bob.dial(ALICE)
    asked.met.bob.dial(ALICE)
    for _ in range(3):
        asked.ask()
    first = asked.met.bob.links[0]
    assert all(protocol is not first for protocol, _, _ in asked.requests)


def test_who_loses_one_request_may_cancel_the_others(bench: Bench) -> None:
    asked = Asked(bench)
    waiting = [asked.sources.request(BOB, BLOCK) for _ in range(3)]
    ends: list[object] = []

    def give_up(failure: Failure) -> None:
        ends.append(failure.type)
        for other in waiting:
            other.cancel()

    for one in waiting:
        one.addErrback(give_up)
    bench.run(0.1)
    bench.wires.drop(ALICE, BOB)
    bench.run(0.1)
    assert ends == [SourceLost, CancelledError, CancelledError]
    assert asked.met.alice.connected_to(BOB) == 0


def test_what_one_of_several_connections_lost_is_asked_for_over_another(bench: Bench) -> None:
    asked = Asked(bench, connections=2)
    asked.met.bob.dial(ALICE)
    _, got = asked.ask()
    ((carrier, _, _),) = asked.requests
    carrier.close("superfluous")  # type: ignore[attr-defined]
    bench.run(0.1)
    assert len(asked.requests) == 2
    asked.requests[1][2].callback(b"0123456789")
    bench.run(0.1)
    assert [bytes(data) for data in got] == [b"0123456789"]  # type: ignore[call-overload]
