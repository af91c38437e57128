from __future__ import annotations

import pytest

from tests.config.samples import ME, PEER, sample
from txsyncthing.config.config import Configuration, InvalidConfiguration
from txsyncthing.config.folder import Parameter
from txsyncthing.config.migrations import migrate
from txsyncthing.config.prepare import prepare
from txsyncthing.config.size import Size
from txsyncthing.config.xml import from_xml, parse
from txsyncthing.config.xml_write import render
from txsyncthing.vocabulary.folder import FolderType


def migrated(version: int, inner: str) -> Configuration:
    tree = parse(f'<configuration version="{version}">{inner}</configuration>'.encode())
    assert migrate(tree)
    return prepare(from_xml(tree), ME)


def test_version_10_becomes_37() -> None:
    made = migrated(
        10,
        f"""
        <folder id="default" path="/srv/sync" ro="true" rescanIntervalS="60">
            <device id="{PEER}"></device>
            <versioning type="external"><param key="command" val="/bin/keep"></param></versioning>
            <pullers>16</pullers>
        </folder>
        <device id="{PEER}" compression="true"><address>192.0.2.1:22000</address></device>
        <options>
            <listenAddress>:22000</listenAddress>
            <globalAnnounceServer>udp4://announce.syncthing.net:22026</globalAnnounceServer>
            <globalAnnounceServer>udp6://announce-v6.syncthing.net:22026</globalAnnounceServer>
            <globalAnnounceEnabled>false</globalAnnounceEnabled>
            <localAnnouncePort>21025</localAnnouncePort>
            <localAnnounceMCAddr>[ff32::5222]:21026</localAnnounceMCAddr>
            <upnpEnabled>false</upnpEnabled>
            <upnpLeaseMinutes>50</upnpLeaseMinutes>
            <minHomeDiskFreePct>2</minHomeDiskFreePct>
        </options>""",
    )
    assert made.version == 37
    folder, options = made.folders[0], made.options
    assert folder.type is FolderType.SEND_ONLY
    assert folder.min_disk_free == Size(1, "%")
    assert folder.max_conflicts == -1
    assert folder.puller_max_pending_kib == 2048
    assert folder.versioning.param("command") == "/bin/keep %FOLDER_PATH% %FILE_PATH%"
    assert folder.junctions_as_dirs
    peer = made.device(PEER)
    assert peer is not None and peer.addresses == ("tcp://192.0.2.1:22000",)
    assert options.listen_addresses == ("tcp://:22000",)
    assert options.global_announce_servers == ("default",)
    assert options.local_announce_port == 21027
    assert options.local_announce_mc_addr == "[ff12::8384]:21027"
    assert (options.nat_enabled, options.nat_lease_minutes) == (False, 50)
    assert options.min_home_disk_free == Size(2, "%")
    assert options.ur_seen == 2
    assert not options.crash_reporting_enabled
    assert options.unacked_notification_ids == (
        "fsWatcherNotification",
        "crAutoDisabled",
        "authenticationUserAndPassword",
    )


def test_version_13_joins_relays_and_listeners() -> None:
    made = migrated(
        13,
        """
        <options>
            <listenAddress>tcp://0.0.0.0:22000</listenAddress>
            <relayServer>dynamic+https://relays.syncthing.net/endpoint</relayServer>
            <relayServer>relay://192.0.2.9:443</relayServer>
            <globalAnnounceServer>https://discovery.example:8443/?id=x</globalAnnounceServer>
            <defaultFolderPath>~/x</defaultFolderPath>
        </options>""",
    )
    assert made.options.listen_addresses == ("default", "relay://192.0.2.9:443")
    assert made.options.global_announce_servers == ("https://discovery.example:8443/v2/?id=x",)
    assert made.defaults.folder.path == "~/x"


def test_version_28_gets_reports_concurrency_and_new_versioning() -> None:
    made = migrated(
        28,
        f"""
        <folder id="default" path="/srv/sync" type="receiveonly">
            <versioning type="simple">
                <param key="cleanInterval" val="9"></param>
                <param key="keep" val="5"></param>
                <param key="versionsPath" val="/v"></param>
            </versioning>
            <scanOwnership>true</scanOwnership>
        </folder>
        <pendingDevice time="2020-01-01T00:00:00Z" id="{PEER}"></pendingDevice>
        <options><maxConcurrentScans>2</maxConcurrentScans><urAccepted>3</urAccepted></options>""",
    )
    assert made.options.max_folder_concurrency == 2
    assert made.options.crash_reporting_enabled
    versioning = made.folders[0].versioning
    assert versioning.fs_path == "/v"
    assert versioning.params == (Parameter("keep", "5"),)
    assert made.folders[0].send_ownership
    assert made.folders[0].type is FolderType.RECEIVE_ONLY


@pytest.mark.parametrize("name", ["v36.xml", "v37.xml", "v52.xml"])
def test_versions_35_to_52_stay_as_they_are(name: str) -> None:
    tree = parse(sample(name))
    assert not migrate(tree)
    assert render(tree) == sample(name)


@pytest.mark.parametrize("version", ['version="9"', "", 'version=""'])
def test_what_is_older_than_10_is_refused(version: str) -> None:
    with pytest.raises(InvalidConfiguration) as refused:
        migrate(parse(f"<configuration {version}></configuration>".encode()))
    assert refused.value.where == "configuration/version"
