"""
Where the API listens: a host and port, or a unix socket.

Source: reference 7.1 "Listener", 6.5 (``--gui-address``; lib/config/guiconfiguration.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address

_HTTPS = ("https", "unixs")


class BadGuiAddress(ValueError):
    """A text that names no place to listen."""


@dataclass(frozen=True, slots=True)
class GuiAddress:
    """
    Either ``path`` (a unix socket) or ``host`` and ``port``; an empty host is every interface.

    ``tls`` is True or False where the text says so (``https://``, ``http://``), else None.
    """

    host: str = ""
    port: int = 0
    path: str = ""
    tls: bool | None = None

    @classmethod
    def parse(cls, text: str) -> GuiAddress:
        """
        Read ``host:port``, ``:port``, ``[v6]:port``, ``/path``, or either behind ``http://``,
        ``https://``, ``unix://`` or ``unixs://``.

        :raises BadGuiAddress: none of these.
        """
        scheme, mark, rest = text.strip().partition("://")
        if not mark:
            scheme, rest = "", text.strip()
        if scheme not in ("", "http", "https", "unix", "unixs"):
            raise BadGuiAddress(f"gui address {text!r}: use http, https, unix or unixs before ://")
        tls = scheme in _HTTPS if scheme else None
        if scheme.startswith("unix") or rest.startswith("/"):
            if not rest.startswith("/"):
                raise BadGuiAddress(f"gui address {text!r}: the socket's path must begin with /")
            return cls(path=rest, tls=tls)
        host, port = split_host(rest.rstrip("/"))
        if not port.isascii() or not port.isdigit() or int(port) > 65535:
            raise BadGuiAddress(f"gui address {text!r}: use HOST:PORT, such as 127.0.0.1:8384")
        return cls(host=host, port=int(port), tls=tls)

    def __str__(self) -> str:
        if self.path:
            return self.path
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_local(self) -> bool:
        """Whether only programs on this machine can come by the network: the host check is for them."""
        return not self.path and is_local_host(self.host)


def split_host(text: str) -> tuple[str, str]:
    """Host and port of ``host:port``; the port is empty where there is none."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, rest.removeprefix(":")
    host, mark, port = text.rpartition(":")
    if not mark or ":" in host:
        return text, ""
    return host, port


def is_local_host(host: str) -> bool:
    """Whether a host's name or address means this machine."""
    name = host.lower().removesuffix(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
