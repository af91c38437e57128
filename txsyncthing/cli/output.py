"""How the commands write: JSON as the official daemon does, columns, amounts and times for people."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Any

import click

_ESCAPED = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
)
_UNITS = ("B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB")


def go_json(value: Any) -> str:
    """Two spaces of indentation, keys as they came, ``<``, ``>`` and ``&`` as codes."""
    return json.dumps(value, indent=2, ensure_ascii=False).translate(_ESCAPED)


def columns(rows: Iterable[Sequence[str]], gap: int = 2) -> list[str]:
    """Lines with their cells one below the other; what is empty at the end is left out."""
    table = [list(row) for row in rows]
    widths = [
        max(len(row[at]) for row in table if at < len(row))
        for at in range(max((len(row) for row in table), default=0))
    ]
    return [
        "".join(cell.ljust(widths[at] + gap) for at, cell in enumerate(row)).rstrip()
        for row in table
    ]


def amount(size: float) -> str:
    """Bytes for people: ``3.4 MiB``."""
    unit = 0
    while size >= 1024 and unit < len(_UNITS) - 1:
        size /= 1024
        unit += 1
    return (
        f"{size:.0f} {_UNITS[unit]}" if unit == 0 or size >= 100 else f"{size:.1f} {_UNITS[unit]}"
    )


def span(seconds: float) -> str:
    """A time for people, in its two largest units: ``3 h 12 min``."""
    whole = int(seconds)
    parts = [
        (whole // 86400, "d"),
        (whole // 3600 % 24, "h"),
        (whole // 60 % 60, "min"),
        (whole % 60, "s"),
    ]
    while len(parts) > 1 and parts[0][0] == 0:
        parts.pop(0)
    return " ".join(f"{number} {unit}" for number, unit in parts[:2] if number) or "0 s"


def count(number: int, what: str) -> str:
    """``1 item``, ``2 items``."""
    return f"{number:,} {what}{'' if number == 1 else 's'}".replace(",", " ")


def percent(part: float, whole: float) -> str:
    """A share that is 100 % only when it is whole."""
    if whole <= 0 or part >= whole:
        return "100 %"
    return f"{min(99.9, 100 * max(0.0, part) / whole):.1f} %"


def printable(text: str) -> str:
    """A text without what would steer a terminal: names come from other devices."""
    return "".join(
        letter
        if unicodedata.category(letter) not in ("Cc", "Cf", "Cs")
        else "\N{REPLACEMENT CHARACTER}"
        for letter in text
    )


def say(lines: Iterable[str], err: bool = False) -> None:
    """Print lines for people, on standard error with ``err``."""
    for line in lines:
        click.echo(printable(line), err=err)
