"""
JSON and times as Go writes them, so that clients see no difference.

Source: reference 7.1 "JSON body" (Go's encoding/json; lib/api sendJSON).
"""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Any

import orjson

ZERO_TIME = "0001-01-01T00:00:00Z"
"""What Go shows for a time that never was."""
EPOCH = "1970-01-01T00:00:00Z"

_DAY = 86_400 * 1_000_000_000  # ns
_KEPT = 10_000  # days whose text is at hand

_ESCAPES = (  # bytes that occur in JSON only inside of strings
    (b"&", b"\\u0026"),
    (b"<", b"\\u003c"),
    (b">", b"\\u003e"),
    (b"\xe2\x80\xa8", b"\\u2028"),
    (b"\xe2\x80\xa9", b"\\u2029"),
)


def encode(document: Any) -> bytes:
    """A document as JSON without an end of line; keys stay in the order given."""
    try:
        text = orjson.dumps(document, option=orjson.OPT_INDENT_2)
    except orjson.JSONEncodeError:
        text = orjson.dumps(plain(document), option=orjson.OPT_INDENT_2)
    for raw, escaped in _ESCAPES:
        if raw in text:
            text = text.replace(raw, escaped)
    return text


def body(document: Any) -> bytes:
    """A document as the body of an answer."""
    return encode(document) + b"\n"


def number(value: float) -> int | float:
    """Go writes a float that is whole without a point."""
    return int(value) if value.is_integer() and abs(value) < 1e21 else value


def plain(value: Any) -> Any:
    """
    Whatever somebody put in an event, as what JSON knows: whole floats without a point, texts that
    are UTF-8, keys that are texts, anything else as its ``str``.
    """
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return number(value)
    if isinstance(value, str):
        return str(value).encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {str(plain(str(key))): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    return str(plain(str(value)))


def seconds_text(unix: float, zone: tzinfo | None = None) -> str:
    """
    A time in whole seconds.

    :param unix: Unix seconds; 0 and less mean never.
    :param zone: None for that of this machine.
    """
    return moment_text(int(unix) * 1_000_000_000, zone) if unix > 0 else ZERO_TIME


def exact_text(unix: float, zone: tzinfo | None = None) -> str:
    """A time as exactly as a float tells it (microseconds); 0 and less mean never."""
    return moment_text(round(unix * 1_000_000) * 1000, zone) if unix > 0 else ZERO_TIME


def moment_text(nanoseconds: int, zone: tzinfo | None = None) -> str:
    """
    A time as RFC 3339 with as many digits as it needs, ``Z`` for UTC.

    :param nanoseconds: since 1970; may be negative. What no calendar knows becomes ZERO_TIME.
    """
    seconds, rest = divmod(nanoseconds, 1_000_000_000)
    try:
        text = datetime.fromtimestamp(seconds).astimezone(zone).isoformat()
    except (OverflowError, ValueError, OSError):
        return ZERO_TIME
    if text.endswith("+00:00"):
        text = text[:-6] + "Z"
    return f"{text[:19]}.{rest:09}".rstrip("0") + text[19:] if rest else text


class Times:
    """Times as text; most of a tree's lie on few days, and the calendar is slow."""

    def __init__(self) -> None:
        self._days: dict[int, tuple[str, str, int, str] | None] = {}

    def text(self, modified: int) -> str:
        day, within = divmod(modified, _DAY)
        if day not in self._days:
            if len(self._days) >= _KEPT:
                self._days.clear()
            self._days[day] = self._begin(day)
        known = self._days[day]
        if known is None:
            return moment_text(modified)
        date, tomorrow, start, zone = known
        seconds, rest = divmod(within, 1_000_000_000)
        minutes = start + seconds // 60
        if minutes >= 1440:
            date, minutes = tomorrow, minutes - 1440
        text = f"{date}{minutes // 60:02}:{minutes % 60:02}:{seconds % 60:02}"
        return f"{text}.{rest:09}".rstrip("0") + zone if rest else text + zone

    def _begin(self, day: int) -> tuple[str, str, int, str] | None:
        """
        How a day of UTC begins here: ``2006-01-02T``, the next day, the minute of the day, ``+01:00``.

        :returns: None where clocks are changed on that day, or no calendar knows it.
        """
        begin, end = moment_text(day * _DAY), moment_text((day + 1) * _DAY)
        if begin == end or begin[11:] != end[11:] or begin[17:19] != "00":
            return None
        return begin[:11], end[:11], int(begin[11:13]) * 60 + int(begin[14:16]), begin[19:]


def parse_time(text: str) -> float | None:
    """Unix seconds of an RFC 3339 time; None if it is none."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when.timestamp() if when.tzinfo is not None else None
