"""
Serve blocks: permits, and trips to disk workers which take along all that waits.

Source: reference 2.7 ("Per-device limit", "Global limit", "Hash mismatch").
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred, fail
from twisted.python.failure import Failure

from txsyncthing.bep.messages import Block, ErrorCode, Request
from txsyncthing.bep.protocol import Refused
from txsyncthing.cluster.request_desk import Outcome, Read, judge, read_blocks, serves
from txsyncthing.cluster.tables import FolderTable
from txsyncthing.config.config import Configuration
from txsyncthing.runtime.limiter import Chain, Limiter, Permit
from txsyncthing.runtime.worker_service import Lane
from txsyncthing.vocabulary.block import HASH_SIZE
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName

DEVICE_BYTES = 32 * 1024 * 1024
NODE_BYTES = 256 * 1024 * 1024
MIN_NODE_BYTES = 32 * 1024 * 1024
MAX_JOBS = 4  # at once; while they run, what comes is gathered for the next
JOB_BYTES = 1024 * 1024  # of a job with several blocks
JOB_BLOCKS = 64


def device_limit(max_request_kib: int) -> int:
    """Bytes from the device's ``maxRequestKiB``; 0: no limit."""
    if max_request_kib < 0:
        return 0
    return max_request_kib * 1024 or DEVICE_BYTES


def node_limit(max_kib: int) -> int:
    """Bytes from the option ``maxConcurrentIncomingRequestKiB``; 0: no limit."""
    if max_kib < 0:
        return 0
    return max(max_kib * 1024, MIN_NODE_BYTES) if max_kib else NODE_BYTES


class Waiting:
    """One Request on its way through."""

    __slots__ = ("answer", "device", "judged", "permit", "read")

    def __init__(
        self, device: DeviceID, judged: Configuration, read: Read, answer: Deferred[Block]
    ) -> None:
        self.device = device
        self.judged = judged  # the configuration by which it may be read
        self.read = read
        self.answer: Deferred[Block] | None = answer  # None: nobody waits any more
        self.permit: Permit | None = None

    def drop(self) -> None:
        """Nobody wants it any more."""
        self.over()

    def over(self) -> Deferred[Block] | None:
        """Give back the permit; the answer, if somebody still waits for it."""
        answer, self.answer = self.answer, None
        permit, self.permit = self.permit, None  # it knows us: let no cycle stay
        if permit is not None:
            permit.release()
        return answer


class RequestService:
    """
    Answers Requests of all devices.

    :param configuration: the current one.
    :param disk: where blocks are read.
    """

    def __init__(
        self,
        configuration: Callable[[], Configuration],
        folders: FolderTable,
        disk: Lane,
    ) -> None:
        self._configuration = configuration
        self._folders = folders
        self._disk = disk
        options = configuration().options
        self._node = Limiter(node_limit(options.max_concurrent_incoming_request_kib))
        self._devices: dict[DeviceID, Limiter] = {}
        self._ready: deque[Waiting] = deque()
        self._jobs = 0
        self._checking: set[tuple[FolderID, WireName]] = set()

    @property
    def waiting(self) -> int:
        """Requests that have their permit and no worker yet."""
        return len(self._ready)

    def configure(self, configuration: Configuration) -> None:
        """The limits may have changed; devices may be gone."""
        self._node.resize(node_limit(configuration.options.max_concurrent_incoming_request_kib))
        for device, limiter in list(self._devices.items()):
            config = configuration.device(device)
            if config is None:
                del self._devices[device]
            else:
                limiter.resize(device_limit(config.max_request_kib))

    def serve(self, device: DeviceID, request: Request) -> Deferred[Block]:
        """
        Read a block for a device. Fails with ``Refused``; cancelling drops it.
        """
        configuration = self._configuration()
        verdict = judge(configuration, self._folders, device, request)
        if isinstance(verdict, ErrorCode):
            return fail(Refused(verdict))
        answer: Deferred[Block] = Deferred(lambda _: waiting.drop())
        waiting = Waiting(device, configuration, verdict, answer)
        permits = Chain(self._limiter(device), self._node)
        permit = permits.acquire(verdict.size, lambda _: self._granted(waiting))
        if waiting.answer is None:
            permit.release()
        else:
            waiting.permit = permit
        self._pump()
        return answer

    def _limiter(self, device: DeviceID) -> Limiter:
        limiter = self._devices.get(device)
        if limiter is None:
            config = self._configuration().device(device)
            limit = device_limit(config.max_request_kib if config is not None else 0)
            limiter = self._devices[device] = Limiter(limit)
        return limiter

    def _granted(self, waiting: Waiting) -> None:
        if waiting.answer is not None:
            self._ready.append(waiting)
            if waiting.permit is not None:  # it had to wait: nobody else pumps
                self._pump()

    def _pump(self) -> None:
        while self._ready and self._jobs < MAX_JOBS:
            batch: list[Waiting] = []
            size = 0
            while self._ready and len(batch) < JOB_BLOCKS:
                first = self._ready[0]
                if first.answer is None:
                    self._ready.popleft()
                    continue
                if batch and size + first.read.size > JOB_BYTES:
                    break
                size += first.read.size
                batch.append(self._ready.popleft())
            if not batch:
                return
            self._jobs += 1
            job = self._disk.run(read_blocks, [one.read for one in batch])
            job.addCallbacks(self._read, self._failed, callbackArgs=(batch,), errbackArgs=(batch,))
            job.addErrback(lambda _: None)  # the workers are gone; the connections follow

    def _serves(self, waiting: Waiting) -> bool:
        return serves(self._configuration(), waiting.device, waiting.read.folder)

    def _read(self, outcomes: list[Outcome], batch: list[Waiting]) -> None:
        self._jobs -= 1
        for one, outcome in zip(batch, outcomes, strict=True):
            answer = one.over()
            if outcome.mismatch:
                self._recheck(one.read)
            if answer is None:
                continue
            if one.judged is not self._configuration() and not self._serves(one):
                answer.errback(Refused(ErrorCode.GENERIC))  # unshared meanwhile
            elif outcome.code is ErrorCode.NO_ERROR:
                answer.callback(outcome.data)
            else:
                answer.errback(Refused(outcome.code))
        self._pump()

    def _failed(self, failure: Failure, batch: list[Waiting]) -> Failure:
        self._jobs -= 1
        for one in batch:
            if (answer := one.over()) is not None:
                answer.errback(Refused(ErrorCode.GENERIC))
        self._pump()
        return failure

    # A file that is not what we told the peers: scan it again.

    def _recheck(self, read: Read) -> None:
        key = (read.folder, read.name)
        if key not in self._checking:
            self._checking.add(key)
            checked = Deferred.fromCoroutine(self._compare(read))
            checked.addBoth(lambda _: self._checking.discard(key))

    async def _compare(self, read: Read) -> None:
        folder = self._folders.get(read.folder)
        if folder is None:
            return
        file = (await folder.index.local([read.name])).get(read.name)
        if file is None or file.deleted:
            return
        number = read.offset // file.cut
        told = file.hashes[number * HASH_SIZE : (number + 1) * HASH_SIZE]
        if told == read.hash:
            folder.rescan([read.name])
