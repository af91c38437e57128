"""What went wrong with one item of a folder, and what its owner can do."""

from __future__ import annotations

from typing import NamedTuple


class ItemError(NamedTuple):
    """
    One failed item, as ``/rest/folder/errors`` tells it.

    ``cause`` is a short code for programs (``no-space``, ``no-peer``, ...), ``error`` the
    sentence of the official daemon, ``remedy`` what to do (empty: nothing, it is tried again).
    """

    path: str
    cause: str
    error: str
    remedy: str = ""
