"""
What devices tell becomes configuration: their names, whom an introducer vouches for, the folders that are
accepted without a question.

Whatever one Cluster Config changes is one change of the configuration: it is in force as a whole or not at
all, and saved as one.

Source: reference 2.1 ("Name adoption"), 3.5.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from twisted.internet.defer import Deferred, DeferredLock

from txsyncthing.bep.messages import ClusterConfig
from txsyncthing.clock import Clock, Timer
from txsyncthing.cluster.accept import Unacceptable, judge
from txsyncthing.cluster.auto_accept import Candidate, accept, candidates
from txsyncthing.cluster.introduce import Decided, introduce
from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.runtime.log_service import Log
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID

MAX_CHANGES = 20  # of our configuration, that one device causes in
WINDOW = (
    60.0  # seconds; more have to wait: introducers in a ring might chase each other without end
)


class Places(Protocol):
    """Makes the directories of folders that are accepted (node/places.py)."""

    def claim(
        self, configuration: Configuration, wanted: Sequence[Candidate]
    ) -> Awaitable[Mapping[FolderID, str]]:
        """
        Make a directory for each folder, with the default ignores in it, below the default folder's path.

        None that exists is taken, nor one where another folder is configured.

        :returns: the paths; a folder that got none is left out.
        """

    def release(self, paths: Sequence[str]) -> Awaitable[None]:
        """These are not needed after all. What is no longer as it was made stays."""


class SharingService:
    """
    :param me: our own device.
    :param holder: the configuration, which is changed.
    :param latest: the last Cluster Config of a device that is here.
    """

    def __init__(
        self,
        clock: Clock,
        me: DeviceID,
        holder: ConfigHolder,
        places: Places,
        latest: Callable[[DeviceID], ClusterConfig | None],
        log: Log,
    ) -> None:
        self._clock = clock
        self._me = me
        self._latest = latest
        self._holder = holder
        self._places = places
        self._log = log
        self._claiming = DeferredLock()
        self._closed = False
        self._warned: dict[DeviceID, tuple[str, ...]] = {}  # what its last Cluster Config led to
        self._changes: dict[DeviceID, deque[float]] = {}  # when it caused one
        self._waiting: dict[DeviceID, Timer] = {}  # who caused too many

    def close(self) -> None:
        """Change nothing any more."""
        self._closed = True
        waiting, self._waiting = self._waiting, {}
        for timer in waiting.values():
            timer.cancel()

    def greeted(self, device: DeviceID, name: str) -> None:
        """A configured device said Hello: it gets the name it tells, if it has none or is to follow."""
        config = self._holder.current.device(device)
        overwrite = self._holder.current.options.overwrite_remote_device_names_on_connect
        if not name or config is None or config.name == name or (config.name and not overwrite):
            return

        def rename(old: Configuration) -> Configuration:
            devices = [replace(d, name=name) if d.id == device else d for d in old.devices]
            return replace(old, devices=tuple(devices))

        self._modify(device, lambda old: Decided(rename(old)))

    def received(self, device: DeviceID, config: ClusterConfig) -> Deferred[None] | None:
        """
        A Cluster Config came. What it changes in our configuration counts before it is looked at further.

        :returns: fires when that is so; None: it is. Never fails.
        """
        if self._closed or config.secondary or not self._trusted(device, config):
            return None
        if self._must_wait(device):
            return None
        wanted = candidates(self._holder.current, self._me, device, config)
        if not wanted.need_places:
            self._take(device, config, {})
            return None
        return Deferred.fromCoroutine(self._accept(device, config)).addErrback(
            lambda failure: self._log.failure("accepting folders", failure=failure)
        )

    def _trusted(self, device: DeviceID, config: ClusterConfig) -> bool:
        """Whether its words may change anything, and are such that the connection will last."""
        settings = self._holder.current.device(device)
        if settings is None or not (settings.introducer or settings.auto_accept_folders):
            self._warned.pop(device, None)
            return False
        try:
            judge(self._holder.current, self._me, device, config)
        except Unacceptable:
            return False
        return True

    def _must_wait(self, device: DeviceID) -> bool:
        """Whether a device has caused so many changes that its words are looked at later."""
        if device in self._waiting:
            return True
        changes = self._changes.setdefault(device, deque(maxlen=MAX_CHANGES))
        now = self._clock.seconds()
        if len(changes) < MAX_CHANGES or changes[0] + WINDOW <= now:
            return False
        self._waiting[device] = self._clock.callLater(
            changes[0] + WINDOW - now, self._again, device
        )
        self._log.warn(
            "{device} changed our configuration {count} times within a minute: what it tells has to wait",
            device=device,
            count=MAX_CHANGES,
        )
        return True

    def _again(self, device: DeviceID) -> None:
        del self._waiting[device]
        config = self._latest(device)
        if config is not None:
            self.received(device, config)

    async def _accept(self, device: DeviceID, config: ClusterConfig) -> None:
        await self._claiming.acquire()
        try:
            now = self._holder.current
            # Another device may have been faster.
            wanted = candidates(now, self._me, device, config)
            new = [one for one in wanted.found if one.names]
            places = await self._places.claim(now, new) if new else {}
            if not self._closed:
                self._take(device, config, places)
            used = {folder.path for folder in self._holder.current.folders}
            idle = [path for path in places.values() if path not in used]
            if idle:
                await self._places.release(idle)
        finally:
            self._claiming.release()

    def _take(
        self, device: DeviceID, config: ClusterConfig, places: Mapping[FolderID, str]
    ) -> None:
        def change(old: Configuration) -> Decided:
            accepted = accept(old, self._me, device, config, places)
            introduced = introduce(accepted.configuration, self._me, device, config)
            return Decided(
                introduced.configuration,
                accepted.notes + introduced.notes,
                accepted.warnings + introduced.warnings,
            )

        before = self._holder.current
        warnings = self._modify(device, change)
        if self._holder.current is not before:
            self._changes[device].append(self._clock.seconds())
        if warnings != self._warned.get(device, ()):
            self._warned[device] = warnings
            for warning in warnings:
                self._log.warn("{warning}", warning=warning)

    def _modify(
        self, device: DeviceID, change: Callable[[Configuration], Decided]
    ) -> tuple[str, ...]:
        decided = change(self._holder.current)
        try:
            self._holder.modify(lambda old: decided.configuration)
        except InvalidConfiguration as error:
            text = "what {device} tells cannot be taken over: {error}"
            self._log.warn(text, device=device, error=error)
            return ()
        for note in decided.notes:
            self._log.info("{note}", note=note)
        return decided.warnings
