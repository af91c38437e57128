"""
A real node and devices that do what none may do.

Each connection ends with a reason, nothing is written outside of what is shared, and the node goes on:
after each case the same device can meet it again and send it a file.
"""

from __future__ import annotations

import os
import ssl
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from random import Random
from struct import pack

import lz4.block as lz4
import pytest

from tests.interop.harness.daemon import OurNode
from tests.interop.harness.stranger import Call, HungUp, Stranger
from tests.interop.harness.trees import Item, snapshot, temporary
from tests.interop.harness.waiting import wait_until
from tests.interop.harness.wire import Value, fields, head, message
from txsyncthing.bep.check import INDEX, PING, REQUEST, RESPONSE
from txsyncthing.bep.hello import MAGIC, encode_hello
from txsyncthing.bep.messages import (
    Close,
    ClusterConfig,
    ErrorCode,
    Hello,
    Index,
    IndexUpdate,
    Request,
    Response,
)
from txsyncthing.vocabulary.block import MIN_BLOCK_SIZE
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo, FileType
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

pytestmark = pytest.mark.xdist_group("interop-hostile")

SHARED, PRIVATE, IDLE = FolderID("shared"), FolderID("private"), FolderID("idle")
SECRET = b"what nobody else may read"
EVIL = b"written by a stranger"
LZ4 = 1  # MessageCompression
ENTRY = {  # the fields of a FileInfo
    "name": 1,
    "type": 2,
    "size": 3,
    "permissions": 4,
    "modified_s": 5,
    "deleted": 6,
    "version": 9,
    "sequence": 10,
    "block_size": 13,
    "blocks": 16,
}


class Met:
    """The node, and a stranger whom it knows and with whom it shares one folder of three."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.node = OurNode(directory / "node")
        self.node.prepare()
        self.stranger = Stranger(directory, self.node.home.listen_port)
        # no address: the node waits to be dialled
        self.node.home.add_device(str(self.stranger.device), "tcp://127.0.0.1:1", "stranger")
        self.root = directory / "folders" / SHARED
        for folder, devices in ((SHARED, [str(self.stranger.device)]), (PRIVATE, [])):
            path = directory / "folders" / folder
            self.node.home.add_folder(folder, path, devices)
            (path / "secret").write_bytes(SECRET)
        (self.root / ".stignore").write_text("hidden\n")
        (self.root / "hidden").write_bytes(SECRET)
        os.symlink(directory, self.root / "way out")
        (directory / "outside").write_bytes(SECRET)
        self.node.start()
        self.me = DeviceID.parse(self.node.device)
        self._numbers = iter(range(1, 1000))

    def meet(self, *folders: FolderID) -> Call:
        return self.stranger.meet(self.me, *(folders or (SHARED,)))

    def outside(self) -> dict[str, Item]:
        """All that lies beside the shared folder, but for the node's own home and log."""
        return {
            name: item
            for name, item in snapshot(self.directory).items()
            if not name.startswith(("node", "folders/shared/"))
        }

    def apart(self) -> None:
        """All calls of the stranger have ended, at the node too: a second one would be turned away."""
        self.stranger.hang_up()
        wait_until(lambda: not self.node.connected(str(self.stranger.device)), "they are apart", 20)

    def goes_on(self) -> None:
        """A file from the same device arrives, over a new connection."""
        self.apart()
        name = f"fine {next(self._numbers)}"
        call = self.meet()
        call.send(Index(SHARED, (file_of(name, name.encode()),), 1))
        asked = call.expect(Request)
        assert asked.name == name
        call.send(Response(asked.id, name.encode()))
        wait_until((self.root / name).exists, f"{name!r} arrives", 20)


@pytest.fixture(scope="module")
def running(work: Path) -> Iterator[Met]:
    met = Met(Path(tempfile.mkdtemp(prefix="hostile-", dir=work)))
    yield met
    met.node.stop()
    assert met.node.complaints() == []


@pytest.fixture
def met(running: Met) -> Iterator[Met]:
    """The node; afterwards nothing has changed outside and it still works."""
    before = running.outside()
    yield running
    running.goes_on()
    running.apart()
    assert running.outside() == before
    assert temporary(running.root) == []
    assert not (running.root / ".stfolder" / "evil").exists()


