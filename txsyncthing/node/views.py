"""What REST sees of a node; satisfies the seams of ``api/``."""

from __future__ import annotations

import platform
import sys
from collections.abc import Awaitable, Mapping

import psutil

from txsyncthing import __version__
from txsyncthing.api.seams import Usage, Version
from txsyncthing.config.file_service import ConfigFileService
from txsyncthing.node.ending import Ending
from txsyncthing.node.paths import Paths
from txsyncthing.vocabulary.device import DeviceID

CLIENT = "txsyncthing"
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm", "i686": "386"}


def version() -> Version:
    """Which program this is."""
    machine = platform.machine()
    architecture = _ARCHITECTURES.get(machine, machine)
    python = f"{platform.python_implementation()} {platform.python_version()}"
    return Version(
        version=f"v{__version__}",
        long_version=f"{CLIENT} v{__version__} ({python} {sys.platform}-{architecture})",
        os=sys.platform,
        arch=architecture,
    )


class ProcessView:
    """
    The node as a process.

    :param started: Unix seconds.
    """

    def __init__(
        self,
        id: DeviceID,
        paths: Paths,
        started: float,
        file: ConfigFileService,
        ending: Ending,
    ) -> None:
        self.id = id
        self.version = version()
        self.started = started
        self.home = str(paths.user)
        self._paths = paths
        self._file = file
        self._ending = ending

    def paths(self) -> Mapping[str, str]:
        return self._paths.table()

    def usage(self) -> Usage:
        memory = psutil.Process().memory_info()  # made anew: a daemon's process ID is another
        return Usage(alloc=memory.rss, sys=memory.vms)

    def discovery(self) -> Mapping[str, str | None] | None:
        return None

    def config_saved(self) -> Awaitable[None]:
        return self._file.saved()

    def restart(self) -> None:
        self._ending.restart()

    def shutdown(self) -> None:
        self._ending.shutdown()
