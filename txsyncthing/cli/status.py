"""``txsyncthing status``: folders and devices on one screen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from txsyncthing.cli.explain import reasons, when
from txsyncthing.cli.output import amount, columns, count, go_json, percent, say, span
from txsyncthing.cli.running import connection_options, run
from txsyncthing.cli.seam import Node
from txsyncthing.cli.survey import survey

_NOTICES = 5  # shown, the last ones
_IN_TABLE = frozenset({"device-paused"})  # the table says it


def screen(found: dict[str, Any], address: str) -> Iterator[str]:
    """The lines for what ``survey`` found."""
    own = found["device"]
    name = own["name"] or own["id"][:7]
    yield f"{name} ({own['id'][:7]}) at {address}, up {span(own['uptime'])}"
    yield str(found["version"])
    yield ""
    yield from _table("Folders", found["folders"], _folder, "no folder")
    for folder in found["folders"]:
        why = list(reasons((folder["explanation"] or {}).get("reasons") or ()))
        if why:
            yield f"  {folder['label'] or folder['id']}:"
            yield from ("    " + line for line in why)
    yield ""
    yield from _table("Devices", found["devices"], _device, "no other device")
    for device in found["devices"]:
        known = (device["explanation"] or {}).get("reasons") or ()
        why = list(reasons(one for one in known if one["code"] not in _IN_TABLE))
        if why:
            yield f"  {device['name'] or device['id'][:7]}:"
            yield from ("    " + line for line in why)
    offered = len(found["pendingDevices"] or {}), len(found["pendingFolders"] or {})
    if any(offered):
        yield ""
        yield f"Waiting for an answer: {count(offered[0], 'device')}, {count(offered[1], 'folder')}"
        yield "  see `txsyncthing cli show pending devices` and `... folders`"
    if found["errors"]:
        yield ""
        yield f"Notices ({len(found['errors'])}, `txsyncthing cli errors clear` clears them):"
        for error in found["errors"][-_NOTICES:]:
            yield f"  {when(error['when'])}  {error['message']}"


def _table(title: str, rows: list[dict[str, Any]], row: Any, none: str) -> Iterator[str]:
    yield f"{title}:"
    yield from columns(("  " + cells[0], *cells[1:]) for cells in map(row, rows))
    if not rows:
        yield f"  {none}"


def _folder(one: dict[str, Any]) -> tuple[str, ...]:
    label = one["label"] or one["id"]
    title = label if label == one["id"] else f"{label} ({one['id']})"
    if one["paused"]:
        return title, "paused", "", "", one["path"]
    said = "in sync"
    if one["needItems"] or one["needBytes"]:
        there = percent(one["globalBytes"] - one["needBytes"], one["globalBytes"])
        said = f"{there}, {count(one['needItems'], 'item')} and {amount(one['needBytes'])} missing"
    if one["state"] == "error":
        said = one["error"] or "stopped"
    elif one["failedItems"]:
        said += f", {count(one['failedItems'], 'item')} failed"
    if one["receiveOnlyItems"]:
        said += f", {count(one['receiveOnlyItems'], 'local change')}"
    size = f"{count(one['localFiles'], 'file')}, {amount(one['localBytes'])}"
    return title, one["state"], said, size, one["path"]


def _codes(one: dict[str, Any]) -> set[str]:
    return {reason["code"] for reason in (one["explanation"] or {}).get("reasons") or ()}


def _device(one: dict[str, Any]) -> tuple[str, ...]:
    name = f"{one['name']} ({one['id'][:7]})" if one["name"] else one["id"][:7]
    if one["paused"]:
        how = "paused"
    elif one["connected"]:
        how = f"connected, {one['address']}"
    elif one["lastSeen"] and not one["lastSeen"].startswith(("1970-", "0001-")):
        how = f"last seen {when(one['lastSeen'])}"
    else:
        how = "never seen"
    if not one["shares"]:
        said = "no folder shared"
    elif how == "never seen" or _codes(one) & {"not-added"}:
        said = "has told nothing yet"
    elif one["needItems"] or one["needBytes"]:
        there = min(99.9, one["completion"])
        said = f"{there:.1f} %, {count(one['needItems'], 'item')} and {amount(one['needBytes'])} missing"
    else:
        said = "has everything"
    return name, how, said, one["clientVersion"]


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@connection_options
def status(as_json: bool, **options: str) -> None:
    """Show folders and devices on one screen."""

    async def job(node: Node) -> int:
        found = await survey(node)
        if as_json:
            click.echo(go_json(found))
        else:
            say(screen(found, node.address))
        return 0

    run(job, options)