def file_of(name: str, content: bytes, **changes: object) -> FileInfo:
    made = FileInfo(
        WireName(name),
        size=len(content),
        modified=1_600_000_000_000_000_000,
        permissions=0o644,
        version=Vector().bump(DeviceID(b"s" * 32).short, 1_600_000_000),
        sequence=1,
        block_size=MIN_BLOCK_SIZE,
        hashes=sha256(content).digest(),
    )
    return made._replace(**changes)  # type: ignore[arg-type]


def entry(name: str, **changes: Value) -> bytes:
    """An index entry, honest but for the changes."""
    values: dict[str, Value] = {
        "name": name.encode(),
        "type": 0,
        "size": len(EVIL),
        "permissions": 0o644,
        "modified_s": 1_600_000_000,
        "deleted": 0,
        "version": fields({1: fields({1: 7, 2: 1})}),
        "sequence": 1,
        "block_size": MIN_BLOCK_SIZE,
        "blocks": [fields({2: len(EVIL), 3: sha256(EVIL).digest()})],
        **changes,
    }
    return fields({ENTRY[each]: value for each, value in values.items()})


def index(*entries: bytes, folder: str = SHARED) -> bytes:
    """An Index of such entries."""
    return message(INDEX, fields({1: folder.encode(), 2: list(entries), 3: 1}))


def request(name: str, size: int, digest: bytes) -> bytes:
    body: dict[int, Value] = {1: 1, 2: SHARED.encode(), 3: name.encode(), 5: size, 6: digest}
    return message(REQUEST, fields(body))


# Before the exchange: no Close can be sent, the reason stands in the log.


def test_bytes_that_are_no_tls(met: Met) -> None:
    for seed in range(5):
        with met.stranger.plain() as socket, suppress(OSError):
            socket.sendall(Random(seed).randbytes(5000))
            while socket.recv(1000):
                pass


def test_a_client_without_a_certificate(met: Met) -> None:
    with (
        suppress(OSError),
        met.stranger.context(certificate=False).wrap_socket(met.stranger.plain()) as socket,
    ):
        assert socket.recv(1) == b""


def test_an_old_tls(met: Met) -> None:
    context = met.stranger.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with met.stranger.plain() as socket, pytest.raises(OSError):
        context.wrap_socket(socket)


def test_many_that_connect_and_say_nothing(met: Met) -> None:
    mute = [met.stranger.plain() for _ in range(50)]
    met.goes_on()
    for socket in mute:
        socket.close()


@pytest.mark.parametrize(
    ("hello", "said"),
    [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "magic"),
        (pack(">IH", 0x9F79BC40, 10), "too old"),
        (pack(">IH", MAGIC, 0xFFFF), "65535 bytes"),
        (pack(">IH", MAGIC, 100) + b"\xff" * 100, "broken Hello"),
        (Random(1).randbytes(100_000), "magic"),
    ],
)
def test_no_hello(met: Met, hello: bytes, said: str) -> None:
    call = met.stranger.dial()
    call.say(hello)
    assert call.reason() == ""
    wait_until(lambda: said in met.node.tail(200), f"{said!r} in its log", 5)


def test_an_unknown_device_is_greeted_noted_and_sent_away(met: Met) -> None:
    unknown = Stranger(met.directory / "node", met.node.home.listen_port)
    call = unknown.dial()
    call.say(encode_hello(Hello("unknown", "stranger", "v1", 1)))
    call.read_hello()
    call.send(ClusterConfig(), Index(SHARED, (file_of("evil", EVIL),), 1))
    assert call.reason() == ""
    unknown.hang_up()
    pending = met.node.get("/rest/cluster/pending/devices")
    assert pending[str(unknown.device)]["name"] == "unknown"
    assert not (met.root / "evil").exists()


# In the exchange: the node says why it hangs up.

