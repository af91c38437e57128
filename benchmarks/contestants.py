"""Who takes part: our node and the official daemons that are here."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from tests.interop.harness import peers
from tests.interop.harness.daemon import Daemon, OfficialDaemon, OurNode
from tests.interop.harness.pair import Pair

OURS = OurNode.label
Maker = Callable[[Path], Daemon]


def available() -> dict[str, Maker]:
    """A maker of daemons for each contestant; ours first."""
    found: dict[str, Maker] = {OURS: OurNode}
    for version in peers.VERSIONS:
        binary = peers.find(version)
        if binary is not None:
            found[version] = official(binary, version)
    return found


def official(binary: Path, version: str) -> Maker:
    return lambda directory: OfficialDaemon(directory, binary, version)


class Arena:
    """The place where one contestant meets itself, or works alone; leaves nothing behind."""

    def __init__(self, make: Maker, directory: Path) -> None:
        self._make = make
        self.directory = directory
        self._daemons: list[Daemon] = []

    def __enter__(self) -> Arena:
        shutil.rmtree(self.directory, ignore_errors=True)
        return self

    def __exit__(self, *_: object) -> None:
        for daemon in self._daemons:
            daemon.kill()
        shutil.rmtree(self.directory, ignore_errors=True)

    def daemon(self, name: str) -> Daemon:
        made = self._make(self.directory / name)
        self._daemons.append(made)
        return made

    def single(self, folder: str) -> Daemon:
        """One running daemon with an empty folder."""
        daemon = self.daemon("a")
        daemon.prepare()
        daemon.folders[folder] = daemon.directory / "folders" / folder
        daemon.home.add_folder(folder, daemon.folders[folder], [daemon.device])
        daemon.start()
        daemon.rescan(folder)
        return daemon

    def pair(self, folder: str, attributes: dict[str, str] | None = None) -> Pair:
        """
        Two running daemons of the same kind, connected, with an empty folder shared.

        :param attributes: of its element.
        """
        pair = Pair(self.daemon("a"), self.daemon("b"))
        pair.prepare([folder], attributes)
        pair.start()
        return pair
