"""
Which node the commands talk to: its address, its key, and the certificate that it must show.

What the command line says comes first, then the environment, then the ``config.xml`` of the home. The key
of a home goes to its own node only: an address elsewhere needs a key of its own.

Source: reference 6.5 "cli connection".
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import click

from txsyncthing.config.config import InvalidConfiguration
from txsyncthing.config.gui_address import BadGuiAddress, GuiAddress
from txsyncthing.config.xml import parse, text_of

DEFAULT = "127.0.0.1:8384"


@dataclass(frozen=True, slots=True)
class Target:
    """
    One node's API.

    ``pinned`` is the PEM of the only certificate that is accepted; empty means the system's authorities.
    """

    address: GuiAddress
    tls: bool
    key: str
    pinned: bytes = b""

    def __str__(self) -> str:
        if self.address.path:
            return f"{'unixs' if self.tls else 'unix'}://{self.address.path}"
        return self.base

    @property
    def host(self) -> str:
        """By which name the node is called; a unix socket has none of its own."""
        return self.address.host or "localhost"

    @property
    def base(self) -> str:
        """The start of each URL."""
        at = "localhost" if self.address.path else str(self.address)
        return f"{'https' if self.tls else 'http'}://{at}"


@dataclass(frozen=True, slots=True)
class Given:
    """What command line and environment say; empty is nothing."""

    address: str = ""
    key: str = ""
    certificate: str = ""  # path of a PEM file

    def over(self, environment: Mapping[str, str]) -> Given:
        """These, and the environment where they say nothing."""
        return replace(
            self,
            address=self.address or environment.get("STGUIADDRESS", ""),
            key=self.key or environment.get("STGUIAPIKEY", ""),
        )


@dataclass(frozen=True, slots=True)
class Configured:
    """The ``<gui>`` of a home's config.xml."""

    address: str
    tls: bool
    key: str


def find_target(given: Given, config_file: Path, certificate_file: Path) -> Target:
    """
    The node that is meant.

    :param config_file: of the home, which need not exist if all is given.
    :param certificate_file: the home's ``https-cert.pem``.
    :raises click.ClickException: it is not clear which; says what to give.
    """
    home = _read(config_file)
    if home is None and not (given.address and given.key):
        raise click.ClickException(
            f"there is no configuration at {config_file}: name the node's home with --home, or give both"
            " --gui-address and --gui-apikey"
        )
    home = home or Configured("", False, "")
    text = given.address or home.address or DEFAULT
    try:
        address = GuiAddress.parse(text)
    except BadGuiAddress as bad:
        raise click.ClickException(str(bad)) from None
    address = _dialled(address)
    key = given.key
    if not key:
        if given.address and not (address.path or address.is_local):
            raise click.ClickException(
                f"give --gui-apikey for {text}: the key in {config_file} goes to this machine's own node only"
            )
        key = home.key
    if not key:
        raise click.ClickException(f"{config_file} has no API key: give --gui-apikey")
    tls = home.tls and _same(address, home) if address.tls is None else address.tls
    pinned = b""
    if tls:
        near = not given.address or bool(address.path) or address.is_local
        pinned = _pinned(given, certificate_file, near)
    return Target(address, tls, key, pinned)


def _dialled(address: GuiAddress) -> GuiAddress:
    """Where to go for a node that listens everywhere."""
    if address.path:
        return address
    everywhere = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}
    return replace(address, host=everywhere.get(address.host, address.host))


def _same(address: GuiAddress, home: Configured) -> bool:
    try:
        own = _dialled(GuiAddress.parse(home.address or DEFAULT))
    except BadGuiAddress:
        return False
    return replace(own, tls=None) == replace(address, tls=None)


def _pinned(given: Given, certificate_file: Path, local: bool) -> bytes:
    if given.certificate:
        try:
            return Path(given.certificate).read_bytes()
        except OSError as error:
            raise click.ClickException(
                f"--gui-certificate {given.certificate}: {error.strerror}"
            ) from None
    if local:
        try:
            return certificate_file.read_bytes()
        except OSError:
            return b""
    return b""


def _read(config_file: Path) -> Configured | None:
    try:
        tree = parse(config_file.read_bytes())
    except FileNotFoundError:
        return None
    except OSError as error:
        raise click.ClickException(f"{config_file}: {error.strerror}") from None
    except InvalidConfiguration as error:
        raise click.ClickException(f"{config_file}: {error}") from None
    gui = tree.find("gui")
    if gui is None:
        return Configured("", False, "")
    texts = {child.tag: text_of(child).strip() for child in gui if isinstance(child.tag, str)}
    return Configured(
        texts.get("address", ""), gui.get("tls", "") in ("true", "1"), texts.get("apikey", "")
    )
