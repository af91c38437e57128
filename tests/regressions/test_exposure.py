"""
A failed bind or a broken configuration never widens what is exposed, and never resets anything.

Young implementations fall back: to all interfaces where the wanted address is taken, to a new configuration
(with a new identity, and without password) where the old one does not parse.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError

import psutil
import pytest

from tests.interop.harness.daemon import OurNode
from tests.interop.harness.home import need, put
from tests.interop.harness.waiting import wait_until

START = 20.0  # seconds


@pytest.fixture
def node(tmp_path: Path) -> Iterator[OurNode]:
    node = OurNode(tmp_path)
    node.prepare()
    yield node
    node.kill()


def refused(node: OurNode) -> str:
    """Start it in vain; what it says."""
    node.start(wait=False)
    assert node.process.wait(START) == 1
    return node.tail()


def listeners(node: OurNode) -> set[tuple[str, int]]:
    """The addresses on which the process accepts connections."""
    found = psutil.Process(node.process.pid).net_connections("inet")
    return {(one.laddr.ip, one.laddr.port) for one in found if one.status == psutil.CONN_LISTEN}


def files(node: OurNode) -> dict[str, bytes]:
    """What makes a home: who we are, whom we know, and the passwords."""
    return {name: (node.home.path / name).read_bytes() for name in ("cert.pem", "key.pem")} | {
        path.name: path.read_bytes() for path in node.home.path.glob("config.xml*")
    }


@pytest.mark.parametrize(
    "damage",
    [
        b"",
        b"<configuration version='37'><gui",
        b"not XML",
        b"<configuration version='9999'></configuration>",
    ],
    ids=["empty", "cut off", "no XML", "of the future"],
)
def test_a_broken_configuration_stops_the_start_and_stays_as_it_is(
    node: OurNode, damage: bytes
) -> None:
    node.home.config.write_bytes(damage)
    before = files(node)
    said = refused(node)
    assert "config.xml" in said
    assert files(node) == before


@pytest.mark.parametrize("name", ["cert.pem", "key.pem"])
def test_a_broken_key_stops_the_start_and_no_new_identity_is_made(node: OurNode, name: str) -> None:
    (node.home.path / name).write_bytes(b"-----BEGIN CERTIFICATE-----\n")
    before = files(node)
    assert name in refused(node)
    assert files(node) == before


def test_where_the_address_of_the_api_is_taken_the_start_fails(node: OurNode) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", node.home.gui_port))
        other.listen()
        assert f"cannot listen on 127.0.0.1:{node.home.gui_port}" in refused(node)


def test_an_api_address_that_is_none_of_ours_fails_the_start(node: OurNode) -> None:
    root = node.home.read()
    put(need(root, "gui"), "address", "192.0.2.1:8384")
    node.home.write(root)
    assert "cannot listen on 192.0.2.1:8384" in refused(node)


@pytest.mark.parametrize("host", ["127.0.0.1", "192.0.2.1"], ids=["taken", "none of ours"])
def test_an_address_for_peers_that_fails_opens_no_other(node: OurNode, host: str) -> None:
    node.home.option("listenAddress", f"tcp://{host}:{node.home.listen_port}")
    with socket.socket() as other:
        other.bind(("127.0.0.1", node.home.listen_port))
        other.listen()
        node.start()
        wait_until(lambda: str(node.home.listen_port) in node.tail(), "it complains of the address")
        assert listeners(node) == {("127.0.0.1", node.home.gui_port)}


def test_a_bad_configuration_over_rest_changes_nothing(node: OurNode) -> None:
    node.start()
    before = node.get("/rest/config")
    stored = files(node)
    bad = {**before, "folders": [{"id": "twice", "path": "/a"}, {"id": "twice", "path": "/b"}]}
    with pytest.raises(HTTPError) as refusal:
        node.post("/rest/system/config", bad)
    refusal.value.close()
    assert refusal.value.code in (400, 500)
    assert node.get("/rest/config") == before
    assert files(node) == stored
