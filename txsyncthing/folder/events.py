"""
A folder's events, in the shapes of REST.

Source: reference 7.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from txsyncthing.events.types import Emit, EventType
from txsyncthing.vocabulary.device import short_text
from txsyncthing.vocabulary.error import ItemError
from txsyncthing.vocabulary.file import FileInfo, FileType
from txsyncthing.vocabulary.folder import FolderID, FolderState

_TYPES = {FileType.FILE: "file", FileType.DIRECTORY: "dir", FileType.SYMLINK: "symlink"}


class FolderEvents:
    """
    Tells of one folder; also hears the puller (``pull.ledger.Told``).

    :param label: what the user calls the folder.
    """

    def __init__(self, emit: Emit, folder: FolderID, label: str) -> None:
        self._emit = emit
        self._folder = folder
        self._label = label

    def rename(self, label: str) -> None:
        self._label = label

    def tell(self, type: EventType, data: Mapping[str, object]) -> None:
        """Something that has its data from elsewhere."""
        self._emit(type, {"folder": self._folder, "label": self._label, **data})

    def state(self, old: FolderState, new: FolderState, duration: float | None, error: str) -> None:
        """:param duration: seconds in the old state; None if that was the first."""
        data: dict[str, object] = {"folder": self._folder, "from": old.value, "to": new.value}
        if duration is not None:
            data["duration"] = duration
        if error:
            data["error"] = error
        self._emit(EventType.STATE_CHANGED, data)

    def started(self, file: FileInfo, action: str) -> None:
        self._emit(
            EventType.ITEM_STARTED,
            {
                "folder": self._folder,
                "item": file.name,
                "type": _TYPES[file.type],
                "action": action,
            },
        )

    def finished(self, file: FileInfo, action: str, error: ItemError | None) -> None:
        self._emit(
            EventType.ITEM_FINISHED,
            {
                "folder": self._folder,
                "item": file.name,
                "type": _TYPES[file.type],
                "action": action,
                "error": None if error is None else error.error,
            },
        )

    def recorded(self, files: Sequence[FileInfo]) -> None:
        """A pull recorded these; what is ignored, or was kept against a deletion, has not changed."""
        self._changes(EventType.REMOTE_CHANGE_DETECTED, (f for f in files if not f.invalid))

    def scanned(self, files: Iterable[FileInfo]) -> None:
        """A scan recorded these."""
        self._changes(EventType.LOCAL_CHANGE_DETECTED, (f for f in files if not f.invalid))

    def local_index(self, last: int, files: Sequence[FileInfo]) -> None:
        """Our records have changed."""
        self._emit(
            EventType.LOCAL_INDEX_UPDATED,
            {
                "folder": self._folder,
                "items": len(files),
                "filenames": [file.name for file in files],
                "sequence": last,
                "version": last,
            },
        )

    def watch(self, old: str, new: str) -> None:
        """:param new: why the folder is not watched, or not all of it; empty where it is."""
        data: dict[str, object] = {"folder": self._folder}
        if old:
            data["from"] = old
        if new:
            data["to"] = new
        self._emit(EventType.FOLDER_WATCH_STATE_CHANGED, data)

    def errors(self, errors: Sequence[ItemError]) -> None:
        self._emit(
            EventType.FOLDER_ERRORS,
            {
                "folder": self._folder,
                "errors": [{"path": error.path, "error": error.error} for error in errors],
            },
        )

    def scan_progress(self, current: int, total: int, rate: float) -> None:
        """All in bytes; the rate a second."""
        self._emit(
            EventType.FOLDER_SCAN_PROGRESS,
            {"folder": self._folder, "current": current, "total": total, "rate": rate},
        )

    def _changes(self, type: EventType, files: Iterable[FileInfo]) -> None:
        by, text = None, ""
        for file in files:
            if file.modified_by != by:  # mostly one device's
                by, text = file.modified_by, short_text(file.modified_by)
            self._emit(
                type,
                {
                    "folder": self._folder,
                    "folderID": self._folder,
                    "label": self._label,
                    "action": "deleted" if file.deleted else "modified",
                    "type": _TYPES[file.type],
                    "path": file.name,
                    "modifiedBy": text,
                },
            )
