"""
Our own settings of a folder: when a pull is held and when a root is not trusted.

They stand in ``txsyncthing.json`` beside ``config.xml``, see ``config/own.py``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

SECTION = "guard"
_MOST = 1 << 53  # what JSON clients can count
_KEYS = {
    "max_items": "maxItems",
    "max_percent": "maxPercent",
    "percent_from": "percentFrom",
    "root_items": "rootItems",
    "root_device": "rootDevice",
}


class BadCare(ValueError):
    """A value that cannot stand there; the text names key, value and what is allowed."""


@dataclass(frozen=True, slots=True)
class Care:
    """
    How much may be lost unasked. 0 switches a limit off.

    :ivar max_items: deletions and overwrites by other devices, together, that pass unasked.
    :ivar max_percent: the same in percent of the items of the folder.
    :ivar percent_from: with fewer items lost the percentage does not count.
    :ivar root_items: with so many items in the index, a root that is suddenly empty is not believed.
    :ivar root_device: whether a root that changes its file system while the folder runs stops it.
    """

    max_items: int = 10_000
    max_percent: int = 50
    percent_from: int = 20
    root_items: int = 10
    root_device: bool = True

    def document(self) -> dict[str, Any]:
        """As JSON has it."""
        return {key: getattr(self, name) for name, key in _KEYS.items()}


DEFAULT_CARE = Care()


def care_of(values: Mapping[str, Any], base: Care = DEFAULT_CARE, *, strict: bool = False) -> Care:
    """
    The settings of a document.

    :param base: for what it does not say.
    :param strict: whether an unknown key is wrong; in a file it may be one of a later version.
    :raises BadCare: a value that cannot be.
    """
    names = {key: name for name, key in _KEYS.items()}
    types = {field.name: field.type for field in fields(Care)}
    found: dict[str, Any] = {}
    for key, value in values.items():
        name = names.get(key)
        if name is None:
            if strict:
                raise BadCare(f"{key!r} is no setting of the guard; there are {', '.join(names)}")
            continue
        if types[name] == "bool":
            if not isinstance(value, bool):
                raise BadCare(f"{key}: {value!r} is not valid; allowed: true or false")
        else:
            most = 100 if name == "max_percent" else _MOST
            if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
                allowed = "0 to 100" if most == 100 else "a whole number, 0 for off"
                raise BadCare(f"{key}: {value!r} is not valid; allowed: {allowed}")
        found[name] = value
    return replace(base, **found)
