"""
Where a node keeps its files.

The layout is the official one, so that a home can go from one daemon to the other and back; only the index
is ours alone.

Source: reference 6.5 "Data dirs", "Files"; 7.2 ``/rest/system/paths``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from txsyncthing.config.own import NAME as OWN_FILE

NAME = "txsyncthing"


@dataclass(frozen=True, slots=True)
class Paths:
    """
    The directories of a node; often one.

    ``config`` holds what identifies and configures it, ``data`` what it can make anew, ``user`` is
    what a tilde stands for.
    """

    config: Path
    data: Path
    user: Path

    @property
    def config_file(self) -> Path:
        return self.config / "config.xml"

    @property
    def own_file(self) -> Path:
        """Our settings which the official daemon has not."""
        return self.config / OWN_FILE

    @property
    def certificate_file(self) -> Path:
        return self.config / "cert.pem"

    @property
    def key_file(self) -> Path:
        return self.config / "key.pem"

    @property
    def https_certificate_file(self) -> Path:
        return self.config / "https-cert.pem"

    @property
    def https_key_file(self) -> Path:
        return self.config / "https-key.pem"

    @property
    def index(self) -> Path:
        """The directory of our databases."""
        return self.data / "index-txsyncthing"

    @property
    def lock_file(self) -> Path:
        """The official daemon of version 2 locks the same file."""
        return self.data / "syncthing.lock"

    @property
    def log_file(self) -> Path:
        return self.data / "syncthing.log"

    @property
    def gui_assets(self) -> Path:
        return self.config / "gui"

    @property
    def default_folder(self) -> Path:
        return self.user / "Sync"

    def expand(self, path: str) -> Path:
        """The absolute path of a folder as configured; a leading tilde is the user's home."""
        if path == "~" or path.startswith("~/"):
            return self.user / path[2:]
        return Path(path) if path.startswith("/") else self.user / path

    def table(self) -> dict[str, str]:
        """``/rest/system/paths``."""
        return {
            "auditLog": str(self.data / "audit-%{timestamp}.log"),
            "baseDir-config": str(self.config),
            "baseDir-data": str(self.data),
            "baseDir-userHome": str(self.user),
            "certFile": str(self.certificate_file),
            "config": str(self.config_file),
            "database": str(self.index),
            "defFolder": str(self.default_folder),
            "guiAssets": str(self.gui_assets),
            "httpsCertFile": str(self.https_certificate_file),
            "httpsKeyFile": str(self.https_key_file),
            "keyFile": str(self.key_file),
            "legacyDatabase": str(self.data / "index-v0.14.0.db"),
            "lockFile": str(self.lock_file),
            "logFile": str(self.log_file),
            "panicLog": str(self.data / "panic-%{timestamp}.log"),
        }


def locate(
    environment: Mapping[str, str], *, home: str = "", config: str = "", data: str = ""
) -> Paths:
    """
    The directories that the command line and the environment ask for; nothing is made.

    Without any of ``home``, ``config``, ``data`` it is ``$XDG_STATE_HOME/txsyncthing``, which is
    ``~/.local/state/txsyncthing`` if unset.
    """
    user = Path(environment.get("HOME") or "/")
    if not (home or config or data):
        home = environment.get("STHOMEDIR", "")
        config, data = environment.get("STCONFDIR", ""), environment.get("STDATADIR", "")
    if home or not (config or data):
        state = environment.get("XDG_STATE_HOME", "")
        base = Path(state) if state.startswith("/") else user / ".local" / "state"
        here = _absolute(home, user) if home else base / NAME
        return Paths(here, here, user)
    return Paths(_absolute(config or data, user), _absolute(data or config, user), user)


def _absolute(path: str, user: Path) -> Path:
    if path == "~" or path.startswith("~/"):
        return user / path[2:]
    return Path(path).absolute()
