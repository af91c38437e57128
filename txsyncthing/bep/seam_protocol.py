"""
What a connection is told and tells: the seams around ``BepProtocol``.

Source: reference 2.1 to 2.4, 2.7, 2.9.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress

from txsyncthing.bep.messages import (
    Block,
    ClusterConfig,
    Compression,
    DownloadProgress,
    ErrorCode,
    Hello,
    Index,
    IndexUpdate,
    Request,
)
from txsyncthing.clock import Clock
from txsyncthing.vocabulary.device import DeviceID

if TYPE_CHECKING:
    from txsyncthing.bep.protocol import BepProtocol


class RequestFailed(Exception):
    """The peer answered a Request with an error code."""

    def __init__(self, code: ErrorCode) -> None:
        super().__init__(code.name)
        self.code = code


class Refused(Exception):
    """Fails ``Receiver.serve``: answer the Request with this code."""

    def __init__(self, code: ErrorCode) -> None:
        super().__init__(code.name)
        self.code = code


class PeerLost(Exception):
    """Fails every Request in progress when the connection ends; the text is the reason."""


class Traffic(NamedTuple):
    """What one connection has carried since it began."""

    started: float  # seconds, of the clock
    bytes_in: int
    bytes_out: int
    heard_at: float  # seconds, of the clock: the last byte from the peer


class BepTransport(Protocol):
    """What a connection stands on: tls/transport_protocol.py, or a wire in memory."""

    @property
    def device(self) -> DeviceID:
        """Who the peer is, proven by its certificate."""

    @property
    def crypto(self) -> str:
        """How the wire is encrypted, as REST shows it."""

    def proves_name(self, name: str) -> bool:
        """Whether the peer's certificate carries this name (reference 1.3, "Cert name check")."""

    def getPeer(self) -> IAddress: ...
    def getHost(self) -> IAddress: ...
    def write(self, data: Block) -> None: ...
    def loseConnection(self) -> None: ...
    def abortConnection(self) -> None: ...
    def registerProducer(self, producer: BepProtocol, streaming: bool) -> None: ...
    def unregisterProducer(self) -> None: ...
    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...


class Receiver(Protocol):
    """
    Who takes the messages of an accepted connection. Nothing here may raise.

    The first call is ``cluster_config``, the last is ``lost``; messages come in the order in which
    they were sent.
    """

    def cluster_config(
        self, protocol: BepProtocol, message: ClusterConfig
    ) -> Deferred[None] | None:
        """
        What the peer shares now; may come again at any time.

        :returns: fires when we are ready for what follows it.
        """

    def index(self, protocol: BepProtocol, message: Index | IndexUpdate) -> Deferred[None] | None:
        """
        Take these files; they are checked already (check.py), their folder is not.

        :returns: fires when they are stored (reading pauses while too much is on its way); a failure
            closes the connection with the failure's text.
        """

    def serve(self, protocol: BepProtocol, request: Request) -> Deferred[Block]:
        """Read a block; fail with ``Refused``. Cancelled when the connection ends."""

    def download_progress(self, protocol: BepProtocol, message: DownloadProgress) -> None:
        """Which blocks the peer has in temporary files."""

    def lost(self, protocol: BepProtocol, reason: str) -> None:
        """The connection is over."""


@dataclass(frozen=True, slots=True)
class Terms:
    """All that a new connection must know of its node."""

    clock: Clock
    me: Callable[[DeviceID], Hello]
    """Our Hello for a device; strangers are told no name."""
    compression: Callable[[DeviceID], Compression]
    admit: Callable[[BepProtocol], bool]
    """The TLS handshake is over, ``protocol.device`` known: shake hands (send Hello), or drop silently?"""
    greeted: Callable[[BepProtocol, Hello], None]
    """The peer's Hello came. Answer with ``accept`` or ``refuse``, now or within a minute."""
    ended: Callable[[BepProtocol, str], None]
    """The connection is over, whatever became of it. Called once, after ``Receiver.lost``."""
