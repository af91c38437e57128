"""
Which line of which file ignores an item: for people, a line at a time, and so not for scans.

Source: reference 5.3.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from txsyncthing.ignore.lines import Loader, expand
from txsyncthing.ignore.pattern import Pattern, parse_pattern


class Place(NamedTuple):
    """
    The pattern that decides over an item.

    :ivar number: of the line, from 1.
    :ivar ignored: False for one with ``!``.
    """

    file: str
    number: int
    line: str
    ignored: bool


def locate(lines: Sequence[str], load: Loader, name: str) -> Place | None:
    """
    The first pattern that matches; None if none does.

    :param lines: of ``.stignore``.
    :param load: reads included files, see ``lines.loader``.
    :raises BadPattern: the patterns cannot be used at all.
    """
    expanded = expand(lines, load)
    for line, (file, number) in zip(expanded.patterns, expanded.places, strict=True):
        pattern = parse_pattern(line, expanded.escape)
        if _fits(pattern, name):
            return Place(file, number, line, not pattern.negated)
    return None


def _fits(pattern: Pattern, name: str) -> bool:
    if pattern.component:
        regex = re.compile(pattern.component, re.DOTALL)
        return any(regex.fullmatch(part) for part in name.split("/"))
    return re.fullmatch(pattern.path, name, re.DOTALL) is not None
