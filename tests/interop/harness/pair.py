"""Two daemons which know each other and share folders."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path

from tests.interop.harness.daemon import Daemon
from tests.interop.harness.trees import differences, snapshot
from tests.interop.harness.waiting import TooLate, wait_until

TOTALS = ("globalFiles", "globalDirectories", "globalSymlinks", "globalBytes")


class Pair:
    """
    A left and a right daemon, connected, with the same folders shared.

    Folders are made known before the start, a number of empty ones at once: each scenario takes
    one of its own, and nothing of another can disturb it.
    """

    def __init__(self, left: Daemon, right: Daemon) -> None:
        self.left = left
        self.right = right
        self.folders: set[str] = set()
        self._untouched: list[str] = []

    @property
    def both(self) -> tuple[Daemon, Daemon]:
        return self.left, self.right

    def other(self, daemon: Daemon) -> Daemon:
        return self.right if daemon is self.left else self.left

    def prepare(
        self,
        folders: Iterable[str] = ("default",),
        attributes: dict[str, str] | None = None,
        elements: dict[str, str] | None = None,
    ) -> None:
        """
        Make both homes, and folders of these names below each daemon's directory.

        :param attributes: of each ``<folder>`` element, see ``Home.add_folder``.
        :param elements: its child elements.
        """
        for daemon in self.both:
            daemon.prepare()
        for daemon in self.both:
            peer = self.other(daemon)
            daemon.home.add_device(peer.device, peer.address, peer.label)
        for folder in folders:
            self.add_folder(folder, attributes, elements)

    def add_folder(
        self,
        folder: str,
        attributes: dict[str, str] | None = None,
        elements: dict[str, str] | None = None,
    ) -> None:
        """Share one more folder; only while neither runs."""
        for daemon in self.both:
            path = daemon.folders[folder] = daemon.directory / "folders" / folder
            devices = [self.left.device, self.right.device]
            daemon.home.add_folder(folder, path, devices, attributes, elements)
        self.folders.add(folder)
        self._untouched.append(folder)

    def take_folder(self) -> str:
        """A folder that no scenario has used yet."""
        return self._untouched.pop(0)

    def start(self) -> None:
        for daemon in self.both:
            daemon.start()
        self.wait_connected()

    def stop(self) -> None:
        """Stop both politely; neither has complained of itself in all that happened."""
        for daemon in self.both:
            daemon.stop()
            complaints = daemon.complaints()
            assert not complaints, "\n".join([daemon.label, *complaints])

    def destroy(self) -> None:
        """Kill both and remove all they left on disk."""
        for daemon in self.both:
            daemon.kill()
            shutil.rmtree(daemon.directory, ignore_errors=True)

    def wait_connected(self, timeout: float = 60.0) -> None:
        def connected() -> bool:
            return self.left.connected(self.right.device) and self.right.connected(self.left.device)

        wait_until(connected, f"{self.left.label} and {self.right.label} are connected", timeout)

    def settled(self, folder: str) -> bool:
        """
        Whether both are idle, need nothing in their own and the other's eyes, and see the same whole.

        Each side is asked for its status once, so that "needs nothing" and "sees the whole" are said
        of the same moment: before the peer's index has come, a side seems to need nothing.
        """
        left, right = (daemon.status(folder) for daemon in self.both)
        for status in (left, right):
            if status["state"] != "idle" or status["needTotalItems"] or status["needDeletes"]:
                return False
        if any(left[total] != right[total] for total in TOTALS):
            return False
        # An official daemon may answer a scan before its completion of us knows of what it found.
        heard = left.get("remoteSequence") or {}
        if heard.get(self.right.device, right["sequence"]) < right["sequence"]:
            return False
        for daemon in self.both:
            theirs = daemon.completion(folder, self.other(daemon).device)
            if theirs["needItems"] or theirs["needDeletes"] or theirs["needBytes"]:
                return False
            if theirs.get("remoteState", "valid") != "valid":  # 1.19 does not say
                return False
        return True

    def wait_in_sync(self, folder: str, timeout: float = 60.0) -> None:
        """
        Wait until both are idle and complete, each in its own eyes and in the other's.

        Changes must have been scanned before: then the scanning side knows that the other lacks
        something, and no moment in between looks like the end.

        :raises TooLate: with what each side says of the folder.
        """
        try:
            wait_until(lambda: self.settled(folder), f"folder {folder} is in sync", timeout)
        except TooLate as error:
            raise TooLate(f"{error}\n{self.describe(folder)}") from None

    def describe(self, folder: str) -> str:
        """What each side says of a folder, for a failure's message."""
        lines = []
        for daemon in self.both:
            peer = self.other(daemon).device
            lines += [
                f"--- {daemon.label}",
                f"status {daemon.status(folder)}",
                f"completion of the peer {daemon.completion(folder, peer)}",
                f"errors {daemon.get('/rest/folder/errors', folder=folder)['errors']}",
                f"notices {daemon.errors()}",
                f"log {daemon.tail(20)}",
            ]
        return "\n".join(lines)

    def sync(self, folder: str, *changed: Daemon, timeout: float = 60.0) -> None:
        """Scan where something changed, wait for both, and compare the trees."""
        for daemon in changed or self.both:
            daemon.rescan(folder)
        self.wait_in_sync(folder, timeout)
        self.assert_equal(folder)

    def trees(self, folder: str) -> tuple[Path, Path]:
        return self.left.folders[folder], self.right.folders[folder]

    def assert_equal(self, folder: str) -> None:
        """Both trees have the same names, types, modes, bytes, targets and times."""
        left, right = self.trees(folder)
        found = differences(snapshot(left), snapshot(right))
        assert not found, "\n".join(found[:20]) + "\n" + self.describe(folder)
