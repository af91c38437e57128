"""
The kind of versioning that a folder asks for, with its parameters.

Parameters are texts; what is absent or empty is the default.

Source: reference 5.7, 6.2; what 1.29.5 makes of wrong values: it takes the default for those, and with an
unknown type it ends.
"""

from __future__ import annotations

from collections.abc import Callable

from txsyncthing.config.entry import BASIC
from txsyncthing.config.folder import Versioning
from txsyncthing.versions.command import BadCommand, Command
from txsyncthing.versions.rule import Rule
from txsyncthing.versions.simple import Simple
from txsyncthing.versions.staggered import Staggered
from txsyncthing.versions.trashcan import Trashcan

EXTERNAL = "external"
_DIGITS = 9  # of a number that makes sense


class BadVersioning(ValueError):
    """The folder cannot run with this versioning; the text names the setting, the value, what is allowed."""


def kind_of(versioning: Versioning) -> Rule | Command | None:
    """
    :returns: None where no versions are kept.
    :raises BadVersioning: a setting makes no sense.
    """
    if not versioning.type:
        return None
    make = _KINDS.get(versioning.type)
    if make is None:
        raise _bad("type", versioning.type, "none, " + ", ".join(_KINDS))
    if (versioning.fs_type or BASIC) != BASIC:
        raise _bad("fsType", versioning.fs_type, BASIC)
    return make(versioning)


def _trashcan(versioning: Versioning) -> Rule:
    return Trashcan(days=_number(versioning, "cleanoutDays", 0))


def _simple(versioning: Versioning) -> Rule:
    days = _number(versioning, "cleanoutDays", 0)
    return Simple(keep=_number(versioning, "keep", 5, least=1), days=days)


def _staggered(versioning: Versioning) -> Rule:
    return Staggered(max_age=_number(versioning, "maxAge", 31536000))


def _external(versioning: Versioning) -> Command:
    text = versioning.param("command")
    try:
        return Command.parse(text)
    except BadCommand as error:
        raise _bad("param[command]", text, str(error)) from None


_KINDS: dict[str, Callable[[Versioning], Rule | Command]] = {
    "trashcan": _trashcan,
    "simple": _simple,
    "staggered": _staggered,
    EXTERNAL: _external,
}


def _number(versioning: Versioning, key: str, default: int, least: int = 0) -> int:
    text = versioning.param(key).strip()
    if not text:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS and int(text) >= least):
        raise _bad(f"param[{key}]", text, f"a whole number from {least} on")
    return int(text)


def _bad(setting: str, value: str, allowed: str) -> BadVersioning:
    return BadVersioning(f"versioning/{setting}: {value!r} is not valid; allowed: {allowed}")
