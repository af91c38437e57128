"""
``txsyncthing cli operations``: what the node can be told to do.

Source: reference 6.5 "cli operations".
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from txsyncthing.cli.seam import Job, Node, NodeError


def posts(path: str) -> Job:
    """A job that posts nothing to a path and prints nothing."""

    async def job(node: Node) -> int:
        await node.post(path)
        return 0

    return job


@click.group()
def operations() -> None:
    """Tell the node what to do."""


@operations.command()
def restart() -> Job:
    """Restart the node."""
    return posts("/rest/system/restart")


@operations.command()
def shutdown() -> Job:
    """Shut the node down."""
    return posts("/rest/system/shutdown")


@operations.command()
def upgrade() -> Job:
    """Upgrade the node, if it can."""
    return posts("/rest/system/upgrade")


def _on_folder(action: str, folder: str) -> Job:
    async def job(node: Node) -> int:
        folders = await node.get("/rest/config/folders")
        if all(one["id"] != folder for one in folders):
            known = ", ".join(one["id"] for one in folders[:20]) or "none"
            raise NodeError(f'Folder "{folder}" not found: the node has {known}')
        await node.post(f"/rest/db/{action}", folder=folder)
        return 0

    return job


@operations.command("folder-override")
@click.argument("folder")
def folder_override(folder: str) -> Job:
    """
    Make a send-only folder's state that of all devices.

    WARNING: it deletes and changes data on the other devices.
    """
    return _on_folder("override", folder)


@operations.command("folder-revert")
@click.argument("folder")
def folder_revert(folder: str) -> Job:
    """
    Undo the local changes of a receive-only folder.

    WARNING: it deletes and changes data here. The official tool has no such command.
    """
    return _on_folder("revert", folder)


@operations.command("default-ignores")
@click.argument("path", type=click.Path(path_type=Path))
def default_ignores(path: Path) -> Job:
    """Set the ignore patterns of new folders from a file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise click.ClickException(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise click.ClickException(f"{path} is no UTF-8 text: {error.reason}") from None

    async def job(node: Node) -> int:
        body = json.dumps({"lines": lines}).encode()
        await node.post("/rest/config/defaults/ignores", body, method="PUT")
        return 0

    return job
