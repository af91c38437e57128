"""
Sizes: an amount with a unit, absolute or a share of the disk.

Source: reference 6.1, "Size type".
"""

from __future__ import annotations

from dataclasses import dataclass

_FACTORS = {"": 1, "k": 1000, "m": 1000**2, "g": 1000**3, "t": 1000**4}


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

    def shortage(self, free: int, total: int, wanted: int = 0) -> bool:
        """
        Whether ``wanted`` more bytes would leave less than this free.

        A size of zero asks nothing. A disk of unknown size (total 0) has no shortage.
        """
        if self.value <= 0 or total <= 0:
            return False
        floor = total * self.value / 100 if self.percentage else self.bytes
        return free - wanted < floor
