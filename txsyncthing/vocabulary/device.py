"""
Who a device is: DeviceID, ShortID and their text forms.

Source: reference 1.3 (BEP v1 "Device IDs"; lib/protocol/deviceid.go, luhn.go).
"""

from __future__ import annotations

from base64 import b32decode, b32encode
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import NewType

ShortID = NewType("ShortID", int)
"""The first 8 bytes of a DeviceID as an unsigned number: names a counter of a Vector."""

_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_CODEPOINT = {letter: number for number, letter in enumerate(_ALPHABET)}
_FORGIVEN = str.maketrans({"0": "O", "1": "I", "8": "B", "-": None, " ": None})
_BLOCK = 13  # letters that share one check letter
_GROUP = 7  # letters between two dashes


class BadDeviceID(ValueError):
    """A text or byte string that is no device ID."""


def check_letter(block: str) -> str:
    """The check letter of 13 base32 letters: a mod-32 Luhn rule read from left to right."""
    factor, total = 1, 0
    for letter in block:
        addend = factor * _CODEPOINT[letter]
        total += addend // 32 + addend % 32
        factor = 3 - factor
    return _ALPHABET[-total % 32]


@dataclass(frozen=True, slots=True, order=True)
class DeviceID:
    """The SHA-256 of a device's certificate (DER): 32 bytes."""

    raw: bytes

    def __post_init__(self) -> None:
        if len(self.raw) != 32:
            raise BadDeviceID(f"a device ID has 32 bytes, not {len(self.raw)}")

    @classmethod
    def of_certificate(cls, der: bytes) -> DeviceID:
        """The identity of a certificate, from its DER bytes as they came over the wire."""
        return cls(sha256(der).digest())

    @classmethod
    def parse(cls, text: str) -> DeviceID:
        """
        Read a text form: 52 letters, or 56 with check letters; case, dashes and spaces are free.

        :raises BadDeviceID: wrong length, letter or check letter.
        """
        letters = text.strip().rstrip("=").upper().translate(_FORGIVEN)
        if len(letters) == 4 * (_BLOCK + 1):
            blocks = [letters[i : i + _BLOCK + 1] for i in range(0, len(letters), _BLOCK + 1)]
            for block in blocks:
                if not set(block) <= _CODEPOINT.keys() or check_letter(block[:-1]) != block[-1]:
                    raise BadDeviceID(f"device ID {text!r}: check letter does not fit {block!r}")
            letters = "".join(block[:-1] for block in blocks)
        if len(letters) != 4 * _BLOCK:
            raise BadDeviceID(f"device ID {text!r}: 52 or 56 letters needed, not {len(letters)}")
        if not set(letters) <= _CODEPOINT.keys():
            raise BadDeviceID(f"device ID {text!r}: only A to Z and 2 to 7 are allowed")
        return cls(b32decode(letters + "===="))

    @property
    def short(self) -> ShortID:
        return ShortID(int.from_bytes(self.raw[:8], "big"))

    def __str__(self) -> str:
        """The official form: 8 groups of 7 letters."""
        letters = b32encode(self.raw).decode()[: 4 * _BLOCK]
        blocks = [letters[i : i + _BLOCK] for i in range(0, len(letters), _BLOCK)]
        checked = "".join(block + check_letter(block) for block in blocks)
        return "-".join(checked[i : i + _GROUP] for i in range(0, len(checked), _GROUP))

    def __repr__(self) -> str:
        return f"<DeviceID {str(self)[:_GROUP]}>"


EMPTY_DEVICE = DeviceID(bytes(32))
LOCAL_DEVICE = DeviceID(b"\xff" * 32)
GLOBAL_DEVICE = DeviceID(b"\xf8" * 32)
RESERVED_DEVICES = frozenset({EMPTY_DEVICE, LOCAL_DEVICE, GLOBAL_DEVICE})
"""IDs that no peer can have; never accept one from outside."""


@lru_cache(maxsize=1024)
def short_text(short: ShortID) -> str:
    """The 7 letters that users see in versions and conflict names."""
    return b32encode(short.to_bytes(8, "big")).decode()[:_GROUP]
