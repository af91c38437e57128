"""
``txsyncthing cli debug``: what the node knows of a file, and profiles where there are any.

Source: reference 6.5 "cli errors / debug", 7.2.
"""

from __future__ import annotations

from pathlib import Path

import click

from txsyncthing.cli.seam import Job, Node, NodeError, Refused
from txsyncthing.cli.show import shows

_MISSING = (404, 405, 501)


@click.group()
def debug() -> None:
    """Look inside the node."""


@debug.command()
@click.argument("folder")
@click.argument("path")
def file(folder: str, path: str) -> Job:
    """Show what the node knows of a file, directory or symlink."""
    asked = shows("/rest/debug/file", folder=folder, file=path)
    plain = shows("/rest/db/file", folder=folder, file=path)

    async def job(node: Node) -> int:
        try:
            return await asked(node)
        except Refused as refused:
            if refused.status == 403 and "Debugging disabled" in refused.body:
                raise NodeError(
                    "debugging is off: `config gui debugging set true` turns it on"
                ) from None
            if refused.status != 404:
                raise
        return await plain(node)  # a node without debugging endpoints

    return job


@debug.command()
@click.argument("kind", type=click.Choice(["cpu", "heap"]), metavar="cpu|heap")
def profile(kind: str) -> Job:
    """Save a profile of an official daemon; a node in Python has none."""

    async def job(node: Node) -> int:
        try:
            name, data = await node.file(f"/rest/debug/{kind}prof")
        except Refused as refused:
            if refused.status not in _MISSING:
                raise
            raise NodeError(
                f"this node makes no {kind} profile: profiles of this kind are those of programs in Go"
            ) from None
        where = Path(Path(name).name or f"syncthing-{kind}.pprof")
        try:
            with where.open("xb") as out:
                out.write(data)
        except OSError as error:
            raise NodeError(f"{where}: {error.strerror}") from None
        click.echo(f"Wrote results to {where}")
        return 0

    return job
