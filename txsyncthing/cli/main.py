"""
The console script ``txsyncthing``.

A command is loaded when it is called, so that ``txsyncthing version`` loads nothing of the node.

Source: reference 6.5 "Sub-commands".
"""

from __future__ import annotations

import sys
from importlib import import_module
from importlib.metadata import version as installed

import click

from txsyncthing import __version__

_LAZY = {
    "cli": ("txsyncthing.cli.commands:cli", "Ask and change a running node."),
    "device-id": ("txsyncthing.node.commands:device_id", "Print the device ID of a home."),
    "explain": (
        "txsyncthing.cli.explain:explain",
        "Say why a folder or a file is not in step.",
    ),
    "generate": ("txsyncthing.node.commands:generate", "Make keys and a configuration."),
    "paths": ("txsyncthing.node.commands:paths", "Print where the files are."),
    "status": ("txsyncthing.cli.status:status", "Show folders and devices on one screen."),
    "wait": ("txsyncthing.cli.waiting:wait", "Scan a folder and wait until it is in sync."),
}


class LazyGroup(click.Group):
    """A group whose other commands stand in a table of names."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted([*super().list_commands(ctx), *_LAZY])

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in _LAZY:
            return super().get_command(ctx, cmd_name)
        module, _, name = _LAZY[cmd_name][0].partition(":")
        command = getattr(import_module(module), name)
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        rows = [
            (name, _LAZY[name][1] if name in _LAZY else self.commands[name].get_short_help_str())
            for name in self.list_commands(ctx)
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


@click.group(cls=LazyGroup)
def main() -> None:
    """A Syncthing node on Twisted."""


@main.command(
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def serve(arguments: tuple[str, ...]) -> None:
    """Run a node in the foreground."""
    from twisted.scripts.twistd import run

    sys.argv = ["twistd", "--nodaemon", "--pidfile=", "syncthing", *arguments]
    run()


@main.command()
def version() -> None:
    """Print the version."""
    python = ".".join(map(str, sys.version_info[:3]))
    click.echo(
        f"txsyncthing v{__version__} (Python {python}, Twisted {installed('twisted')}, {sys.platform})"
    )
