"""Introducers, folders accepted with and without a question: our node among official daemons."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.interop.conftest import node
from tests.interop.harness import peers
from tests.interop.harness.content import MIB, fill
from tests.interop.harness.daemon import Daemon, OfficialDaemon
from tests.interop.harness.pair import Pair
from tests.interop.harness.trees import temporary
from tests.interop.harness.waiting import wait_until

VERSION = "1.29.5"
FOLDER = "docs"

pytestmark = pytest.mark.xdist_group("interop-sharing")


class Company:
    """Some daemons; each knows only whom a test introduces."""

    def __init__(self, *daemons: Daemon) -> None:
        self.daemons = daemons
        for daemon in daemons:
            daemon.prepare()

    def start(self) -> None:
        for daemon in self.daemons:
            daemon.start(wait=False)
        for daemon in self.daemons:
            wait_until(daemon.answers, f"{daemon.label} answers")

    def connected(self, one: Daemon, other: Daemon) -> None:
        wait_until(
            lambda: one.connected(other.device) and other.connected(one.device),
            f"{one.label} and {other.label} are connected",
        )

    def end(self) -> None:
        """Our node stops politely and has not complained; officials take up to 10 s and are killed."""
        for daemon in self.daemons:
            if not isinstance(daemon, OfficialDaemon):
                daemon.stop()
                assert daemon.complaints() == []

    def destroy(self) -> None:
        for daemon in self.daemons:
            daemon.kill()
            shutil.rmtree(daemon.directory, ignore_errors=True)


Meet = Callable[..., Company]


@pytest.fixture
def meet(work: Path) -> Iterator[Meet]:
    """Makes a company of our node (``us``) and official daemons, from a text for each."""
    made: list[Company] = []

    def make(*kinds: str) -> Company:
        directory = Path(tempfile.mkdtemp(prefix="sharing-", dir=work))
        company = Company(
            *(
                node(directory / str(number))
                if kind == "us"
                else OfficialDaemon(directory / str(number), peers.need(VERSION), kind)
                for number, kind in enumerate(kinds)
            )
        )
        made.append(company)
        return company

    try:
        yield make
        for company in made:
            company.end()
    finally:
        for company in made:
            company.destroy()


def introduce(daemon: Daemon, *others: Daemon, introducer: Daemon | None = None) -> None:
    """Make others known to a daemon that does not run yet, and share its folder with them."""
    for other in others:
        daemon.home.add_device(other.device, other.address, other.label)
    root = daemon.home.read()
    for element in root.findall("device"):
        if introducer is not None and element.get("id") == introducer.device:
            element.set("introducer", "true")
    daemon.home.write(root)
    path = daemon.folders[FOLDER] = daemon.directory / "folders" / FOLDER
    daemon.home.add_folder(FOLDER, path, [daemon.device, *(other.device for other in others)])


def write(daemon: Daemon, folder: str, name: str) -> None:
    (daemon.folders[folder] / name).write_text(f"{name} of {daemon.label}")
    daemon.rescan(folder)


def arrives(daemon: Daemon, folder: str, name: str) -> None:
    path = daemon.folders[folder] / name
    wait_until(path.exists, f"{name} arrives at {daemon.label}\n{daemon.tail(15)}")


def devices(daemon: Daemon) -> dict[str, str]:
    """Who is configured, and who introduced it."""
    return {one["deviceID"]: one["introducedBy"] for one in daemon.get("/rest/config/devices")}


def members(daemon: Daemon) -> dict[str, str]:
    folder = daemon.get(f"/rest/config/folders/{FOLDER}")
    return {one["deviceID"]: one["introducedBy"] for one in folder["devices"]}


@pytest.mark.parametrize("introducer", ["us", "them"])
def test_an_introducer_brings_devices_together_and_apart(meet: Meet, introducer: str) -> None:
    # With "us" two officials meet by our word, with "them" our node and an official by another's.
    company = meet(introducer, "us" if introducer == "them" else "second", "third")
    first, second, third = company.daemons
    introduce(first, second, third)
    for daemon in (second, third):
        introduce(daemon, first, introducer=first)
    company.start()
    company.connected(second, third)

    for one, other in ((second, third), (third, second)):
        assert devices(one)[other.device] == first.device
        assert members(one)[other.device] == first.device
    config = second.get(f"/rest/config/devices/{third.device}")
    assert config["addresses"] == ["dynamic", third.address]
    assert config["name"] == third.label

    first.kill()  # what comes now comes directly
    write(third, FOLDER, "direct")
    arrives(second, FOLDER, "direct")
    first.start()
    company.connected(first, second)

    first.change("DELETE", f"/rest/config/devices/{third.device}")
    wait_until(lambda: third.device not in devices(second), f"{second.label} forgets the third")
    assert set(members(second)) == {first.device, second.device}


def share(daemon: Daemon, folder: str, *others: Daemon, label: str = "") -> None:
    """A new folder of a daemon that runs."""
    path = daemon.folders[folder] = daemon.directory / "folders" / folder
    path.mkdir(parents=True)
    document = {
        "id": folder,
        "label": label or folder,
        "path": str(path),
        "fsWatcherEnabled": False,
        "devices": [{"deviceID": other.device} for other in others],
    }
    daemon.post("/rest/config/folders", document)
    write(daemon, folder, "file")


def test_folders_are_accepted_without_and_with_a_question(meet: Meet) -> None:
    company = meet("us", "them")
    for one, other in (company.daemons, reversed(company.daemons)):
        one.home.add_device(other.device, other.address, other.label)
    company.start()
    company.connected(*company.daemons)

    for one, other in (company.daemons, tuple(reversed(company.daemons))):
        home = one.directory / "home of folders"
        one.change("PATCH", "/rest/config/defaults/folder", {"path": str(home)})
        name = f"asked-{other.label}"
        share(other, name, one, label="Ask: me")
        pending = wait_until(
            lambda one=one: one.get("/rest/cluster/pending/folders"),  # type: ignore[misc]
            f"{one.label} is asked",
        )
        offer = pending[name]["offeredBy"][other.device]
        assert offer["label"] == "Ask: me"
        assert (offer["receiveEncrypted"], offer["remoteEncrypted"]) == (False, False)
        path = one.folders[name] = one.directory / "accepted"
        document = {"id": name, "path": str(path), "devices": [{"deviceID": other.device}]}
        one.post("/rest/config/folders", document)
        arrives(one, name, "file")
        assert one.get("/rest/cluster/pending/folders") == {}

        one.change("PATCH", f"/rest/config/devices/{other.device}", {"autoAcceptFolders": True})
        name = f"auto-{other.label}"
        share(other, name, one, label="Do: not/ask")
        one.folders[name] = home / "Do not ask"
        arrives(one, name, "file")
        assert one.get(f"/rest/config/folders/{name}")["label"] == "Do: not/ask"
        assert one.get("/rest/cluster/pending/folders") == {}


def partial(root: Path) -> int:
    """Bytes on disk in unfinished downloads."""
    return sum((root / name).stat().st_blocks * 512 for name in temporary(root))


def test_shares_names_and_settings_change_in_mid_transfer(new_pair: Callable[[], Pair]) -> None:
    pair = new_pair()
    pair.prepare([FOLDER])
    pair.right.home.option("limitBandwidthInLan", "true")
    pair.right.home.option("maxRecvKbps", str(20 * 1024))
    pair.start()
    us, them = pair.both
    folder = f"/rest/config/folders/{FOLDER}"
    fill(us.folders[FOLDER] / "big", 64 * MIB)
    us.rescan(FOLDER)
    root = them.folders[FOLDER]
    wait_until(lambda: partial(root) > 4 * MIB, "a part of the file has arrived")
    connected = them.get("/rest/system/connections")["connections"][us.device]["startedAt"]

    us.change("PATCH", folder, {"devices": []})
    wait_until(lambda: them.status(FOLDER)["state"] == "idle", "the transfer has ended")
    assert partial(root) < 60 * MIB and not (root / "big").exists()
    us.change("PATCH", folder, {"devices": [{"deviceID": them.device}]})
    us.change("PATCH", folder, {"label": "another"})
    for number in range(2000):
        fill(root / f"{number % 20}" / f"file {number}", 100, number)
    them.rescan(FOLDER)
    for seconds in (100, 200):  # our folder begins anew while their index is under way
        us.change("PATCH", folder, {"rescanIntervalS": seconds})
    pair.wait_in_sync(FOLDER)
    pair.assert_equal(FOLDER)
    after = them.get("/rest/system/connections")["connections"][us.device]["startedAt"]
    assert after == connected
