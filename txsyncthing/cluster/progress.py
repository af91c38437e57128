"""
Download Progress: tell peers which blocks lie in our temporary files, and keep what they tell us.

Source: reference 2.8 (lib/model/sentdownloadstate.go, devicedownloadstate.go).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import NamedTuple

from txsyncthing.bep.messages import DownloadProgress, FileProgress, UpdateType
from txsyncthing.cluster.tables import Unfinished
from txsyncthing.vocabulary.folder import FolderID
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

MAX_SHOWN = 200  # files in one event; a thousand events are kept
MAX_NAMES = 10_000  # files of one device and folder that we remember
MAX_BLOCKS = 2_000_000  # blocks of these files, all together


class _Sent(NamedTuple):
    version: Vector
    created: float
    block_size: int
    blocks: frozenset[int]


class SentProgress:
    """What one device was told of one folder: the next message says only what is new."""

    def __init__(self) -> None:
        self._sent: dict[WireName, _Sent] = {}

    def updates(self, files: Iterable[Unfinished], min_blocks: int) -> list[FileProgress]:
        """
        What to say now; it counts as said.

        :param min_blocks: files with no more blocks than this are not worth telling.
        """
        said: list[FileProgress] = []
        seen: set[WireName] = set()
        for file in files:
            if file.total <= min_blocks:
                continue
            seen.add(file.name)
            before = self._sent.get(file.name)
            if before is not None and before[:2] != (file.version, file.created):
                said.append(_forget(file.name, before.version))
                before = None
            blocks = frozenset(file.available)
            new = blocks - before.blocks if before is not None else blocks
            if new:
                said.append(
                    FileProgress(
                        UpdateType.APPEND,
                        file.name,
                        file.version,
                        tuple(sorted(new)),
                        file.block_size,
                    )
                )
            if new or before is None:
                self._sent[file.name] = _Sent(file.version, file.created, file.block_size, blocks)
        for name in self._sent.keys() - seen:
            said.append(_forget(name, self._sent.pop(name).version))
        return said


def _forget(name: WireName, version: Vector) -> FileProgress:
    return FileProgress(UpdateType.FORGET, name, version)


@dataclass(slots=True)
class _Known:
    version: Vector
    block_size: int
    blocks: set[int] = field(default_factory=set)


class ReceivedProgress:
    """
    What one device told of one folder. A hostile device cannot make us remember without bounds: what
    is beyond them is forgotten, and asked of nobody's temporary files.
    """

    def __init__(self) -> None:
        self._files: dict[WireName, _Known] = {}
        self._blocks = 0

    def received(self, updates: Sequence[FileProgress]) -> None:
        for update in updates:
            if update.type is UpdateType.FORGET:
                self.forget([update.name])
                continue
            known = self._files.get(update.name)
            if known is not None and known.version != update.version:
                self.forget([update.name])
                known = None
            if known is None:
                if len(self._files) >= MAX_NAMES:
                    continue
                known = self._files[update.name] = _Known(update.version, update.block_size)
            if self._blocks + len(update.block_indexes) > MAX_BLOCKS:
                continue
            before = len(known.blocks)
            known.blocks.update(update.block_indexes)
            self._blocks += len(known.blocks) - before

    def forget(self, names: Iterable[WireName]) -> None:
        """The device has these files whole, or given up."""
        if not self._files:
            return
        for name in names:
            known = self._files.pop(name, None)
            if known is not None:
                self._blocks -= len(known.blocks)

    def blocks(self, name: WireName, version: Vector) -> frozenset[int]:
        """Numbers of the blocks that the device has of this very version."""
        known = self._files.get(name)
        if known is None or known.version != version:
            return frozenset()
        return frozenset(known.blocks)

    def has_any(self, name: WireName) -> bool:
        return name in self._files

    def counts(self) -> dict[str, int]:
        """File to number of blocks, as the event RemoteDownloadProgress has it."""
        shown = islice(self._files.items(), MAX_SHOWN)
        return {name: len(known.blocks) for name, known in shown}

    @property
    def bytes(self) -> int:
        """About how much of what the device still needs is already there."""
        return sum(len(known.blocks) * known.block_size for known in self._files.values())


def messages(
    unfinished: Mapping[FolderID, Sequence[Unfinished]],
    sent: dict[FolderID, SentProgress],
    min_blocks: int,
) -> list[DownloadProgress]:
    """
    What one device is told now.

    :param unfinished: the folders that run between us, with their files on the way.
    :param sent: what it was told before; changed here.
    """
    told: list[DownloadProgress] = []
    for folder in sent.keys() - unfinished.keys():
        del sent[folder]
    for folder, files in unfinished.items():
        if not files and folder not in sent:
            continue
        updates = sent.setdefault(folder, SentProgress()).updates(files, min_blocks)
        if updates:
            told.append(DownloadProgress(folder, tuple(updates)))
    return told
