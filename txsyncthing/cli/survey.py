"""
The questions behind ``txsyncthing status``, several at a time, and their answers as one document.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from txsyncthing.cli.seam import Node, Refused

T = TypeVar("T")
AT_ONCE = 8


async def survey(node: Node) -> dict[str, Any]:
    """
    All that ``status`` shows.

    :raises NodeError: the node does not answer, or says no.
    """
    version = await node.get("/rest/system/version")
    system = await node.get("/rest/system/status")
    me = system["myID"]
    devices = await node.get("/rest/config/devices")
    folders = await node.get("/rest/config/folders")
    connections = (await node.get("/rest/system/connections"))["connections"]
    statistics = await node.get("/rest/stats/device")
    errors = (await node.get("/rest/system/error"))["errors"] or []
    names = {one["deviceID"]: one["name"] for one in devices}
    others = [one for one in devices if one["deviceID"] != me]
    explains = True  # until a node says that it does not

    async def folder(config: dict[str, Any]) -> dict[str, Any]:
        return await _folder(node, config, explains)

    if folders:  # the first tells whether there are explanations
        first = await folder(folders[0])
        explains = first["explanation"] is not None or first["paused"]
        shown = [first, *await _each(folder(one) for one in folders[1:])]
    else:
        shown = []

    async def device(config: dict[str, Any]) -> dict[str, Any]:
        id = config["deviceID"]
        shares = any(
            one["deviceID"] == id
            for folder in folders
            if not folder["paused"]
            for one in folder["devices"]
        )
        completion = await node.get("/rest/db/completion", device=id) if shares else {}
        explanation = await _explanation(node, device=id) if explains else None
        found = _device(config, connections.get(id, {}), statistics.get(id, {}), completion)
        return {**found, "explanation": explanation}

    return {
        "device": {"id": me, "name": names.get(me, ""), "uptime": system["uptime"]},
        "version": version.get("longVersion", ""),
        "folders": shown,
        "devices": await _each(device(one) for one in others),
        "pendingDevices": await node.get("/rest/cluster/pending/devices"),
        "pendingFolders": await node.get("/rest/cluster/pending/folders"),
        "errors": errors,
    }


async def _folder(node: Node, config: dict[str, Any], explains: bool) -> dict[str, Any]:
    id = config["id"]
    status: dict[str, Any] = {}
    if not config["paused"]:
        try:
            status = await node.get("/rest/db/status", folder=id)
        except Refused as refused:
            if refused.status != 404:  # just paused
                raise
    explanation = await _explanation(node, folder=id) if explains else None
    return {
        "id": id,
        "label": config["label"],
        "path": config["path"],
        "type": config["type"],
        "paused": config["paused"],
        "state": "paused" if config["paused"] else status.get("state", ""),
        "error": status.get("error") or status.get("watchError") or "",
        "needItems": status.get("needTotalItems", 0),
        "needBytes": status.get("needBytes", 0),
        "globalBytes": status.get("globalBytes", 0),
        "localFiles": status.get("localFiles", 0),
        "localBytes": status.get("localBytes", 0),
        "receiveOnlyItems": status.get("receiveOnlyTotalItems", 0),
        "failedItems": status.get("pullErrors", status.get("errors", 0)),
        "explanation": explanation,
    }


async def _explanation(node: Node, **what: Any) -> Any:
    """None from a node that does not explain."""
    try:
        return await node.get("/rest/x/explain", **what)
    except Refused as refused:
        if refused.status not in (404, 405):
            raise
        return None


def _device(
    config: dict[str, Any],
    connection: dict[str, Any],
    statistics: dict[str, Any],
    completion: dict[str, Any],
) -> dict[str, Any]:
    return {
        "id": config["deviceID"],
        "name": config["name"],
        "paused": config["paused"],
        "connected": bool(connection.get("connected")),
        "address": connection.get("address", ""),
        "type": connection.get("type", ""),
        "clientVersion": connection.get("clientVersion", ""),
        "lastSeen": statistics.get("lastSeen", ""),
        "shares": bool(completion),
        "completion": completion.get("completion", 100),
        "needItems": completion.get("needItems", 0) + completion.get("needDeletes", 0),
        "needBytes": completion.get("needBytes", 0),
    }


async def _each(questions: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The answers in order, some questions at a time."""
    from twisted.internet.defer import Deferred, FirstError, gatherResults

    waiting, answers = list(questions), list[T]()
    try:
        while waiting:
            some = [Deferred.fromCoroutine(waiting.pop(0)) for _ in waiting[:AT_ONCE]]
            answers += await gatherResults(some, consumeErrors=True)
    except FirstError as first:
        first.subFailure.raiseException()
    finally:
        for one in waiting:
            one.close()
    return answers
