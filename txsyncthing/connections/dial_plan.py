"""
Whom to dial, at which addresses, and when.

A device that was just lost, added or resumed is tried again quickly, then at the configured interval.

Source: reference 3.2 (lib/connections/service.go).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from txsyncthing.vocabulary.address import Address
from txsyncthing.vocabulary.device import DeviceID

EAGER = (1.0, 2.0, 4.0, *[5.0] * 8)  # seconds after each failure, while a device is awaited
MIN_INTERVAL = 5.0
SHORT = 10.0  # seconds: a connection that ended sooner is a sign of trouble
GUARD_WINDOW = 120.0  # seconds in which so many short connections
GUARD_LIMIT = 3  # are answered by dialling at once; then only at the interval, for
GUARD_REST = 300.0  # seconds
RECENT = 7 * 24 * 3600.0  # seconds; who was here since then is dialled first
MAX_SLEEP = 60.0


class Target(NamedTuple):
    """One address to dial; of a lower priority first."""

    address: Address
    text: str  # as configured
    priority: int


class Wanted(NamedTuple):
    """A device that may be dialled."""

    device: DeviceID
    targets: tuple[Target, ...]
    connections: tuple[int, ...]  # the priorities of those which stand
    desired: int  # how many there should be


class Dial(NamedTuple):
    """Dial all of a bucket at once; the next bucket only if all fail."""

    device: DeviceID
    buckets: tuple[tuple[Target, ...], ...]


class Plan(NamedTuple):
    """What to do now, and when to ask again (seconds of the clock)."""

    dials: tuple[Dial, ...]
    wake_at: float


@dataclass(slots=True)
class _Address:
    due: float = 0.0
    failures: int = 0


@dataclass(slots=True)
class _Device:
    addresses: dict[str, _Address] = field(default_factory=dict)
    dialing: bool = False
    seen: float | None = None  # when its last connection ended
    short: bool = False  # that one was short-lived
    ends: deque[float] = field(default_factory=deque)  # of short connections
    rest_until: float = 0.0


class DialPlan:
    """
    :param random: from 0 to below 1.
    """

    def __init__(self, random: Callable[[], float]) -> None:
        self._random = random
        self._devices: dict[DeviceID, _Device] = {}

    def plan(
        self, now: float, wanted: Sequence[Wanted], interval: float, threshold: int = 0
    ) -> Plan:
        """
        :param interval: seconds between two attempts on one address (``reconnectionIntervalS``).
        :param threshold: how much better an address must be than what is there.
        """
        interval = max(interval, MIN_INTERVAL)
        self._forget({one.device for one in wanted})
        dials: list[Dial] = []
        wake_at = now + MAX_SLEEP
        for one in sorted(wanted, key=lambda one: self._rank(now, one.device)):
            device = self._devices.setdefault(one.device, _Device())
            targets = [target for target in one.targets if _useful(target, one, threshold)]
            if device.dialing:
                continue
            due: list[Target] = []
            for target in targets:
                address = device.addresses.setdefault(target.text, _Address())
                if address.due <= now:
                    address.due = now + _pause(address.failures, interval)
                    address.failures += 1
                    due.append(target)
                else:
                    wake_at = min(wake_at, address.due)
            if due:
                device.dialing = True
                dials.append(Dial(one.device, _buckets(due)))
        return Plan(tuple(dials), wake_at)

    def done(self, device: DeviceID, now: float) -> None:
        """All buckets were tried, or one succeeded. Pauses count from here: attempts take their time."""
        known = self._devices.get(device)
        if known is not None and known.dialing:
            known.dialing = False
            for address in known.addresses.values():
                if 0 < address.failures <= len(EAGER):
                    address.due = max(address.due, now + EAGER[address.failures - 1])

    def hurry(self, device: DeviceID, now: float, delay: float = 0.0) -> None:
        """The device may be reachable now."""
        known = self._devices.setdefault(device, _Device())
        for address in known.addresses.values():
            address.due, address.failures = now + delay, 0

    def accepted(self, device: DeviceID, now: float, interval: float) -> None:
        """The device is connected, whoever dialled."""
        known = self._devices.setdefault(device, _Device())
        for address in known.addresses.values():
            address.due, address.failures = now + max(interval, MIN_INTERVAL), len(EAGER)

    def ended(self, device: DeviceID, now: float, lasted: float) -> None:
        """
        A connection that was accepted is over: the device may only have restarted.

        Connections that keep ending at once are no reason to hurry: whatever it is will happen again.

        :param lasted: seconds.
        """
        known = self._devices.setdefault(device, _Device())
        known.seen, known.short = now, lasted < SHORT
        if not known.short:
            self.hurry(device, now, self._random() * 0.2)
            return
        known.ends.append(now)
        while known.ends and known.ends[0] < now - GUARD_WINDOW:
            known.ends.popleft()
        if len(known.ends) > GUARD_LIMIT:
            known.rest_until = now + GUARD_REST
        if now >= known.rest_until:
            # Both ends see this at once: let chance decide who dials first.
            self.hurry(device, now, 0.2 + self._random())

    def _rank(self, now: float, device: DeviceID) -> tuple[int, float]:
        known = self._devices.get(device)
        if known is None or known.seen is None or now - known.seen > RECENT:
            return 1, self._random()
        return (2 if known.short else 0), -known.seen

    def _forget(self, wanted: set[DeviceID]) -> None:
        for device in self._devices.keys() - wanted:
            if not self._devices[device].dialing:
                del self._devices[device]


def _useful(target: Target, wanted: Wanted, threshold: int) -> bool:
    """Whether one more connection over this address would be welcome."""
    if len(wanted.connections) < wanted.desired:
        return True
    return target.priority + threshold < max(wanted.connections)


def _pause(failures: int, interval: float) -> float:
    return min(EAGER[failures], interval) if failures < len(EAGER) else interval


def _buckets(targets: Iterable[Target]) -> tuple[tuple[Target, ...], ...]:
    ordered = sorted(targets, key=lambda target: target.priority)
    return tuple(tuple(bucket) for _, bucket in groupby(ordered, lambda target: target.priority))


@dataclass(frozen=True, slots=True)
class DialStatus:
    """``lastDialStatus``: the last attempt on one address."""

    when: float  # Unix seconds
    error: str | None  # None: connected
