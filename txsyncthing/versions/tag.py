"""
The names of old versions: the time at which a file was put aside stands before its extension.

Times are local, whole seconds. ``a/b.txt`` becomes ``a/b~20261231-235959.txt``, ``.bashrc``
``~20261231-235959.bashrc``.

Source: reference 5.7 ("Tag").
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from txsyncthing.vocabulary.name import base_name, extension, join, parent

_TAGGED = re.compile(r"(?s)(.*)~([0-9]{8}-[0-9]{6})((?:\.[^.]*)?)")


class Tagged(NamedTuple):
    """What the name of a version says."""

    origin: str  # the base name of the file
    when: float  # unix seconds at which it was put aside


def tag(when: float) -> str:
    """A time as names carry it."""
    return f"{datetime.fromtimestamp(when):%Y%m%d-%H%M%S}"


def tagged(name: str, when: float) -> str:
    """
    What a file is called that is put aside.

    :param when: unix seconds.
    """
    base = base_name(name)
    ending = extension(base)
    stem = base[: len(base) - len(ending)]
    return join(parent(name), f"{stem}~{tag(when)}{ending}")


def parse(base: str) -> Tagged | None:
    """The base name of a version; None if it is none."""
    found = _TAGGED.fullmatch(base)
    if found is None:
        return None
    stem, text, ending = found.groups()
    try:
        when = datetime(
            int(text[:4]),
            int(text[4:6]),
            int(text[6:8]),
            int(text[9:11]),
            int(text[11:13]),
            int(text[13:]),
        ).timestamp()
    except (ValueError, OverflowError):
        return None
    return Tagged(stem + ending, when) if stem + ending else None
