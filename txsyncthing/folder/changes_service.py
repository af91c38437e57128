"""
The log of what remote changes took from a folder: one line for each item that was deleted, overwritten or
moved, with the device that did it. New items are not in it.

The lines are an area of their own, ``changes``, and written some at a time: a mass deletion is many lines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from txsyncthing.clock import Clock, Timer
from txsyncthing.folder.outside import Outside
from txsyncthing.pull.finish import DELETED, MOVED, OVERWRITTEN, Change
from txsyncthing.vocabulary.device import ShortID
from txsyncthing.vocabulary.file import FileInfo
from txsyncthing.vocabulary.folder import FolderID

AT_ONCE = 100  # lines in one turn of the reactor
AREA = "changes"


class ChangeLog:
    """Of one folder."""

    def __init__(self, folder: FolderID, clock: Clock, outside: Outside) -> None:
        self._folder = folder
        self._clock = clock
        self._log = outside.changes
        self._who = outside.who
        self._waiting: deque[tuple[ShortID, Change]] = deque()
        self._timer: Timer | None = None

    def add(self, changes: Sequence[tuple[FileInfo, Change]]) -> None:
        """These are recorded."""
        self._waiting.extend((file.modified_by, change) for file, change in changes)
        if self._timer is None:
            self._timer = self._clock.callLater(0, self._go_on)

    def close(self) -> None:
        """Write what is left."""
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()
        self._write(len(self._waiting))

    def _go_on(self) -> None:
        self._timer = None
        self._write(AT_ONCE)
        if self._waiting:
            self._timer = self._clock.callLater(0, self._go_on)

    def _write(self, most: int) -> None:
        by, text = None, ""
        for _ in range(min(most, len(self._waiting))):
            device, change = self._waiting.popleft()
            if device != by:
                by, text = device, self._who(device)
            self._log.info(
                _FORMATS[change.action] + (_KEPT if change.kept else ""),
                folder=self._folder,
                path=change.name,
                action=change.action,
                device=text,
                to=change.to,
                kept=change.kept,
            )


_FORMATS = {
    DELETED: "folder {folder}: deleted {path}: by {device}",
    OVERWRITTEN: "folder {folder}: overwrote {path}: by {device}",
    MOVED: "folder {folder}: moved {path} to {to}: by {device}",
}
_KEPT = "; our version, which it did not know, is kept as {kept}"
