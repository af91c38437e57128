"""
Send our index of one folder to one device: everything after a sequence number, then each change.

Source: reference 2.5 (lib/model/indexhandler.go).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from automat import TypeMachineBuilder

from txsyncthing.bep.messages import Index, IndexUpdate
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID


class SenderWorld(Protocol):
    """What a sender does to the world around it. Nothing here may raise."""

    def read(self, after: int) -> None:
        """Read the next local items after this sequence; ``batch`` follows."""

    def send(self, message: Index | IndexUpdate) -> bool:
        """Queue it; the answer is whether there is room for another."""

    def wait(self) -> None:
        """Call ``room`` when there is room again."""


class Sender(Protocol):
    """What can happen to an index sender."""

    def start(self) -> None:
        """The peer may have our index."""

    def grew(self, sequence: int) -> None:
        """We have local changes up to this sequence."""

    def batch(self, files: Sequence[FileInfo]) -> None:
        """What was read, in order of sequence; empty: there is no more."""

    def room(self) -> None:
        """The connection takes more."""

    def stop(self) -> None:
        """The peer may have it no longer, or is gone. The end."""

    def _next(self) -> None:
        """Go on reading."""

    def _full(self) -> None:
        """The connection takes no more."""

    def _done(self) -> None:
        """The peer has all we have."""


@dataclass
class Core:
    """What all states share: the seam, and how far we are."""

    world: SenderWorld
    folder: FolderID
    sent: int  # the last sequence that the peer got, or had
    newest: int  # the last local sequence we know of
    fresh: bool  # the first message is an Index: the peer shall forget what it knows
    asked: int = 0  # what ``newest`` was when we last read


builder = TypeMachineBuilder(Sender, Core)
idle = builder.state("idle")
reading = builder.state("reading")
behind = builder.state("behind")  # there is more, but the connection is full
live = builder.state("live")  # the peer has all
stopped = builder.state("stopped")

behind.upon(Sender._full).loop().returns(None)
reading.upon(Sender._done).to(live).returns(None)
idle.upon(Sender.stop).to(stopped).returns(None)
reading.upon(Sender.stop).to(stopped).returns(None)
behind.upon(Sender.stop).to(stopped).returns(None)
live.upon(Sender.stop).to(stopped).returns(None)
for begun in (reading, behind, live, stopped):
    begun.upon(Sender.start).loop().returns(None)
for not_reading in (idle, behind, live, stopped):
    not_reading.upon(Sender.batch).loop().returns(None)
for not_behind in (idle, reading, live, stopped):
    not_behind.upon(Sender.room).loop().returns(None)
stopped.upon(Sender.grew).loop().returns(None)
stopped.upon(Sender.stop).loop().returns(None)


def go_on(inputs: Sender, core: Core) -> None:
    """More, or enough."""
    if core.newest > core.sent:
        core.asked = core.newest
        core.world.read(core.sent)
    else:
        inputs._done()


@idle.upon(Sender.start).to(reading)
def begin(inputs: Sender, core: Core) -> None:
    go_on(inputs, core)


@idle.upon(Sender.grew).loop()
@reading.upon(Sender.grew).loop()
@behind.upon(Sender.grew).loop()
def note(inputs: Sender, core: Core, sequence: int) -> None:
    core.newest = max(core.newest, sequence)


@live.upon(Sender.grew).to(reading)
def wake(inputs: Sender, core: Core, sequence: int) -> None:
    core.newest = max(core.newest, sequence)
    go_on(inputs, core)


@reading.upon(Sender.batch).loop()
def pass_on(inputs: Sender, core: Core, files: Sequence[FileInfo]) -> None:
    if not files:  # what we knew of was replaced by later sequences
        if core.newest > core.asked:
            inputs._next()
        else:
            inputs._done()
        return
    previous, last = core.sent, files[-1].sequence
    message: Index | IndexUpdate
    if core.fresh:
        message = Index(core.folder, tuple(files), last)
    else:
        message = IndexUpdate(core.folder, tuple(files), last, previous)
    core.fresh, core.sent = False, last
    if core.world.send(message):
        inputs._next()
    else:
        inputs._full()


@reading.upon(Sender._next).loop()
def read_on(inputs: Sender, core: Core) -> None:
    go_on(inputs, core)


@reading.upon(Sender._full).to(behind)
def rest(inputs: Sender, core: Core) -> None:
    core.world.wait()


@behind.upon(Sender.room).to(reading)
def resume(inputs: Sender, core: Core) -> None:
    go_on(inputs, core)


new_sender: Callable[[Core], Sender] = builder.build()
