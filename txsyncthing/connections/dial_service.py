"""
Dial devices: one timer, and at most so many attempts at once.

Source: reference 3.2.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, gatherResults
from twisted.internet.interfaces import IReactorTime

from txsyncthing.bep.protocol import BepFactory, BepProtocol
from txsyncthing.clock import Clock, Timer
from txsyncthing.config.config import Configuration
from txsyncthing.config.device import DeviceConfig
from txsyncthing.connections.dial_plan import Dial, DialPlan, DialStatus, Target, Wanted
from txsyncthing.connections.score import priority
from txsyncthing.connections.table import ConnectionTable
from txsyncthing.connections.upgrade import desired
from txsyncthing.runtime.limiter import Limiter, Permit
from txsyncthing.runtime.log_service import Log
from txsyncthing.vocabulary.address import (
    DIAL_SCHEMES,
    DYNAMIC,
    Address,
    BadAddress,
    IPInterface,
    is_allowed,
    is_lan,
    parse_networks,
)
from txsyncthing.vocabulary.device import DeviceID

MAX_DIALS = 64  # at once
MAX_DEVICE_DIALS = 8  # at once, to one device
DIAL_TIMEOUT = 20.0  # seconds: connecting and the TLS handshake have 10 each
MAX_STATUSES = 1000  # addresses whose last attempt is kept


class DialNetwork(Protocol):
    """The transports that can dial."""

    def schemes(self) -> frozenset[str]: ...

    def dial(self, address: Address, factory: BepFactory) -> Deferred[BepProtocol]: ...


class NotReached(Exception):
    """An attempt failed; the text says why."""


class Attempt:
    """One round for one device: the first connection that is let in wins."""

    def __init__(self, device: DeviceID) -> None:
        self.device = device
        self.won: BepProtocol | None = None
        self.refused: dict[BepProtocol, str] = {}  # why connections were not let in


class DialService(Service):
    """
    :param unix: wall clock, Unix seconds.
    :param factory: for one address of one round; its connections ask ``admit`` of the owner.
    :param lookup: what discovery knows of a device, for the address ``dynamic``.
    """

    def __init__(
        self,
        clock: Clock,
        unix: Callable[[], float],
        random: Callable[[], float],
        me: DeviceID,
        configuration: Callable[[], Configuration],
        network: DialNetwork,
        table: ConnectionTable,
        factory: Callable[[Attempt, Address, str], BepFactory],
        interfaces: Callable[[], Sequence[IPInterface] | None],
        lookup: Callable[[DeviceID], Iterable[str]],
        log: Log,
    ) -> None:
        self.plan = DialPlan(random)
        self._clock = clock
        self._unix = unix
        self._me = me
        self._configuration = configuration
        self._network = network
        self._table = table
        self._factory = factory
        self._interfaces = interfaces
        self._lookup = lookup
        self._log = log
        self._slots = Limiter(MAX_DIALS)
        self._timer: Timer | None = None
        self._rounds: dict[Deferred[object], DeviceID] = {}
        self._statuses: dict[str, DialStatus] = {}

    def startService(self) -> None:
        self.running = True
        self.wake()

    def stopService(self) -> Deferred[list[object]]:
        self.running = False
        self._disarm()
        rounds = list(self._rounds)
        for one in rounds:
            one.cancel()
        return gatherResults(rounds, consumeErrors=True)

    def wake(self) -> None:
        """Something changed: see who is to be dialled now."""
        if not self.running:
            return
        configuration = self._configuration()
        for whom in dict.fromkeys(self._rounds.values()):  # in order: simulations repeat themselves
            device = configuration.device(whom)
            if device is None or device.paused:
                self.abandon(whom)
        self._disarm()
        options = configuration.options
        plan = self.plan.plan(
            self._clock.seconds(),
            self._wanted(),
            options.reconnection_interval_s,
            options.connection_priority_upgrade_threshold,
        )
        pause = max(plan.wake_at - self._clock.seconds(), 0.05)
        self._timer = self._clock.callLater(pause, self._due)
        for dial in plan.dials:
            running: Deferred[object] = Deferred.fromCoroutine(self._round(dial))
            self._rounds[running] = dial.device
            running.addErrback(lambda failure: failure.trap(CancelledError) and None)
            running.addErrback(lambda failure: self._log.failure("dialling", failure=failure))
            running.addBoth(self._finished, dial.device, running)

    def abandon(self, device: DeviceID) -> None:
        """Stop dialling a device: what is tried now may be wrong by now."""
        for running, whom in list(self._rounds.items()):
            if whom == device and not running.called:
                running.cancel()

    def statuses(self) -> Mapping[str, DialStatus]:
        """By address."""
        return dict(self._statuses)

    def failed(self, text: str, error: str) -> None:
        """A connection that was dialled ended before it was accepted."""
        self._status(text, error)

    def _due(self) -> None:
        self._timer = None
        self.wake()

    def _disarm(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None:
            timer.cancel()

    def _finished(self, result: object, device: DeviceID, running: Deferred[object]) -> None:
        self._rounds.pop(running, None)
        self.plan.done(device, self._clock.seconds())
        if self.running:
            self.wake()

    # Who, where.

    def _wanted(self) -> list[Wanted]:
        configuration = self._configuration()
        enough = configuration.options.connection_limit_enough
        if enough and self._table.devices >= enough:
            return []
        interfaces = self._interfaces()
        return [
            self._wanted_device(configuration, device, interfaces)
            for device in configuration.devices
            if device.id != self._me
            and not device.paused
            and not configuration.ignores_device(device.id)
        ]

    def _wanted_device(
        self,
        configuration: Configuration,
        device: DeviceConfig,
        interfaces: Sequence[IPInterface] | None,
    ) -> Wanted:
        existing = self._table.existing(device.id, self._clock.seconds())
        targets = [
            target
            for text in self._addresses(device)
            if (target := self._target(configuration, device, text, interfaces)) is not None
        ]
        return Wanted(
            device.id,
            tuple(targets),
            tuple(each.priority for each in existing),
            desired(1, max((each.wished for each in existing), default=1)),
        )

    def _addresses(self, device: DeviceConfig) -> Iterable[str]:
        texts: dict[str, None] = {}
        for text in device.addresses:
            for found in self._lookup(device.id) if text == DYNAMIC else (text,):
                texts.setdefault(found)
        return texts

    def _target(
        self,
        configuration: Configuration,
        device: DeviceConfig,
        text: str,
        interfaces: Sequence[IPInterface] | None,
    ) -> Target | None:
        try:
            address = Address.parse(text)
            if address.scheme not in self._network.schemes():
                known = "not supported yet" if address.scheme in DIAL_SCHEMES else "unknown"
                raise BadAddress(f"unsupported protocol: {address.scheme} is {known}")
        except BadAddress as error:
            if text not in self._statuses:
                self._status(text, str(error))
            return None
        ip = address.ip
        if ip is not None and not is_allowed(ip, device.allowed_networks):
            self._status(text, "network not allowed")
            return None
        options = configuration.options
        always = parse_networks(options.always_local_nets)
        if ip is None:
            lan = address.host == "localhost"
        else:
            lan = is_lan(ip, interfaces, always)
        return Target(address, text, priority(address.scheme, lan, options))

    # One round.

    async def _round(self, dial: Dial) -> None:
        attempt = Attempt(dial.device)
        for bucket in dial.buckets:
            for start in range(0, len(bucket), MAX_DEVICE_DIALS):
                await self._together(attempt, bucket[start : start + MAX_DEVICE_DIALS])
                if attempt.won is not None:
                    return

    async def _together(self, attempt: Attempt, targets: Sequence[Target]) -> None:
        """Dial all of these; return when one has won or all have failed."""
        over: Deferred[None] = Deferred()
        left = len(targets)

        def ended(result: object) -> None:
            nonlocal left
            left -= 1
            if not over.called and (attempt.won is not None or not left):
                over.callback(None)

        dials = [Deferred.fromCoroutine(self._dial(attempt, target)) for target in targets]
        for dial in dials:
            dial.addErrback(lambda failure: failure.trap(CancelledError) and None)
            dial.addErrback(lambda failure: self._log.failure("dialling", failure=failure))
            dial.addCallback(ended)
        try:
            await over
        finally:
            for dial in dials:
                dial.cancel()

    async def _dial(self, attempt: Attempt, target: Target) -> None:
        slot: Deferred[Permit] = Deferred()
        permit = self._slots.acquire(1, slot.callback)
        try:
            await slot
            try:
                await self._reach(attempt, target)
            except NotReached as error:
                self._status(target.text, str(error))
                self._log.debug(
                    "{device} at {address}: {error}",
                    device=attempt.device,
                    address=target.text,
                    error=error,
                )
            else:
                self._status(target.text, None)
        finally:
            permit.release()

    async def _reach(self, attempt: Attempt, target: Target) -> None:
        factory = self._factory(attempt, target.address, target.text)
        dialing = self._network.dial(target.address, factory)
        dialing.addTimeout(DIAL_TIMEOUT, _reactor(self._clock))
        try:
            protocol = await dialing
        except CancelledError:
            raise
        except Exception as error:  # whatever the network says is the status of this address
            raise NotReached(str(error) or type(error).__name__) from None
        if protocol in attempt.refused:
            raise NotReached(attempt.refused[protocol])

    def _status(self, text: str, error: str | None) -> None:
        self._statuses.pop(text, None)
        self._statuses[text] = DialStatus(self._unix(), error)
        if len(self._statuses) > MAX_STATUSES:
            del self._statuses[next(iter(self._statuses))]


def _reactor(clock: Clock) -> IReactorTime:
    """Deferreds want all of IReactorTime, and use what our Clock has."""
    return clock  # type: ignore[return-value]
