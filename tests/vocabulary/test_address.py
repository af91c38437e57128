from __future__ import annotations

from ipaddress import ip_address, ip_interface, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from txsyncthing.vocabulary.address import (
    DEFAULT_LISTEN,
    Address,
    BadAddress,
    expand_listen,
    is_allowed,
    is_lan,
    parse_ip,
    parse_networks,
)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("tcp://example.org:22001", Address("tcp", "example.org", 22001)),
        ("tcp://example.org", Address("tcp", "example.org", 22000)),
        ("quic://[2001:db8::1]", Address("quic", "2001:db8::1", 22000)),
        ("tcp6://[fe80::1%25eth0]:1", Address("tcp6", "fe80::1%25eth0", 1)),
        ("tcp://:22000", Address("tcp", "", 22000)),
        ("tcp4://0.0.0.0:0", Address("tcp4", "0.0.0.0", 0)),
        ("relay://a.example:443/?id=X&b=2", Address("relay", "a.example", 443, "/?id=X&b=2")),
        (
            "dynamic+https://relays.syncthing.net/endpoint",
            Address("dynamic+https", "relays.syncthing.net", 0, "/endpoint"),
        ),
    ],
)
def test_an_address_is_read(text: str, address: Address) -> None:
    assert Address.parse(text) == address


@pytest.mark.parametrize(
    "text",
    ["", "dynamic", "10.0.0.1:22000", "tcp://h:99999", "tcp://h:x", "tcp://a b", "tcp://u:p@h"],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(BadAddress):
        Address.parse(text)


@given(
    st.sampled_from(["tcp", "quic4", "relay"]),
    st.sampled_from(["host", "10.1.2.3", "::1", "2001:db8::2"]),
    st.integers(1, 65535),
)
def test_an_address_survives_its_text(scheme: str, host: str, port: int) -> None:
    address = Address(scheme, host, port)
    assert Address.parse(str(address)) == address


def test_default_stands_for_all_transports() -> None:
    assert expand_listen(["default", "tcp://:1", "tcp://:1"]) == (*DEFAULT_LISTEN, "tcp://:1")


def test_an_empty_listen_address_means_none() -> None:
    assert expand_listen([""]) == ()


def test_wildcards_are_known() -> None:
    assert Address.parse("tcp://0.0.0.0:1").wildcard
    assert Address.parse("tcp://[::]:1").wildcard
    assert Address.parse("tcp://:1").wildcard
    assert not Address.parse("tcp://10.0.0.1:1").wildcard


def test_wrapped_and_zoned_addresses_are_numbers() -> None:
    assert parse_ip("::ffff:10.0.0.1") == ip_address("10.0.0.1")
    assert parse_ip("fe80::1%eth0") == ip_address("fe80::1")
    assert parse_ip("localhost") is None


def test_near_is_what_is_on_our_networks() -> None:
    ours = [ip_interface("192.168.7.2/24"), ip_interface("2001:db8:7::2/64")]
    near = ["127.0.0.1", "169.254.1.1", "fe80::1", "::1", "192.168.7.9", "2001:db8:7::9"]
    far = ["192.168.8.1", "10.0.0.1", "8.8.8.8", "2001:db8:8::1"]
    assert all(is_lan(ip_address(ip), ours) for ip in near)
    assert not any(is_lan(ip_address(ip), ours) for ip in far)
    assert is_lan(ip_address("8.8.8.8"), ours, [ip_network("8.8.0.0/16")])


def test_private_networks_are_near_when_interfaces_cannot_be_asked() -> None:
    assert is_lan(ip_address("10.0.0.1"), None)
    assert not is_lan(ip_address("8.8.8.8"), None)


def test_networks_that_are_none_are_left_out() -> None:
    assert parse_networks(["10.0.0.0/8", "nonsense", "10.0.0.1/33"]) == (ip_network("10.0.0.0/8"),)


@pytest.mark.parametrize(
    ("rules", "ip", "allowed"),
    [
        ([], "8.8.8.8", True),
        (["10.0.0.0/8"], "10.1.1.1", True),
        (["10.0.0.0/8"], "8.8.8.8", False),
        (["!10.1.0.0/16", "10.0.0.0/8"], "10.1.1.1", False),
        (["!10.1.0.0/16", "10.0.0.0/8"], "10.2.1.1", True),
        (["10.0.0.0/8", "!10.1.0.0/16"], "10.1.1.1", True),
        (["!10.0.0.0/8", "0.0.0.0/0"], "8.8.8.8", True),
        (["nonsense"], "8.8.8.8", False),
        (["2001:db8::/32"], "2001:db8::1", True),
    ],
)
def test_the_first_rule_that_fits_decides(rules: list[str], ip: str, allowed: bool) -> None:
    assert is_allowed(ip_address(ip), rules) is allowed
