"""
What old versions must hold in a simulation.

Each content that a machine had on its disk and on record is still on that disk: in the tree, or among the old
versions, unless the machine's own user replaced or deleted it. To be had only where each version is kept.
"""

from __future__ import annotations

from collections.abc import Iterator

from txsyncthing.filesystem.seam import Kind
from txsyncthing.testing.ledger import Content, Ledger, is_known, look, tree
from txsyncthing.testing.stage import Machine
from txsyncthing.vocabulary.name import WireName

VERSIONS = ".stversions/"


class Archive:
    """The old versions of one machine."""

    def __init__(self, machine: Machine, ledger: Ledger) -> None:
        self._machine = machine
        self._ledger = ledger
        self._seen: dict[Content, str] = {}  # and the name it had then

    def see(self) -> None:
        """Whatever is there now is to be kept."""
        machine = self._machine
        if not machine.disk.plugged:
            return
        there = tree(machine.disk)
        records = machine.records(there)
        for name, item in there.items():
            record = records.get(WireName(name))
            if item.kind is Kind.FILE and record is not None and is_known(record, item):
                self._seen[item.content] = name

    def broken(self) -> Iterator[str]:
        """What is not there, and ought to be."""
        machine, ledger = self._machine, self._ledger
        disk = machine.disk
        names = [name for name in disk.everything() if name.startswith(VERSIONS)]
        kept = {item.content for name in names if (item := look(disk, name)) is not None}
        machine.diary.count("versions", len(names))
        kept |= {item.content for item in tree(disk).values()}
        for content, name in self._seen.items():
            if content not in kept and not ledger.took(machine.name, content):
                yield f"{machine.name}: no version of {name} {ledger.name(content)}"
