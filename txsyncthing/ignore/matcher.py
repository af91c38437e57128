"""
Which items of a folder are ignored: the first pattern that matches decides.

Source: reference 5.3 (syncthing-stignore(5)).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from txsyncthing.ignore.lines import Loader, expand
from txsyncthing.ignore.pattern import BadPattern, Pattern, parse_pattern

__all__ = ["EMPTY", "BadPattern", "Matcher", "Verdict"]

_NAMES = 4096  # verdicts kept
_PARTS = 16384  # parts of paths kept


class Verdict(NamedTuple):
    """
    What becomes of an item.

    :ivar deletable: may be removed where it keeps a directory from being deleted; only if ignored.
    """

    ignored: bool
    deletable: bool


KEPT = Verdict(False, False)


class _Group:
    """Neighbouring patterns with one verdict, as one alternation."""

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        first = patterns[0]
        self.verdict = Verdict(not first.negated, first.deletable and not first.negated)
        components = [pattern.component for pattern in patterns if pattern.component]
        paths = [pattern.path for pattern in patterns if pattern.path]
        self.component = _alternation(components)
        self.path = _alternation(paths)
        everywhere = any(pattern.leads is None for pattern in patterns)
        self.leads = (
            None
            if everywhere
            else [
                [re.compile(part, re.DOTALL) for part in lead]
                for pattern in patterns
                for lead in pattern.leads or ()
            ]
        )

    def reaches(self, directory: str) -> bool:
        """Whether something below the directory might match."""
        if self.leads is None:
            return True
        parts = directory.split("/")
        return any(
            all(regex.fullmatch(part) for regex, part in zip(lead, parts, strict=False))
            for lead in self.leads
        )


def _alternation(regexes: list[str]) -> re.Pattern[str] | None:
    if not regexes:
        return None
    return re.compile("|".join(f"(?:{regex})" for regex in dict.fromkeys(regexes)), re.DOTALL)


class Matcher:
    """
    The patterns of one folder. Immutable but for its caches, which are bounded; threads may share it.

    :ivar lines: the own file's lines, as REST shows them.
    :ivar expanded: the patterns with those of included files.
    :ivar files: the files that were included; when one changes, parse again.
    """

    def __init__(self, patterns: Sequence[Pattern]) -> None:
        self.lines: tuple[str, ...] = ()
        self.files: tuple[str, ...] = ()
        self.expanded = tuple(pattern.line for pattern in patterns)
        runs = groupby(patterns, lambda pattern: (pattern.negated, pattern.deletable))
        self._groups = [_Group(list(run)) for _, run in runs]
        components = enumerate(group.component for group in self._groups)
        self._components = [(1 << place, regex) for place, regex in components if regex]
        self._parts = lru_cache(_PARTS)(self._part)
        self._decide = lru_cache(_NAMES)(self._first)

    @classmethod
    def parse(cls, lines: Sequence[str], load: Loader) -> Matcher:
        """
        :param lines: of ``.stignore``.
        :param load: reads included files, see ``lines.loader``.
        :raises BadPattern: the whole file is refused.
        """
        expanded = expand(lines, load)
        matcher = cls([parse_pattern(line, expanded.escape) for line in expanded.patterns])
        matcher.lines = tuple(lines)
        matcher.files = tuple(expanded.files)
        return matcher

    @property
    def empty(self) -> bool:
        """Whether nothing is ignored at all."""
        return not self._groups

    def match(self, name: str) -> Verdict:
        """The verdict over an item of the folder; the root is never ignored."""
        if not self._groups or not name:
            return KEPT
        place = self._decide(name)
        return KEPT if place < 0 else self._groups[place].verdict

    def can_skip(self, directory: str) -> bool:
        """Whether the directory is ignored, and all that may ever be below it."""
        if not self._groups or not directory:
            return False
        place = self._decide(directory)
        if place < 0 or not self._groups[place].verdict.ignored:
            return False
        # What matches a directory matches all below it, so only what stands above can save an item.
        return not any(
            group.reaches(directory) for group in self._groups[:place] if not group.verdict.ignored
        )

    def _part(self, part: str) -> int:
        """The groups that match a part of a path, as bits."""
        found = 0
        for bit, regex in self._components:
            if regex.fullmatch(part):
                found |= bit
        return found

    def _first(self, name: str) -> int:
        """The place of the first group that matches; -1 for none."""
        found = 0
        if self._components:
            parts = self._parts
            for part in name.split("/"):
                found |= parts(part)
        for place, group in enumerate(self._groups):
            if found >> place & 1 or (group.path is not None and group.path.fullmatch(name)):
                return place
        return -1


EMPTY = Matcher(())
