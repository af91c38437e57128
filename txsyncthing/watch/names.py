"""
Which names a watch can do something with.

Source: reference 5.2 ("Skipped", "Normalisation").
"""

from __future__ import annotations

from unicodedata import is_normalized


def scannable(name: str) -> str | None:
    """
    What is to be scanned where an item has changed.

    :returns: the directory above a part that is not in NFC, which may be renamed by that scan; None where a
        part is not text, and so nothing can be synced.
    """
    if name.isascii():
        return name
    try:
        name.encode()
    except UnicodeEncodeError:
        return None
    kept: list[str] = []
    for part in name.split("/"):
        if not is_normalized("NFC", part):
            break
        kept.append(part)
    return "/".join(kept)


def is_proper(base: str) -> bool:
    """Whether an item of this name can be synced as it is."""
    if base.isascii():
        return True
    try:
        base.encode()
    except UnicodeEncodeError:
        return False
    return is_normalized("NFC", base)
