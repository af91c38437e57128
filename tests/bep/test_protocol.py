"""One connection between two protocols, over a wire in memory."""

from __future__ import annotations

from twisted.internet.defer import succeed

from tests.bep.peers import ALICE, BOB, Pair
from txsyncthing.bep.messages import ClusterConfig
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName

FOLDER = FolderID("f")


def test_two_nodes_greet_and_configure_each_other() -> None:
    pair = Pair()
    pair.open()
    assert pair.alice.hello.device_name == "bob"
    assert pair.bob.device == ALICE and pair.alice.device == BOB
    assert pair.at_alice.events == [("config", ClusterConfig())]
    assert pair.at_bob.events == [("config", ClusterConfig())]


def test_a_block_is_asked_for_and_comes() -> None:
    pair = Pair()
    pair.open()
    pair.at_bob.answer = lambda request: succeed(b"x" * request.size)
    asked = pair.alice.request(FOLDER, WireName("a"), 0, 300_000, b"h" * 32)
    pair.run()
    assert bytes(pair.result(asked)) == b"x" * 300_000
    assert pair.alice.outstanding == 0
