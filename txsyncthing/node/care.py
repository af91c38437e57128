"""Our own settings of the folders (``folder/care.py``), as they stand in ``txsyncthing.json``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from txsyncthing.config.own_service import OwnSettings, OwnUnsaved
from txsyncthing.folder.care import DEFAULT_CARE, SECTION, BadCare, Care, care_of
from txsyncthing.runtime.log_service import Log
from txsyncthing.vocabulary.folder import FolderID

__all__ = ["CareBook", "OwnUnsaved"]


class CareBook:
    """All folders' settings. What cannot be understood is told once, and the defaults take its place."""

    def __init__(self, own: OwnSettings, log: Log) -> None:
        self._own = own
        self._log = log
        self._told: set[str] = set()
        if own.trouble:
            log.error("{trouble}", trouble=own.trouble)

    def care(self, folder: FolderID) -> Care:
        """What is in force."""
        try:
            return care_of(self._own.section(folder, SECTION))
        except BadCare as error:
            text = self._text(folder, error)
            if text not in self._told:
                self._told.add(text)
                self._log.error("{trouble}", trouble=text)
            return DEFAULT_CARE

    def trouble(self, folder: FolderID) -> str:
        """Why the defaults are in force, whatever the file says; empty if they are not."""
        try:
            care_of(self._own.section(folder, SECTION))
        except BadCare as error:
            return self._text(folder, error)
        return self._own.trouble

    async def change(self, folder: FolderID, values: Mapping[str, Any]) -> None:
        """
        Set some of a folder's values; they are in force once they are on disk.

        :raises BadCare: a value that cannot be.
        :raises OwnUnsaved: they could not be kept; says what to do.
        """
        care_of(values, strict=True)
        await self._own.change(folder, SECTION, values)

    def _text(self, folder: FolderID, error: BadCare) -> str:
        return (
            f"{self._own.path}: folders/{folder}/{SECTION}/{error}; the defaults are in force for this"
            " folder until that is mended"
        )
