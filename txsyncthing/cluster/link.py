"""
What the bridge asks of one connection (bep/protocol.py).
"""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Protocol, runtime_checkable

from txsyncthing.bep.messages import (
    Block,
    ClusterConfig,
    DownloadProgress,
    Hello,
    Index,
    IndexUpdate,
)
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName


class Traffic(Protocol):
    """What the connection has carried."""

    @property
    def bytes_in(self) -> int: ...

    @property
    def bytes_out(self) -> int: ...


@runtime_checkable
class Link(Protocol):
    """One connection to a peer, greeted and accepted."""

    device: DeviceID
    hello: Hello

    def configure(self, config: ClusterConfig) -> None: ...

    def send(self, message: Index | IndexUpdate | DownloadProgress) -> None: ...

    @property
    def writable(self) -> bool: ...

    def when_writable(self) -> Awaitable[None]: ...

    def request(
        self,
        folder: FolderID,
        name: WireName,
        offset: int,
        size: int,
        hash: bytes,
        from_temporary: bool = ...,
        block_no: int = ...,
    ) -> Awaitable[Block]: ...

    def close(self, reason: str) -> None: ...

    def stats(self) -> Traffic: ...

    @property
    def outstanding(self) -> int: ...
