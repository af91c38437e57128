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


def parse_time(text: str) -> float | None:
    """Unix seconds of an RFC 3339 time; None if it is none."""
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    return when.timestamp() if when.tzinfo is not None else None
