from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from tests.config.samples import sample
from txsyncthing.config.file_service import load
from txsyncthing.config.xml import from_xml, parse
from txsyncthing.node.home import (
    GUI_PORT,
    HomeInUse,
    HomeUnusable,
    Seams,
    any_port,
    new_key,
    open_home,
    port_free,
    read_identity,
)
from txsyncthing.node.paths import Paths
from txsyncthing.vocabulary.device import DeviceID

YEAR_2026 = 1_767_225_600.0


def seams(*taken: int) -> Seams:
    """A machine with some ports taken."""
    return Seams(
        random=os.urandom,
        unix=lambda: YEAR_2026,
        host="here",
        port_free=lambda host, port: port not in taken,
        any_port=lambda host: {"127.0.0.1": 40001, "0.0.0.0": 40002}[host],
    )


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    return Paths(tmp_path / "home", tmp_path / "home", tmp_path)


def test_a_first_start_makes_identity_and_configuration(paths: Paths) -> None:
    home = open_home(paths, seams())
    assert [one.name for one in home.configuration.devices] == ["here"]
    assert home.configuration.devices[0].id == home.identity.device
    assert home.configuration.folders == ()
    assert home.configuration.options.listen_addresses == ("default",)
    assert len(home.configuration.gui.api_key) == 32
    assert load(str(paths.config_file)).configuration == home.configuration
    assert paths.key_file.stat().st_mode & 0o777 == 0o600
    assert paths.config_file.stat().st_mode & 0o777 == 0o600
    assert paths.config.stat().st_mode & 0o777 == 0o700
    assert sorted(os.listdir(paths.config)) == [
        "cert.pem",
        "config.xml",
        "key.pem",
        "syncthing.lock",
    ]
    home.close()


def test_the_second_start_finds_the_same_node_and_writes_nothing(paths: Paths) -> None:
    first = open_home(paths, seams())
    first.close()

    def written() -> dict[str, int]:
        return {path.name: path.stat().st_ctime_ns for path in paths.config.iterdir()}

    before = written()
    second = open_home(paths, seams(GUI_PORT, 22000))
    second.close()
    assert second.identity.device == first.identity.device
    assert second.configuration == first.configuration
    assert written() == before


def test_taken_ports_are_replaced_on_the_first_start(paths: Paths) -> None:
    home = open_home(paths, seams(GUI_PORT, 22000))
    home.close()
    assert home.configuration.gui.address == "127.0.0.1:40001"
    assert home.configuration.options.listen_addresses == (
        "tcp://0.0.0.0:40002",
        "dynamic+https://relays.syncthing.net/endpoint",
        "quic://0.0.0.0:40002",
    )


def test_ports_are_not_probed_when_told_so(paths: Paths) -> None:
    home = open_home(paths, seams(GUI_PORT, 22000), probe_ports=False)
    home.close()
    assert home.configuration.gui.address == "127.0.0.1:8384"


def test_a_home_has_one_node(paths: Paths) -> None:
    first = open_home(paths, seams())
    with pytest.raises(HomeInUse, match="another node uses this home"):
        open_home(paths, seams())
    first.close()
    open_home(paths, seams()).close()


@pytest.mark.parametrize("name", ["key.pem", "cert.pem"])
def test_a_key_that_does_not_parse_is_refused_and_stays(paths: Paths, name: str) -> None:
    open_home(paths, seams()).close()
    (paths.config / name).write_text("damaged")
    before = {path: path.read_bytes() for path in paths.config.iterdir()}
    for _ in range(2):  # and the lock is free again
        with pytest.raises(HomeUnusable, match="does not parse"):
            open_home(paths, seams())
    assert {path: path.read_bytes() for path in paths.config.iterdir()} == before


@pytest.mark.parametrize("name", ["key.pem", "cert.pem"])
def test_half_an_identity_is_refused_and_stays_half(paths: Paths, name: str) -> None:
    open_home(paths, seams()).close()
    (paths.config / name).unlink()
    with pytest.raises(HomeUnusable, match=f"{name}: No such file.*belong together"):
        open_home(paths, seams())
    assert name not in os.listdir(paths.config)


def test_keys_that_do_not_belong_together_are_refused(paths: Paths, tmp_path: Path) -> None:
    other = Paths(tmp_path / "other", tmp_path / "other", tmp_path)
    open_home(paths, seams()).close()
    open_home(other, seams()).close()
    paths.key_file.write_bytes(other.key_file.read_bytes())
    with pytest.raises(HomeUnusable, match="does not belong"):
        open_home(paths, seams())


def test_an_invalid_configuration_is_refused_by_name_and_stays(paths: Paths) -> None:
    open_home(paths, seams()).close()
    text = paths.config_file.read_text().replace("<urSeen>0", "<urSeen>none")
    paths.config_file.write_text(text)
    with pytest.raises(HomeUnusable, match=r"config.xml: options/urSeen: 'none' .* whole number"):
        open_home(paths, seams())
    assert paths.config_file.read_text() == text


def test_two_folders_with_one_id_are_refused(paths: Paths) -> None:
    open_home(paths, seams()).close()
    twice = '<folder id="a" path="/a"/><folder id="a" path="/b"/><gui'
    paths.config_file.write_text(paths.config_file.read_text().replace("<gui", twice, 1))
    with pytest.raises(HomeUnusable, match="duplicate folder ID"):
        open_home(paths, seams())


@pytest.mark.parametrize("name", ["v36.xml", "v37.xml", "v52.xml"])
def test_a_configuration_of_the_official_daemon_is_not_rewritten(paths: Paths, name: str) -> None:
    device = read_identity_after_start(paths)
    read = from_xml(parse(sample(name)))
    text = sample(name).replace(str(read.devices[0].id).encode(), str(device).encode())
    paths.config_file.write_bytes(text)
    before = paths.config_file.stat()
    home = open_home(paths, seams())
    home.close()
    assert home.configuration.version == read.version
    after = paths.config_file.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)
    assert paths.config_file.read_bytes() == text


def test_what_an_older_file_lacks_is_added_and_the_old_one_archived(paths: Paths) -> None:
    read_identity_after_start(paths)
    old = b'<configuration version="30"><options></options></configuration>'
    paths.config_file.write_bytes(old)
    home = open_home(paths, seams())
    home.close()
    assert home.configuration.version == 37
    assert (paths.config / "config.xml.v30").read_bytes() == old
    assert load(str(paths.config_file)).configuration == home.configuration


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    paths = Paths(tmp_path / "file" / "home", tmp_path / "file" / "home", tmp_path)
    with pytest.raises(HomeUnusable, match="Not a directory"):
        open_home(paths, seams())


def test_configuration_and_data_may_be_apart(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "config", tmp_path / "data", tmp_path)
    open_home(paths, seams()).close()
    assert sorted(os.listdir(paths.config)) == ["cert.pem", "config.xml", "key.pem"]
    assert os.listdir(paths.data) == ["syncthing.lock"]


def test_keys_are_drawn_from_letters_that_do_not_look_alike() -> None:
    key = new_key(os.urandom)
    assert len(key) == 32
    assert set(key).isdisjoint("0O1Il8BS")
    assert new_key(os.urandom) != key


def test_a_port_with_a_listener_is_not_free() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert not port_free("127.0.0.1", listener.getsockname()[1])
    assert port_free("127.0.0.1", any_port("127.0.0.1"))


def read_identity_after_start(paths: Paths) -> DeviceID:
    """The identity of a home that was started once."""
    open_home(paths, seams()).close()
    return read_identity(paths).device
