"""
``twistd syncthing``: one node as a process, with its home, its log and its API.

Source: reference 6.5.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from ipaddress import ip_interface
from typing import Any

import psutil
from twisted.application.service import IService, Service
from twisted.internet.defer import Deferred
from twisted.logger import globalLogPublisher
from twisted.python.logfile import LogFile
from twisted.python.usage import UsageError

from txsyncthing.api.listen_endpoint import ApiCannotListen
from txsyncthing.api.service import ApiService, Parts
from txsyncthing.config.config import Configuration
from txsyncthing.config.file_service import ConfigFileService
from txsyncthing.config.folder import FolderConfig
from txsyncthing.config.gui_address import BadGuiAddress
from txsyncthing.config.holder import ConfigHolder
from txsyncthing.config.json import to_json
from txsyncthing.config.own_service import OwnSettings
from txsyncthing.events.bus import EventBus
from txsyncthing.events.types import EventType
from txsyncthing.filesystem.disk import DiskFilesystem
from txsyncthing.node.audit_service import AuditService
from txsyncthing.node.build import Node, all_paused
from txsyncthing.node.chain_service import ChainService
from txsyncthing.node.collector_service import CollectorService, calm_collector
from txsyncthing.node.ending import Ending
from txsyncthing.node.home import Home, HomeUnusable, new_key, open_home, system_seams
from txsyncthing.node.https import https_context
from txsyncthing.node.memory import keep_freed_memory
from txsyncthing.node.network import TcpNetwork
from txsyncthing.node.options import Options, Settings, says_yes
from txsyncthing.node.paths import Paths
from txsyncthing.node.systemd_service import SystemdService
from txsyncthing.node.versions import versions_on_disk
from txsyncthing.node.views import ProcessView
from txsyncthing.node.watches import folder_watches
from txsyncthing.node.world import DatabaseDirectory, World
from txsyncthing.runtime.lines import Level
from txsyncthing.runtime.log_service import Log, Logs, LogService, Sink, WholeLog, stream_sink
from txsyncthing.runtime.worker_service import WorkerService
from txsyncthing.tls.endpoint import TlsNode
from txsyncthing.vocabulary.address import IPInterface

__all__ = ["Options", "makeService"]

# Seconds that a thread computes before another has its turn. SQLite's threads give way at each row, and
# would wait the interpreter's own 5 ms for the reactor each time.
SWITCH_INTERVAL = 0.0005


class HomeService(Service):
    """Holds the home's lock until everything else has stopped."""

    def __init__(self, home: Home) -> None:
        self._home = home

    def stopService(self) -> None:
        self.running = False
        self._home.close()


class DrivenService(Service):
    """
    A node and its API. A node that cannot be driven as configured says so and ends; it does not begin.
    """

    def __init__(self, node: Node, api: ApiService, log: Log, ending: Ending) -> None:
        self._node = node
        self._api = api
        self._log = log
        self._ending = ending

    def startService(self) -> None:
        self.running = True
        try:
            self._api.startService()
        except (ApiCannotListen, BadGuiAddress) as error:
            self._log.error("{error}", error=error)
            self._ending.fail()
        else:
            self._node.startService()

    def stopService(self) -> Deferred[None]:
        self.running = False
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        await self._api.stopService()
        if self._node.running:
            await self._node.stopService()


def makeService(options: Options) -> IService:
    """
    The service that twistd runs.

    :raises SystemExit: a variable is not valid, or the home or a log cannot be used; the text says why.
    """
    from twisted.internet import reactor

    environment = os.environ
    try:
        settings = options.settings(environment)
    except UsageError as error:
        raise SystemExit(f"txsyncthing: {error}") from None
    parent: Any = getattr(options, "parent", None) or {}
    foreground = bool(parent.get("nodaemon", True))
    try:
        home = open_home(
            settings.paths,
            system_seams(),
            probe_ports=settings.probe_ports,
            allow_newer=settings.allow_newer,
        )
    except HomeUnusable as error:
        raise SystemExit(f"txsyncthing: {error}") from None
    ending = Ending(
        reactor,
        replace=not (options["no-restart"] or says_yes(environment, "STNORESTART")),
        pidfile=parent.get("pidfile") or "",
    )
    own_log = not any(parent.get(option) for option in ("logfile", "syslog", "logger"))
    try:
        service = process_service(reactor, settings, home, ending, foreground, own_log)
    except OSError as error:
        home.close()
        raise SystemExit(f"txsyncthing: {error.filename}: {error.strerror}") from None
    reactor.callWhenRunning(ending.follow_signals)
    more_descriptors()
    sys.setswitchinterval(SWITCH_INTERVAL)
    keep_freed_memory()
    calm_collector()
    return service


