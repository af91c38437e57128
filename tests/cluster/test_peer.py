from __future__ import annotations

from typing import cast

from hypothesis import given
from hypothesis import strategies as st

from txsyncthing.bep.messages import ClusterConfig
from txsyncthing.cluster.link import Link
from txsyncthing.cluster.peer import Core, Peer, new_peer

FULL, SECONDARY = ClusterConfig(), ClusterConfig(secondary=True)


class World:
    def __init__(self) -> None:
        self.did: list[tuple[object, ...]] = []

    def arrived(self, link: Link) -> None:
        self.did.append(("arrived", link))

    def announce(self, link: Link, secondary: bool) -> None:
        self.did.append(("secondary" if secondary else "full", link))

    def exchange(self, link: Link, config: ClusterConfig) -> None:
        self.did.append(("exchange", link))

    def silence(self) -> None:
        self.did.append(("silence",))

    def left(self, reason: str) -> None:
        self.did.append(("left", reason))

    def close(self, link: Link, reason: str) -> None:
        self.did.append(("close", link, reason))

    def new(self) -> list[tuple[object, ...]]:
        did, self.did = self.did, []
        return did


def link(name: str) -> Link:
    """The machine only tells connections apart."""
    return cast(Link, name)


A, B, C = link("a"), link("b"), link("c")


def present(*links: Link) -> tuple[World, Peer]:
    world = World()
    peer = new_peer(Core(world))
    for each in links:
        peer.connected(each)
    return world, peer


def test_the_first_connection_is_told_all_and_the_others_that_they_are_secondary() -> None:
    world, _ = present(A, B)
    assert world.new() == [("arrived", A), ("full", A), ("arrived", B), ("secondary", B)]


def test_index_goes_where_the_peers_config_came() -> None:
    world, peer = present(A, B)
    world.new()
    peer.configured(A, FULL)
    peer.configured(B, SECONDARY)
    assert world.new() == [("exchange", A)]
    peer.configured(B, FULL)  # it chose otherwise
    assert world.new() == [("full", B), ("exchange", B)]
    peer.announce()
    assert world.new() == [("full", A), ("full", B)]


def test_when_the_first_is_lost_the_next_is_told_all() -> None:
    world, peer = present(A, B, C)
    peer.configured(A, FULL)
    world.new()
    peer.lost(A, "cut")
    assert world.new() == [("silence",), ("full", B)]
    peer.lost(C, "cut")
    assert world.new() == []
    peer.lost(B, "cut")
    assert world.new() == [("silence",), ("left", "cut")]


def test_when_one_of_two_that_were_told_all_is_lost_the_other_is_told_again() -> None:
    # The ends chose differently, and each followed the other's choice: now each has lost either its own
    # choice or the other's.
    world, peer = present(A, B)
    peer.configured(B, FULL)
    world.new()
    peer.lost(B, "already connected")
    assert world.new() == [("silence",), ("full", A)]
    world, peer = present(B, A)
    peer.configured(A, FULL)
    world.new()
    peer.lost(B, "already connected")
    assert world.new() == [("full", A)]


def test_a_config_that_came_late_over_a_connection_that_ends_does_not_end_the_exchange() -> None:
    # The peer had replaced that one already: it sees nothing change, and tells us nothing more.
    world, peer = present(A, B)
    peer.configured(A, FULL)
    peer.configured(B, FULL)
    world.new()
    peer.lost(B, "replacing connection")
    assert world.new() == [("exchange", A), ("full", A)]


def test_a_config_that_turns_secondary_ends_the_exchange() -> None:
    world, peer = present(A)
    peer.configured(A, FULL)
    world.new()
    peer.configured(A, SECONDARY)
    assert world.new() == [("silence",)]


def test_a_paused_device_is_hung_up_on_and_comes_back() -> None:
    world, peer = present(A, B)
    world.new()
    peer.pause("device is paused")
    assert world.new() == [
        ("silence",),
        ("close", A, "device is paused"),
        ("close", B, "device is paused"),
        ("left", "device is paused"),
    ]
    peer.lost(A, "closed")
    peer.connected(C)
    assert world.new() == [("close", C, "device is paused")]
    peer.resume()
    peer.connected(C)
    assert world.new() == [("arrived", C), ("full", C)]


def test_what_comes_late_is_ignored() -> None:
    world, peer = present(A)
    world.new()
    peer.lost(B, "unknown")
    peer.configured(B, FULL)
    assert world.new() == []


INPUTS = st.one_of(
    st.tuples(st.just("connected"), st.sampled_from([A, B, C])),
    st.tuples(st.just("lost"), st.sampled_from([A, B, C]), st.just("cut")),
    st.tuples(
        st.just("configured"), st.sampled_from([A, B, C]), st.sampled_from([FULL, SECONDARY])
    ),
    st.tuples(st.just("pause"), st.just("pause")),
    st.tuples(st.just("resume")),
    st.tuples(st.just("announce")),
)


@given(st.lists(INPUTS, max_size=25))
def test_whatever_happens_arrivals_and_departures_alternate(
    inputs: list[tuple[object, ...]],
) -> None:
    world = World()
    peer = new_peer(Core(world))
    links: set[Link] = set()
    paused = False
    for name, *args in inputs:
        if name == "connected":
            if args[0] in links:
                continue  # no connection begins twice
            if not paused:
                links.add(cast(Link, args[0]))
        elif name == "lost":
            links.discard(cast(Link, args[0]))
        elif name == "pause":
            paused = True
            links.clear()
        elif name == "resume":
            paused = False
        getattr(peer, str(name))(*args)
    is_present = False
    for event, *_ in world.did:
        if event == "arrived":
            is_present = True
        elif event == "left":
            assert is_present
            is_present = False
        elif event in ("full", "secondary", "exchange"):
            assert is_present
    assert is_present == bool(links)


def test_every_public_input_is_answered_in_every_state() -> None:
    machine = new_peer.__automat_automaton__
    told = {(state, name) for state, name, *_ in machine.allTransitions()}
    public = [name for name in vars(Peer) if not name.startswith("_")]
    missing = [
        (state.name, name)
        for state in machine.states()
        for name in public
        if (state, name) not in told
    ]
    assert missing == []