HUGE = 0xFFFFFFFF
ZEROS = lz4.compress(bytes(40_000_000), store_size=False)
BAD_BYTES = {
    "random bytes": Random(2).randbytes(100_000),
    "a header too long": pack(">H", 0xFFFF) + b"\0" * 0xFFFF,
    "a header that is none": pack(">H", 3) + b"\xff\xff\xff" + pack(">I", 0),
    "a message of 4 GiB": head(INDEX, 0, HUGE),
    "a message one byte too long": head(INDEX, 0, 500_000_001),
    "a Ping of 100 MB": head(PING, 0, 100_000_000),
    "a Response of 400 MB": head(RESPONSE, 0, 400_000_000),
    "an Index of nonsense": message(INDEX, b"\xff" * 1000),
    "a compression that there is not": message(INDEX, b"", 9),
    "LZ4 without a size": message(INDEX, b"\0", LZ4),
    "LZ4 that claims 4 GiB": message(INDEX, pack(">I", HUGE) + b"\0" * 100, LZ4),
    "LZ4 that claims 499 MB": message(INDEX, pack(">I", 499_000_000) + b"\0" * 2_000_000, LZ4),
    "LZ4 that is a bomb": message(INDEX, pack(">I", 40_000_000) + ZEROS, LZ4),
    "LZ4 that claims too little": message(INDEX, pack(">I", 100) + ZEROS, LZ4),
    "LZ4 of nonsense": message(INDEX, pack(">I", 1000) + Random(3).randbytes(900), LZ4),
}


@pytest.mark.parametrize("case", BAD_BYTES)
def test_bad_bytes(met: Met, case: str) -> None:
    call = met.meet()
    call.say(BAD_BYTES[case])
    assert call.reason()


