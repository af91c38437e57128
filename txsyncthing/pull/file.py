"""
One larger file on its way: open its temporary file, see what is there, copy, fetch, put it in its place.

Source: reference 5.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from automat import TypeMachineBuilder

from txsyncthing.vocabulary.error import ItemError


class FileWork(Protocol):
    """What a file does to the world; each answer comes as an input, perhaps at once."""

    def prepare(self, pulled: PulledFile) -> None:
        """Open the temporary file and look what is in it; then ``prepared``."""

    def copy(self, pulled: PulledFile) -> None:
        """Copy what local files have; then ``copied``."""

    def fetch(self, pulled: PulledFile) -> None:
        """Ask devices for the rest; ``stored`` for each."""

    def finish(self, pulled: PulledFile) -> None:
        """Put the file in its place; then ``finished``."""

    def close(self, error: ItemError | None) -> None:
        """
        It is over: forget what was asked for, close the temporary file as soon as no worker has it.

        :param error: why; None if it is done, or was stopped.
        """


class PulledFile(Protocol):
    """What can happen to a file on its way."""

    def start(self) -> None:
        """Begin."""

    def prepared(self) -> None:
        """The temporary file is open and what it holds is known."""

    def copied(self, missing: int) -> None:
        """All that is here is copied; so many blocks have to be fetched."""

    def stored(self, count: int) -> None:
        """So many more blocks are verified and written."""

    def finished(self) -> None:
        """The file is in its place."""

    def failed(self, error: ItemError) -> None:
        """It cannot go on now."""

    def stop(self) -> None:
        """Nobody wants it any more; the temporary file stays. A file that is being placed is placed."""

    def _complete(self) -> None:
        """All blocks are there."""


@dataclass
class Missing:
    """How many blocks are still to come."""

    count: int


@dataclass
class Core:
    """What all states share."""

    work: FileWork


def missing(inputs: PulledFile, core: Core, missing: int) -> Missing:
    return Missing(missing)


builder = TypeMachineBuilder(PulledFile, Core)
new = builder.state("new")
preparing = builder.state("preparing")
copying = builder.state("copying")
fetching = builder.state("fetching", missing)  # data: what is still to come
finishing = builder.state("finishing")
done = builder.state("done")
failed = builder.state("failed")
stopped = builder.state("stopped")

finishing.upon(PulledFile.stop).loop().returns(None)
for started in (preparing, copying, fetching, finishing, done, failed, stopped):
    started.upon(PulledFile.start).loop().returns(None)
for other in (new, copying, fetching, finishing, done, failed, stopped):
    other.upon(PulledFile.prepared).loop().returns(None)  # a worker's late answer
for other in (new, preparing, fetching, finishing, done, failed, stopped):
    other.upon(PulledFile.copied).loop().returns(None)
for other in (new, preparing, copying, finishing, done, failed, stopped):
    other.upon(PulledFile.stored).loop().returns(None)
for other in (new, preparing, copying, fetching, done, failed, stopped):
    other.upon(PulledFile.finished).loop().returns(None)
for over in (done, failed, stopped):
    over.upon(PulledFile.failed).loop().returns(None)
    over.upon(PulledFile.stop).loop().returns(None)


@new.upon(PulledFile.start).to(preparing)
def prepare(inputs: PulledFile, core: Core) -> None:
    core.work.prepare(inputs)


@preparing.upon(PulledFile.prepared).to(copying)
def copy(inputs: PulledFile, core: Core) -> None:
    core.work.copy(inputs)


@copying.upon(PulledFile.copied).to(fetching)
def fetch(inputs: PulledFile, core: Core, missing: int) -> None:
    if missing:
        core.work.fetch(inputs)
    else:
        inputs._complete()


@fetching.upon(PulledFile.stored).loop()
def count(inputs: PulledFile, core: Core, left: Missing, count: int) -> None:
    left.count -= count
    if left.count == 0:
        inputs._complete()


@fetching.upon(PulledFile._complete).to(finishing)
def finish(inputs: PulledFile, core: Core, left: Missing) -> None:
    core.work.finish(inputs)


@finishing.upon(PulledFile.finished).to(done)
def close(inputs: PulledFile, core: Core) -> None:
    core.work.close(None)


@new.upon(PulledFile.failed).to(failed)
@preparing.upon(PulledFile.failed).to(failed)
@copying.upon(PulledFile.failed).to(failed)
@finishing.upon(PulledFile.failed).to(failed)
def give_up(inputs: PulledFile, core: Core, error: ItemError) -> None:
    core.work.close(error)


@fetching.upon(PulledFile.failed).to(failed)
def give_up_fetching(inputs: PulledFile, core: Core, left: Missing, error: ItemError) -> None:
    core.work.close(error)


@new.upon(PulledFile.stop).to(stopped)
@preparing.upon(PulledFile.stop).to(stopped)
@copying.upon(PulledFile.stop).to(stopped)
def stop(inputs: PulledFile, core: Core) -> None:
    core.work.close(None)


@fetching.upon(PulledFile.stop).to(stopped)
def stop_fetching(inputs: PulledFile, core: Core, left: Missing) -> None:
    core.work.close(None)


new_file = builder.build()
