"""
``txsyncthing cli config``: read the whole configuration, do what the words say, and send it back.

Source: reference 6.5 "cli config", 11.12.
"""

from __future__ import annotations

import json

import click

from txsyncthing.cli.seam import Job, Node

PATH = "/rest/system/config"


@click.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("words", nargs=-1, type=click.UNPROCESSED)
def config(words: tuple[str, ...]) -> Job:
    """Show and change the configuration."""

    async def job(node: Node) -> int:
        from txsyncthing.cli.config_tree import act

        document = json.loads(await node.text(PATH))
        outcome = act(document, words)
        if outcome.changed:
            await node.post(PATH, json.dumps(document).encode())
        if outcome.remark:
            click.echo(outcome.remark, err=True)
        if outcome.text:
            click.echo(outcome.text)
        return 0

    return job
