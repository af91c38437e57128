from __future__ import annotations

import pytest

from txsyncthing.config.gui_address import BadGuiAddress, GuiAddress, is_local_host, split_host


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8384", GuiAddress("127.0.0.1", 8384)),
        (":8384", GuiAddress("", 8384)),
        ("[::1]:8384", GuiAddress("::1", 8384)),
        ("http://localhost:80/", GuiAddress("localhost", 80, tls=False)),
        ("https://0.0.0.0:8443", GuiAddress("0.0.0.0", 8443, tls=True)),
        ("/run/st.sock", GuiAddress(path="/run/st.sock")),
        ("unix:///run/st.sock", GuiAddress(path="/run/st.sock", tls=False)),
        ("unixs:///run/st.sock", GuiAddress(path="/run/st.sock", tls=True)),
    ],
)
def test_an_address_is_read(text: str, address: GuiAddress) -> None:
    assert GuiAddress.parse(text) == address


@pytest.mark.parametrize(
    "text", ["", "localhost", "127.0.0.1:http", "127.0.0.1:99999", "ftp://x:1", "unix://x", "::1"]
)
def test_what_is_no_address_is_refused_with_the_reason(text: str) -> None:
    with pytest.raises(BadGuiAddress, match="gui address"):
        GuiAddress.parse(text)


@pytest.mark.parametrize("text", ["127.0.0.1:8384", ":8384", "[::1]:8384", "/run/st.sock"])
def test_an_address_reads_back(text: str) -> None:
    assert str(GuiAddress.parse(text)) == text


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST", "localhost.", "a.localhost", "127.0.0.1", "127.9.9.9", "::1"]
)
def test_these_hosts_are_this_machine(host: str) -> None:
    assert is_local_host(host)


@pytest.mark.parametrize(
    "host", ["", "example", "localhost.evil", "notlocalhost", "10.0.0.1", "::", "0.0.0.0"]
)
def test_these_hosts_are_not(host: str) -> None:
    assert not is_local_host(host)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a:1", ("a", "1")),
        ("a", ("a", "")),
        ("[::1]:1", ("::1", "1")),
        ("[::1]", ("::1", "")),
        ("::1", ("::1", "")),
    ],
)
def test_host_and_port_are_parted(text: str, parts: tuple[str, str]) -> None:
    assert split_host(text) == parts
