"""
Who is there: the folders that run on this node, as the bridge sees them.

A table is what both sides of a ring hold instead of each other: node/ puts a folder in when its index is
open and it runs, and takes it out when it stops; cluster/ listens.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Protocol, runtime_checkable

from txsyncthing.filesystem.seam import Filesystem
from txsyncthing.index.values import Counts
from txsyncthing.vocabulary.device import DeviceID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID, FolderType
from txsyncthing.vocabulary.name import WireName
from txsyncthing.vocabulary.vector import Vector

LocalListener = Callable[[int, Sequence[FileInfo]], object]
"""Called with the last sequence and the files, after each local change is stored."""


class SharedIndex(Protocol):
    """What the bridge asks of a folder's index (index/service.py)."""

    @property
    def index_id(self) -> int:
        """Names our sequence history; never 0."""

    @property
    def sequence(self) -> int:
        """Of our newest local change."""

    def local_after(
        self, sequence: int, max_files: int = ..., max_blocks: int = ...
    ) -> Awaitable[list[FileInfo]]:
        """
        The next local items in order of sequence; empty: no more. Both halves of a rename come together.
        """

    def local(self, names: Sequence[WireName]) -> Awaitable[dict[WireName, FileInfo]]: ...

    def devices_with_global(self, name: WireName) -> Awaitable[list[DeviceID]]: ...

    def update_remote(
        self, device: DeviceID, files: Sequence[FileInfo], replace: bool = ...
    ) -> Awaitable[None]: ...

    def remote_index_id(self, device: DeviceID) -> Awaitable[int]: ...

    def forget_remote(self, device: DeviceID) -> Awaitable[None]:
        """Drop the device's files and index ID."""

    def set_remote_index_id(self, device: DeviceID, id: int) -> Awaitable[None]:
        """Another id than the one stored drops the device's files."""

    def remote_sequence(self, device: DeviceID) -> Awaitable[int]: ...

    def on_local_change(self, listener: LocalListener) -> Callable[[], None]:
        """:returns: ends it."""

    def counts(self) -> Counts: ...


class Verdict(Protocol):
    @property
    def ignored(self) -> bool: ...


class Matcher(Protocol):
    """The folder's ignore patterns (ignore/matcher.py)."""

    def match(self, name: str) -> Verdict: ...


class Unfinished(Protocol):
    """One file on its way here (pull/progress.py: FileProgress)."""

    @property
    def name(self) -> WireName: ...

    @property
    def version(self) -> Vector: ...

    @property
    def created(self) -> float:
        """When its fetching began: another value means it began anew."""

    @property
    def block_size(self) -> int: ...

    @property
    def total(self) -> int:
        """How many blocks the finished file has."""

    @property
    def available(self) -> Collection[int]:
        """Numbers of the blocks that are in the temporary file."""


@runtime_checkable
class SharedFolder(Protocol):
    """A running folder. With whom it is shared, and whether it is paused, says the configuration."""

    @property
    def id(self) -> FolderID: ...

    @property
    def type(self) -> FolderType: ...

    @property
    def index(self) -> SharedIndex: ...

    @property
    def filesystem(self) -> Filesystem: ...

    def matcher(self) -> Matcher: ...

    def remote_changed(self) -> None:
        """Some peer's index changed: there may be something to pull. Cheap, called often."""

    def rescan(self, names: Sequence[WireName]) -> None:
        """These files are not what the index says: scan them soon."""

    def unfinished(self) -> Sequence[Unfinished]:
        """The files that are being fetched now."""


FolderListener = Callable[[FolderID, SharedFolder | None], object]
"""Called with a folder that runs now, or with None when it does no longer."""


class FolderTable:
    """The running folders, by id."""

    def __init__(self) -> None:
        self._folders: dict[FolderID, SharedFolder] = {}
        self._listeners: list[FolderListener] = []

    def put(self, folder: SharedFolder) -> None:
        """The folder runs; one with the same id is replaced."""
        if folder.id in self._folders:
            self.drop(folder.id)
        self._folders[folder.id] = folder
        self._tell(folder.id, folder)

    def drop(self, id: FolderID) -> None:
        """The folder runs no longer; its index will close when this returns."""
        if self._folders.pop(id, None) is not None:
            self._tell(id, None)

    def get(self, id: FolderID) -> SharedFolder | None:
        return self._folders.get(id)

    def all(self) -> tuple[SharedFolder, ...]:
        return tuple(self._folders.values())

    def on_change(self, listener: FolderListener) -> None:
        """``listener`` hears of each folder that comes or goes from now on."""
        self._listeners.append(listener)

    def _tell(self, id: FolderID, folder: SharedFolder | None) -> None:
        for listener in self._listeners:
            listener(id, folder)
