"""
Connections to other devices: dial, listen, check who it is, hand over.

Source: reference 2.1, 3.1 to 3.4.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred, gatherResults

from txsyncthing.bep.messages import Compression, Hello
from txsyncthing.bep.protocol import BepFactory, BepProtocol, Receiver, Terms
from txsyncthing.clock import Clock, Timer
from txsyncthing.config.config import Configuration
from txsyncthing.config.diff import Change, DeviceAdded, DeviceChanged, OptionsChanged
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.connections.dial_plan import DialStatus
from txsyncthing.connections.dial_service import Attempt, DialNetwork, DialService
from txsyncthing.connections.listen_service import (
    ListenerStatus,
    ListenNetwork,
    ListenService,
    Port,
)
from txsyncthing.connections.score import ConnectionInfo, connection_type, priority
from txsyncthing.connections.table import ConnectionTable, Standing
from txsyncthing.connections.upgrade import must_wait, redundant, replaced, welcome
from txsyncthing.events.types import Emit
from txsyncthing.runtime.log_service import Log
from txsyncthing.vocabulary.address import (
    Address,
    IPInterface,
    is_allowed,
    is_lan,
    parse_ip,
    parse_networks,
)
from txsyncthing.vocabulary.device import RESERVED_DEVICES, DeviceID

__all__ = [
    "ClusterSeam",
    "ConnectionsService",
    "DialStatus",
    "ListenerStatus",
    "Network",
    "Port",
]

CERTIFICATE_NAME = "syncthing"  # unless the device has another certName
CONNECTIONS = 1  # that we announce to each device
DECISION_TIMEOUT = 5.0  # seconds in which an old device closes one of two connections
MAX_STRANGERS = 64  # unknown devices that are greeted at the same time
PRUNE_AFTER = 5.0  # seconds after which we close one of two that nobody wanted


class Network(DialNetwork, ListenNetwork, Protocol):
    """
    All transports we can use; joined in node/. The deferreds fail with exceptions whose texts tell users
    what went wrong; cancelling gives up.
    """


class ClusterSeam(Receiver, Protocol):
    """Who takes the connections (cluster/service.py)."""

    def connected(self, protocol: BepProtocol, info: ConnectionInfo) -> None:
        """A configured device is greeted and welcome: accept it."""

    def stranger(self, device: DeviceID, hello: Hello, address: str) -> None:
        """A device that is not configured said Hello; it is closed next."""


@dataclass(frozen=True, slots=True)
class _Origin:
    """Where a connection comes from."""

    scheme: str
    attempt: Attempt | None = None  # None: the peer dialled
    text: str = ""  # the address that was dialled


@dataclass(slots=True)
class _Greeting:
    """A connection that is not accepted yet."""

    origin: _Origin
    info: ConnectionInfo
    wait: Timer | None = None


class ConnectionsService(Service):
    """
    :param unix: wall clock, Unix seconds.
    :param random: from 0 to below 1.
    :param holder: the configuration; its changes are followed.
    :param client: name and version that our Hello tells.
    :param interfaces: this machine's addresses with their networks; None if they cannot be asked.
    :param lookup: what discovery knows of a device.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        unix: Callable[[], float],
        random: Callable[[], float],
        me: DeviceID,
        holder: ConfigHolder,
        network: Network,
        cluster: ClusterSeam,
        emit: Emit,
        log: Log,
        client: tuple[str, str],
        interfaces: Callable[[], Sequence[IPInterface] | None],
        lookup: Callable[[DeviceID], Iterable[str]] = lambda device: (),
    ) -> None:
        self._clock = clock
        self._unix = unix
        self._me = me
        self._holder = holder
        self._cluster = cluster
        self._log = log
        self._client = client
        self._interfaces = interfaces
        self._table = ConnectionTable()
        self._greetings: dict[BepProtocol, _Greeting] = {}
        self._prunes: dict[DeviceID, Timer] = {}
        self._unsubscribe: Callable[[], None] = lambda: None
        self._listen = ListenService(clock, network, self._accepting, interfaces, emit, log)
        self._dial = DialService(
            clock,
            unix,
            random,
            me,
            lambda: holder.current,
            network,
            self._table,
            self._dialling,
            interfaces,
            lookup,
            log,
        )

    # Life.

    def startService(self) -> None:
        self._unsubscribe = self._holder.subscribe(self._configured)
        self._listen.configure(self._holder.current.options.listen_addresses)
        self.running = True
        self._listen.startService()
        self._dial.startService()

    def stopService(self) -> Deferred[list[list[object]]]:
        self.running = False
        self._unsubscribe()
        self._unsubscribe = lambda: None
        stopped = [self._dial.stopService(), self._listen.stopService()]
        prunes, self._prunes = self._prunes, {}
        for timer in prunes.values():
            timer.cancel()
        for protocol in list(self._greetings):
            protocol.refuse("shutting down")
        for standing in self._table:
            standing.protocol.close("shutting down")
        return gatherResults(stopped)

    def _configured(self, old: Configuration, new: Configuration, changes: list[Change]) -> None:
        now = self._clock.seconds()
        for change in changes:
            if isinstance(change, OptionsChanged):
                self._listen.configure(new.options.listen_addresses)
            elif isinstance(change, DeviceAdded):
                self._dial.plan.hurry(change.device.id, now)
            elif isinstance(change, DeviceChanged):
                moved = change.old.addresses != change.new.addresses
                if moved:
                    self._dial.abandon(change.new.id)  # it may be waiting at an old address
                if moved or change.resumed:
                    self._dial.plan.hurry(change.new.id, now)
                for protocol in (*self._greetings, *self._table.protocols(change.new.id)):
                    protocol.compress(self._compression(protocol.device))
        self._dial.wake()

    # What REST and discovery ask.

    def listeners(self) -> Mapping[str, ListenerStatus]:
        """By listen address as configured."""
        return self._listen.statuses()

    def listening(self) -> tuple[Address, ...]:
        """Where we listen now, ports as they are."""
        return self._listen.bound()

    def dial_status(self) -> Mapping[str, DialStatus]:
        """By address."""
        return self._dial.statuses()

    def dial_now(self, device: DeviceID) -> None:
        """The device may be reachable now: try at once."""
        self._dial.plan.hurry(device, self._clock.seconds())
        self._dial.wake()

    # What a connection must know of us.

    def _accepting(self, address: Address) -> BepFactory:
        return BepFactory(self._terms(_Origin(address.scheme)))

    def _dialling(self, attempt: Attempt, address: Address, text: str) -> BepFactory:
        return BepFactory(self._terms(_Origin(address.scheme, attempt, text)))

    def _terms(self, origin: _Origin) -> Terms:
        return Terms(
            clock=self._clock,
            me=self._hello,
            compression=self._compression,
            admit=lambda protocol: self._admit(protocol, origin),
            greeted=self._greeted,
            ended=self._ended,
        )

    def _hello(self, device: DeviceID) -> Hello:
        hello = Hello("", *self._client, 0, int(self._unix() * 1e9))
        configuration = self._holder.current
        ours = configuration.device(self._me)
        if configuration.device(device) is None or ours is None:
            return hello
        return replace(hello, device_name=ours.name, num_connections=CONNECTIONS)

    def _compression(self, device: DeviceID) -> Compression:
        config = self._holder.current.device(device)
        return Compression(config.compression.value) if config else Compression.METADATA

    # Who it is, and whether we want it: before its Hello.

    def _admit(self, protocol: BepProtocol, origin: _Origin) -> bool:
        info = self._info(protocol, origin)
        refusal = self._refusal(protocol.device, origin, info)
        if refusal is not None:
            self._log.debug(
                "{device} at {address} is dropped: {reason}",
                device=protocol.device,
                address=info.address,
                reason=refusal,
            )
            if origin.attempt is not None:
                origin.attempt.refused[protocol] = refusal
            return False
        if origin.attempt is not None:
            origin.attempt.won = protocol
        self._greetings[protocol] = _Greeting(origin, info)
        return True

    def _refusal(self, device: DeviceID, origin: _Origin, info: ConnectionInfo) -> str | None:
        """Why a device is not greeted; in the official order."""
        configuration = self._holder.current
        options, config = configuration.options, configuration.device(device)
        attempt = origin.attempt
        if not self.running:
            return "shutting down"
        if device == self._me:
            return "connected to myself"
        if attempt is not None and device != attempt.device:
            return f"unexpected device {device}"
        if device in RESERVED_DEVICES or configuration.ignores_device(device):
            return "ignored device"
        limit = options.connection_limit_max
        existing = self._table.existing(device, self._clock.seconds())
        if limit and self._table.devices >= limit and not existing:
            return "connection limit reached"
        if config is None:
            if attempt is not None:
                return "device removed"
            if self._strangers() >= MAX_STRANGERS:
                return "too many unknown devices at a time"
            return None  # it gets our Hello, so that its user can see us
        if config.paused:
            return "device is paused"
        ip = info.ip
        if ip is not None and not is_allowed(ip, config.allowed_networks):
            return "network not allowed"
        threshold = options.connection_priority_upgrade_threshold
        if not welcome(info.priority, attempt is not None, CONNECTIONS, existing, threshold):
            return "already connected"
        if attempt is not None and attempt.won is not None:
            return "another address answered first"
        return None

    def _strangers(self) -> int:
        """How many unknown devices are being greeted now."""
        known = self._holder.current.device
        return sum(known(protocol.device) is None for protocol in self._greetings)

    def _info(self, protocol: BepProtocol, origin: _Origin) -> ConnectionInfo:
        peer = protocol.wire.getPeer()
        host, port = "", 0
        if isinstance(peer, IPv4Address | IPv6Address):
            host, port = str(peer.host), peer.port
        options = self._holder.current.options
        ip = parse_ip(host)
        always = parse_networks(options.always_local_nets)
        lan = ip is not None and is_lan(ip, self._interfaces(), always)
        return ConnectionInfo(
            type=connection_type(origin.scheme, origin.attempt is not None),
            address=f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            is_local=lan,
            crypto=protocol.wire.crypto,
            started=self._unix(),
            priority=priority(origin.scheme, lan, options),
        )

    # After its Hello.

    def _greeted(self, protocol: BepProtocol, hello: Hello) -> None:
        device, info = protocol.device, self._greetings[protocol].info
        config = self._holder.current.device(device)
        if config is None:
            self._cluster.stranger(device, hello, info.address)
            protocol.refuse("unknown device")
        elif config.paused:
            protocol.refuse("device is paused")
        elif not protocol.wire.proves_name(config.cert_name or CERTIFICATE_NAME):
            name = config.cert_name or CERTIFICATE_NAME
            self._log.warn("{device}: its certificate is not for {name}", device=device, name=name)
            protocol.refuse(f"certificate is not for {name}")
        else:
            self._welcome(protocol)

    def _welcome(self, protocol: BepProtocol) -> None:
        """Accept a connection, or have it wait for the end of another."""
        device, greeting = protocol.device, self._greetings[protocol]
        dialled = greeting.origin.attempt is not None
        wished = protocol.hello.num_connections
        threshold = self._holder.current.options.connection_priority_upgrade_threshold
        existing = self._table.existing(device, self._clock.seconds())
        gone = replaced(greeting.info.priority, dialled, wished, existing, threshold)
        if must_wait(wished, [one for one, out in zip(existing, gone, strict=True) if not out]):
            wait = self._clock.callLater(DECISION_TIMEOUT, protocol.refuse, "already connected")
            greeting.wait = wait
            return
        del self._greetings[protocol]
        for standing, out in zip(self._table.of(device), gone, strict=True):
            if out:  # first: an old device must not see two Cluster Configs at once
                standing.protocol.close("replacing connection")
        now = self._clock.seconds()
        self._table.add(Standing(protocol, greeting.info, now, wished))
        interval = self._holder.current.options.reconnection_interval_s
        self._dial.plan.accepted(device, now, interval)
        if len(self._table.of(device)) > 1 and device not in self._prunes:
            self._prunes[device] = self._clock.callLater(PRUNE_AFTER, self._prune, device)
        self._cluster.connected(protocol, greeting.info)

    def _prune(self, device: DeviceID) -> None:
        del self._prunes[device]
        standings = self._table.of(device)
        dialled = [standing.info.type.endswith("-client") for standing in standings]
        existing = self._table.existing(device, self._clock.seconds())
        pairs = list(zip(existing, dialled, strict=True))
        gone = redundant(self._me.raw, device.raw, pairs)
        for standing, out in zip(standings, gone, strict=True):
            if out:
                standing.protocol.close("already connected")

    def _ended(self, protocol: BepProtocol, reason: str) -> None:
        device, now = protocol.device, self._clock.seconds()
        greeting = self._greetings.pop(protocol, None)
        if greeting is not None:
            if greeting.wait is not None and greeting.wait.active():
                greeting.wait.cancel()
            if greeting.origin.attempt is not None:
                self._dial.failed(greeting.origin.text, reason)
            else:
                address = greeting.info.address
                text = "{device} at {address}: no connection: {reason}"
                self._log.info(text, device=device, address=address, reason=reason)
            return
        standing = self._table.remove(protocol)
        if standing is None or not self.running:
            return
        for waiting, other in list(self._greetings.items()):
            if waiting.device == device and other.wait is not None:
                other.wait.cancel()
                other.wait = None
                self._welcome(waiting)
        if not self._table.of(device):
            self._dial.plan.ended(device, now, now - standing.began)
            self._dial.wake()
