"""
A device that may send anything: our own TLS identity, a blocking socket, raw bytes.

It says a proper Hello and Cluster Config if asked to; what else it says is the test's affair.
"""

from __future__ import annotations

import os
import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from struct import unpack
from typing import TypeVar

from txsyncthing.bep.codec import decode, encode
from txsyncthing.bep.framing import FrameDecoder
from txsyncthing.bep.hello import encode_hello
from txsyncthing.bep.messages import (
    Close,
    ClusterConfig,
    Compression,
    Device,
    Folder,
    Hello,
    Message,
)
from txsyncthing.tls.certificate import Identity, make_identity
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID

PATIENCE = 20.0  # seconds in which the node must answer or hang up
M = TypeVar("M")


class HungUp(Exception):
    """The node ended the connection."""


class Stranger:
    """
    An identity that dials one node again and again.

    :param directory: where the certificate and key lie, as Python's ``ssl`` wants files.
    :param port: of the node, on the loopback interface.
    """

    def __init__(self, directory: Path, port: int) -> None:
        self.identity: Identity = make_identity(os.urandom, time.time())
        self.port = port
        self._calls: list[Call] = []
        self._pair = directory / f"{self.device}.pem"
        self._pair.write_bytes(self.identity.key_pem() + self.identity.certificate_pem())

    @property
    def device(self) -> DeviceID:
        return self.identity.device

    def context(self, certificate: bool = True) -> ssl.SSLContext:
        """How it speaks TLS; ``certificate=False``: without saying who it is."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.set_alpn_protocols(["bep/1.0"])
        if certificate:
            context.load_cert_chain(self._pair)
        return context

    def plain(self) -> socket.socket:
        """A connection without TLS."""
        return socket.create_connection(("127.0.0.1", self.port), PATIENCE)

    def dial(self) -> Call:
        """Up to the end of the TLS handshake."""
        call = Call(self.context().wrap_socket(self.plain()))
        self._calls.append(call)
        return call

    def hang_up(self) -> None:
        """End all its calls."""
        while self._calls:
            self._calls.pop().close()

    def meet(self, node: DeviceID, *folders: FolderID) -> Call:
        """
        Up to the exchange: Hello and Cluster Config both ways, with these folders offered.

        :param node: who is dialled.
        """
        call = self.dial()
        call.say(encode_hello(Hello("stranger", "stranger", "v1", 1, time.time_ns())))
        devices = (Device(self.device, max_sequence=1, index_id=77), Device(node))
        call.send(ClusterConfig(tuple(Folder(id, id, devices=devices) for id in folders)))
        call.read_hello()
        call.expect(ClusterConfig)
        return call


class Call:
    """One connection that a stranger made."""

    def __init__(self, socket: ssl.SSLSocket) -> None:
        self._socket = socket
        self._socket.settimeout(PATIENCE)
        self._frames = FrameDecoder()
        self._messages = self._read()

    def say(self, data: bytes) -> None:
        """Send bytes as they are; that the node hangs up meanwhile is no error."""
        with suppress(OSError):
            self._socket.sendall(data)

    def send(self, *messages: Message, compression: Compression = Compression.NEVER) -> None:
        """Send messages."""
        for message in messages:
            self.say(b"".join(encode(message, compression)))

    def read_hello(self) -> None:
        """Read over the node's Hello; its first six bytes tell the length."""
        self._exactly(unpack(">IH", self._exactly(6))[1])

    def expect(self, kind: type[M]) -> M:
        """
        The next message of a kind; others are read over.

        :raises HungUp: there is none any more.
        """
        for message in self._messages:
            if isinstance(message, kind):
                return message
        raise HungUp

    def reason(self) -> str:
        """Wait for the node's Close and hang up; its reason, or empty if the node hung up without one."""
        for message in self._messages:
            if isinstance(message, Close):
                self.close()
                return message.reason
        return ""

    def close(self) -> None:
        self._socket.close()

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._socket.recv(size - len(data))
            if not more:
                raise HungUp
            data += more
        return data

    def _read(self) -> Iterator[Message]:
        """All messages until the connection ends; the codec never objects to what the node sends."""
        while True:
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                raise AssertionError(f"nothing came for {PATIENCE:g} s") from None
            except OSError:
                return
            if not data:
                return
            for frame in list(self._frames.feed(data)):
                if (message := decode(frame)) is not None:
                    yield message
