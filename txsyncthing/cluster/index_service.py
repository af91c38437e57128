"""
Index exchange with all devices: one sender for each device and folder, and what comes in.

Source: reference 2.5 (lib/model/indexhandler.go).
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from twisted.internet.defer import Deferred, DeferredSemaphore
from twisted.python.failure import Failure

from txsyncthing.bep.messages import Index, IndexUpdate
from txsyncthing.bep.protocol import PeerLost
from txsyncthing.cluster.accept import Agreed
from txsyncthing.cluster.index_receiver import NotForUs, authorize, disorder
from txsyncthing.cluster.index_sender import Core, Sender, new_sender
from txsyncthing.cluster.link import Link
from txsyncthing.cluster.tables import FolderTable, SharedFolder
from txsyncthing.config.config import Configuration
from txsyncthing.events.types import Emit, EventType
from txsyncthing.index.delta import sending_start
from txsyncthing.index.values import IndexFailed
from txsyncthing.runtime.log_service import Log
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName

T = TypeVar("T")

READS = 2  # folders whose next batch for one connection is read at a time


class Forget(Protocol):
    """What the bridge does with names that came in an index."""

    def __call__(self, device: DeviceID, folder: FolderID, names: Sequence[WireName]) -> None:
        """The device has these files: what it told of their download is history."""


class Exchange:
    """Our index of one folder on its way to one device; satisfies ``SenderWorld``."""

    def __init__(
        self,
        link: Link,
        folder: SharedFolder,
        agreed: Agreed,
        log: Log,
        turns: DeferredSemaphore,
    ) -> None:
        self.link = link
        self.ended = False
        self._turns = turns
        self.heard: int | None = None  # the last sequence that came on this connection
        self.again = False  # it was off for a while on this connection
        self._index = folder.index
        self._log = log
        self._folder = folder.id
        us = agreed.about_us
        ours, sequence = folder.index.index_id, folder.index.sequence
        start = sending_start(
            theirs=us.index_id, known=us.max_sequence, ours=ours, sequence=sequence
        )
        report = log.warn if start.reason.odd else log.debug
        report(
            "{device}: index of {folder} starts after {sequence}: {reason}",
            device=link.device,
            folder=folder.id,
            sequence=start.sequence,
            reason=start.reason.value,
        )
        core = Core(self, folder.id, start.sequence, sequence, start.sequence == 0)
        self.sender: Sender = new_sender(core)

    def read(self, after: int) -> None:
        reading = Deferred.fromCoroutine(self._read(after))
        reading.addErrback(self._unreadable)

    async def _read(self, after: int) -> None:
        """In turn with the other folders, and while there is room: a peer may have thousands of folders."""
        await self._turns.acquire()
        try:
            if self.ended or not await self._room():
                return
            files = await self._index.local_after(after)
            if not self.ended:
                self.sender.batch(files)
        finally:
            self._turns.release()

    async def _room(self) -> bool:
        if not self.link.writable:
            try:
                await self.link.when_writable()
            except PeerLost:
                self.sender.stop()
                return False
        return not self.ended

    def _unreadable(self, failure: Failure) -> None:
        self.sender.stop()  # the folder itself stops for this, and starts us anew when it is mended
        self._log.warn(
            "index of {folder} cannot be sent: {error}",
            folder=self._folder,
            error=failure.getErrorMessage(),
        )

    def send(self, message: Index | IndexUpdate) -> bool:
        self.link.send(message)
        return self.link.writable

    def wait(self) -> None:
        waiting = _attempt(self.link.when_writable)
        waiting.addCallbacks(lambda _: self.sender.room(), lambda _: self.sender.stop())


class IndexService:
    """
    All exchanges.

    :param configuration: the current one.
    :param changed: called with each folder for which a device told something.
    :param forget: see there.
    """

    def __init__(
        self,
        configuration: Callable[[], Configuration],
        folders: FolderTable,
        emit: Emit,
        log: Log,
        changed: Callable[[SharedFolder], object],
        forget: Forget,
    ) -> None:
        self._configuration = configuration
        self._folders = folders
        self._emit = emit
        self._log = log
        self._changed = changed
        self._forget = forget
        self._exchanges: dict[FolderID, dict[DeviceID, Exchange]] = {}
        self._turns: dict[DeviceID, tuple[Link, DeferredSemaphore]] = {}
        self._off: dict[DeviceID, tuple[Link, set[FolderID]]] = {}  # what we ended on a connection
        self._writing: dict[DeviceID, int] = {}  # changes of the databases on their way
        self._settling: dict[DeviceID, list[Deferred[None]]] = {}

    def running(self, device: DeviceID, folder: FolderID) -> bool:
        return device in self._exchanges.get(folder, {})

    def begin(self, link: Link, folder: SharedFolder, agreed: Agreed) -> None:
        """Both ends run the folder: exchange indexes over this connection, from where both left off."""
        self._end(link.device, folder.id)
        self._adopt(folder, link.device, agreed.about_them.index_id)
        exchange = Exchange(link, folder, agreed, self._log, self._turn(link))
        off = self._off_on(link)
        exchange.again = folder.id in off
        off.discard(folder.id)
        self._exchanges.setdefault(folder.id, {})[link.device] = exchange
        exchange.sender.start()

    def _turn(self, link: Link) -> DeferredSemaphore:
        held = self._turns.get(link.device)
        if held is None or held[0] is not link:
            held = self._turns[link.device] = (link, DeferredSemaphore(READS))
        return held[1]

    def settled(self, device: DeviceID) -> Deferred[None] | None:
        """Fires when what a Cluster Config of the device changes in databases is done; None: it is."""
        if device not in self._writing:
            return None
        settled: Deferred[None] = Deferred()
        self._settling.setdefault(device, []).append(settled)
        return settled

    def _written(self, result: object, device: DeviceID) -> None:
        self._writing[device] -= 1
        if not self._writing[device]:
            del self._writing[device]
            for settled in self._settling.pop(device, []):
                settled.callback(None)

    def end(self, device: DeviceID, folder: FolderID) -> None:
        """We run or share the folder no longer. The device may not know it yet and tell its index on."""
        if (exchange := self._end(device, folder)) is not None:
            self._off_on(exchange.link).add(folder)

    def _end(self, device: DeviceID, folder: FolderID) -> Exchange | None:
        exchange = self._exchanges.get(folder, {}).pop(device, None)
        if exchange is not None:
            exchange.ended = True
            exchange.sender.stop()
        return exchange

    def _off_on(self, link: Link) -> set[FolderID]:
        """The folders that we ended on a connection, and that did not begin again there."""
        held = self._off.get(link.device)
        if held is None or held[0] is not link:
            held = self._off[link.device] = (link, set())
        return held[1]

    def end_device(self, device: DeviceID) -> None:
        """The device is gone, or begins anew by itself."""
        for folder in list(self._exchanges):
            self._end(device, folder)

    def end_folder(self, folder: FolderID) -> None:
        """The folder stops here."""
        for device in list(self._exchanges.get(folder, {})):
            self.end(device, folder)
        self._exchanges.pop(folder, None)

    def grew(self, folder: FolderID, sequence: int) -> None:
        """A folder has local changes."""
        for exchange in list(self._exchanges.get(folder, {}).values()):
            exchange.sender.grew(sequence)

    def forget_device(self, folder: SharedFolder, device: DeviceID) -> bool:
        """
        The device shares the folder no longer: what it told does not count.

        :returns: whether there was anything to forget.
        """
        if device not in folder.index.counts().remote_sequence:
            return False
        self._write(folder, folder.index.forget_remote, device)
        return True

    def receive(self, link: Link, message: Index | IndexUpdate) -> Deferred[None] | None:
        """
        Store what a device told.

        :returns: fires when it is stored; fails with ``NotForUs`` or ``IndexFailed``.
        """
        return Deferred.fromCoroutine(self._receive(link, message))

    async def _receive(self, link: Link, message: Index | IndexUpdate) -> None:
        device, folder = link.device, message.folder
        if folder in self._off_on(link):
            return  # when the folder begins again, it is told from what is stored
        authorize(self._configuration(), device, folder)
        running = self._folders.get(folder)
        exchange = self._exchanges.get(folder, {}).get(device)
        if running is None or exchange is None or exchange.link is not link:
            # Dropping it would leave a hole that no later message fills; a new connection starts clean.
            raise NotForUs(f"index for folder {folder!r}, which does not run on this connection")
        if not message.files and isinstance(message, IndexUpdate):
            return
        if exchange.again:
            exchange.again = False
            stored = running.index.counts().remote_sequence.get(device, 0)
            if isinstance(message, IndexUpdate) and message.prev_sequence not in (0, stored):
                # It was under way when the folder began again; what came before it was dropped.
                raise NotForUs(f"index for folder {folder!r} begins after {message.prev_sequence}")
        odd = disorder(message, exchange.heard) if exchange.heard is not None else None
        if odd is not None:
            self._log.warn("{device}, {folder}: {odd}", device=device, folder=folder, odd=odd)
            self._emit(EventType.FAILURE, {"description": f"index exchange: {odd}"})
        last = message.last_sequence
        if message.files:
            last = message.files[-1].sequence
        exchange.heard = last
        await running.index.update_remote(device, message.files, isinstance(message, Index))
        if exchange.ended and not self._shared(device, folder):
            # When it was unshared, there was nothing yet to forget.
            self.forget_device(running, device)
            return
        self._forget(device, folder, [file.name for file in message.files])
        self._emit(
            EventType.REMOTE_INDEX_UPDATED,
            {
                "device": str(device),
                "folder": folder,
                "items": len(message.files),
                "sequence": last,
                "version": last,
            },
        )
        self._changed(running)

    def _shared(self, device: DeviceID, folder: FolderID) -> bool:
        config = self._configuration().folder(folder)
        return config is not None and config.shared_with(device)

    def _adopt(self, folder: SharedFolder, device: DeviceID, index_id: int) -> None:
        """
        Let go what we know of the device if its history is another one. The database does one thing
        after the other, so this is done before anything of the device is stored.
        """
        if index_id == 0:
            self._write(folder, folder.index.forget_remote, device)
        else:
            self._write(folder, folder.index.set_remote_index_id, device, index_id)

    def _write(
        self,
        folder: SharedFolder,
        job: Callable[..., Awaitable[None]],
        device: DeviceID,
        *args: object,
    ) -> None:
        async def write() -> None:
            try:
                await job(device, *args)
            except IndexFailed as error:
                self._log.warn("{folder}: {error}", folder=folder.id, error=error)
            else:
                self._changed(folder)

        # The folder hears of a damaged database by itself.
        self._writing[device] = self._writing.get(device, 0) + 1
        Deferred.fromCoroutine(write()).addErrback(
            lambda failure: self._log.failure("{folder}", failure=failure, folder=folder.id)
        ).addBoth(self._written, device)


def _attempt(work: Callable[[], Awaitable[T]]) -> Deferred[T]:
    """The work as a Deferred, whether it fails now or later."""

    async def wait() -> T:
        return await work()

    return Deferred.fromCoroutine(wait())
