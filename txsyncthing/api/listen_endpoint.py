"""
Listening for HTTP: on TCP or on a unix socket, exactly there or not at all.

Source: reference 7.1 "Listener", "Unix socket" (lib/api/api.go getListener).
"""

from __future__ import annotations

import os
import socket
import stat
from contextlib import suppress
from errno import EADDRNOTAVAIL, EAFNOSUPPORT
from typing import Any

from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort, IProtocolFactory

from txsyncthing.config.gui_address import GuiAddress

OWNER_ONLY = 0o600  # of a unix socket, if the configuration does not say
NO_IPV6 = frozenset({EAFNOSUPPORT, EADDRNOTAVAIL})


class ApiCannotListen(Exception):
    """The API cannot be offered where it should; says where, why, and what to do."""


def listen(
    reactor: Any, where: GuiAddress, factory: IProtocolFactory, permissions: str
) -> IListeningPort:
    """
    Begin to listen.

    :param reactor: ``IReactorTCP`` and ``IReactorUNIX``.
    :param permissions: of a unix socket, octal; empty: for its owner alone.
    :raises ApiCannotListen: it is taken, or there is no such address here.
    """
    try:
        return _listen(reactor, where, factory, permissions)
    except (CannotListenError, OSError) as error:
        reason = getattr(error, "socketError", error)
        raise ApiCannotListen(
            f"GUI and API cannot listen on {where}: {reason};"
            " end what uses that address, or set another with gui.address or --gui-address"
        ) from None


def _listen(
    reactor: Any, where: GuiAddress, factory: IProtocolFactory, permissions: str
) -> IListeningPort:
    port: IListeningPort
    if where.path:
        remove_stale(where.path)
        port = reactor.listenUNIX(where.path, factory, mode=socket_mode(permissions))
    elif where.host:
        port = reactor.listenTCP(where.port, factory, interface=where.host)
    else:
        try:
            port = reactor.listenTCP(where.port, factory, interface="::")
        except CannotListenError as error:  # IPv4 is what remains of every interface
            if getattr(error.socketError, "errno", None) not in NO_IPV6:
                raise
            port = reactor.listenTCP(where.port, factory)
    return port


def socket_mode(text: str) -> int:
    """
    The permissions of a unix socket, from an octal text.

    :raises ApiCannotListen: it is none.
    """
    if not text:
        return OWNER_ONLY
    try:
        return int(text, 8) & 0o777
    except ValueError:
        raise ApiCannotListen(
            f"gui.unixSocketPermissions: {text!r} is not an octal number such as 0660"
        ) from None


def remove_stale(path: str) -> None:
    """
    Remove a socket that a dead process left; never anything else.

    :raises OSError: something lives at the path.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise FileExistsError(f"{path} exists and is not a socket")
    with socket.socket(socket.AF_UNIX) as probe:
        probe.setblocking(False)
        try:
            probe.connect(path)
        except ConnectionRefusedError:
            with suppress(FileNotFoundError):
                os.unlink(path)
            return
    raise FileExistsError(f"{path} is in use")
