"""
Shell patterns as Go's ``path.Match`` has them: ``*`` and ``?`` stop at slashes, ``\\`` makes plain letters.

Ignore patterns are of another kind, see ignore/pattern.py.

Source: reference 6.2 (xattrFilter).
"""

from __future__ import annotations

import re
from functools import lru_cache


def glob_match(pattern: str, text: str) -> bool:
    """Whether the whole text fits; nothing fits a broken pattern."""
    compiled = _compile(pattern)
    return compiled is not None and compiled.fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _compile(pattern: str) -> re.Pattern[str] | None:
    out = []
    at = 0
    while at < len(pattern):
        letter = pattern[at]
        at += 1
        if letter == "*":
            out.append("[^/]*")
        elif letter == "?":
            out.append("[^/]")
        elif letter == "[":
            found = _set(pattern, at)
            if found is None:
                return None
            part, at = found
            out.append(part)
        elif letter == "\\":
            if at == len(pattern):
                return None
            out.append(re.escape(pattern[at]))
            at += 1
        else:
            out.append(re.escape(letter))
    return re.compile("".join(out), re.DOTALL)


def _set(pattern: str, at: int) -> tuple[str, int] | None:
    """The letters between brackets as a regular expression, and where they end; None if broken."""
    negated = pattern.startswith("^", at)
    at += negated
    ranges: list[tuple[str, str]] = []
    while not ranges or not pattern.startswith("]", at):
        low = _letter(pattern, at)
        if low is None:
            return None
        first, at = low
        last = first
        if pattern.startswith("-", at):
            high = _letter(pattern, at + 1)
            if high is None:
                return None
            last, at = high
        ranges.append((first, last))
    held = "".join(f"{re.escape(a)}-{re.escape(b)}" for a, b in ranges if a <= b)
    if not held:  # ranges that run backwards hold nothing
        return ("." if negated else "(?!)"), at + 1
    return f"[{'^' * negated}{held}]", at + 1


def _letter(pattern: str, at: int) -> tuple[str, int] | None:
    """One letter of a set, and where the next begins."""
    letter = pattern[at : at + 1]
    if letter == "\\":
        at += 1
        letter = pattern[at : at + 1]
    elif letter in ("-", "]"):
        return None
    return (letter, at + 1) if letter else None
