"""
What a power cut leaves of a folder in memory.

A change of names is on the disk when one of its directories is synced, or by chance; so are single blocks of
files that were not. A change is atomic, as on every journalling file system, and stands on the changes of
the same names before it; those of other names may come and go in any combination.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from txsyncthing.filesystem.memory_file import BLOCK, Node
from txsyncthing.filesystem.seam import Kind

Survives = Callable[[], bool]
"""Asked of each thing that nobody synced: did it reach the disk all the same?"""

Entry = tuple[Node, str, Node | None]
"""A directory, a name in it, and who bears that name now (None: nobody)."""


def nothing() -> bool:
    """The harshest power cut: only what was synced is left."""
    return False


@dataclass(eq=False, slots=True)
class Change:
    """Names that change at once, or not at all."""

    entries: tuple[Entry, ...]
    durable: bool = False


class Journal:
    """The changes of names that need not be on the disk yet."""

    def __init__(self) -> None:
        self._pending: dict[Node, list[Change]] = {}  # by directory, oldest first
        self._order: list[Change] = []

    def note(self, *entries: Entry) -> None:
        """Names have changed in memory."""
        change = Change(entries)
        self._order.append(change)
        for directory, _, _ in entries:
            changes = self._pending.setdefault(directory, [])
            if not changes or changes[-1] is not change:
                changes.append(change)

    def sync(self, directory: Node) -> None:
        """All names of a directory reach the disk, with whatever they stand on."""
        for change in self._pending.pop(directory, ()):
            self._keep(change)
        if len(self._order) > 1000:
            self._order = [change for change in self._order if not change.durable]

    def settle(self) -> None:
        """All reaches the disk."""
        for change in self._order:
            self._keep(change)
        self._pending.clear()
        self._order.clear()

    def lose(self, survives: Survives) -> None:
        """Of what was not synced, some is lost."""
        lost: set[tuple[Node, str]] = set()
        for change in self._order:
            if change.durable:
                continue
            names = {(directory, base) for directory, base, _ in change.entries}
            if names & lost or not survives():
                lost |= names
            else:
                self._keep(change)
        self._pending.clear()
        self._order.clear()

    def _keep(self, change: Change) -> None:
        if change.durable:
            return
        change.durable = True
        for directory, base, node in change.entries:
            for earlier in self._pending.get(directory, ()):
                if earlier is change:
                    break
                if any(entry[:2] == (directory, base) for entry in earlier.entries):
                    self._keep(earlier)
            if node is None:
                directory.durable_children.pop(base, None)
            else:
                directory.durable_children[base] = node


def lose(node: Node, survives: Survives) -> None:
    """An item and all below it become what is on the disk."""
    if node.kind is Kind.DIRECTORY:
        node.children = type(node.children)(node.durable_children)
        for child in node.children.values():
            lose(child, survives)
    elif node.dirty:
        node.content = bytearray(_torn(node, survives))
        node.durable_content = bytes(node.content)
        node.written = {at for at in node.written if at * BLOCK < len(node.content)}
        node.dirty = False
    if node.mode != node.durable_mode and not survives():
        node.mode = node.durable_mode
    if node.modified != node.durable_modified and not survives():
        node.modified = node.durable_modified
    keep_metadata(node)


def keep_metadata(node: Node) -> None:
    """An item's mode and time reach the disk."""
    node.durable_mode, node.durable_modified = node.mode, node.modified


def _torn(node: Node, survives: Survives) -> bytes:
    """A file's bytes: the size is the new or the old one, and so is each block."""
    old, new = node.durable_content, node.content
    size = len(new) if survives() else len(old)
    if not size:
        return b""
    kept = bytearray(size)
    for start in range(0, size, BLOCK):
        end = min(start + BLOCK, size)
        source = old if old[start:end] == new[start:end] or not survives() else new
        part = source[start:end]
        kept[start : start + len(part)] = part
    return bytes(kept)
