"""A pulled rename replaces nothing but what was looked at."""

from __future__ import annotations

from tests.pull.folder import FOLDER, NOW, file, gone
from tests.pull.test_finish import contents, write
from txsyncthing.filesystem.memory import MemoryFilesystem
from txsyncthing.pull.options import PullOptions
from txsyncthing.pull.renames import Rename, rename_files

OPTIONS = PullOptions(FOLDER)


class BusyDisk(MemoryFilesystem):
    """Somebody makes a file right before an item is moved to its place."""

    def __init__(self) -> None:
        super().__init__(lambda: NOW)
        self.busy = ""

    def spring(self, operation: str, name: str) -> None:
        if operation in ("rename", "place") and self.busy:
            busy, self.busy = self.busy, ""
            write(self, busy, b"the user's")
        super().spring(operation, name)


def test_a_rename_replaces_nothing_that_was_just_made() -> None:
    disk = BusyDisk()
    old = write(disk, "old", b"bytes")
    disk.busy = "new"
    rename = Rename(file("new", b"bytes", by=1), None, old, gone(old))
    (outcome,) = rename_files(disk, [rename], OPTIONS, NOW)
    assert outcome.done == ()
    assert "new" in outcome.rescan
    assert contents(disk) == {"old": b"bytes", "new": b"the user's"}