def more_descriptors() -> None:
    """Open as many files and connections as the system allows; shells start us with 1024."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def process_service(
    reactor: Any,
    settings: Settings,
    home: Home,
    ending: Ending,
    foreground: bool,
    own_log: bool = True,
) -> IService:
    """
    Everything that a node's process runs, in the order in which it starts.

    :param own_log: what Twisted logs goes to our log, and nowhere else; not where twistd was given another
        one: there all stays as it is, and we hear of the warnings.
    """
    logs = Logs(
        time.time,
        settings.log_level,
        traced(settings.trace),
        [_log_sink(settings, foreground)],
    )
    workers = WorkerService(reactor)
    me = home.identity.device
    holder = ConfigHolder(home.configuration, me, partial(new_key, os.urandom), system_seams().host)
    if settings.paused is not None:
        holder.modify(partial(all_paused, paused=settings.paused))
    databases = DatabaseDirectory(home.paths.index)
    own = OwnSettings(str(home.paths.own_file), workers.disk)
    own.load()
    world = World(
        clock=reactor,
        unix=time.time,
        random=os.urandom,
        workers=workers,
        network=TcpNetwork(TlsNode(reactor, reactor.nameResolver, home.identity)),
        interfaces=interfaces,
        filesystem=partial(folder_on_disk, home.paths),
        databases=databases,
        versions=partial(versions_on_disk, home.paths),
        logs=logs,
        whereabouts=lambda path: os.path.realpath(home.paths.expand(path)),
        home_space=databases.space,
        own=own,
        watch=folder_watches(reactor, workers, home.paths),
    )
    node = Node(world, me, holder)

    def saved(configuration: Configuration) -> None:
        node.events.emit(EventType.CONFIG_SAVED, to_json(configuration))

    file = ConfigFileService(
        str(home.paths.config_file), holder, workers.disk, logs.area("config"), saved, reactor
    )
    view = ProcessView(me, home.paths, time.time(), file, ending)
    api = ApiService(
        reactor=reactor,
        parts=Parts(
            node=view,
            log_view=logs,
            holder=holder,
            cluster=node.cluster,
            connections=node.connections,
            folders=node.folders,
            events=node.events,
            workers=workers,
            care=node.folders.care,
        ),
        unix=time.time,
        random=os.urandom,
        log=logs.area("api"),
        gui_address=settings.gui_address,
        gui_key=settings.gui_api_key,
        https=partial(https_context, home.paths, system_seams().host),
    )
    node.events.emit(EventType.STARTING, {"home": str(home.paths.config), "myID": str(me)})
    if os.geteuid() == 0:
        logs.area("node").warn(
            "running as root: use an account of its own, so that a fault cannot reach all of the machine"
        )
    return ChainService(
        [
            HomeService(home),
            *([] if own_log else [LogService(logs, globalLogPublisher, time.time)]),
            workers,
            file,
            DrivenService(node, api, logs.area("api"), ending),
            *audit_services(settings, node.events),
            SystemdService(reactor, os.environ),
            CollectorService(reactor),
        ],
        WholeLog(logs, time.time) if own_log else None,
    )


def traced(text: str) -> dict[str, Level]:
    """
    The areas of STTRACE with their levels: ``pull:DEBUG,index:INFO``; without a level DEBUG.

    :raises SystemExit: a level that there is not.
    """
    levels: dict[str, Level] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        area, _, level = part.partition(":")
        try:
            levels[area] = Level.parse(level or "DEBUG")
        except ValueError as error:
            raise SystemExit(f"txsyncthing: STTRACE: {error}") from None
    return levels


def audit_services(settings: Settings, events: EventBus) -> list[IService]:
    """The audit log, if it is wanted: to a file of its own, or to an output (``-``, ``--``)."""
    if not settings.audit:
        return []
    streams = {"-": sys.stdout, "--": sys.stderr}
    if settings.audit_file in streams:
        return [AuditService(events, streams[settings.audit_file])]
    name = f"audit-{time.strftime('%Y%m%d-%H%M%S')}.log"
    path = settings.audit_file or str(settings.paths.data / name)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    return [AuditService(events, open(descriptor, "a", encoding="utf-8"))]


def folder_on_disk(paths: Paths, folder: FolderConfig) -> DiskFilesystem:
    """The storage of a folder as configured."""
    return DiskFilesystem(str(paths.expand(folder.path)))


def interfaces() -> Sequence[IPInterface] | None:
    """This machine's addresses with their networks; None if they cannot be asked."""
    found: list[IPInterface] = []
    try:
        for addresses in psutil.net_if_addrs().values():
            for one in addresses:
                if one.family.name not in ("AF_INET", "AF_INET6") or not one.netmask:
                    continue
                host = one.address.partition("%")[0]
                mask = _prefix(one.netmask) if ":" in one.netmask else one.netmask
                found.append(ip_interface(f"{host}/{mask}"))
    except (OSError, ValueError):
        return None
    return found


def _prefix(netmask: str) -> int:
    """The length of an IPv6 network's prefix."""
    return bin(int(ip_interface(netmask.partition("/")[0]).ip)).count("1")


def _log_sink(settings: Settings, foreground: bool) -> Sink:
    """Where lines go: a daemon has no standard output, so it writes beside its database."""
    path = settings.log_file
    if path == "-":
        if foreground:
            return stream_sink(sys.stdout)
        path = str(settings.paths.log_file)
    directory, name = os.path.split(os.path.abspath(path))
    log = LogFile(
        name,
        directory,
        rotateLength=settings.log_max_size or None,
        maxRotatedFiles=settings.log_max_old_files or None,
        defaultMode=0o600,
    )
    return stream_sink(log)
