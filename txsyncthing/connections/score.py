"""
How good an address is: its priority (lower is better), and how a connection is called in REST.

Source: reference 3.3, 3.5 (lib/config/optionsconfiguration.go, lib/connections/structs.go).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from txsyncthing.vocabulary.address import (
    QUIC_SCHEMES,
    RELAY_SCHEMES,
    TCP_SCHEMES,
    IPAddress,
    parse_ip,
)


class Priorities(Protocol):
    """The options that rank transports (config/options.py)."""

    @property
    def connection_priority_tcp_lan(self) -> int: ...

    @property
    def connection_priority_tcp_wan(self) -> int: ...

    @property
    def connection_priority_quic_lan(self) -> int: ...

    @property
    def connection_priority_quic_wan(self) -> int: ...

    @property
    def connection_priority_relay(self) -> int: ...


@dataclass(frozen=True, slots=True)
class ConnectionInfo:
    """What is known of a connection besides its messages; as REST shows it."""

    type: str  # tcp-client, tcp-server, ...
    address: str  # of the peer: host:port
    is_local: bool
    crypto: str  # TLS1.3-TLS_AES_128_GCM_SHA256, ...
    started: float  # Unix seconds
    priority: int

    @property
    def ip(self) -> IPAddress | None:
        """Of the peer."""
        return parse_ip(self.address.rpartition(":")[0].strip("[]"))


def priority(scheme: str, lan: bool, options: Priorities) -> int:
    """The rank of a transport; relays are alike wherever they are."""
    if scheme in TCP_SCHEMES:
        return options.connection_priority_tcp_lan if lan else options.connection_priority_tcp_wan
    if scheme in QUIC_SCHEMES:
        return options.connection_priority_quic_lan if lan else options.connection_priority_quic_wan
    return options.connection_priority_relay


def connection_type(scheme: str, dialled: bool) -> str:
    """``tcp-client``, ``quic-server``, ... exactly as the official GUI wants it."""
    transport = "relay"
    if scheme in TCP_SCHEMES:
        transport = "tcp"
    elif scheme in QUIC_SCHEMES:
        transport = "quic"
    elif scheme not in RELAY_SCHEMES:
        transport = scheme
    return f"{transport}-{'client' if dialled else 'server'}"
