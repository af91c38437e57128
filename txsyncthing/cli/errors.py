"""
``txsyncthing cli errors``: the notices that a node shows to its user.

Source: reference 6.5 "cli errors / debug".
"""

from __future__ import annotations

import click

from txsyncthing.cli.operations import posts
from txsyncthing.cli.seam import Job, Node
from txsyncthing.cli.show import shows


@click.group()
def errors() -> None:
    """Show, make and clear notices."""


@errors.command()
def show() -> Job:
    """Show the pending notices."""
    return shows("/rest/system/error")


@errors.command()
@click.argument("message")
def push(message: str) -> Job:
    """Show a notice to the user."""

    async def job(node: Node) -> int:
        await node.post("/rest/system/error", message.encode())
        return 0

    return job


@errors.command()
def clear() -> Job:
    """Clear the pending notices."""
    return posts("/rest/system/error/clear")
