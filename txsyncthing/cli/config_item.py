"""
Texts of the command line as values of the configuration: one value, or a new item out of its flags.

Source: the output of ``syncthing cli config folders add --help`` of 1.29.5.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import click

from txsyncthing.cli.names import meaning, name_of
from txsyncthing.cli.output import columns
from txsyncthing.config.config import InvalidConfiguration
from txsyncthing.config.entry import layout
from txsyncthing.config.folder import Parameter
from txsyncthing.config.scalar import item, kinds, nested, read, write

_HELP = ("--help", "-h", "help")


def is_help(word: str) -> bool:
    return word in _HELP


def to_json(kind: Any, text: str, where: str) -> Any:
    """
    The JSON value of a text.

    :param where: for the error.
    :raises InvalidConfiguration: it is not of this kind.
    """
    if kind in (bool, int, float) and not text.strip():
        raise InvalidConfiguration(where, text, "true or false" if kind is bool else "a number")
    if kind is type(None):
        return text
    value = read(kind, text, where)
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, (bool, int, float)) else write(value)


@dataclass(frozen=True, slots=True)
class Flags:
    """A new item, and the help of its flags."""

    made: dict[str, Any] = field(default_factory=dict)
    help: str = ""


def from_flags(cls: Any, arguments: list[str] | None, words: tuple[str, ...]) -> Flags:
    """
    An item of the class out of ``--name value``, ``--name=value`` and, for yes and no, ``--name``.

    What is not named is left out: the node has defaults for it.

    :param arguments: None asks for the help only.
    :raises click.ClickException: an unknown flag, or a value of the wrong kind.
    """
    types = kinds(cls)
    plain = {
        column.entry.json: types[column.field]
        for column in layout(cls)
        if _plain(types[column.field])
    }
    if arguments is None:
        rows = [
            (f"  --{name_of(cls, key)}{'' if kind is bool else ' VALUE'}", _hint(kind))
            for key, kind in plain.items()
        ]
        usage = f"Usage: txsyncthing cli config {' '.join(words)} add [OPTIONS]"
        return Flags(help="\n".join([usage, "", "Options:", *columns(rows)]))
    made: dict[str, Any] = {}
    rest = list(arguments)
    while rest:
        word = rest.pop(0)
        name, equals, text = word.lstrip("-").partition("=")
        key = meaning(cls, list(plain), name) if word.startswith("-") else None
        if key is None:
            raise click.ClickException(
                f"{word!r} is no flag here: see `config {' '.join(words)} add --help`"
            )
        kind = plain[key]
        if not equals and kind is bool:
            text = "true"
        elif not equals:
            if not rest:
                raise click.ClickException(f"{word} needs a value")
            text = rest.pop(0)
        try:
            value = to_json(item(kind) or kind, text, word)
        except InvalidConfiguration as error:
            raise click.ClickException(str(error)) from None
        if item(kind) is None:
            made[key] = value
        else:
            made.setdefault(key, []).append(value)
    return Flags(made)


def _plain(kind: Any) -> bool:
    if kind == tuple[Parameter, ...]:
        return False
    return not nested(item(kind) or kind)


def _hint(kind: Any) -> str:
    if item(kind) is not None:
        return "may be given more than once"
    try:
        return ", ".join(kind)  # an enumeration
    except TypeError:
        return ""
