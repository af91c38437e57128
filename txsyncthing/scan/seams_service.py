"""What scanning asks of its surroundings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from twisted.internet.defer import Deferred

from txsyncthing.index.values import Counts, Row
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.name import WireName


class LocalIndex(Protocol):
    """What a scan asks of the folder's index."""

    def rows(self, after: str, prefix: str, limit: int) -> Deferred[list[Row]]: ...

    def local(self, names: Sequence[WireName]) -> Deferred[dict[WireName, FileInfo]]: ...

    def global_(self, names: Sequence[WireName]) -> Deferred[dict[WireName, FileInfo]]: ...

    def counts(self) -> Counts: ...

    def update_local(self, files: Sequence[FileInfo]) -> Deferred[int]: ...

    def fact(self, key: str) -> Deferred[bytes | None]: ...

    def set_fact(self, key: str, value: bytes | None) -> Deferred[None]: ...

    def forget_local(self, names: Sequence[WireName]) -> Deferred[Counts]: ...
