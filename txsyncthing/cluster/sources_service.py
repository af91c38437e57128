"""
Ask devices for blocks: what the puller of a folder sees of the cluster.

Source: reference 2.4 ("Requests"), 2.7.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import Deferred

from txsyncthing.bep.messages import Block
from txsyncthing.bep.protocol import PeerLost, RequestFailed
from txsyncthing.cluster.availability import FolderAvailability, PeerTable, carrier
from txsyncthing.cluster.link import Link
from txsyncthing.pull.sources import BlockRequest, SourceLost, SourceRefused
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.folder import FolderID


class FolderSources(FolderAvailability):
    """
    Satisfies ``pull.sources.Sources`` for one folder.

    :param random: from 0 to below 1.
    """

    def __init__(self, folder: FolderID, peers: PeerTable, random: Callable[[], float]) -> None:
        super().__init__(folder, peers)
        self._random = random

    def request(self, device: DeviceID, block: BlockRequest) -> Deferred[Block]:
        """Fails with ``SourceRefused`` or ``SourceLost``; cancelling forgets the answer."""
        return Deferred.fromCoroutine(self._request(device, block))

    async def _request(self, device: DeviceID, block: BlockRequest) -> Block:
        # Of several connections one may end as superfluous while the device stays.
        lost: list[Link] = []
        reason = ""
        while True:
            standing = self._peers.get(device)
            links = [link for link in standing.links if link not in lost] if standing else []
            link = carrier(links, self._random)
            if link is None:
                raise SourceLost(reason or f"{device!r} is not connected")
            try:
                return await link.request(
                    block.folder,
                    block.name,
                    block.offset,
                    block.size,
                    block.hash,
                    block.from_temporary,
                    block.number,
                )
            except RequestFailed as error:
                raise SourceRefused(error.code) from None
            except PeerLost as error:
                reason = str(error)
                lost.append(link)
