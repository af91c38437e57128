"""
``txsyncthing explain``: why a folder, or one item, is not in step, in the node's own sentences.

Only our own node knows; an official daemon is told apart and said so.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

import click

from txsyncthing.cli.output import amount, columns, go_json, say
from txsyncthing.cli.running import connection_options, run
from txsyncthing.cli.seam import Node, NodeError, Refused

PATH = "/rest/x/explain"


async def ask(node: Node, folder: str, file: str = "") -> dict[str, Any]:
    """
    What the node explains.

    :raises NodeError: it explains nothing, or knows no such folder or item.
    """
    query: dict[str, Any] = {"file": file} if file else {}
    try:
        answer = await node.get(PATH, folder=folder, **query)
    except Refused as refused:
        if refused.status not in (404, 405):
            raise
        await _explains(node)
        raise NodeError(refused.body or refused.message) from None
    if not isinstance(answer, dict):
        raise NodeError(f"{node.address}{PATH} answers something else than expected")
    return answer


async def _explains(node: Node) -> None:
    """
    Tell a node without explanations from one that does not know the item.

    :raises NodeError: it has none.
    """
    try:
        await node.get(PATH, folder="")
    except Refused as refused:
        if "page not found" not in refused.body.lower():
            return
    version = (await node.get("/rest/system/version")).get("version", "")
    raise NodeError(
        f"the node at {node.address} ({version}) does not explain: only txsyncthing does"
    )


def when(text: str | None) -> str:
    """A time of JSON for people, in their own time zone."""
    if not text:
        return "never"
    try:
        return datetime.fromisoformat(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError):
        return text


def lines(answer: Mapping[str, Any]) -> Iterator[str]:
    """The explanation of a folder or of an item as text."""
    name = answer.get("file") or answer.get("folder", "")
    yield f"{name}: {answer.get('sentence', '')}"
    if answer.get("wanted") is False and answer.get("whyNot"):
        yield f"Not wanted: {answer['whyNot']}"
    yield from reasons(answer.get("reasons") or ())
    if all(one.get("next") != answer.get("next") for one in answer.get("reasons") or ()):
        yield from _next(answer.get("next"), "")
    if answer.get("file"):
        yield from _item(answer)
        return
    for device in answer.get("devices") or ():
        why = list(reasons(device["reasons"]))
        if why:
            yield f"{device['name']}:"
            yield from ("  " + line for line in why)


def reasons(found: Any) -> Iterator[str]:
    """Each reason, what to do about it, and what happens next."""
    for one in found:
        since = f" (since {when(one['since'])})" if one.get("since") else ""
        yield f"- {one.get('sentence', '')}{since} [{one.get('code', '')}]"
        yield from _sample(one.get("data") or {})
        if one.get("remedy"):
            yield f"  What to do: {one['remedy']}"
        yield from _next(one.get("next"), "  ")


def _sample(data: Mapping[str, Any]) -> Iterator[str]:
    """Which items it is about, as far as the node names some: a remedy that says "there" needs a place."""
    names = data.get("sample")
    if names:
        more = sum(data.get(key, 0) for key in ("items", "deletions", "overwrites")) - len(names)
        yield f"  Items: {', '.join(map(repr, names))}{f' and {more} more' if more > 0 else ''}"


def _next(value: Any, indent: str) -> Iterator[str]:
    if value:
        at = f" at {when(value['at'])}" if value.get("at") else ""
        yield f"{indent}Next{at}: {value.get('sentence', '')}"


def _item(answer: Mapping[str, Any]) -> Iterator[str]:
    rows = [("", "version", "modified", "size", "by", "")]
    for title, key in (("here", "local"), ("newest", "global")):
        rows.append((title, *_version(answer.get(key)), ""))
    for device in answer.get("devices") or ():
        known = f"has {device.get('has', 'nothing')}" + (
            "" if device.get("connected") else ", not connected"
        )
        rows.append(
            (device.get("name") or device["device"][:7], *_version(device["version"]), known)
        )
    yield ""
    yield from columns(rows)
    disk, ignore = answer.get("disk") or {}, answer.get("ignore")
    if disk:
        seen = f"{disk['type']}, {when(disk['modified'])}" if disk.get("exists") else "not there"
        changed = ", changed since the last scan" if disk.get("changed") else ""
        yield f"On disk: {disk.get('error') or seen}{changed}"
    if ignore:
        what = "ignored" if ignore.get("ignored") else "not ignored"
        yield f"Patterns: {what} by {ignore['file']}, line {ignore['line']}: {ignore['pattern']}"
    if temporary := answer.get("temporary"):
        done, total = temporary.get("bytesDone"), temporary.get("bytesTotal")
        if done is not None and total is not None:
            yield f"Under way: {amount(done)} of {amount(total)}"


def _version(value: Mapping[str, Any] | None) -> tuple[str, str, str, str]:
    if not value:
        return "none", "", "", ""
    by = value.get("modifiedBy") or {}
    maker = by.get("name") or by.get("short", "") if isinstance(by, Mapping) else str(by)
    size = "deleted" if value.get("deleted") else amount(value.get("size") or 0)
    return ",".join(value.get("version") or ()), when(value.get("modified")), size, maker


@click.command()
@click.argument("folder")
@click.argument("path", default="")
@click.option("--json", "as_json", is_flag=True, help="Print the node's answer as JSON.")
@connection_options
def explain(folder: str, path: str, as_json: bool, **options: str) -> None:
    """Say why FOLDER, or the item at PATH in it, is not in step, and what happens next."""

    async def job(node: Node) -> int:
        answer = await ask(node, folder, path)
        if as_json:
            click.echo(go_json(answer))
        else:
            say(lines(answer))
        return 0

    run(job, options)
