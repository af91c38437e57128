"""
The peer's Requests on their way to an answer: a bounded number of bytes at a time.

Reading never pauses for them: two peers that both stop reading until the other reads would wait forever.

Source: reference 2.7.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from txsyncthing.bep.exchange import RequestDesk
from txsyncthing.bep.messages import Block, ErrorCode, Request, Response
from txsyncthing.bep.seam_protocol import Refused


class Answers:
    """
    :param serve: reads one block.
    :param send: queues an answer, of a Request of that size; ``left`` follows when it is written.
    """

    def __init__(
        self,
        serve: Callable[[Request], Deferred[Block]],
        send: Callable[[Response, int], None],
    ) -> None:
        self._serve = serve
        self._send = send
        self._desk = RequestDesk()
        self._reading: dict[int, Deferred[None]] = {}
        self._begun = 0  # counts them, as a peer may use an id twice
        self._beginning = False
        self._stopped = False

    def offer(self, request: Request) -> None:
        """
        Answer this one, now or when there is room.

        :raises TooManyRequests: the peer wants more than it can ever get.
        """
        self._desk.offer(request)
        self._begin()

    def left(self, size: int) -> None:
        """The answer to a Request of this size was written; there is room for another."""
        self._desk.done(size)
        self._begin()

    def stop(self) -> None:
        """Nobody wants answers any more."""
        self._stopped = True
        self._desk.clear()
        for reading in list(self._reading.values()):
            reading.cancel()

    def _begin(self) -> None:
        if self._beginning:
            return  # the loop below goes on
        self._beginning = True
        try:
            while not self._stopped and (request := self._desk.next()) is not None:
                self._read(request)
        finally:
            self._beginning = False

    def _read(self, request: Request) -> None:
        number = self._begun = self._begun + 1
        reading = self._serve(request).addCallbacks(
            self._found,
            self._refuse,
            callbackArgs=(request,),
            errbackArgs=(request,),
        )
        if not reading.called:
            self._reading[number] = reading
            reading.addBoth(self._forget, number)

    def _forget(self, result: None, number: int) -> None:
        del self._reading[number]

    def _found(self, data: Block, request: Request) -> None:
        self._answer(Response(request.id, data), request)

    def _refuse(self, failure: Failure, request: Request) -> None:
        error = failure.value
        code = error.code if isinstance(error, Refused) else ErrorCode.GENERIC
        self._answer(Response(request.id, b"", code), request)

    def _answer(self, response: Response, request: Request) -> None:
        if not self._stopped:
            self._send(response, request.size)
