"""
What a node says of that for which a wait was in vain.
"""

from __future__ import annotations

from txsyncthing.cli.explain import reasons
from txsyncthing.cli.look import Look
from txsyncthing.cli.seam import Node, Refused


async def failures(node: Node, folder: str) -> list[str]:
    """The first items that failed, for people."""
    answer = await node.get("/rest/folder/errors", folder=folder, page=1, perpage=10)
    return [f"  {one['path']}: {one['error']}" for one in answer["errors"] or ()]


async def hindrances(node: Node, look: Look) -> list[str]:
    """What our own node says is in the way of the devices for which we waited."""
    said: list[str] = []
    for device in look.devices:
        if not device.complete:
            try:
                answer = await node.get("/rest/x/explain", device=device.id)
            except Refused:
                break  # it does not explain
            said += [f"  {device.name}: {line}" for line in reasons(answer.get("reasons") or ())]
    return said
