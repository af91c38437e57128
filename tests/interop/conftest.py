"""
Running pairs of daemons, shared by the scenarios of a session.

``INTEROP_LEFT=1.29.5`` puts that official daemon in our node's place: what then fails is wrong in the
scenario, not in the node.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop.harness import peers
from tests.interop.harness.daemon import Daemon, OfficialDaemon, OurNode
from tests.interop.harness.pair import Pair

FOLDERS = 72  # more than there are scenarios
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything below this directory as interop."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker("interop")


@pytest.fixture(scope="session")
def work() -> Iterator[Path]:
    """A directory for homes and folders, in memory where possible: the daemons fsync each file."""
    shm = Path("/dev/shm")
    base = shm if os.access(shm, os.W_OK) else None
    directory = Path(tempfile.mkdtemp(prefix="txsyncthing-interop-", dir=base))
    yield directory
    shutil.rmtree(directory, ignore_errors=True)


def node(directory: Path) -> Daemon:
    """The node under test."""
    stand_in = os.environ.get("INTEROP_LEFT")
    if stand_in:
        return OfficialDaemon(directory, peers.need(stand_in), stand_in)
    return OurNode(directory)


versions = [
    pytest.param(version, marks=pytest.mark.xdist_group(f"interop-{version}"), id=version)
    for version in peers.VERSIONS
]


@pytest.fixture(scope="session", params=versions)
def version(request: pytest.FixtureRequest) -> str:
    """The official version on the other side."""
    return str(request.param)


@pytest.fixture(scope="session")
def pair(version: str, work: Path) -> Iterator[Pair]:
    """Our node (left) and an official daemon (right), connected, with many empty shared folders."""
    made = Pair(
        node(work / f"shared-{version}" / "left"),
        OfficialDaemon(work / f"shared-{version}" / "right", peers.need(version), version),
    )
    try:
        made.prepare([f"f{number:02}" for number in range(FOLDERS)])
        made.start()
        yield made
        made.stop()
    finally:
        made.destroy()


@pytest.fixture
def new_pair(version: str, work: Path) -> Iterator[Callable[[], Pair]]:
    """Makes pairs of a test's own, neither prepared nor started, for what kills or restarts them."""
    made: list[Pair] = []

    def make() -> Pair:
        directory = Path(tempfile.mkdtemp(prefix="own-", dir=work))
        official = OfficialDaemon(directory / "right", peers.need(version), version)
        made.append(Pair(node(directory / "left"), official))
        return made[-1]

    try:
        yield make
        for one in made:
            one.stop()
    finally:
        for one in made:
            one.destroy()
