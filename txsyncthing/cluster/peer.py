"""
One device over all its connections: which of them carries what.

Two choices, one of each end. *Ours* is the oldest connection: there goes our full Cluster Config, the others
get one that says secondary. *Theirs* is where the peer's last full Cluster Config arrived: there goes our
index. The ends may choose differently.

Source: reference 2.4 (lib/model/model.go, promoteConnections).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from automat import TypeMachineBuilder
from automat._typed import TypedDataState, TypedState

from txsyncthing.bep.messages import ClusterConfig
from txsyncthing.cluster.link import Link


class PeerWorld(Protocol):
    """What a device does to the world around it. Nothing here may raise."""

    def arrived(self, link: Link) -> None:
        """A connection begins (also the second and third)."""

    def announce(self, link: Link, secondary: bool) -> None:
        """Send our Cluster Config there."""

    def exchange(self, link: Link, config: ClusterConfig) -> None:
        """The peer shares this; all index traffic goes over this connection from now on."""

    def silence(self) -> None:
        """Send no more index until the next ``exchange``."""

    def left(self, reason: str) -> None:
        """No connection is left."""

    def close(self, link: Link, reason: str) -> None:
        """Hang up."""


class Peer(Protocol):
    """What can happen to a device."""

    def connected(self, link: Link) -> None:
        """A connection is greeted and welcome."""

    def configured(self, link: Link, config: ClusterConfig) -> None:
        """The peer's Cluster Config came."""

    def lost(self, link: Link, reason: str) -> None:
        """A connection is over."""

    def announce(self) -> None:
        """What we share with it changed."""

    def pause(self, reason: str) -> None:
        """Hang up, and take no more connections."""

    def resume(self) -> None:
        """Take connections again."""

    def _gone(self, reason: str) -> None:
        """The last connection is over."""


@dataclass
class Core:
    """What all states share."""

    world: PeerWorld


@dataclass
class Wires:
    """The connections of a device that is present."""

    links: list[Link] = field(default_factory=list)  # oldest first; never empty
    told: list[Link] = field(default_factory=list)  # got our full Cluster Config
    theirs: Link | None = None
    full: list[Link] = field(default_factory=list)  # where full Cluster Configs came, last one last
    config: ClusterConfig | None = None  # the last of these

    def choose(self, core: Core) -> None:
        """The peer's choice has gone: take what it chose before, which it may not tell again."""
        self.theirs = self.full[-1] if self.full else None
        if self.theirs is None or self.config is None:
            core.world.silence()
        else:
            core.world.exchange(self.theirs, self.config)


def first_wire(inputs: Peer, core: Core, link: Link) -> Wires:
    return Wires([link], [link])


builder = TypeMachineBuilder(Peer, Core)
away = builder.state("away")
present = builder.state("present", first_wire)
paused = builder.state("paused")

State = TypedState[Peer, Core] | TypedDataState[Peer, Core, Wires, ...]


def ignore(state: TypedState[Peer, Core], *inputs: Callable[..., None]) -> None:
    """Answer these inputs by doing nothing."""
    for each in inputs:
        state.upon(each).loop().returns(None)


away.upon(Peer.pause).to(paused).returns(None)
paused.upon(Peer.resume).to(away).returns(None)
present.upon(Peer.resume).loop().returns(None)
ignore(away, Peer.configured, Peer.lost, Peer.announce, Peer.resume)
ignore(paused, Peer.configured, Peer.lost, Peer.announce, Peer.pause)


@away.upon(Peer.connected).to(present)
def arrive(inputs: Peer, core: Core, link: Link) -> None:
    core.world.arrived(link)
    core.world.announce(link, secondary=False)


@paused.upon(Peer.connected).loop()
def refuse(inputs: Peer, core: Core, link: Link) -> None:
    core.world.close(link, "device is paused")


@present.upon(Peer.connected).loop()
def join(inputs: Peer, core: Core, wires: Wires, link: Link) -> None:
    wires.links.append(link)
    core.world.arrived(link)
    core.world.announce(link, secondary=True)


@present.upon(Peer.configured).loop()
def agree(inputs: Peer, core: Core, wires: Wires, link: Link, config: ClusterConfig) -> None:
    if link not in wires.links:
        return
    if link in wires.full:
        wires.full.remove(link)
    if not config.secondary:
        wires.full.append(link)
        wires.theirs, wires.config = link, config
        if link not in wires.told:  # the peer's choice is another than ours: tell it all there
            wires.told.append(link)
            core.world.announce(link, secondary=False)
        core.world.exchange(link, config)
    elif wires.theirs is link:
        wires.choose(core)


@present.upon(Peer.announce).loop()
def tell(inputs: Peer, core: Core, wires: Wires) -> None:
    for link in wires.told:
        core.world.announce(link, secondary=False)


@present.upon(Peer.lost).loop()
def forget(inputs: Peer, core: Core, wires: Wires, link: Link, reason: str) -> None:
    if link not in wires.links:
        return
    wires.links.remove(link)
    if not wires.links:
        inputs._gone(reason)
        return
    if link in wires.full:
        wires.full.remove(link)
    if wires.theirs is link:
        wires.choose(core)
    if link in wires.told:
        # The peer may have taken that one for ours, and waits to hear which it is now.
        wires.told.remove(link)
        if wires.links[0] not in wires.told:
            wires.told.append(wires.links[0])
        core.world.announce(wires.links[0], secondary=False)


@present.upon(Peer._gone).to(away)
def leave(inputs: Peer, core: Core, wires: Wires, reason: str) -> None:
    core.world.silence()
    core.world.left(reason)


@present.upon(Peer.pause).to(paused)
def hang_up(inputs: Peer, core: Core, wires: Wires, reason: str) -> None:
    core.world.silence()
    for link in list(wires.links):
        core.world.close(link, reason)
    core.world.left(reason)


new_peer = builder.build()
