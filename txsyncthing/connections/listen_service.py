"""
The listeners: one for each listen address whose transport we have.

Source: reference 3.1.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, gatherResults, maybeDeferred, succeed
from twisted.python.failure import Failure

from txsyncthing.bep.protocol import BepFactory
from txsyncthing.clock import Clock
from txsyncthing.connections.listener import RETRY, Core, Listener, new_listener
from txsyncthing.events.types import Emit, EventType
from txsyncthing.runtime.log_service import Log
from txsyncthing.vocabulary.address import (
    LISTEN_SCHEMES,
    Address,
    BadAddress,
    IPInterface,
    expand_listen,
)


class Port(Protocol):
    """A listener that is up."""

    @property
    def address(self) -> Address:
        """Where it listens, with the port that the system chose if none was asked for."""

    def close(self) -> Deferred[None] | None:
        """Fires when the port is free again. Accepted connections go on."""


class ListenNetwork(Protocol):
    """The transports that can listen."""

    def schemes(self) -> frozenset[str]: ...

    def listen(self, address: Address, factory: BepFactory) -> Deferred[Port]: ...


@dataclass(frozen=True, slots=True)
class ListenerStatus:
    """``connectionServiceStatus``: one listen address."""

    error: str | None
    lan_addresses: tuple[str, ...] = ()
    wan_addresses: tuple[str, ...] = ()


class _Place:
    """One listen address; satisfies ``ListenerWorld``."""

    def __init__(self, owner: ListenService, text: str, address: Address, clock: Clock) -> None:
        self._owner = owner
        self._opening: Deferred[None] | None = None
        self._port: Port | None = None
        self.text = text
        self.address = address
        self.error: str | None = "not started"
        self.closing: Deferred[object] = succeed(None)
        self.listener: Listener = new_listener(Core(self, clock))

    @property
    def bound(self) -> Address | None:
        """Where it listens now."""
        return self._port.address if self._port is not None else None

    def open(self) -> None:
        opening = maybeDeferred(self._owner.listen, self.address)
        self._opening = opening.addCallbacks(self._up, self._failed)

    def _up(self, port: Port) -> None:
        self._opening = None
        self._port = port
        self.listener.up()

    def _failed(self, failure: Failure) -> None:
        self._opening = None
        if not failure.check(CancelledError):
            self.listener.failed(failure.getErrorMessage())

    def shut(self) -> None:
        opening, self._opening = self._opening, None
        port, self._port = self._port, None
        if opening is not None:
            opening.cancel()
        if port is not None:
            self.closing = maybeDeferred(port.close)

    def report(self, error: str | None) -> None:
        self.error = error
        self._owner.changed(self)


class ListenService(Service):
    """
    :param factory: for accepted connections, by the scheme they came over.
    :param interfaces: this machine's addresses with their networks; None if they cannot be asked.
    """

    def __init__(
        self,
        clock: Clock,
        network: ListenNetwork,
        factory: Callable[[Address], BepFactory],
        interfaces: Callable[[], Sequence[IPInterface] | None],
        emit: Emit,
        log: Log,
    ) -> None:
        self._clock = clock
        self._network = network
        self._factory = factory
        self._interfaces = interfaces
        self._emit = emit
        self._log = log
        self._wanted: tuple[str, ...] = ()
        self._places: dict[str, _Place] = {}
        self._refused: dict[str, str] = {}
        self._closing: list[Deferred[object]] = []

    def configure(self, addresses: Sequence[str]) -> None:
        """Listen on these addresses and no others."""
        self._wanted = expand_listen(addresses)
        self._refused = {}
        for text in [text for text in self._places if text not in self._wanted]:
            self._stop(self._places.pop(text))
        for text in self._wanted:
            if text in self._places:
                continue
            try:
                address = self._supported(text)
            except BadAddress as error:
                self._refused[text] = str(error)
                expected = text.partition(":")[0] in LISTEN_SCHEMES  # such as the default's relays
                tell = self._log.info if expected else self._log.warn
                tell("not listening on {address}: {error}", address=text, error=error)
                continue
            place = self._places[text] = _Place(self, text, address, self._clock)
            if self.running:
                place.listener.start()

    def _supported(self, text: str) -> Address:
        address = Address.parse(text)
        if address.scheme not in self._network.schemes():
            known = "not supported yet" if address.scheme in LISTEN_SCHEMES else "unknown"
            raise BadAddress(f"unsupported protocol: {address.scheme} is {known}")
        return address

    def startService(self) -> None:
        self.running = True
        for place in list(self._places.values()):
            place.listener.start()

    def stopService(self) -> Deferred[list[object]]:
        self.running = False
        for place in self._places.values():
            self._stop(place)
        closing, self._closing = self._closing, []
        return gatherResults(closing, consumeErrors=True)

    def _stop(self, place: _Place) -> None:
        place.listener.stop()
        self._closing = [one for one in self._closing if not one.called]
        self._closing.append(place.closing)

    def listen(self, address: Address) -> Deferred[Port]:
        return self._network.listen(address, self._factory(address))

    def changed(self, place: _Place) -> None:
        """A listener came up or went down."""
        if place.error is None:
            self._log.info("listening on {address}", address=place.bound)
        elif place.error:
            self._log.warn(
                "not listening on {address}: {error}; trying again in {pause:.0f} s",
                address=place.text,
                error=place.error,
                pause=RETRY,
            )
        lan, wan = self._reachable(place)
        self._emit(
            EventType.LISTEN_ADDRESSES_CHANGED,
            {
                "address": _url(place.address),
                "lan": [_url(address) for address in lan],
                "wan": [_url(address) for address in wan],
            },
        )

    def statuses(self) -> Mapping[str, ListenerStatus]:
        """By listen address, in the order of the configuration."""
        found: dict[str, ListenerStatus] = {}
        for text in self._wanted:
            place = self._places.get(text)
            if place is None:
                found[text] = ListenerStatus(self._refused.get(text))
                continue
            lan, wan = self._reachable(place)
            found[text] = ListenerStatus(place.error, tuple(map(str, lan)), tuple(map(str, wan)))
        return found

    def bound(self) -> tuple[Address, ...]:
        """Where we listen now; announcers tell it to others."""
        return tuple(p.bound for p in self._places.values() if p.bound is not None)

    def _reachable(self, place: _Place) -> tuple[list[Address], list[Address]]:
        bound = place.bound
        if bound is None:
            return [], []
        # The system may say [::] for what is configured as 0.0.0.0: show the configured host.
        told = Address(bound.scheme, place.address.host, bound.port, bound.rest)
        lan = [told]
        if told.wildcard:
            for interface in self._interfaces() or ():
                ip = interface.ip
                narrow = (bound.scheme[-1] == "4" and ip.version != 4) or (
                    bound.scheme[-1] == "6" and ip.version != 6
                )
                if not (ip.is_loopback or ip.is_link_local or narrow):
                    lan.append(Address(bound.scheme, str(ip), bound.port))
        return lan, [told]


def _url(address: Address) -> dict[str, object]:
    """An address as the official daemon's events have it."""
    host = f"[{address.host}]" if ":" in address.host else address.host
    return {
        "Scheme": address.scheme,
        "Opaque": "",
        "User": None,
        "Host": f"{host}:{address.port}" if address.port else host,
        "Path": address.rest.partition("?")[0],
        "RawPath": "",
        "OmitHost": False,
        "ForceQuery": False,
        "RawQuery": address.rest.partition("?")[2],
        "Fragment": "",
        "RawFragment": "",
    }
