"""
``txsyncthing cli``: the tree of the official ``syncthing cli``.

Source: reference 6.5.
"""

from __future__ import annotations

import shlex
import signal
import sys
from typing import Any

import click

from txsyncthing.cli.config import config
from txsyncthing.cli.debug import debug
from txsyncthing.cli.errors import errors
from txsyncthing.cli.operations import operations
from txsyncthing.cli.running import connection_options, run
from txsyncthing.cli.seam import Job, Node
from txsyncthing.cli.show import show

_VALUED = {
    "--gui-address",
    "--gui-apikey",
    "--gui-certificate",
    "--home",
    "--config",
    "--data",
    "-H",
    "-C",
    "-D",
}


class Tree(click.Group):
    """A group whose wrong usage ends with 1, as the official tool's, and not with 2."""

    def make_context(self, *args: Any, **kwargs: Any) -> click.Context:
        try:
            return super().make_context(*args, **kwargs)
        except click.UsageError as error:
            error.exit_code = 1  # type: ignore[misc]  # of this one only
            raise

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except click.UsageError as error:
            error.exit_code = 1  # type: ignore[misc]  # of this one only
            raise


class Rooted(Tree):
    """The tree with the options that say which node; they may stand behind the command as well."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ahead(args))


def ahead(arguments: list[str]) -> list[str]:
    """
    The arguments with those about the node first.

    What follows ``config`` or ``--`` stays where it is: there each word may be a value.
    """
    ours: list[str] = []
    others: list[str] = []
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        if word == "--" or (word == "config" and not others):
            others += [word, *rest]
            break
        if word in _VALUED and rest:
            ours += [word, rest.pop(0)]
        elif word.partition("=")[0] in _VALUED:
            ours.append(word)
        else:
            others.append(word)
    return ours + others


@click.command("-")
def dash() -> Job:
    """
    Read commands from standard input, one a line, quoted as in a shell.

    A line that fails is told on standard error, and the next one goes on.
    """
    return read_lines


def _next_line() -> str:
    """
    The next line of standard input, empty at the end; meanwhile Ctrl-C ends the process.

    It blocks the reactor, which has nothing else to do.
    """
    before = signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        return sys.stdin.readline()
    finally:
        signal.signal(signal.SIGINT, before or signal.SIG_DFL)


async def read_lines(node: Node) -> int:
    """Do each line of standard input; 1 for a line whose quotes do not end, like the official tool."""
    if sys.stdin.isatty():
        click.echo("Reading commands from stdin...", err=True)
    while line := _next_line():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise click.ClickException(f"{line.strip()}: {error}") from None
        try:
            job = lines.main(words, prog_name="", standalone_mode=False)
            if callable(job):  # else it was asked for help
                await job(node)
        except click.exceptions.NoArgsIsHelpError as error:
            click.echo(error.format_message(), err=True)
        except click.ClickException as error:
            click.echo(f"Error: {error.format_message()}", err=True)
        sys.stdout.flush()
    return 0


_HELP = {"help_option_names": ["--help", "-h"]}
lines = Tree(
    "",
    context_settings=_HELP,
    help="What a line may be.",
    commands=[show, config, operations, errors, debug],
)


@click.group(
    "cli",
    cls=Rooted,
    commands=[show, config, operations, errors, debug, dash],
    context_settings=_HELP,
)
@connection_options
def cli(**options: str) -> None:
    """
    Ask and change a running node, ours or the official daemon.

    It is the node of the home, or the one that --gui-address and --gui-apikey name.
    """


@cli.result_callback()
def _done(job: Job, **options: str) -> None:
    run(job, options)
