"""The official daemon understands config.xml as we do, before and after we wrote it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from tests.interop.harness import peers
from tests.interop.harness.daemon import OfficialDaemon
from txsyncthing.config.config import Configuration
from txsyncthing.config.device import Compression, DeviceConfig, ObservedFolder
from txsyncthing.config.entry import Timestamp
from txsyncthing.config.file_service import load, save
from txsyncthing.config.folder import FolderDevice, Parameter, Versioning
from txsyncthing.config.json import to_json
from txsyncthing.config.prepare import prepare
from txsyncthing.config.size import Size
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID, FolderType, PullOrder

PEER = DeviceID(bytes(range(32)))


def changed(configuration: Configuration, root: Path) -> Configuration:
    """A change in every part."""
    folder = replace(
        configuration.defaults.folder,
        id=FolderID("new"),
        label='a <b> & "c" é',
        path=str(root / "new"),
        type=FolderType.SEND_ONLY,
        paused=True,
        order=PullOrder.NEWEST_FIRST,
        min_disk_free=Size(1.5, "GB"),
        versioning=Versioning(type="simple", params=(Parameter("keep", "5"),)),
        devices=(FolderDevice(PEER, encryption_password="secret"),),
    )
    device = DeviceConfig(
        id=PEER,
        name="peer",
        addresses=("tcp://192.0.2.1:22000",),
        compression=Compression.ALWAYS,
        paused=True,
        allowed_networks=("192.0.2.0/24",),
        ignored_folders=(ObservedFolder(Timestamp("2026-01-31T12:00:00Z"), "no", "No"),),
    )
    return replace(
        configuration,
        folders=(*configuration.folders, folder),
        devices=(*configuration.devices, device),
        options=replace(configuration.options, ur_accepted=-1, always_local_nets=("10.0.0.0/8",)),
        gui=replace(configuration.gui, theme="dark", send_basic_auth_prompt=False),
        defaults=replace(
            configuration.defaults, ignores=replace(configuration.defaults.ignores, lines=("*.o",))
        ),
    )


def shown(daemon: OfficialDaemon) -> object:
    """Start it, read its configuration over REST, stop it."""
    daemon.start()
    document: object = daemon.get("/rest/system/config")
    daemon.stop()
    return document


def test_both_read_the_same_before_and_after_we_wrote(version: str, work: Path) -> None:
    official = OfficialDaemon(work / f"config-{version}", peers.need(version), version)
    official.prepare()
    path = official.home.config
    try:
        before = load(str(path)).configuration
        assert shown(official) == to_json(before, before.version)
        text = path.read_bytes()
        save(str(path), before)
        assert path.read_bytes() == text

        me = DeviceID.parse(official.device)
        after = prepare(changed(before, work), me)
        save(str(path), after)
        text = path.read_bytes()
        assert load(str(path)).configuration == after
        assert shown(official) == to_json(after, after.version)
        assert path.read_bytes() == text
    finally:
        official.kill()
