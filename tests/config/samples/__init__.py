"""Configurations as the official daemons wrote and showed them (v36: 1.19.2, v37 and odd: 1.29.5)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from txsyncthing.vocabulary.device import DeviceID

HERE = Path(__file__).parent
ME = DeviceID.parse("R2QGFIN-B6AAVIJ-PQLXN6W-DWOHTQA-Q3P72OM-ANH2HEC-XTLAPPG-S4L5WQT")
PEER = DeviceID.parse("QF5W3RJ-WOM653O-5NDYUI6-7CCZSME-EIIXUPR-LMQXQCV-DLVJLCA-QYRNJQG")
STRANGER = DeviceID(bytes(range(32)))


def sample(name: str) -> bytes:
    """The bytes of a file."""
    return (HERE / name).read_bytes()


def document(name: str) -> Any:
    """What the official daemon's REST showed of a file."""
    return json.loads(sample(name))
