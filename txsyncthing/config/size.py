"""
Sizes: an amount with a unit, absolute or a share of the disk.

Source: reference 6.1, "Size type".
"""

from __future__ import annotations

from dataclasses import dataclass

_UNITS = ("B", "KB", "MB", "GB", "TB", "PB")
_FACTORS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}


def amount(size: int) -> str:
    """A number of bytes as people read it: ``31.5 MB``."""
    if size < 1000:
        return f"{size} B"
    value, unit = float(size), 0
    while value >= 999.5 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:.{digits}f} {_UNITS[unit]}"


@dataclass(frozen=True, slots=True)
class Size:
    """How much of a disk must stay free; the unit is ``%``, ``kB``, ``MB``, ``GB``, ``TB`` or empty."""

    value: float = 0.0
    unit: str = ""

    @property
    def percentage(self) -> bool:
        return "%" in self.unit

    @property
    def bytes(self) -> float:
        """The absolute amount; without meaning for a percentage."""
        return self.value * _FACTORS.get(self.unit[:1].lower(), 1)

    def __str__(self) -> str:
        return f"{self.value:g} {self.unit}".rstrip()

    def lack(self, free: int, total: int) -> str:
        """What a shortage is called: ``current 0.8 % < required 1 %``; empty where there is none."""
        if not self.shortage(free, total):
            return ""
        current = f"{free * 100 / total:.4g} %" if self.percentage else amount(free)
        return f"current {current} < required {self}"

    def shortage(self, free: int, total: int, wanted: int = 0) -> bool:
        """
        Whether ``wanted`` more bytes would leave less than this free.

        A size of zero asks nothing. A disk of unknown size (total 0) has no shortage.
        """
        if self.value <= 0 or total <= 0:
            return False
        floor = total * self.value / 100 if self.percentage else self.bytes
        return free - wanted < floor
