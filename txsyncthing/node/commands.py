"""
Commands of ``txsyncthing`` that look at or make a home, without running a node.

Source: reference 6.5 "generate", "device-id, paths, version".
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import click

from txsyncthing.config.file_service import save
from txsyncthing.node.home import HomeUnusable, open_home, read_identity, system_seams
from txsyncthing.node.options import says_yes
from txsyncthing.node.paths import Paths, locate


def _home_options(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--data", "-D", default="", help="Directory of the database [STDATADIR]."),
        click.option("--config", "-C", default="", help="Directory of the keys [STCONFDIR]."),
        click.option("--home", "-H", default="", help="Directory of everything [STHOMEDIR]."),
    ):
        command = option(command)
    return command


def _locate(home: str, config: str, data: str) -> Paths:
    if home and (config or data):
        raise click.UsageError("--home excludes --config and --data")
    return locate(os.environ, home=home, config=config, data=data)


@click.command()
@_home_options
def device_id(home: str, config: str, data: str) -> None:
    """Print the device ID of a home."""
    try:
        click.echo(str(read_identity(_locate(home, config, data)).device))
    except HomeUnusable as error:
        raise click.ClickException(str(error)) from None


@click.command()
@_home_options
def paths(home: str, config: str, data: str) -> None:
    """Print where the files are."""
    here = _locate(home, config, data)
    for title, files in (
        ("Configuration file", [here.config_file]),
        ("Device private key & certificate files", [here.key_file, here.certificate_file]),
        (
            "GUI / API HTTPS private key & certificate files",
            [here.https_key_file, here.https_certificate_file],
        ),
        ("Database location", [here.index]),
        ("Log file", [here.log_file]),
        ("GUI override directory", [here.gui_assets]),
        ("Default sync folder directory", [here.default_folder]),
    ):
        click.echo(f"{title}:")
        for file in files:
            click.echo(f"\t{file}")
        click.echo()


@click.command()
@_home_options
@click.option("--gui-user", default="", help="Name of the user of the GUI.")
@click.option("--gui-password", default="", help="Password of the GUI, - to read a line of input.")
@click.option("--no-port-probing", is_flag=True, help="Do not look for free ports.")
def generate(
    home: str, config: str, data: str, gui_user: str, gui_password: str, no_port_probing: bool
) -> None:
    """Make keys and a configuration where there are none, and print the device ID."""
    if gui_password == "-":
        gui_password = sys.stdin.readline().rstrip("\r\n")
    where = _locate(home, config, data)
    try:
        made = open_home(
            where,
            system_seams(),
            probe_ports=not (no_port_probing or says_yes(os.environ, "STNOPORTPROBING")),
        )
    except HomeUnusable as error:
        raise click.ClickException(str(error)) from None
    try:
        gui = made.configuration.gui
        if gui_user:
            gui = replace(gui, user=gui_user)
        if gui_password:
            gui = replace(gui, password=_hashed(gui_password))
        if gui != made.configuration.gui:
            save(str(where.config_file), replace(made.configuration, gui=gui))
        click.echo(f"Device ID: {made.identity.device}")
    finally:
        made.close()


def _hashed(password: str) -> str:
    """A bcrypt hash; one that already is stays as it is."""
    import bcrypt

    if password.startswith(("$2a$", "$2b$", "$2y$")) and len(password) >= 57:
        return password
    return bcrypt.hashpw(password.encode()[:72], bcrypt.gensalt(10, prefix=b"2a")).decode()