HOSTILE_NAMES = [
    "",
    ".",
    "..",
    "/",
    "../evil",
    "../private/secret",
    "/tmp/evil",
    "sub/../../evil",
    "a/./evil",
    "a//evil",
    "evil/",
    "./evil",
    "evil\0",
    "\0",
    ".stfolder",
    ".stfolder/evil",
    ".stignore",
    ".stversions/evil",
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
@pytest.mark.parametrize("kind", FileType)
def test_an_index_with_a_hostile_name(met: Met, name: str, kind: FileType) -> None:
    empty: dict[str, Value] = {} if kind is FileType.FILE else {"size": 0, "blocks": []}
    call = met.meet()
    call.say(index(entry("before"), entry(name, type=int(kind), **empty)))
    assert call.reason()
    assert not (met.root / "before").exists()  # what came in the same message is not believed


BAD_FILES = {
    "a deleted file with blocks": entry("evil", deleted=1),
    "a directory with blocks": entry("evil", type=1, size=0),
    "a symlink with blocks": entry("evil", type=4, size=0),
    "a file without blocks": entry("evil", blocks=[]),
    "a file of negative size": entry("evil", size=-1),
    "a type that there is not": entry("evil", type=77, blocks=[]),
    "a negative sequence": entry("evil", sequence=-1),
    "blocks of 2 GiB": entry("evil", block_size=(1 << 31) - 1),
    "negative blocks": entry("evil", block_size=-1),
}


@pytest.mark.parametrize("case", BAD_FILES)
def test_an_index_with_an_inconsistent_file(met: Met, case: str) -> None:
    call = met.meet()
    call.say(index(BAD_FILES[case]))
    assert call.reason()


def test_an_index_before_the_cluster_config(met: Met) -> None:
    call = met.stranger.dial()
    call.say(encode_hello(Hello("stranger", "stranger", "v1", 1)))
    call.send(Index(SHARED, (file_of("evil", EVIL),), 1))
    call.read_hello()
    assert "ClusterConfig" in call.reason()


@pytest.mark.parametrize("kind", [Index, IndexUpdate])
@pytest.mark.parametrize("folder", [PRIVATE, FolderID("nonesuch"), FolderID("")])
def test_an_index_for_a_folder_that_is_not_shared(
    met: Met, kind: Callable[..., Index | IndexUpdate], folder: FolderID
) -> None:
    call = met.meet(SHARED, PRIVATE)
    call.send(kind(folder, (file_of("evil", EVIL),), 1))
    assert call.reason()
    assert met.node.status(PRIVATE)["globalFiles"] == 1


def test_a_peer_that_stays_after_a_close_is_hung_up_on(met: Met) -> None:
    call = met.meet()
    call.say(index(entry("../evil")))
    assert call.expect(Close)
    with pytest.raises(HungUp):
        call.expect(Close)


def test_a_request_with_a_hostile_name(met: Met) -> None:
    for name in ("../private/secret", "/etc/hostname", "", "..", "a//b", "secret\0"):
        call = met.meet()
        call.say(request(name, len(SECRET), sha256(SECRET).digest()))
        assert call.reason()


def test_a_request_for_more_than_any_block(met: Met) -> None:
    call = met.meet()
    call.say(request("secret", (1 << 31) - 1, b"h" * 32))
    assert call.reason()


# What is refused without ending the connection.


@pytest.mark.parametrize(
    ("folder", "name", "offset", "code"),
    [
        (PRIVATE, "secret", 0, ErrorCode.GENERIC),
        (FolderID("nonesuch"), "secret", 0, ErrorCode.GENERIC),
        (SHARED, "nonesuch", 0, ErrorCode.NO_SUCH_FILE),
        (SHARED, "hidden", 0, ErrorCode.INVALID_FILE),
        (SHARED, ".stignore", 0, ErrorCode.INVALID_FILE),
        (SHARED, ".stfolder", 0, ErrorCode.INVALID_FILE),
        (SHARED, ".syncthing.secret.tmp", 0, ErrorCode.INVALID_FILE),
        (SHARED, "way out", 0, ErrorCode.NO_SUCH_FILE),
        (SHARED, "way out/outside", 0, ErrorCode.NO_SUCH_FILE),
        (SHARED, "secret/below", 0, ErrorCode.NO_SUCH_FILE),
        (SHARED, "secret", -1, ErrorCode.INVALID_FILE),
        (SHARED, "secret", 1 << 62, ErrorCode.NO_SUCH_FILE),
        (SHARED, "secret", 1, ErrorCode.NO_SUCH_FILE),
    ],
)
def test_a_request_outside_of_what_is_shared_gets_no_byte(
    met: Met, folder: FolderID, name: str, offset: int, code: ErrorCode
) -> None:
    call = met.meet()
    size, digest = len(SECRET), sha256(SECRET).digest()
    call.send(Request(1, folder, WireName(name), offset, size, digest))
    assert call.expect(Response) == Response(1, b"", code)
    call.send(Request(2, SHARED, WireName("secret"), 0, size, digest))
    answer = call.expect(Response)
    assert (answer.id, bytes(answer.data)) == (2, SECRET)


def test_an_unknown_message_is_read_over(met: Met) -> None:
    call = met.meet()
    call.say(message(99, b"\xff" * 100_000))
    call.send(Request(2, SHARED, WireName("secret"), 0, len(SECRET), sha256(SECRET).digest()))
    assert bytes(call.expect(Response).data) == SECRET


def test_an_answer_that_nobody_asked_for_is_dropped(met: Met) -> None:
    call = met.meet()
    call.send(Response(12345, EVIL))
    call.send(Request(2, SHARED, WireName("secret"), 0, len(SECRET), sha256(SECRET).digest()))
    assert bytes(call.expect(Response).data) == SECRET


# What an index may say, and the disk must not do.


def test_nothing_is_written_through_a_symlink(met: Met) -> None:
    link = FileInfo(
        WireName("link"),
        FileType.SYMLINK,
        version=Vector().bump(DeviceID(b"s" * 32).short, 1_600_000_000),
        sequence=1,
        symlink_target=str(met.directory).encode(),
    )
    evil = file_of("link/evil", EVIL, sequence=2)
    over = file_of("way out/evil", EVIL, sequence=3)
    gone = file_of("way out/outside", b"", sequence=4, size=0, hashes=b"", deleted=True)
    fine = file_of("zz fine", EVIL, sequence=5)
    call = met.meet()
    call.send(Index(SHARED, (link, over._replace(sequence=2), gone._replace(sequence=3)), 3))
    call.send(IndexUpdate(SHARED, (evil._replace(sequence=4), fine), 5, 3))
    while (asked := call.expect(Request)).name != "zz fine":
        call.send(Response(asked.id, EVIL))
    call.send(Response(asked.id, EVIL))
    wait_until((met.root / "zz fine").exists, "what is good arrives", 20)
    assert (met.directory / "outside").read_bytes() == SECRET
    assert not (met.directory / "evil").exists()


def test_a_block_that_is_not_what_it_should_be_is_not_stored(met: Met) -> None:
    call = met.meet()
    call.send(Index(SHARED, (file_of("lie", b"truth"),), 1))
    asked = call.expect(Request)
    call.send(Response(asked.id, b"a lie"))
    wait_until(lambda: met.node.get("/rest/folder/errors", folder=SHARED)["errors"], "an error", 20)
    assert not (met.root / "lie").exists()
    call.send(Index(SHARED, (), 0))


def test_a_node_that_met_them_all_has_no_more_than_its_share(met: Met) -> None:
    """Whatever was announced, no memory was set aside for it."""
    assert met.node.peak_memory() < 400 << 20
