"""
Running a command's job: find the node, start the reactor, end with the job's exit code.

Source: reference 6.5.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

import click

from txsyncthing.cli.seam import Job
from txsyncthing.cli.target import Given, Target, find_target

INTERRUPTED = 130  # what a shell says of a process that Ctrl-C ended
_OPTIONS = (
    click.option("--gui-address", default="", help="Where the node's API is [STGUIADDRESS]."),
    click.option("--gui-apikey", default="", help="Its key [STGUIAPIKEY]."),
    click.option(
        "--gui-certificate", default="", help="PEM file of the certificate that it must show."
    ),
    click.option("--home", "-H", default="", help="Directory of the node [STHOMEDIR]."),
    click.option("--config", "-C", default="", help="Directory of its keys [STCONFDIR]."),
    click.option("--data", "-D", default="", help="Directory of its database [STDATADIR]."),
)
NAMES = tuple(
    name.strip()
    for name in ["gui_address", "gui_apikey", "gui_certificate", "home", "config", "data"]
)
"""The parameters that ``connection_options`` adds."""


def connection_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that say which node is meant."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def target_of(options: dict[str, str]) -> Target:
    """
    The node that the options name.

    :param options: those of ``connection_options``; others are not looked at.
    """
    home, config, data = (options[name] for name in ("home", "config", "data"))
    if home and (config or data):
        raise click.UsageError("--home excludes --config and --data")
    locate = import_module("txsyncthing.node.paths").locate  # by name: node is above us
    paths = locate(os.environ, home=home, config=config, data=data)
    given = Given(options["gui_address"], options["gui_apikey"], options["gui_certificate"])
    return find_target(given.over(os.environ), paths.config_file, paths.https_certificate_file)


def run(job: Job, options: dict[str, str]) -> None:
    """
    Do a job with the node that the options name, and end the process.

    :raises SystemExit: always, with the job's exit code; 1 where the node cannot be asked,
        ``INTERRUPTED`` where a signal ended it.
    """
    codes: list[int] = []
    target = target_of(options)
    from twisted.internet.defer import Deferred
    from twisted.internet.task import react

    from txsyncthing.cli.client import connect

    async def main(reactor: Any) -> None:
        code = 1
        client, pool = connect(reactor, target)
        try:
            code = await job(client)
        except click.ClickException as error:
            error.show()
            code = error.exit_code
        except BrokenPipeError:
            sys.stderr.close()  # who read us is gone: nothing more to say
        finally:
            await pool.closeCachedConnections()
        codes.append(code)

    try:
        react(lambda reactor: Deferred.fromCoroutine(main(reactor)))
    except SystemExit as end:  # after a signal react says 0, whatever became of the job
        raise SystemExit(end.code or (codes[0] if codes else INTERRUPTED)) from None
