"""Our node as a process: how it ends and comes back."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.interop.harness.content import MIB, fill
from tests.interop.harness.daemon import OurNode
from tests.interop.harness.waiting import wait_until

FOLDER = "default"
SOON = 5.0  # seconds


@pytest.fixture
def node(tmp_path: Path) -> Iterator[OurNode]:
    node = OurNode(tmp_path)
    node.prepare()
    node.folders[FOLDER] = tmp_path / "folder"
    node.home.add_folder(FOLDER, node.folders[FOLDER], [])
    yield node
    node.kill()
    assert node.complaints() == []


def uptime(node: OurNode) -> int:
    return int(node.get("/rest/system/status")["uptime"])


def ended(node: OurNode) -> int:
    """The exit code; the node must end soon."""
    return int(node.process.wait(SOON))


def test_rest_restarts_it_in_the_same_process(node: OurNode) -> None:
    node.start()
    wait_until(
        lambda: "listening on tcp://" in node.tail(200), "it listens"
    )  # REST answers earlier
    wait_until(lambda: uptime(node) >= 1, "some time passes")
    pid = node.process.pid
    node.post("/rest/system/restart")
    wait_until(lambda: node.tail(200).count("listening on tcp://") == 2, "it listens again")
    wait_until(node.answers, "REST answers")
    assert node.process.pid == pid
    assert node.running
    node.stop()


def test_hup_restarts_it(node: OurNode) -> None:
    node.start()
    wait_until(
        lambda: "listening on tcp://" in node.tail(200), "it listens"
    )  # REST answers earlier
    node.process.send_signal(signal.SIGHUP)
    wait_until(lambda: node.tail(200).count("listening on tcp://") == 2, "it listens again")
    wait_until(node.answers, "REST answers")
    node.stop()


def test_rest_shuts_it_down(node: OurNode) -> None:
    node.start()
    node.post("/rest/system/shutdown")
    assert ended(node) == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signals_end_it_soon_even_amid_a_scan(node: OurNode, number: signal.Signals) -> None:
    for name in range(4):
        fill(node.folders[FOLDER] / f"big {name}", 256 * MIB, name)
    node.start()
    wait_until(lambda: node.status(FOLDER)["state"] == "scanning", "it scans")
    begun = time.monotonic()
    node.process.send_signal(number)
    assert ended(node) == 0
    assert time.monotonic() - begun < SOON


def test_a_signal_in_the_first_moment_ends_it_too(node: OurNode) -> None:
    node.start(wait=False)
    wait_until(lambda: "starts (node)" in node.tail(), "it begins")
    node.process.send_signal(signal.SIGTERM)
    assert ended(node) == 0


def test_a_second_node_of_the_same_home_is_turned_away(node: OurNode, tmp_path: Path) -> None:
    node.start()
    second = OurNode(tmp_path / "second")
    second.directory.mkdir()
    second.home = node.home
    second.start(wait=False)
    assert second.process.wait(20) == 1
    assert "another node uses this home" in second.tail()
    node.stop()
