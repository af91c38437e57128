"""
When owners and attributes of all items have to be looked at, not only of those that seem to have changed.

That is so after the settings changed: the records do not say then what is on disk, though no item changed.
"""

from __future__ import annotations

from txsyncthing.vocabulary.attributes import Attributes

LOOKED_FOR = "attributes"
"""Fact of the index: what ``looks_for`` said at the last whole scan."""


def looks_for(attributes: Attributes) -> bytes | None:
    """What scans look for, as something to compare; None: for nothing."""
    if not attributes.tells:
        return None
    rules = attributes.rules if attributes.tells_xattrs else None
    return repr((attributes.tells_owner, rules)).encode()
