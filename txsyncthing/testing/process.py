"""
The process of a node, as far as it can die: its timers, its jobs, its wires.

What dies does so between two steps of its workers or between two calls of its timers. Nothing of it moves
afterwards, whatever references are left.
"""

from __future__ import annotations

from collections.abc import Callable

from txsyncthing.clock import Clock, Timer


class Killed(BaseException):
    """Raised in a job of a process that is no more. No code of ours may catch it."""


class ProcessTimer:
    """A pending call; once the process is dead it neither comes nor can it be too late to cancel it."""

    __slots__ = ("_args", "_call", "_process", "_timer")

    def __init__(
        self,
        process: Process,
        delay: float,
        call: Callable[..., object],
        args: tuple[object, ...],
    ) -> None:
        self._process = process
        self._call = call
        self._args = args
        self._timer = process.clock.callLater(delay, self._due)

    def _due(self) -> None:
        if self._process.alive:
            self._call(*self._args)
        else:
            self._process.limbo.append(self)

    def active(self) -> bool:
        return self._timer.active()

    def cancel(self) -> None:
        if self._process.alive:
            self._timer.cancel()


class Process:
    """
    Satisfies ``Clock``: a process's timers end with it.

    :param died: called when the fuse has burnt down; it calls ``die``.
    :ivar fuse: how many steps are left; 0: no end is planned.
    :ivar dying: it ends in the middle of a job; whoever runs the job then buries it.
    :ivar limbo: what a dead process waits for. As long as it is here no coroutine of the process is
        collected, which would let it run through its ``finally``.
    """

    def __init__(self, clock: Clock, died: Callable[[], object] = lambda: None) -> None:
        self.clock = clock
        self._died = died
        self._ends: list[Callable[[], object]] = []
        self.alive = True
        self.dying = False
        self.fuse = 0
        self.steps = 0
        self.limbo: list[object] = []

    def seconds(self) -> float:
        return self.clock.seconds()

    def callLater(self, delay: float, callable: Callable[..., object], /, *args: object) -> Timer:
        return ProcessTimer(self, delay, callable, args)

    def step(self) -> None:
        """
        A worker is about to touch a disk.

        :raises Killed: it must not.
        """
        if not self.alive:
            raise Killed
        self.steps += 1
        if self.fuse:
            self.fuse -= 1
            if not self.fuse:
                self.dying = True
                self._died()
                raise Killed

    def at_end(self, call: Callable[[], object]) -> None:
        """Call this when the process is dead, outside of all jobs."""
        self._ends.append(call)

    def die(self) -> None:
        """Nothing of it moves any more."""
        self.alive = False
        self.fuse = 0
        if not self.dying:
            self.bury()

    def bury(self) -> None:
        """The process is dead and none of its jobs runs."""
        ends, self._ends = self._ends, []
        for call in ends:
            call()
