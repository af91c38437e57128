"""A reactor for sockets which runs when told to: real sockets, a clock that stands still."""

from __future__ import annotations

import select
from typing import Any

from twisted.internet.interfaces import IReadDescriptor, IWriteDescriptor
from twisted.internet.task import Clock
from twisted.python.failure import Failure


class PumpReactor(Clock):
    """Calls readers and writers as the real reactor does, in ``run_ready``."""

    def __init__(self) -> None:
        super().__init__()
        self.readers: set[Any] = set()
        self.writers: set[Any] = set()

    def addReader(self, reader: IReadDescriptor, /) -> None:
        self.readers.add(reader)

    def removeReader(self, reader: IReadDescriptor, /) -> None:
        self.readers.discard(reader)

    def addWriter(self, writer: IWriteDescriptor, /) -> None:
        self.writers.add(writer)

    def removeWriter(self, writer: IWriteDescriptor, /) -> None:
        self.writers.discard(writer)

    def run_ready(self, turns: int = 200) -> None:
        """Run until nothing is ready any more, or for so many turns."""
        for _ in range(turns):
            self.advance(0)
            readable, writable, _ = select.select(self.readers, self.writers, [], 0.002)
            if not readable and not writable:
                return
            for each in readable:
                if each in self.readers:
                    self._handle(each, each.doRead())
            for each in writable:
                if each in self.writers:
                    self._handle(each, each.doWrite())

    def _handle(self, descriptor: Any, why: Exception | None) -> None:
        if why is not None:
            self.readers.discard(descriptor)
            self.writers.discard(descriptor)
            descriptor.connectionLost(Failure(why))
