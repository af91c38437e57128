"""Our node, whose reactor is measured while it works."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.heartbeat import Beats, read, told
from benchmarks.measure import until
from tests.interop.harness.daemon import Daemon, OurNode


class BeatingNode(OurNode):
    """Our node with ``benchmarks.heartbeat`` in it."""

    @property
    def beats(self) -> Path:
        return self.directory / "beats.json"

    def serve(self) -> list[str]:
        interpreter, _, _, *arguments = super().serve()
        return [interpreter, "-m", "benchmarks.heartbeat", str(self.beats), *arguments]

    def begin_anew(self) -> None:
        """Forget what was measured until now."""
        self.beats.unlink(missing_ok=True)
        until(self.beats.exists, "the heart beats")

    def measured(self) -> Beats:
        time.sleep(1.2)  # until it is written
        return read(self.beats)


def tell(daemons: tuple[Daemon, ...], when: str) -> None:
    """Print what was measured in each of ours that beats, and begin anew."""
    for daemon in daemons:
        if isinstance(daemon, BeatingNode) and daemon.running:
            print(
                "\n".join(told(f"{daemon.directory.name}, {when}", daemon.measured())), flush=True
            )
            daemon.begin_anew()
