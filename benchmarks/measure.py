"""What a daemon used while something was done: wall clock, CPU, memory."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.interop.harness.daemon import Daemon
from tests.interop.harness.waiting import TooLate


@dataclass(frozen=True, slots=True)
class Result:
    """
    One row for one contestant.

    ``cpu`` holds seconds for each daemon that took part (sender first), ``memory`` the peak of
    resident bytes likewise.
    """

    row: str
    contestant: str
    wall: float  # seconds
    cpu: tuple[float, ...]
    memory: tuple[int, ...]
    note: str = ""


class Meter:
    """Counts from its making on."""

    def __init__(self, *daemons: Daemon) -> None:
        self._daemons = daemons
        for daemon in daemons:
            forget_peak(daemon)
        self._cpu = [daemon.cpu() for daemon in daemons]
        self._begun = time.monotonic()

    @property
    def wall(self) -> float:
        return time.monotonic() - self._begun

    def result(self, row: str, wall: float | None = None, note: str = "") -> Result:
        """What was used until now; ``wall`` where the end was noted earlier."""
        took = self.wall if wall is None else wall
        used = [d.cpu() - before for d, before in zip(self._daemons, self._cpu, strict=True)]
        peaks = tuple(daemon.peak_memory() for daemon in self._daemons)
        return Result(row, self._daemons[0].label, took, tuple(used), peaks, note)


def forget_peak(daemon: Daemon) -> None:
    """Let the kernel count the peak of resident memory anew."""
    Path(f"/proc/{daemon.process.pid}/clear_refs").write_text("5")


def warm(directory: Path, size: int) -> None:
    """
    Take so much memory and give it back: a virtual machine's host takes free memory away, and getting
    it again would be measured.
    """
    path = directory / "warm"
    with path.open("wb") as file:
        for _ in range(size >> 20):
            file.write(bytes(1 << 20))
    path.unlink()


def until(done: Callable[[], bool], what: str, timeout: float = 900.0) -> None:
    """
    Wait; asks often, but spends little of the machine on asking: at most a tenth of the time.

    :raises TooLate: after ``timeout`` seconds.
    """
    begun = time.monotonic()
    while True:
        asked = time.monotonic()
        if done():
            return
        now = time.monotonic()
        if now - begun > timeout:
            raise TooLate(f"not within {timeout:g} s: {what}")
        time.sleep(min(0.5, max(0.01, 9 * (now - asked))))


def count_files(directory: Path) -> int:
    """Finished files below a directory; temporary ones do not count."""
    total = 0
    for _, directories, files in os.walk(directory):
        directories[:] = [name for name in directories if name != ".stfolder"]
        total += sum(1 for name in files if not name.startswith(".syncthing."))
    return total
