"""
How far the files on their way are: for REST, for the event DownloadProgress, and for peers.

Source: reference 2.8, 7.5 ("DownloadProgress").
"""

from __future__ import annotations

from typing import NamedTuple

from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector


class FileProgress(NamedTuple):
    """One file; all counts are blocks but for the two that say bytes."""

    name: WireName
    version: Vector
    block_size: int
    created: float  # monotonic; a new value for a new attempt
    available: frozenset[int]  # numbers of the blocks in the temporary file
    total: int
    reused: int
    copied_from_origin: int  # the file's own old version
    copied_from_elsewhere: int
    pulled: int
    pulling: int
    bytes_done: int
    bytes_total: int

    def shape(self) -> dict[str, int]:
        """As the event DownloadProgress and the GUI want it."""
        return {
            "total": self.total,
            "reused": self.reused,
            "copiedFromOrigin": self.copied_from_origin,
            "copiedFromOriginShifted": 0,
            "copiedFromElsewhere": self.copied_from_elsewhere,
            "pulled": self.pulled,
            "pulling": self.pulling,
            "bytesDone": self.bytes_done,
            "bytesTotal": self.bytes_total,
        }


class PullProgress(NamedTuple):
    """One folder at one moment."""

    files: tuple[FileProgress, ...] = ()  # larger files being assembled
    in_progress: frozenset[WireName] = frozenset()  # all files which are asked for now
    queued: tuple[WireName, ...] = ()  # planned, in the order in which they will be pulled
