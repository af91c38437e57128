"""
Single values as text: numbers, words, device IDs, times; and what kind of value a field holds.

Source: reference 6.2 to 6.4; Go's encoding/xml and strconv for the forms of numbers.
"""

from __future__ import annotations

import math
from dataclasses import is_dataclass
from datetime import datetime
from enum import StrEnum
from functools import cache
from typing import Any, get_args, get_origin, get_type_hints

from txsyncthing.config.config import InvalidConfiguration
from txsyncthing.config.device import NEVER, Compression
from txsyncthing.config.entry import BASIC, FilesystemType, Timestamp
from txsyncthing.vocabulary.device import EMPTY_DEVICE, BadDeviceID, DeviceID
from txsyncthing.vocabulary.folder import FolderType

_TRUE = {"1", "t", "T", "TRUE", "true", "True"}
_FALSE = {"", "0", "f", "F", "FALSE", "false", "False"}
_OLD_WORDS: dict[tuple[type, str], StrEnum] = {
    (FolderType, "readwrite"): FolderType.SEND_RECEIVE,
    (FolderType, "readonly"): FolderType.SEND_ONLY,
    (Compression, "true"): Compression.METADATA,
    (Compression, "false"): Compression.METADATA,
}
_LIMIT = 2**63


def kinds(value: Any) -> dict[str, Any]:
    """The kind of each field of a value's class; for a tuple see ``item``."""
    return _kinds(value)


@cache
def _kinds(value: Any) -> dict[str, Any]:
    return get_type_hints(value)


def item(kind: Any) -> Any | None:
    """Of what a field holds many; None when it holds one."""
    return get_args(kind)[0] if get_origin(kind) is tuple else None


def nested(kind: Any) -> bool:
    """Whether the kind is a value with fields of its own."""
    return isinstance(kind, type) and is_dataclass(kind) and kind is not DeviceID


def zero(kind: Any) -> Any:
    """What an absent value of this kind means where absent means nothing."""
    if kind is FilesystemType:
        return BASIC
    if kind is Timestamp:
        return NEVER
    if kind is DeviceID:
        return EMPTY_DEVICE
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return next(iter(kind))
    return getattr(kind, "__supertype__", kind)()


def read(kind: Any, text: str, where: str) -> Any:
    """
    The value that a text stands for; the empty text is the kind's zero.

    :param where: the element, for the error.
    :raises InvalidConfiguration: the text is nothing of this kind.
    """
    if kind is not Timestamp and str in (kind, getattr(kind, "__supertype__", None)):
        return BASIC if kind is FilesystemType and not text else text
    text = text.strip()
    if kind is bool:
        if text in _TRUE or text in _FALSE:
            return text in _TRUE
        raise InvalidConfiguration(where, text, "true or false")
    if not text:
        return zero(kind)
    if kind is int:
        return _integer(text, where)
    if kind is float:
        return _real(text, where)
    if kind is DeviceID:
        try:
            return DeviceID.parse(text)
        except BadDeviceID as error:
            raise InvalidConfiguration(where, text, f"a device ID ({error})") from None
    if kind is Timestamp:
        return _time(text, where)
    try:
        return _OLD_WORDS.get((kind, text)) or kind(text)
    except ValueError:
        raise InvalidConfiguration(where, text, ", ".join(kind)) from None


def write(value: Any) -> str:
    """The official text of a value."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
    if value == EMPTY_DEVICE:
        return ""
    return str(value)


def _integer(text: str, where: str) -> int:
    sign, digits = (text[0], text[1:]) if text[0] in "+-" else ("", text)
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 40:
        raise InvalidConfiguration(where, text, "a whole number")
    number = int(sign + digits)
    if not -_LIMIT <= number < _LIMIT:
        raise InvalidConfiguration(where, text, "a whole number of 64 bits")
    return number


def _real(text: str, where: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number) or "_" in text:
        raise InvalidConfiguration(where, text, "a number")
    return number


def _time(text: str, where: str) -> Timestamp:
    try:
        if datetime.fromisoformat(text).tzinfo is not None:
            return Timestamp(text)
    except ValueError:
        pass
    raise InvalidConfiguration(where, text, "a time such as 2026-01-31T12:00:00Z")
