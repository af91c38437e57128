"""
The API of a node: where it listens, and all that it answers.

Source: reference 7.1 "Listener", "Config change" (lib/api/api.go).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, maybeDeferred
from twisted.internet.interfaces import (
    IListeningPort,
    IOpenSSLContextFactory,
    IProtocolFactory,
)
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure

from txsyncthing.api.auth_resource import Passwords
from txsyncthing.api.cluster_resource import ClusterResource
from txsyncthing.api.config_resource import ConfigResource
from txsyncthing.api.db_resource import DbResource
from txsyncthing.api.events_resource import EventsResource
from txsyncthing.api.exchange import Route
from txsyncthing.api.explain_resource import ExplainResource
from txsyncthing.api.guard_resource import GuardResource
from txsyncthing.api.listen_endpoint import ApiCannotListen, listen, socket_mode
from txsyncthing.api.lists_resource import ListsResource
from txsyncthing.api.rest_resource import Door, RestResource, RestSite
from txsyncthing.api.seams import (
    CareView,
    ClusterView,
    ConnectionsView,
    FoldersView,
    LogView,
    NodeView,
)
from txsyncthing.api.session import Guard, Rules
from txsyncthing.api.sniff_protocol import SniffFactory
from txsyncthing.api.system_resource import SystemResource
from txsyncthing.api.versions_resource import VersionsResource
from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.diff import Change, GuiChanged
from txsyncthing.config.gui import GuiConfig
from txsyncthing.config.gui_address import BadGuiAddress, GuiAddress
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.events.bus import EventBus
from txsyncthing.runtime.log_service import Log
from txsyncthing.runtime.worker_service import Workers


@dataclass(frozen=True, slots=True)
class Parts:
    """What the API shows and drives."""

    node: NodeView
    log_view: LogView
    holder: ConfigHolder
    cluster: ClusterView
    connections: ConnectionsView
    folders: FoldersView
    events: EventBus
    workers: Workers
    care: CareView


class ApiService(Service):
    """
    :param reactor: listens and tells the time.
    :param unix: wall clock, Unix seconds.
    :param random: so many random bytes that nobody can guess.
    :param log: where the API itself writes.
    :param gui_address: instead of the configured one (``--gui-address``, STGUIADDRESS).
    :param gui_key: an API key beside the configured one (``--gui-apikey``, STGUIAPIKEY).
    :param https: the TLS side, made when it is first needed; None: there is none, and a configuration
        that asks for TLS is refused.
    """

    def __init__(
        self,
        *,
        reactor: Any,
        parts: Parts,
        unix: Callable[[], float],
        random: Callable[[int], bytes],
        log: Log,
        gui_address: str = "",
        gui_key: str = "",
        https: Callable[[], IOpenSSLContextFactory] | None = None,
    ) -> None:
        self._reactor = reactor
        self._parts = parts
        self._log = log
        self._given = gui_address
        self._key = gui_key
        self._https = https
        self._port: IListeningPort | None = None
        self._where: GuiAddress | None = None
        self._closing: list[Callable[[], None]] = []
        passwords = Passwords(self._gui, parts.workers.disk, parts.events.emit, log)
        self._events = EventsResource(parts.events, reactor)
        guard = Guard(parts.node.id, random)
        door = Door(guard, self.rules, passwords.check, reactor.seconds)
        identity = {
            "X-Syncthing-Version": parts.node.version.version,
            "X-Syncthing-ID": str(parts.node.id),
        }
        routes = self._routes(passwords, unix, random)
        self._site = RestSite(RestResource(routes, door, identity, log), reactor)

    def _routes(
        self, passwords: Passwords, unix: Callable[[], float], random: Callable[[int], bytes]
    ) -> list[Route]:
        parts = self._parts
        system = SystemResource(
            node=parts.node,
            log=parts.log_view,
            holder=parts.holder,
            cluster=parts.cluster,
            connections=parts.connections,
            unix=unix,
            random=random,
            address=lambda: (self.address, bool(self._given)),
        )
        db = DbResource(
            folders=parts.folders,
            holder=parts.holder,
            cluster=parts.cluster,
            lane=parts.workers.disk,
            me=parts.node.id,
        )
        lists = ListsResource(folders=parts.folders, lane=parts.workers.disk)
        config = ConfigResource(
            holder=parts.holder, saved=parts.node.config_saved, hash_password=passwords.hash
        )
        cluster = ClusterResource(
            cluster=parts.cluster,
            folders=parts.folders,
            holder=parts.holder,
            me=parts.node.id,
            unix=unix,
        )
        versions = VersionsResource(
            folders=parts.folders, holder=parts.holder, lane=parts.workers.disk
        )
        guard = GuardResource(folders=parts.folders, holder=parts.holder, care=parts.care)
        explain = ExplainResource(
            folders=parts.folders,
            holder=parts.holder,
            cluster=parts.cluster,
            connections=parts.connections,
            care=parts.care,
            lane=parts.workers.disk,
            me=parts.node.id,
            unix=unix,
        )
        rooms = (system, db, lists, versions, config, cluster, guard, explain, self._events)
        return [route for room in rooms for route in room.routes()]

    @property
    def site(self) -> RestSite:
        """The factory of connections, for tests that bring their own."""
        return self._site

    @property
    def address(self) -> str:
        """Where the API listens now; where it should, while it does not."""
        if self._port is None:
            return self._given or self._gui().address
        where, here = self._where, self._port.getHost()
        if where is None or where.path:
            return str(where)
        port, host = getattr(here, "port", where.port), where.host or getattr(here, "host", "")
        return str(GuiAddress(host, port))

    def rules(self) -> Rules:
        """Who may come in, by the configuration of now."""
        gui = self._gui()
        where = self._where or GuiAddress()
        return Rules(
            keys=frozenset({gui.api_key, self._key} - {""}),
            auth=gui.auth_enabled,
            host_check=where.is_local and not gui.insecure_skip_hostcheck,
            basic_prompt=gui.send_basic_auth_prompt,
            https=self._wants_tls(where, gui),
            frames=gui.insecure_allow_frame_loading,
            session_s=float(gui.session_cookie_duration_s),
        )

    def _gui(self) -> GuiConfig:
        return self._parts.holder.current.gui

    def _wanted(self, gui: GuiConfig) -> GuiAddress:
        """:raises BadGuiAddress: the text names no place."""
        return GuiAddress.parse(self._given or gui.address)

    @staticmethod
    def _wants_tls(where: GuiAddress, gui: GuiConfig) -> bool:
        return gui.use_tls if where.tls is None else where.tls

    # -- life

    def startService(self) -> None:
        """
        Begin to listen.

        :raises ApiCannotListen: not where the configuration says; then nowhere.
        """
        self.running = True
        self._closing = [
            self._parts.holder.verify(self._verify),
            self._parts.holder.subscribe(self._changed),
        ]
        if self._gui().enabled:
            self._open(self._gui())

    def stopService(self) -> Deferred[None]:
        """Answer those who wait, and close."""
        self.running = False
        for close in self._closing:
            close()
        self._closing = []
        self._events.release()
        return self._close(also_connections=True)

    def _open(self, gui: GuiConfig) -> None:
        try:
            where = self._wanted(gui)
            port = self._listen(where, gui)
        except BadGuiAddress as bad:
            raise ApiCannotListen(str(bad)) from None
        self._where, self._port = where, port
        self._log.info("GUI and API listening on {address}", address=self.address)

    def _listen(self, where: GuiAddress, gui: GuiConfig) -> IListeningPort:
        return listen(self._reactor, where, self._factory(where, gui), gui.unix_socket_permissions)

    def _factory(self, where: GuiAddress, gui: GuiConfig) -> IProtocolFactory:
        if not self._wants_tls(where, gui):
            return self._site
        if self._https is None:
            raise ApiCannotListen(
                "GUI and API should use TLS (gui.useTLS or https://), but this node has no HTTPS"
                " certificate; it does not listen without TLS instead: switch TLS off"
            )
        secure = TLSMemoryBIOFactory(self._https(), False, self._site)
        return SniffFactory(self._reactor, self._site, secure)

    async def _closed(self, port: IListeningPort) -> None:
        await maybeDeferred(port.stopListening)

    def _close(self, also_connections: bool = False) -> Deferred[None]:
        port, self._port = self._port, None
        if also_connections:
            # The answers to those who waited are written by now, or in this turn of the reactor.
            self._reactor.callLater(0, self._site.close)
        if port is None:
            return Deferred.fromCoroutine(_nothing())
        return Deferred.fromCoroutine(self._closed(port))

    # -- the configuration changes

    def _verify(self, old: Configuration, new: Configuration) -> None:
        """Refuse what could never be listened on."""
        if self._given or old.gui == new.gui:
            return
        try:
            where = GuiAddress.parse(new.gui.address)
        except BadGuiAddress:
            raise InvalidConfiguration(
                "gui/address", new.gui.address, "HOST:PORT, or the path of a socket"
            ) from None
        if self._wants_tls(where, new.gui) and self._https is None:
            raise InvalidConfiguration("gui/useTLS", True, "false: there is no HTTPS certificate")
        try:
            socket_mode(new.gui.unix_socket_permissions)
        except ApiCannotListen as bad:
            raise InvalidConfiguration(
                "gui/unixSocketPermissions", new.gui.unix_socket_permissions, str(bad)
            ) from None

    def _changed(self, old: Configuration, new: Configuration, changes: list[Change]) -> None:
        if any(isinstance(change, GuiChanged) for change in changes) and place(old.gui) != place(
            new.gui
        ):
            # The request that made the change is answered by the old listener's connection.
            moved = Deferred.fromCoroutine(self._move(old.gui, new.gui))
            moved.addErrback(self._not_moved)

    async def _move(self, old: GuiConfig, new: GuiConfig) -> None:
        before = self._port
        if self._given and place(old)[1:] == place(new)[1:]:
            return
        if not new.enabled:
            await self._close()
            return
        if before is not None and (self._given or old.address == new.address):
            await self._close()
            before = None
        self._open(new)
        if before is not None:
            await self._closed(before)

    def _not_moved(self, failure: Failure) -> None:
        if failure.check(ApiCannotListen):
            self._log.error("{error}", error=failure.value)
        else:
            self._log.failure("moving the API failed", failure=failure)


async def _nothing() -> None:
    pass


def place(gui: GuiConfig) -> tuple[object, ...]:
    """What makes another listener necessary."""
    return gui.address, gui.enabled, gui.use_tls, gui.unix_socket_permissions
