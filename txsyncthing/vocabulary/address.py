"""
Addresses of devices and listeners: ``tcp://host:port``, ``quic://``, ``relay://``, ``dynamic``.

Also who is near: the rules for networks that are local, and for those that are allowed.

Source: reference 3.1, 3.4 (lib/connections, lib/osutil/lan.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from ipaddress import (
    IPv4Address,
    IPv4Interface,
    IPv4Network,
    IPv6Address,
    IPv6Interface,
    IPv6Network,
    ip_address,
    ip_network,
)
from urllib.parse import urlsplit

DEFAULT_PORT = 22000
DYNAMIC = "dynamic"  # an address: ask discovery
DEFAULT = "default"  # a listen address: all of the next
DEFAULT_LISTEN = (
    f"tcp://0.0.0.0:{DEFAULT_PORT}",
    "dynamic+https://relays.syncthing.net/endpoint",
    f"quic://0.0.0.0:{DEFAULT_PORT}",
)
TCP_SCHEMES = frozenset({"tcp", "tcp4", "tcp6"})
QUIC_SCHEMES = frozenset({"quic", "quic4", "quic6"})
RELAY_SCHEMES = frozenset({"relay"})
POOL_SCHEMES = frozenset({"dynamic+http", "dynamic+https"})  # listen only
DIAL_SCHEMES = TCP_SCHEMES | QUIC_SCHEMES | RELAY_SCHEMES
LISTEN_SCHEMES = DIAL_SCHEMES | POOL_SCHEMES

IPAddress = IPv4Address | IPv6Address
IPNetwork = IPv4Network | IPv6Network
IPInterface = IPv4Interface | IPv6Interface

PRIVATE_NETWORKS: tuple[IPNetwork, ...] = (
    IPv4Network("10.0.0.0/8"),
    IPv4Network("172.16.0.0/12"),
    IPv4Network("192.168.0.0/16"),
    IPv6Network("fc00::/7"),
)
"""What counts as local when the interfaces cannot be asked."""


class BadAddress(ValueError):
    """A text that is no address; the message says why."""


@dataclass(frozen=True, slots=True)
class Address:
    """One address. ``port`` is 0 where the text had none and the scheme has no default."""

    scheme: str
    host: str  # without brackets; empty: any
    port: int = 0
    rest: str = ""  # path and query, with their first character

    @classmethod
    def parse(cls, text: str) -> Address:
        """
        Read an address; tcp and quic without a port get 22000.

        :raises BadAddress: no scheme, a port out of range, a broken host.
        """
        if any(letter.isspace() or ord(letter) < 32 for letter in text):
            raise BadAddress(f"address {text!r}: blanks are not allowed")
        try:
            parts = urlsplit(text)
            port = parts.port
            host = parts.hostname or ""
        except ValueError as error:
            raise BadAddress(f"address {text!r}: {error}") from None
        if not parts.scheme or "://" not in text:
            raise BadAddress(f"address {text!r}: scheme://host:port is needed")
        if parts.username is not None:
            raise BadAddress(f"address {text!r}: a user name is not allowed")
        if port is None:
            port = DEFAULT_PORT if parts.scheme in TCP_SCHEMES | QUIC_SCHEMES else 0
        rest = parts.path + (f"?{parts.query}" if parts.query else "")
        return cls(parts.scheme, host, port, rest)

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = f":{self.port}" if self.port else ""
        return f"{self.scheme}://{host}{port}{self.rest}"

    @property
    def ip(self) -> IPAddress | None:
        """The host as a number; None for a name."""
        return parse_ip(self.host)

    @property
    def wildcard(self) -> bool:
        """Whether it stands for all addresses of this machine."""
        ip = self.ip
        return not self.host or (ip is not None and ip.is_unspecified)


def expand_listen(addresses: Iterable[str]) -> tuple[str, ...]:
    """The listen addresses of the configuration, ``default`` spelled out, each once, no empty one."""
    spelled: dict[str, None] = {}
    for text in addresses:
        for one in DEFAULT_LISTEN if text == DEFAULT else (text,):
            if one.strip():
                spelled.setdefault(one.strip())
    return tuple(spelled)


def parse_ip(host: str) -> IPAddress | None:
    """An IP address as text, with or without a zone; IPv4 that is wrapped in IPv6 is unwrapped."""
    try:
        ip = ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(ip, IPv6Address) and ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    return ip


def parse_networks(texts: Iterable[str]) -> tuple[IPNetwork, ...]:
    """CIDR texts as networks; what is none is left out, as the official daemon does."""
    networks: list[IPNetwork] = []
    for text in texts:
        try:
            networks.append(ip_network(text.strip(), strict=False))
        except ValueError:
            continue
    return tuple(networks)


def is_lan(
    ip: IPAddress, interfaces: Sequence[IPInterface] | None, always: Sequence[IPNetwork] = ()
) -> bool:
    """
    Whether the address is near, so that no limit of bandwidth holds and it is preferred.

    :param interfaces: this machine's own addresses with their networks; None: could not be asked.
    :param always: the option ``alwaysLocalNets``.
    """
    if ip.is_loopback or ip.is_link_local:
        return True
    near = PRIVATE_NETWORKS if interfaces is None else [each.network for each in interfaces]
    return any(ip in network for network in (*always, *near))


def is_allowed(ip: IPAddress, rules: Sequence[str]) -> bool:
    """
    The device's ``allowedNetworks``: the first CIDR that holds the address decides, ``!`` before it
    forbids; no match forbids; no rules allow all.
    """
    for rule in rules:
        text = rule.strip()
        forbids = text.startswith("!")
        for network in parse_networks([text.removeprefix("!")]):
            if ip in network:
                return not forbids
    return not rules
