"""Our side of the protocol alone, against official daemons: who dials makes no difference."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress

from tests.interop.harness import peers
from tests.interop.harness.daemon import OfficialDaemon
from txsyncthing.bep.messages import (
    Block,
    ClusterConfig,
    Compression,
    Device,
    DownloadProgress,
    Folder,
    Hello,
    Index,
    IndexUpdate,
    Request,
)
from txsyncthing.bep.protocol import BepFactory, BepProtocol, Terms
from txsyncthing.tls.certificate import make_identity
from txsyncthing.tls.endpoint import TlsNode
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

pytestmark = pytest.mark.interop

FOLDER = FolderID("shared")
THEIRS = os.urandom(300_000)
OURS = os.urandom(200_000)
CUT = 128 * 1024


def hashes(content: bytes) -> bytes:
    cuts = range(0, len(content), CUT)
    return b"".join(sha256(content[at : at + CUT]).digest() for at in cuts)


class OneFileNode:
    """A node which has one file to give and takes none."""

    def __init__(self) -> None:
        self.identity = make_identity(os.urandom, time.time())
        self.tls = TlsNode(reactor, reactor.nameResolver, self.identity)  # type: ignore[attr-defined]
        self.factory = BepFactory(
            Terms(
                clock=reactor,
                me=lambda device: Hello("tester", "txsyncthing", "v0", 1, time.time_ns()),
                compression=lambda device: Compression.ALWAYS,
                admit=lambda protocol: True,
                greeted=self.greeted,
                ended=lambda protocol, reason: self.ended.callback(reason),
            )
        )
        self.configured: Deferred[tuple[BepProtocol, ClusterConfig]] = Deferred()
        self.indexed: Deferred[Index | IndexUpdate] = Deferred()
        self.ended: Deferred[str] = Deferred()
        self.asked: list[Request] = []

    def greeted(self, protocol: BepProtocol, hello: Hello) -> None:
        assert hello.client_name == "syncthing"
        protocol.accept(self)
        me = Device(self.identity.device, "tester", max_sequence=1, index_id=77)
        them = Device(protocol.device, "daemon")
        protocol.configure(ClusterConfig((Folder(FOLDER, "shared", devices=(me, them)),)))

    def cluster_config(self, protocol: BepProtocol, message: ClusterConfig) -> None:
        if not self.configured.called:
            self.configured.callback((protocol, message))

    def index(self, protocol: BepProtocol, message: Index | IndexUpdate) -> None:
        if not self.indexed.called:
            self.indexed.callback(message)

    def serve(self, protocol: BepProtocol, request: Request) -> Deferred[Block]:
        self.asked.append(request)
        return succeed(OURS[request.offset : request.offset + request.size])

    def download_progress(self, protocol: BepProtocol, message: DownloadProgress) -> None:
        pass

    def lost(self, protocol: BepProtocol, reason: str) -> None:
        pass


@pytest.fixture(params=peers.VERSIONS)
def daemon(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OfficialDaemon]:
    daemon = OfficialDaemon(tmp_path / "daemon", peers.need(request.param), request.param)
    daemon.prepare()
    yield daemon
    daemon.stop()
    shutil.rmtree(tmp_path)


async def until(happened: Callable[[], bool], what: str) -> None:
    for _ in range(300):
        if happened():
            return
        pause: Deferred[None] = Deferred()
        reactor.callLater(0.1, pause.callback, None)
        await pause
    raise AssertionError(f"{what}: not in 30 s")


@pytest.mark.parametrize("dials", ["we", "they"])
@pytest_twisted.ensureDeferred  # type: ignore[untyped-decorator]
async def test_a_file_goes_each_way(daemon: OfficialDaemon, dials: str, tmp_path: Path) -> None:
    node = OneFileNode()
    port = node.tls.listen("127.0.0.1", 0, node.factory) if dials == "they" else None
    address = f"tcp://127.0.0.1:{_number(port.getHost())}" if port else "tcp://127.0.0.1:1"
    folder = tmp_path / "folder"
    daemon.home.add_device(str(node.identity.device), address, "tester")
    daemon.home.add_folder(FOLDER, folder, [str(node.identity.device)])
    (folder / "theirs").write_bytes(THEIRS)
    daemon.start()
    if port is None:
        await node.tls.connect("127.0.0.1", daemon.home.listen_port, node.factory)

    protocol, config = await node.configured.addTimeout(30, reactor)
    assert protocol.device == DeviceID.parse(daemon.device)
    assert protocol.wire.crypto.startswith("TLS1.3-TLS_")
    assert protocol.wire.proves_name("syncthing")
    assert [each.id for each in config.folders] == [FOLDER]
    known = {each.id for each in config.folders[0].devices}
    assert known == {protocol.device, node.identity.device}

    index = await node.indexed.addTimeout(30, reactor)
    assert isinstance(index, Index)
    (theirs,) = index.files
    assert (theirs.name, theirs.size, theirs.hashes) == ("theirs", len(THEIRS), hashes(THEIRS))
    got = b""
    for block in theirs.blocks:
        answer = protocol.request(
            FOLDER, theirs.name, block.offset, block.size, block.hash, False, block.number
        )
        got += await answer.addTimeout(30, reactor)
    assert got == THEIRS

    ours = FileInfo(
        WireName("ours"),
        size=len(OURS),
        modified=1_600_000_000_123_456_789,
        modified_by=node.identity.device.short,
        permissions=0o644,
        version=Vector().bump(node.identity.device.short, 1_600_000_000),
        sequence=1,
        block_size=CUT,
        hashes=hashes(OURS),
    )
    protocol.send(Index(FOLDER, (ours,), 1))
    arrived = folder / "ours"
    await until(lambda: arrived.exists() and arrived.stat().st_size == len(OURS), "the file")
    assert arrived.read_bytes() == OURS
    assert arrived.stat().st_mtime_ns == ours.modified
    assert {request.hash for request in node.asked} == {block.hash for block in ours.blocks}

    if port is not None:
        await port.stopListening()
    protocol.close("the test is over")
    assert await node.ended == "the test is over"
    await until(lambda: "the test is over" in daemon.log.read_text(), "our reason in its log")


def _number(address: IAddress) -> int:
    number: int = address.port  # type: ignore[attr-defined]
    return number
