from __future__ import annotations

from pathlib import Path

import click
import pytest

from txsyncthing.cli.target import Given, Target, find_target

KEY = "secret-of-this-home"


def home(path: Path, address: str = "127.0.0.1:8384", tls: str = "false") -> Path:
    (path / "config.xml").write_text(
        f'<configuration version="37"><gui tls="{tls}"><address>{address}</address>'
        f"<apikey>{KEY}</apikey></gui></configuration>"
    )
    (path / "https-cert.pem").write_bytes(b"PEM of the home")
    return path


def find(path: Path, **given: str) -> Target:
    return find_target(Given(**given), path / "config.xml", path / "https-cert.pem")


def refusal(path: Path, **given: str) -> str:
    with pytest.raises(click.ClickException) as caught:
        find(path, **given)
    assert KEY not in caught.value.message
    return caught.value.message


def test_the_home_tells_all(tmp_path: Path) -> None:
    target = find(home(tmp_path))
    assert (str(target), target.key, target.pinned) == ("http://127.0.0.1:8384", KEY, b"")


@pytest.mark.parametrize(
    ("configured", "base"),
    [
        ("0.0.0.0:8384", "http://127.0.0.1:8384"),
        (":8384", "http://127.0.0.1:8384"),
        ("[::]:8384", "http://[::1]:8384"),
        ("192.0.2.1:1", "http://192.0.2.1:1"),
        ("/run/st.sock", "http://localhost"),
    ],
)
def test_a_node_that_listens_everywhere_is_called_on_loopback(
    tmp_path: Path, configured: str, base: str
) -> None:
    assert find(home(tmp_path, configured)).base == base


def test_tls_is_pinned_to_the_certificate_of_the_home(tmp_path: Path) -> None:
    target = find(home(tmp_path, "192.0.2.1:8384", "true"))
    assert (target.base, target.pinned) == ("https://192.0.2.1:8384", b"PEM of the home")


def test_an_address_of_another_machine_needs_its_own_key(tmp_path: Path) -> None:
    assert "give --gui-apikey for 192.0.2.1:1" in refusal(home(tmp_path), address="192.0.2.1:1")
    there = find(home(tmp_path), address="https://192.0.2.1:1", key="k")
    assert (there.key, there.tls, there.pinned) == ("k", True, b"")  # the system's authorities


def test_a_local_address_gets_the_key_of_the_home(tmp_path: Path) -> None:
    target = find(home(tmp_path, tls="true"), address="localhost:9")
    assert (target.base, target.key) == ("http://localhost:9", KEY)
    assert find(home(tmp_path, tls="true"), address="127.0.0.1:8384").tls
    assert not find(home(tmp_path, tls="true"), address="http://127.0.0.1:8384").tls
    assert find(home(tmp_path), address="unixs:///s").pinned == b"PEM of the home"


def test_a_certificate_may_be_given(tmp_path: Path) -> None:
    pem = tmp_path / "other.pem"
    pem.write_bytes(b"PEM of the other")
    given = find(home(tmp_path), address="https://h:1", key="k", certificate=str(pem))
    assert given.pinned == b"PEM of the other"
    missing = str(tmp_path / "missing.pem")
    assert "No such file" in refusal(
        home(tmp_path), address="https://h:1", key="k", certificate=missing
    )


def test_all_may_be_given_without_a_home(tmp_path: Path) -> None:
    assert find(tmp_path, address="h:1", key="k").base == "http://h:1"
    assert "--home" in refusal(tmp_path, address="127.0.0.1:1")
    assert "--home" in refusal(tmp_path)


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    assert "HOST:PORT" in refusal(home(tmp_path), address="nonsense")
    (tmp_path / "config.xml").write_text("<configuration")
    assert "well-formed" in refusal(tmp_path)
    (tmp_path / "config.xml").write_text("<configuration/>")
    assert "has no API key" in refusal(tmp_path)


def test_the_command_line_comes_before_the_environment() -> None:
    environment = {"STGUIADDRESS": "a:1", "STGUIAPIKEY": "k"}
    assert Given(address="b:2").over(environment) == Given(address="b:2", key="k")
