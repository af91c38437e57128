"""
config.xml on disk: loading it, and saving it after each change.

A file is never half written: the new one is complete and synced under another name before it takes
the old one's place. A file that is not valid is refused and stays as it is.

Source: reference 6.1 "File", "Archive", "Save trigger" (lib/config/wrapper.go, lib/syncthing/utils.go).
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import ParamSpec, Protocol, TypeVar

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from txsyncthing.clock import Clock, Timer
from txsyncthing.config.config import NEWEST_VERSION, Configuration, InvalidConfiguration
from txsyncthing.config.diff import Change
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.config.migrations import migrate
from txsyncthing.config.xml import MAX_BYTES, ROOT, from_xml, parse, version_of
from txsyncthing.config.xml_write import to_xml

P = ParamSpec("P")
T = TypeVar("T")

_MODE = 0o600  # the file holds the API key and passwords
RETRY = 60.0  # seconds after a save that failed


class ConfigurationUnsaved(Exception):
    """The configuration is in force but could not be written; says which file and why."""


class Lane(Protocol):
    """Where the disk is waited for; see runtime/worker_service.py."""

    def run(self, job: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Deferred[T]:
        """Run the job off the reactor."""


class Log(Protocol):
    """Where a failed save is told; see runtime/log_service.py."""

    def error(self, format: str, /, **fields: object) -> None:
        """One line."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a file holds, and in which version it was (other than ours: it was migrated)."""

    configuration: Configuration
    file_version: int


def load(path: str, *, allow_newer: bool = False) -> Loaded:
    """
    Read a file; blocks. Nothing is written.

    :param allow_newer: try a version that is newer than all we know.
    :raises InvalidConfiguration: naming the element, its value and what is allowed.
    :raises OSError: it cannot be read.
    """
    tree = parse(_read(path))
    version = version_of(tree)
    if version > NEWEST_VERSION and not allow_newer:
        raise InvalidConfiguration(
            f"{ROOT}/version",
            version,
            f"up to {NEWEST_VERSION}; or start with --allow-newer-config",
        )
    migrate(tree)
    return Loaded(from_xml(tree), version)


def save(path: str, configuration: Configuration) -> None:
    """
    Write a file so that it says the configuration; blocks.

    What is there keeps its order and what we do not know; a file that says the same already is not touched.
    A file of an older version that had to be migrated is kept as ``config.xml.v<version>``, one that
    somebody damaged meanwhile as ``config.xml.damaged``.

    :raises OSError: it cannot be written; the old file is still there.
    """
    tree = None
    try:
        before = _read(path)
    except FileNotFoundError:
        before = b""
    if before:
        try:
            tree = parse(before)
            version = version_of(tree)
            migrated = migrate(tree)
            same = not migrated and from_xml(tree) == configuration
        except InvalidConfiguration:
            tree = None
            replace_file(f"{path}.damaged", before)
        else:
            if same:
                return
            if migrated:
                replace_file(f"{path}.v{version}", before)
    replace_file(path, to_xml(configuration, tree))


class ConfigFileService(Service):
    """
    Save after each change of the holder, one save at a time, always the newest.

    What could not be saved is in force all the same, as a whole, and is tried again: not each change has a
    user who would see it fail.

    :param told: called with each configuration that is on disk now (the event ConfigSaved).
    """

    def __init__(
        self,
        path: str,
        holder: ConfigHolder,
        lane: Lane,
        log: Log,
        told: Callable[[Configuration], None] = lambda _: None,
        clock: Clock | None = None,
    ) -> None:
        self._path = path
        self._holder = holder
        self._lane = lane
        self._told = told
        self._log = log
        self._wanted: Configuration | None = None
        self._saving = False
        self._error: ConfigurationUnsaved | None = None
        self._waiting: list[Deferred[None]] = []
        self._clock = clock
        self._retry: Timer | None = None
        self._unsubscribe: Callable[[], None] = lambda: None

    @property
    def in_sync(self) -> bool:
        """Whether the file says what is in force (``/rest/config/insync``)."""
        return self._wanted is None and not self._saving and self._error is None

    def startService(self) -> None:
        self.running = True
        self._unsubscribe = self._holder.subscribe(self._changed)

    def stopService(self) -> Deferred[None]:
        """Fires when the last save is over, well or not."""
        self.running = False
        self._unsubscribe()
        self._forget_retry()
        if self._error is not None and not self._saving:
            self._again()
        return self.saved().addErrback(lambda failure: failure.trap(ConfigurationUnsaved) and None)

    def save(self) -> Deferred[None]:
        """Write what is in force now, changed or not."""
        self._wanted = self._holder.current
        self._pump()
        return self.saved()

    def saved(self) -> Deferred[None]:
        """
        Fires when all that is in force now is on disk.

        Fails with ConfigurationUnsaved; the next change, or ``save``, tries again.
        """
        waiting: Deferred[None] = Deferred()
        self._waiting.append(waiting)
        self._settle()
        return waiting

    def _changed(self, old: Configuration, new: Configuration, changes: list[Change]) -> None:
        self._wanted = new
        self._pump()

    def _again(self) -> None:
        self._retry = None
        self._wanted = self._holder.current
        self._pump()

    def _forget_retry(self) -> None:
        retry, self._retry = self._retry, None
        if retry is not None:
            retry.cancel()

    def _pump(self) -> None:
        if self._wanted is None or self._saving:
            return
        self._forget_retry()
        configuration, self._wanted = self._wanted, None
        self._saving = True
        done = self._lane.run(save, self._path, configuration)
        done.addCallbacks(self._written, self._failed, callbackArgs=(configuration,))

    def _written(self, _: None, configuration: Configuration) -> None:
        self._saving = False
        self._error = None
        self._told(configuration)
        self._pump()
        self._settle()

    def _failed(self, failure: Failure) -> None:
        self._saving = False
        self._error = ConfigurationUnsaved(f"{self._path}: {failure.value}")
        self._log.error(
            "configuration not saved: {path}: {error}", path=self._path, error=failure.value
        )
        if self.running and self._clock is not None:
            self._retry = self._clock.callLater(RETRY, self._again)
        self._pump()
        self._settle()

    def _settle(self) -> None:
        if self._saving or self._wanted is not None:
            return
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if self._error is None:
                one.callback(None)
            else:
                one.errback(self._error)


def _read(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(MAX_BYTES + 1)


def replace_file(path: str, data: bytes) -> None:
    """Put data in a file's place, whole or not at all; a link is followed, its target replaced."""
    path = os.path.realpath(path)
    temporary = f"{path}.tmp"
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, _MODE)
    try:
        with open(descriptor, "wb") as file:
            os.fchmod(descriptor, _MODE)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.rename(temporary, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(temporary)
        raise
    directory = os.open(os.path.dirname(path), os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
