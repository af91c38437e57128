"""
``/rest/db/browse``: what a folder holds globally, as a tree in JSON.

Written by hand, in one pass, without recursion: a tree may be deeper than any JSON library goes, and twice as
fast as what one could make of it.

Source: reference 7.4 (lib/model/model.go GlobalDirectoryTree); the official daemon 1.29.5.
"""

from __future__ import annotations

import re
from bisect import insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from txsyncthing.api.encoding import Times, encode
from txsyncthing.api.file_shapes import TYPES
from txsyncthing.index.lists import Entry
from txsyncthing.vocabulary.file import BYTES_WITHOUT_CONTENT, FileType

_INDENTED = (
    64  # levels; what is deeper is not indented further, or long names would square themselves
)
_AT_ONCE = 4000  # lines of a part, some hundred KiB
_DIRECTORY, _FILE = FileType.DIRECTORY.value, FileType.FILE.value
_WORDS = {kind.value: word for kind, word in TYPES.items()}
_SPECIAL = re.compile(r"[^ !#-%\'-;=?-\[\]-~]").search  # what JSON, or Go, writes otherwise


def depth_of(prefix: str, levels: int) -> int:
    """
    How many slashes the name of a listed item may have.

    :param prefix: ends in a slash, or is empty.
    :param levels: below it; negative: any number, and so is the answer.
    """
    return prefix.count("/") + levels if levels >= 0 else -1


def browse_body(prefix: str, pages: Iterable[Sequence[Entry]]) -> list[bytes]:
    """
    The answer, in parts; a job for a worker.

    :param prefix: ends in a slash, or is empty; all names begin with it.
    :param pages: the items in order of their names.
    """
    below: dict[str, list[Entry]] = {}
    names: set[str] = set()  # of what has something below it
    for page in pages:
        for entry in page:
            name = entry[0]
            place = name.rpartition("/")[0]
            if place in below:
                below[place].append(entry)
            else:
                below[place] = [entry]
    top = prefix[:-1]
    for entries in below.values():
        names.update(entry[0] for entry in entries if entry[0] in below)
    for place in below.keys() - names:
        _raise(place, top, below)
    if top not in below:
        return [b"[]\n"]
    lines, parts = _lines(top, below), []
    while some := "".join(islice(lines, _AT_ONCE)):
        parts.append(some.encode("utf-8", "replace"))
    return parts


def _raise(place: str, top: str, below: dict[str, list[Entry]]) -> None:
    """Give directories to items whose own are deleted, or were never told of."""
    while place != top:
        above = place.rpartition("/")[0]
        entry = (place, 0, _DIRECTORY, 0)
        if above in below:
            if all(one[0] != place for one in below[above]):
                insort(below[above], entry)
            return
        below[above] = [entry]
        place = above


def _lines(top: str, below: dict[str, list[Entry]]) -> Iterator[str]:
    times = Times()
    yield "[\n"
    walks = [iter(below[top])]
    pads = ["  "]
    first = True
    while walks:
        pad = pads[-1]
        for entry in walks[-1]:
            name, modified, kind, size = entry
            base = name.rpartition("/")[2]
            text = f'"{base}"' if _SPECIAL(base) is None else encode(base).decode()
            if not first:
                yield ",\n"
            yield (
                f'{pad}{{\n{pad}  "name": {text},\n'
                f'{pad}  "modTime": "{times.text(modified)}",\n'
                f'{pad}  "size": {size if kind == _FILE else BYTES_WITHOUT_CONTENT},\n'
                f'{pad}  "type": "{_WORDS[kind]}"'
            )
            if name in below:
                yield f',\n{pad}  "children": [\n'
                walks.append(iter(below[name]))
                pads.append(pad + "    " if len(pads) < _INDENTED else pad)
                first = True
                break
            yield f"\n{pad}}}"
            first = False
        else:
            walks.pop()
            pads.pop()
            if pads:
                pad = pads[-1]
                yield f"\n{pad}  ]\n{pad}}}"
                first = False
    yield "\n]\n"
