"""
External versioning: a command of the owner's takes each old file away.

It runs in a worker that has nothing else to do than this folder, since it may take its time. It is ended,
with all that it began, when the time is over or the folder stops.

Source: reference 5.7 ("external").
"""

from __future__ import annotations

import errno
import os
import select
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from time import monotonic

from txsyncthing.config.entry import BASIC
from txsyncthing.filesystem.seam import Filesystem, Stat
from txsyncthing.versions.command import Command
from txsyncthing.versions.place import look

TIME_LIMIT = 600.0  # seconds for one file
TAIL = 3  # lines of the output that an error tells
OUTPUT = 4096  # bytes of it that are kept
POLL = 0.1  # seconds between looks at a command
_SECRETS = ("STGUIAUTH", "STGUIAPIKEY")


class External:
    """
    Satisfies ``pull.keeping.Versioner``.

    :param folder: the absolute path of the folder.
    :param environment: of our own process.
    """

    def __init__(
        self,
        command: Command,
        folder: str,
        environment: Mapping[str, str] = os.environ,
        limit: float = TIME_LIMIT,
    ) -> None:
        self.command = command
        self.folder = folder
        self.limit = limit
        self.stopping = False
        self._environment = {
            key: value for key, value in environment.items() if key not in _SECRETS
        }

    def begin(self, now: float) -> Job:
        return Job(self)

    def stop(self) -> None:
        """End the command that runs, and begin none."""
        self.stopping = True

    def run(self, name: str) -> None:
        """
        Let the command take a file away; blocks.

        :raises OSError: it failed; ``strerror`` has the last lines of what it said.
        :raises TimeoutError: it took too long.
        """
        environment = {
            **self._environment,
            "FOLDER_PATH": self.folder,
            "FILE_PATH": name,
            "FOLDER_FILESYSTEM": BASIC,
        }
        if self.stopping:
            raise OSError(errno.ECANCELED, "external versioner: archive: the folder is stopped")
        try:
            process = subprocess.Popen(
                self.command.fill(self.folder, name, BASIC),
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            text = f"external versioner: archive: {self.command.words[0]}: {error.strerror}"
            raise OSError(error.errno, text) from None
        self._wait(process)

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        assert process.stdout is not None
        output = b""
        end = monotonic() + self.limit
        trouble = ""
        try:
            with process.stdout as pipe:
                os.set_blocking(pipe.fileno(), False)
                silent = False  # the pipe is closed
                while process.poll() is None:
                    if self.stopping:
                        trouble = "the folder is stopped"
                    elif monotonic() > end:
                        trouble = f"it took longer than {self.limit:g} seconds"
                    if trouble:
                        break
                    if silent:
                        with suppress(subprocess.TimeoutExpired):
                            process.wait(POLL)
                    elif select.select([pipe], [], [], POLL)[0]:
                        some = os.read(pipe.fileno(), OUTPUT)
                        output = (output + some)[-OUTPUT:]
                        silent = not some
                # Only what is there: something that it left in the background may never close the pipe.
                with suppress(BlockingIOError):
                    while some := os.read(pipe.fileno(), OUTPUT):
                        output = (output + some)[-OUTPUT:]
        finally:
            if process.poll() is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
        if trouble:
            kind = OSError if self.stopping else TimeoutError
            raise kind(errno.ETIMEDOUT, _text(trouble, output))
        if process.returncode:
            code = process.returncode
            trouble = f"exit status {code}" if code > 0 else f"ended by signal {-code}"
            raise OSError(errno.EIO, _text(trouble, output))


class Job:
    """One job of many files. Satisfies ``pull.keeping.Keeper``."""

    def __init__(self, external: External) -> None:
        self._external = external
        self._late: OSError | None = None

    def copy(self, filesystem: Filesystem, name: str, found: Stat) -> Callable[[bool], None]:
        if not _is_still(filesystem, name, found):
            raise OSError(
                errno.EAGAIN, "external versioner: archive: the file has just been changed"
            )
        self._run(filesystem, name)
        return _over

    def move(self, filesystem: Filesystem, name: str, found: Stat) -> bool:
        if not _is_still(filesystem, name, found):
            return False
        self._run(filesystem, name)
        return True

    def end(self, sync: bool) -> None:
        """What the command did is its own business."""

    def _run(self, filesystem: Filesystem, name: str) -> None:
        if self._late is not None:  # what hangs for one file would hang for each
            text = "external versioner: archive: not tried, since it took too long for another file"
            raise OSError(errno.ETIMEDOUT, text)
        try:
            self._external.run(name)
        except TimeoutError as error:
            self._late = error
            raise
        if look(filesystem, name) is not None:
            raise OSError(
                errno.EEXIST,
                "external versioner: archive: the command ran, but the file is still there",
            )


def _is_still(filesystem: Filesystem, name: str, found: Stat) -> bool:
    """
    Whether a file is the one that was found, its time of change included.

    The command itself takes whatever is there when it comes to that: nobody can close that gap for it.
    """
    return look(filesystem, name) == found


def _over(replaced: bool) -> None:
    """The command has the file; there is nothing to take back."""


def _text(trouble: str, output: bytes) -> str:
    lines = output.decode("utf-8", "replace").split("\n")
    said = " | ".join(line.strip() for line in lines if line.strip()) if output else ""
    last = " | ".join(said.split(" | ")[-TAIL:])
    printable = "".join(letter if letter.isprintable() else "?" for letter in last)
    return f"external versioner: archive: {trouble}" + (f": {printable}" if printable else "")
