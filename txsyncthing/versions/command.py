"""
The command of external versioning: a template, split into words as a shell would, filled in for each file.

No shell ever sees it: a file's name is one argument, or a part of one, whatever characters it has.

Source: reference 5.7 ("external"); the words that 1.29.5 makes of a template.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FOLDER_PATH = "%FOLDER_PATH%"
FILE_PATH = "%FILE_PATH%"
FOLDER_FILESYSTEM = "%FOLDER_FILESYSTEM%"
_PLACEHOLDER = re.compile(f"{FOLDER_PATH}|{FILE_PATH}|{FOLDER_FILESYSTEM}")
# Beside a placeholder these make a word a text for some interpreter, to which a file's name would be code.
_SPECIAL = re.compile(r"[\s'\"`$;&|<>()\[\]{}*?!#~\\^]")
_BARE = frozenset(" \t\r\n")
_ESCAPED = frozenset('$`"\\\n')  # what a backslash takes its meaning from between double quotes


class BadCommand(ValueError):
    """A template that is none; the text says what is allowed."""


@dataclass(frozen=True, slots=True)
class Command:
    """A template's words."""

    words: tuple[str, ...]
    kind = "external"

    @classmethod
    def parse(cls, template: str) -> Command:
        """:raises BadCommand: it is empty, a quotation does not end, or a name would become code."""
        words = split(template)
        if not words or not words[0]:
            raise BadCommand("a command with %FILE_PATH%, such as: /usr/bin/mv-away %FILE_PATH%")
        for word in words:
            if _PLACEHOLDER.search(word) and _SPECIAL.search(_PLACEHOLDER.sub("", word)):
                raise BadCommand(
                    "a word with %FOLDER_PATH% or %FILE_PATH% and, beside these, no characters that mean"
                    " something to a shell; write a script and give it the path as an argument"
                )
        return cls(tuple(words))

    def fill(self, folder: str, name: str, filesystem: str) -> list[str]:
        """
        The command for one file.

        :param folder: the absolute path of the folder.
        :param name: of the file in it.
        """
        values = {FOLDER_PATH: folder, FILE_PATH: name, FOLDER_FILESYSTEM: filesystem}
        return [_PLACEHOLDER.sub(lambda found: values[found[0]], word) for word in self.words]


def split(template: str) -> list[str]:
    """
    The words of a template: quotations and backslashes as in a POSIX shell, all else stands for itself.

    :raises BadCommand: a quotation or a backslash at the end is open.
    """
    words: list[str] = []
    word: list[str] | None = None
    at = 0
    while at < len(template):
        letter = template[at]
        at += 1
        if letter in _BARE:
            if word is not None:
                words.append("".join(word))
                word = None
            continue
        word = [] if word is None else word
        if letter == "'":
            end = template.find("'", at)
            if end < 0:
                raise BadCommand("each ' has its counterpart")
            word.append(template[at:end])
            at = end + 1
        elif letter == '"':
            at = _quoted(template, at, word)
        elif letter == "\\":
            if at == len(template):
                raise BadCommand("something after each \\")
            if template[at] != "\n":
                word.append(template[at])
            at += 1
        else:
            word.append(letter)
    if word is not None:
        words.append("".join(word))
    return words


def _quoted(template: str, at: int, word: list[str]) -> int:
    """Take what stands between double quotes; where it goes on behind them."""
    while at < len(template):
        letter = template[at]
        at += 1
        if letter == '"':
            return at
        if letter == "\\" and template[at : at + 1] in _ESCAPED:
            letter = "" if template[at] == "\n" else template[at]
            at += 1
        word.append(letter)
    raise BadCommand('each " has its counterpart')
