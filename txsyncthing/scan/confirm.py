"""
Jobs of workers before a scan records anything that cannot be taken back: is it really so, and durable?

Source: reference 5.2 ("Deletions").
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress

from txsyncthing.filesystem.seam import Filesystem, Kind
from txsyncthing.scan.values import ScanStopped
from txsyncthing.scan.walk import GONE
from txsyncthing.vocabulary.name import WireName, parent

Healthy = Callable[[], bool]
"""A worker's job: whether the folder and its marker are there. May raise to say why not."""


def confirm(filesystem: Filesystem, names: Sequence[WireName], healthy: Healthy) -> list[WireName]:
    """
    A job: which of the items are really gone, in a folder that is really there.

    :raises ScanStopped: the folder is not healthy, so nothing can be said to be gone.
    """
    with filesystem.batch() as batch:
        gone = [name for name in names if _is_gone(batch, name)]
    if not healthy():
        raise ScanStopped("the folder became unhealthy during the scan; no deletion was recorded")
    return gone


def sync_parents(filesystem: Filesystem, names: Sequence[WireName]) -> None:
    """
    A job: make durable that these items are there, or are not.

    A record of a peer's version that outlives the item itself would take what a power cut brings back for
    an edit of it.

    :raises OSError: that could not be done.
    """
    for directory in sorted({parent(name) for name in names}):
        with suppress(*GONE):
            filesystem.sync_directory(directory)


def _is_gone(filesystem: Filesystem, name: WireName) -> bool:
    try:
        return filesystem.lstat(name).kind is Kind.OTHER
    except GONE:
        return True
    except OSError:
        return False
