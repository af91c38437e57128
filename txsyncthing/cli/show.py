"""
``txsyncthing cli show``: what the node says of itself, as the JSON that it sends.

Source: reference 6.5 "cli show".
"""

from __future__ import annotations

import click

from txsyncthing.cli.seam import Job, Node


def shows(path: str, **query: str | int) -> Job:
    """A job that prints what a path answers."""

    async def job(node: Node) -> int:
        click.echo((await node.text(path, **query)).rstrip("\n"))
        return 0

    return job


@click.group()
def show() -> None:
    """Show what the node knows."""


@show.command()
def version() -> Job:
    """Show the version of the node."""
    return shows("/rest/system/version")


@show.command("config-status")
def config_status() -> Job:
    """Show whether a restart is required for changes to take effect."""
    return shows("/rest/config/restart-required")


@show.command()
def system() -> Job:
    """Show the system status."""
    return shows("/rest/system/status")


@show.command()
def connections() -> Job:
    """Report about connections to other devices."""
    return shows("/rest/system/connections")


@show.command()
def discovery() -> Job:
    """Show the discovered addresses of other devices."""
    return shows("/rest/system/discovery")


@show.command()
def usage() -> Job:
    """Show the usage report."""
    return shows("/rest/svc/report")


@show.group()
def pending() -> None:
    """Show what waits for an answer."""


@pending.command()
def devices() -> Job:
    """Show pending devices."""
    return shows("/rest/cluster/pending/devices")


@pending.command()
@click.option("--device", default="", help="Only what this device offers.")
def folders(device: str) -> Job:
    """Show pending folders."""
    return shows("/rest/cluster/pending/folders", **({"device": device} if device else {}))
