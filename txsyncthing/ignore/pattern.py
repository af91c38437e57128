"""
One line of an ignore file, as regular expressions.

Alternatives in braces are multiplied out, and each part between two wildcards is matched at its first
place and held there by an atomic group, so that no name, however made, costs more than about the square
of its length: patterns may come from a file that other devices write.

Source: reference 5.3 (syncthing-stignore(5), "Patterns").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from unicodedata import normalize

MAX_ALTERNATIVES = 1024  # of one pattern, after multiplying its braces out
MAX_LENGTH = 16384  # characters of one pattern
_DEPTH = 32  # braces in braces


class BadPattern(ValueError):
    """The ignore patterns cannot be used; the folder must stop. The text is for the owner."""


@dataclass(frozen=True, slots=True)
class Token:
    """One element of a glob."""

    regex: str  # empty for wildcards
    literal: str = ""  # the character, for plain ones
    stars: int = 0  # 1: within a name, 2: across names


STAR = Token("", stars=1)
STARS = Token("", stars=2)
SLASH = Token("/", "/")
_ANY = Token("[^/]")
Glob = tuple[Token, ...]


@dataclass(frozen=True, slots=True)
class Pattern:
    """
    What one line means.

    :ivar component: regex of a single part of the path, where that is all there is to say.
    :ivar path: regex of the whole path, otherwise.
    :ivar leads: for each alternative the regexes of its first parts, as far as they are certain: an item
        whose first parts do not fit is never reached. None: reaches everywhere.
    """

    line: str
    negated: bool
    deletable: bool
    component: str
    path: str
    leads: tuple[tuple[str, ...], ...] | None


def parse_pattern(line: str, escape: str = "\\") -> Pattern:
    """
    Understand a line that is neither comment nor directive.

    :raises BadPattern: broken brackets or braces, nothing to match, or far too much.
    """
    rest = normalize("NFC", line)
    seen: set[str] = set()
    prefixes = ("!", "(?i)", "(?d)")
    while prefix := next((p for p in prefixes if p not in seen and rest.startswith(p)), ""):
        seen.add(prefix)
        rest = rest[len(prefix) :]
    if not rest:
        raise BadPattern(f"invalid pattern {line!r} in ignore file: missing pattern")
    if len(rest) > MAX_LENGTH:
        raise BadPattern(f"invalid pattern {line[:40]!r}... in ignore file: too long")
    rooted = rest.startswith("/")
    if rooted:
        rest = rest[1:]
    contents = rest == "" or rest.endswith("/")
    if contents:
        rest += "**"
    if not rooted:
        rest = rest.removeprefix("**/")  # which is what having no root means
    try:
        globs = _Reader(rest, escape).alternatives()
    except BadPattern as error:
        raise BadPattern(f"invalid pattern {line!r} in ignore file: {error}") from None
    flag = "(?i:%s)" if "(?i)" in seen else "%s"
    simple = not rooted and not any(SLASH in glob or STARS in glob for glob in globs)
    regexes = dict.fromkeys(_regex(glob, rooted or simple) for glob in globs)
    if len(globs) == 1 and (glob := _without_stars(globs[0])):
        regexes[_regex(glob, rooted=True)] = None
        globs = [*globs, glob]
    body = "|".join(regexes)
    component = flag % body if simple else ""
    path = "" if simple else flag % f"(?:{body})(?:/.*)?"
    leads = tuple(_lead(glob, flag) for glob in globs) if rooted else None
    if leads is not None and not all(leads):
        leads = None
    return Pattern(line, "!" in seen, "(?d)" in seen, component, path, leads)


def _literal(char: str) -> Token:
    return SLASH if char == "/" else Token(re.escape(char), char)


def _without_stars(glob: Glob) -> Glob:
    """
    For the official daemon ``a/**/b`` is also ``a/b``, but only if nothing else is a wildcard, and only from
    the root.
    """
    if sum(not token.literal for token in glob) != 1 or STARS not in glob:
        return ()
    at = glob.index(STARS)
    if glob[at - 1 : at] == (SLASH,) and glob[at + 1 : at + 2] == (SLASH,):
        return glob[:at] + glob[at + 2 :]
    return ()


class _Reader:
    """Turns text into globs without braces."""

    def __init__(self, text: str, escape: str) -> None:
        self._text = text
        self._escape = escape
        self._at = 0

    def alternatives(self) -> list[Glob]:
        globs = self._sequence(0)
        assert self._at == len(self._text)
        return globs

    def _sequence(self, depth: int) -> list[Glob]:
        """Read to the end, or within braces to the next comma or closing brace."""
        globs: list[Glob] = [()]
        while self._at < len(self._text):
            char = self._text[self._at]
            if depth and char in ",}":
                break
            self._at += 1
            if char == "{":
                globs = self._multiply(globs, self._braces(depth + 1))
            elif char == "[":
                globs = self._multiply(globs, [(token,) for token in self._brackets()])
            elif char != self._escape:
                token = self._token(char)
                globs = [self._append(glob, token) for glob in globs]
            elif self._at < len(self._text):
                token = _literal(self._next())
                globs = [self._append(glob, token) for glob in globs]
        return globs

    def _token(self, char: str) -> Token:
        if char == "*":
            start = self._at
            while self._text.startswith("*", self._at):
                self._at += 1
            return STARS if self._at > start else STAR
        if char == "?":
            return _ANY
        return _literal(char)

    def _append(self, glob: Glob, token: Token) -> Glob:
        # Wildcards side by side are one: the stronger.
        if token.stars and glob and glob[-1].stars:
            return (*glob[:-1], token if token.stars > glob[-1].stars else glob[-1])
        return (*glob, token)

    def _multiply(self, heads: list[Glob], tails: list[Glob]) -> list[Glob]:
        if len(heads) * len(tails) > MAX_ALTERNATIVES:
            raise BadPattern("too many alternatives in braces")
        globs = []
        for head in heads:
            for tail in tails:
                glob = head
                if tail:
                    glob = self._append(head, tail[0]) + tail[1:]
                globs.append(glob)
        return globs

    def _braces(self, depth: int) -> list[Glob]:
        if depth > _DEPTH:
            raise BadPattern("braces are nested too deep")
        globs: list[Glob] = []
        while True:
            globs += self._sequence(depth)
            if len(globs) > MAX_ALTERNATIVES:
                raise BadPattern("too many alternatives in braces")
            if self._at == len(self._text):
                return globs  # the official daemon closes braces at the end
            self._at += 1
            if self._text[self._at - 1] == "}":
                return globs

    def _brackets(self) -> list[Token]:
        """One character of a set, or not of it; the slash is a case of its own."""
        negated = self._text.startswith("!", self._at)
        self._at += negated
        parts: list[str] = []
        chars: list[str] = []  # not yet part of a range
        while (char := self._next()) != "]":
            if char == "-" and chars and not self._text.startswith("]", self._at):
                low, high = chars.pop(), self._char(self._next())
                if high < low:
                    raise BadPattern(f"the range {low}-{high} is empty")
                parts.append(f"{re.escape(low)}-{re.escape(high)}")
            else:
                chars.append(self._char(char))
        if not parts and not chars:
            raise BadPattern("brackets [] are empty")
        text = "".join(parts) + "".join(re.escape(char) for char in chars)
        regex = f"[{'^' if negated else ''}{text}]"
        if not re.fullmatch(regex, "/"):
            return [Token(regex)]
        return [Token(f"(?!/){regex}"), SLASH]

    def _next(self) -> str:
        if self._at >= len(self._text):
            raise BadPattern("a bracket [ is not closed")
        self._at += 1
        return self._text[self._at - 1]

    def _char(self, char: str) -> str:
        return self._next() if char == self._escape else char


def _regex(glob: Glob, rooted: bool) -> str:
    """
    A regex that finds a match if there is one, and never tries much.

    The parts between two ``**`` may be held at their first place each, since the next ``**`` swallows
    whatever lies between the first and any later place. Within such a part the same holds for ``*``. Only
    the last part must be free to move.
    """
    parts: list[list[str]] = [[""]]  # split at **, each split at *
    for token in glob:
        if token.stars == 2:
            parts.append([""])
        elif token.stars == 1:
            parts[-1].append("")
        else:
            parts[-1][-1] += token.regex
    regexes = []
    for number, pieces in enumerate(parts):
        last = number == len(parts) - 1
        if number:
            start = ".*?"
        else:
            start = "" if rooted else "(?:.*?/)??"
        # The last * must reach the end of the name; those before it take the first place.
        held = pieces[1:-1] if last else pieces[1:]
        regex = start + pieces[0] + "".join(f"(?>[^/]*?{piece})" for piece in held)
        if not last:
            regexes.append(f"(?>{regex})")
        else:
            regexes.append(regex + (f"[^/]*{pieces[-1]}" if len(pieces) > 1 else ""))
    return "".join(regexes)


def _lead(glob: Glob, flag: str) -> tuple[str, ...]:
    """Regexes of the parts before the first ``**``; the last part of a pattern counts, a cut one not."""
    leads: list[str] = []
    part: list[Token] = []
    for token in (*glob, SLASH):
        if token.stars == 2:
            return tuple(leads)
        if token is SLASH:
            leads.append(flag % _regex(tuple(part), rooted=True))
            part = []
        else:
            part.append(token)
    return tuple(leads)
