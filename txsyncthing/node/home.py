"""
A node's home: its lock, its identity and its configuration, made on the first start.

What is there is never replaced: a key that does not parse, or a configuration that is not valid, stops
the start with a message, and stays.

Source: reference 1.1, 6.1, 6.5 (lib/syncthing/utils.go, cmd/syncthing/main.go).
"""

from __future__ import annotations

import fcntl
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.device import DeviceConfig
from txsyncthing.config.file_service import load, save
from txsyncthing.config.gui import GuiConfig
from txsyncthing.config.options import DEFAULT_PORT, PASSWORD_NOTICE, Options, default_listeners
from txsyncthing.config.prepare import prepare
from txsyncthing.node.paths import Paths
from txsyncthing.tls.certificate import BadIdentity, Identity, load_identity, make_identity

GUI_PORT = 8384
_LETTERS = "abcdefghijkmnopqrstuvwxyzACDEFGHJKLMNPQRTUVWXYZ2345679"  # none looks like another
_KEY_LETTERS = 32


class HomeUnusable(Exception):
    """The node cannot start from this home; says which file, why, and what to do."""


class HomeInUse(HomeUnusable):
    """Another node has this home."""


@dataclass(frozen=True, slots=True)
class Seams:
    """What a home needs from the machine."""

    random: Callable[[int], bytes]  # that nobody can guess
    unix: Callable[[], float]  # seconds since 1970
    host: str  # what a new device is called
    port_free: Callable[[str, int], bool]  # whether host and port can be listened on
    any_port: Callable[[str], int]  # some port of the host that can


class HomeLock:
    """Held by one process for one home, until closed or until the process ends."""

    def __init__(self, path: Path) -> None:
        """:raises HomeInUse: another process holds it."""
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(self._file)
            raise HomeInUse(f"{path.parent}: another node uses this home; stop it first") from None

    def close(self) -> None:
        """Let others in; harmless when repeated."""
        with suppress(OSError):
            os.close(self._file)
        self._file = -1


@dataclass(frozen=True, slots=True)
class Home:
    """An open home. ``configuration`` is prepared and on disk."""

    paths: Paths
    identity: Identity
    configuration: Configuration
    lock: HomeLock

    def close(self) -> None:
        self.lock.close()


def open_home(
    paths: Paths, seams: Seams, *, probe_ports: bool = True, allow_newer: bool = False
) -> Home:
    """
    Lock a home and load what is in it; make what a first start lacks. Blocks, and belongs before the reactor.

    :param probe_ports: look for free ports for a new configuration.
    :param allow_newer: try a configuration that is newer than all we know.
    :raises HomeUnusable: it cannot be used; nothing in it has changed.
    """
    try:
        for directory in (paths.config, paths.data):
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = HomeLock(paths.lock_file)
    except OSError as error:
        where = error.filename or paths.data
        why = "not a directory" if isinstance(error, FileExistsError) else error.strerror
        raise HomeUnusable(f"{where}: {why}; use a directory that this user may write") from error
    try:
        identity = _identity(paths, seams)
        configuration = _configuration(paths, identity, seams, probe_ports, allow_newer)
    except OSError as error:
        lock.close()
        raise HomeUnusable(f"{error.filename or paths.config}: {error.strerror}") from error
    except BaseException:
        lock.close()
        raise
    return Home(paths, identity, configuration, lock)


def read_identity(paths: Paths) -> Identity:
    """
    The identity of a home that has one.

    :raises HomeUnusable: a file is missing or of no use.
    """
    parts = []
    if not (os.path.lexists(paths.certificate_file) or os.path.lexists(paths.key_file)):
        raise HomeUnusable(
            f"{paths.config}: no home here; 'txsyncthing generate' makes one, and so does a first start"
        )
    for path in (paths.certificate_file, paths.key_file):
        try:
            parts.append(path.read_bytes())
        except OSError as error:
            raise HomeUnusable(
                f"{path}: {error.strerror}; certificate and key belong together: bring it back, or move "
                "both away for a new identity"
            ) from error
    try:
        return load_identity(*parts)
    except BadIdentity as error:
        raise HomeUnusable(
            f"{paths.config}: {error}; bring back the right cert.pem and key.pem, or move both away for "
            "a new identity"
        ) from error


def new_key(random: Callable[[int], bytes]) -> str:
    """A new API key: 32 letters and digits."""
    key = ""
    while len(key) < _KEY_LETTERS:
        usable = (byte for byte in random(_KEY_LETTERS) if byte < len(_LETTERS) * 4)
        key += "".join(_LETTERS[byte % len(_LETTERS)] for byte in usable)
    return key[:_KEY_LETTERS]


def system_seams() -> Seams:
    """The machine we run on."""
    return Seams(os.urandom, time.time, socket.gethostname(), port_free, any_port)


def port_free(host: str, port: int) -> bool:
    """Whether nobody listens there."""
    try:
        socket.create_server((host, port)).close()
    except OSError:
        return False
    return True


def any_port(host: str) -> int:
    """Some port that is free now."""
    with socket.create_server((host, 0)) as listener:
        return int(listener.getsockname()[1])


def _identity(paths: Paths, seams: Seams) -> Identity:
    if os.path.lexists(paths.certificate_file) or os.path.lexists(paths.key_file):
        return read_identity(paths)
    identity = make_identity(seams.random, seams.unix())
    _create(paths.key_file, identity.key_pem(), 0o600)
    _create(paths.certificate_file, identity.certificate_pem(), 0o644)
    return identity


def _configuration(
    paths: Paths, identity: Identity, seams: Seams, probe_ports: bool, allow_newer: bool
) -> Configuration:
    path = str(paths.config_file)
    if os.path.lexists(path):
        try:
            loaded = load(path, allow_newer=allow_newer)
        except InvalidConfiguration as error:
            raise HomeUnusable(f"{path}: {error}") from error
        found, version = loaded.configuration, loaded.file_version
    else:
        found, version = _first(identity, seams, probe_ports), 0
    try:
        prepared = prepare(
            found, identity.device, new_key=lambda: new_key(seams.random), name=seams.host
        )
    except InvalidConfiguration as error:
        raise HomeUnusable(f"{path}: {error}") from error
    if prepared != found or version != found.version:
        save(path, prepared)
    return prepared


def _first(identity: Identity, seams: Seams, probe_ports: bool) -> Configuration:
    """The configuration of a first start: the defaults, on ports that are free."""
    gui, options = GuiConfig(), Options(unacked_notification_ids=(PASSWORD_NOTICE,))
    if probe_ports and not seams.port_free("127.0.0.1", GUI_PORT):
        gui = replace(gui, address=f"127.0.0.1:{seams.any_port('127.0.0.1')}")
    if probe_ports and not seams.port_free("0.0.0.0", DEFAULT_PORT):
        port = seams.any_port("0.0.0.0")
        options = replace(options, listen_addresses=default_listeners(port))
    return Configuration(
        devices=(DeviceConfig(id=identity.device, name=seams.host),), gui=gui, options=options
    )


def _create(path: Path, data: bytes, mode: int) -> None:
    """Make a file that is not there, whole and synced."""
    temporary = path.with_name(f"{path.name}.tmp")
    with suppress(FileNotFoundError):
        temporary.unlink()
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with open(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        os.rename(temporary, path)  # nobody else is here: the home is locked
    except BaseException:
        with suppress(FileNotFoundError):
            temporary.unlink()
        raise
