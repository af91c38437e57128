from __future__ import annotations

import pytest

from txsyncthing.config.options import Options
from txsyncthing.connections.score import connection_type, priority


@pytest.mark.parametrize(
    ("scheme", "lan", "rank"),
    [
        ("tcp", True, 10),
        ("quic6", True, 20),
        ("tcp4", False, 30),
        ("quic", False, 40),
        ("relay", True, 50),
        ("relay", False, 50),
    ],
)
def test_near_is_better_than_far_and_tcp_better_than_the_rest(
    scheme: str, lan: bool, rank: int
) -> None:
    assert priority(scheme, lan, Options()) == rank


def test_types_are_the_words_of_the_official_gui() -> None:
    assert connection_type("tcp4", True) == "tcp-client"
    assert connection_type("quic", False) == "quic-server"
    assert connection_type("relay", False) == "relay-server"
