"""Reading in turns: nobody's flood keeps others from their turn, nothing is lost or reordered."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import Clock

from txsyncthing.bep.codec import encode
from txsyncthing.bep.framing import frame_head
from txsyncthing.bep.inflow import ROOM, Inflow
from txsyncthing.bep.messages import Close, Compression, Message

PIECE = b"".join(bytes(each) for each in encode(Close("bye"), Compression.NEVER))


class SlowClock(Clock):
    """Each look at it takes a millisecond."""

    def seconds(self) -> float:
        self.rightNow += 0.001
        return float(self.rightNow)

    def callLater(
        self, delay: float, callable: Callable[..., object], *args: object, **kw: object
    ) -> IDelayedCall:
        """Later by a second, so that each turn is seen."""
        return super().callLater(1.0, callable, *args, **kw)


class Tap:
    def __init__(self) -> None:
        self.running = True

    def pauseProducing(self) -> None:
        self.running = False

    def resumeProducing(self) -> None:
        self.running = True


class Reading:
    def __init__(self) -> None:
        self.clock = SlowClock()
        self.tap = Tap()
        self.got: list[Message] = []
        self.broken: list[str] = []
        self.then: Callable[[], None] = lambda: None
        self.inflow = Inflow(self.clock, self.tap, self.take, self.broken.append)

    def take(self, message: Message) -> None:
        self.got.append(message)
        self.then()


def test_a_flood_is_read_in_turns_while_the_tap_is_shut() -> None:
    reading = Reading()
    reading.inflow.feed(PIECE * 100)
    assert 0 < len(reading.got) < 20
    assert not reading.tap.running
    reading.inflow.feed(PIECE * 3)  # was on its way already
    for _ in range(40):
        before = len(reading.got)
        reading.clock.advance(1)
        assert len(reading.got) - before < 20
    assert reading.got == [Close("bye")] * 103
    opened: bool = reading.tap.running
    assert opened


def test_a_flood_of_unknown_messages_is_read_in_turns() -> None:
    reading = Reading()
    reading.inflow.feed((frame_head(99, 0, 0) + frame_head(99, 0, 3) + b"abc") * 100 + PIECE)
    assert not reading.got
    for _ in range(40):
        reading.clock.advance(1)
    assert reading.got == [Close("bye")]


def test_nothing_is_read_while_too_much_is_not_dealt_with() -> None:
    reading = Reading()
    reading.then = lambda: reading.inflow.hold(ROOM)
    reading.inflow.feed(PIECE * 3)
    assert len(reading.got) == 2 and not reading.tap.running
    reading.then = lambda: None
    reading.clock.advance(10)
    assert len(reading.got) == 2
    reading.inflow.release(2 * ROOM)
    reading.clock.advance(1)
    assert len(reading.got) == 3


def test_what_breaks_the_protocol_is_told_in_few_words() -> None:
    reading = Reading()
    body = b"\x1a\x02hi" + b"\x1a"
    reading.inflow.feed(frame_head(0, 0, len(body)) + body)
    assert reading.broken == ["broken message of type 0"]


def test_after_the_end_nothing_is_read() -> None:
    reading = Reading()
    reading.inflow.feed(PIECE * 100)
    count = len(reading.got)
    reading.inflow.stop()
    reading.inflow.feed(PIECE)
    reading.clock.advance(1)
    assert len(reading.got) == count
